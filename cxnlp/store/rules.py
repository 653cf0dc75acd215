"""The rules that people have changed, with all their versions."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select

from cxnlp.errors import Conflict
from cxnlp.store.database import Database
from cxnlp.store.flag_tables import flag_rules
from cxnlp.store.rows import from_json, from_seconds, to_json

MOST_RULES: Final = 100


@dataclass(frozen=True, slots=True)
class StoredRule:
    """One version of a rule.

    Attributes:
        name: Of the rule.
        version: From 1.
        content: The rule as JSON; None where this version says that it was deleted.
        author: Who saved it.
        at: When, UTC.
    """

    name: str
    version: int
    content: Mapping[str, Any] | None
    author: str
    at: datetime


class RuleTable:
    """The rules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> list[StoredRule]:
        """Return the newest version of each rule, deleted ones included, by name."""
        with self._database.read() as connection:
            return _current(connection)

    def versions(self, name: str) -> list[StoredRule]:
        """Return all versions of a rule, oldest first."""
        query = select(flag_rules).where(flag_rules.c.name == name).order_by(flag_rules.c.version)
        with self._database.read() as connection:
            return [_rule(row) for row in connection.execute(query)]

    def put(self, name: str, content: Mapping[str, Any] | None, author: str) -> StoredRule:
        """Save a version of a rule and return it; content that is the same as before makes no new one.

        Args:
            name: Of the rule.
            content: JSON values; None to delete it.
            author: Who says so.

        Raises:
            Conflict: There are 100 rules already.
        """
        with self._database.write() as connection:
            current = {rule.name: rule for rule in _current(connection)}
            old = current.get(name)
            if old and old.content == content:
                return old
            if content is not None and sum(rule.content is not None for rule in current.values()) >= MOST_RULES:
                raise Conflict(f"there are {MOST_RULES} rules already; delete one that nobody needs")
            saved = StoredRule(name, old.version + 1 if old else 1, content, author, from_seconds(time.time()))
            row = {"name": name, "version": saved.version, "author": author, "at": saved.at.timestamp()}
            connection.execute(insert(flag_rules), row | {"content": None if content is None else to_json(dict(content))})
        return saved


def _current(connection: Connection) -> list[StoredRule]:
    newest = select(flag_rules.c.name, func.max(flag_rules.c.version).label("version")).group_by(flag_rules.c.name).subquery()
    of_newest = (flag_rules.c.name == newest.c.name) & (flag_rules.c.version == newest.c.version)
    return [_rule(row) for row in connection.execute(select(flag_rules).join(newest, of_newest).order_by(flag_rules.c.name))]


def _rule(row: Any) -> StoredRule:
    return StoredRule(row.name, row.version, None if row.content is None else from_json(row.content), row.author, from_seconds(row.at))
