"""Webhooks: whom to tell of which events."""

import builtins
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from cxnlp.errors import NotFound, shorten
from cxnlp.store.database import Database
from cxnlp.store.rows import from_json, from_seconds, to_json
from cxnlp.store.schema import events as events_table
from cxnlp.store.schema import webhooks

_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whom to tell.

    Attributes:
        id: The public id.
        url: Where to.
        events: Names of events, `flag.*` for all that begin so, `*` for all.
        created_at: UTC; events before are not told.
        disabled_at: UTC; None while it is told.
        secret: For signatures; empty where the format has none. To be shown once, when it is made.
        format: In which form it is told.
        language: In which it is told, where the form has words.
        filter: JSON of what a record must be for its events to be told; empty for all.
        old_secret: Signs along until `old_secret_until`; empty where there is none.
        old_secret_until: UTC, or None.
    """

    id: str
    url: str
    events: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None = None
    secret: str = field(default="", repr=False)
    format: str = "standard"
    language: str = "en"
    filter: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    old_secret: str = field(default="", repr=False)
    old_secret_until: datetime | None = None

    def wants(self, type: str) -> bool:
        """Tell whether one of its patterns means an event of this name."""
        return bool({type, type.split(".")[0] + ".*", "*"}.intersection(self.events))

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets that sign at a time, the newest first."""
        old = self.old_secret_until is not None and now < self.old_secret_until
        return (self.secret, self.old_secret) if old else (self.secret,)


class WebhookTable:
    """The webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, url: str, events: Sequence[str], secret: str, format: str = "standard", language: str = "en", filter: Mapping[str, Any] | None = None
    ) -> Webhook:
        """Add a webhook that is told of what happens from now on, and return it; arguments as `Webhook` has them."""
        made = Webhook(f"w-{secrets.token_hex(_ID_BYTES)}", url, tuple(events), from_seconds(time.time()), None, secret)
        webhook = replace(made, format=format, language=language, filter=dict(filter or {}))
        with self._database.write() as connection:
            newest = connection.execute(select(func.max(events_table.c.seq))).scalar() or 0
            row = {"id": webhook.id, "url": url, "events": to_json(list(events)), "secret": secret, "after_seq": newest}
            row |= {"format": format, "language": language, "filter": to_json(webhook.filter)}
            connection.execute(insert(webhooks), row | {"created_at": webhook.created_at.timestamp()})
        return webhook

    def rotate(self, webhook_id: str, secret: str, old_until: datetime | None) -> Webhook:
        """Give a webhook another secret, and return it as it now is.

        Args:
            webhook_id: Of the webhook.
            secret: The new one.
            old_until: How long the one before signs along, UTC; None where only one can.

        Raises:
            NotFound: There is no such webhook.
        """
        until = None if old_until is None else old_until.timestamp()
        old = None if until is None else webhooks.c.secret
        with self._database.write(appends=False) as connection:
            connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(secret=secret, old_secret=old, old_secret_until=until))
        return self.get(webhook_id)

    def get(self, webhook_id: str) -> Webhook:
        """Return a webhook.

        Raises:
            NotFound: There is no such webhook.
        """
        with self._database.read() as connection:
            row = connection.execute(select(webhooks).where(webhooks.c.id == webhook_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no webhook {shorten(webhook_id)!r}")
        return webhook_of(row)

    def list(self) -> builtins.list[Webhook]:
        """Return all webhooks, oldest first, the disabled ones too."""
        with self._database.read() as connection:
            return [webhook_of(row) for row in connection.execute(select(webhooks).order_by(webhooks.c.created_at, webhooks.c.id))]

    def delete(self, webhook_id: str) -> None:
        """Delete a webhook with all that it still was to be told.

        Raises:
            NotFound: There is no such webhook.
        """
        with self._database.write(appends=False) as connection:
            if connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id)).rowcount == 0:
                raise NotFound(f"there is no webhook {shorten(webhook_id)!r}")

    def disable(self, webhook_id: str) -> None:
        """Tell a webhook nothing more; nothing happens if it is gone."""
        with self._database.write() as connection:
            connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(disabled_at=time.time()))


def webhook_of(row: Any) -> Webhook:
    """Return the webhook of a row of `webhooks`."""
    disabled_at, until = (None if at is None else from_seconds(at) for at in (row.disabled_at, row.old_secret_until))
    known = (row.id, row.url, tuple(from_json(row.events)), from_seconds(row.created_at), disabled_at, row.secret)
    return Webhook(*known, row.format, row.language, from_json(row.filter), row.old_secret or "", until)
