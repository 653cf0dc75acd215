"""What SQLite and PostgreSQL say differently: beginning, ordering writers, upserts, JSON text, emptying the log."""

import sqlite3
import time
from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, Insert, Integer, Table, Text, case, cast, event, exists, func, literal_column, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSON

BEGIN: Final = "cxnlp_begin"
BUSY_SECONDS: Final = 30
_ORDER_LOCK: Final = int.from_bytes(b"cxnlp\0\0\1", "big")
_POSTGRES_SETUP: Final = f"SET lock_timeout = '{BUSY_SECONDS}s'"
_SMALL_BYTES: Final = 64 * 2**20
_IN_MEMORY: Final = "PRAGMA temp_store=MEMORY"
_SQLITE_SETUP: Final = (
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA foreign_keys=ON",
    _IN_MEMORY,
    "PRAGMA cache_size=-8000",
    "PRAGMA wal_autocheckpoint=4000",
)


def is_sqlite(connection: Connection | Engine) -> bool:
    """Tell whether this is SQLite; otherwise it is PostgreSQL."""
    return connection.dialect.name == "sqlite"


def prepare(engine: Engine) -> None:
    """Set every new connection of an engine up; on SQLite also take the beginning of transactions over from the driver."""
    if not is_sqlite(engine):
        event.listen(engine, "connect", _set_up_postgres)
        return
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    _switch_to_wal(engine)


def _set_up_postgres(connection: Any, _: object) -> None:
    connection.autocommit = True
    connection.execute(_POSTGRES_SETUP)
    connection.autocommit = False


def _set_up_sqlite(connection: Any, _: object) -> None:
    # The driver would begin by itself, deferred and only before some statements (sqlalchemy: "serializable isolation of pysqlite").
    connection.isolation_level = None
    for statement in _SQLITE_SETUP:
        connection.execute(statement)


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))


def _switch_to_wal(engine: Engine) -> None:
    # Several processes may open a fresh file at once, and the switch does not wait for the others as a statement would.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            run_apart(engine, "PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def readers_of(engine: Engine) -> Engine:
    """Return the engine whose transactions see one snapshot and cannot write."""
    if is_sqlite(engine):
        return engine.execution_options(**{BEGIN: "BEGIN"})
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def writers_of(engine: Engine) -> Engine:
    """Return the engine whose transactions may write; on SQLite they take the one write lock at once, so they cannot fail half-way for it."""
    return engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})


def order_writers(connection: Connection) -> None:
    """Let this transaction allocate sequence numbers only when all earlier ones are committed; SQLite's write lock does so already."""
    if not is_sqlite(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ORDER_LOCK})


def insert_if_absent(connection: Connection, table: Table) -> Insert:
    """Return an insert that leaves a row with the same key as it is."""
    if is_sqlite(connection):
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def has_attribute(connection: Connection, attributes: ColumnElement[Any], name: str, values: tuple[str, ...]) -> ColumnElement[bool]:
    """Return the condition that member `name` of a JSON object is, as text, one of `values`."""
    if not is_sqlite(connection):
        return cast(attributes, JSON).op("->>", return_type=Text())(name).in_(values)
    each = func.json_each(attributes).table_valued("key", "value", "type", name="attribute")
    # SQLite reads true and false as 1 and 0.
    value = case((each.c.type.in_(("true", "false")), each.c.type), else_=cast(each.c.value, Text))
    return exists(select(literal_column("1")).select_from(each).where(each.c.key == name, value.in_(values)))


def attribute_text(connection: Connection, attributes: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Return member `name` of a JSON object as text; NULL where there is none, or it is no plain value."""
    if not is_sqlite(connection):
        member = cast(attributes, JSON)
        plain = func.json_typeof(member.op("->")(name)).in_(("string", "number", "boolean"))
        return case((plain, member.op("->>", return_type=Text())(name)))
    path = "$." + orjson.dumps(name).decode()
    kind = func.json_type(attributes, path)
    # SQLite reads true and false as 1 and 0.
    plain_value = cast(func.json_extract(attributes, path), Text)
    return case((kind.in_(("true", "false")), kind), (kind.in_(("text", "integer", "real")), plain_value))


def whole_part(connection: Connection, value: ColumnElement[Any]) -> ColumnElement[int]:
    """Return a number from 0 without what stands behind the point; a cast alone rounds on PostgreSQL."""
    return cast(value if is_sqlite(connection) else func.floor(value), Integer)


def empty_log(engine: Engine) -> bool:
    """Move SQLite's write-ahead log into the file and empty it; return whether that was possible now. Nothing to do on PostgreSQL."""
    if not is_sqlite(engine):
        return True
    (busy,) = run_apart(engine, "PRAGMA wal_checkpoint(TRUNCATE)")[0][:1]
    return bool(busy == 0)


def is_small(engine: Engine) -> bool:
    """Tell whether the database is a SQLite file that is rewritten in less than a second or so."""
    if not is_sqlite(engine):
        return False
    (pages,), (size,) = run_apart(engine, "PRAGMA page_count")[0], run_apart(engine, "PRAGMA page_size")[0]
    return bool(pages * size <= _SMALL_BYTES)


def rewrite(engine: Engine, tables: Sequence[str]) -> None:
    """Rewrite a SQLite file, or vacuum tables of PostgreSQL."""
    if is_sqlite(engine):
        # The copy that SQLite writes while it does so may be larger than memory.
        run_apart(engine, "PRAGMA temp_store=FILE", "VACUUM", _IN_MEMORY)
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")


def run_apart(engine: Engine, *statements: str) -> list[Any]:
    """Run statements on SQLite outside any transaction and return the rows of the last."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())
    finally:
        connection.close()
