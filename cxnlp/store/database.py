"""The connection to SQLite or PostgreSQL: transactions, and what its errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError, TimeoutError

from cxnlp.errors import StoreError
from cxnlp.store import dialect, fulltext
from cxnlp.store.schema import metadata

_DRIVERS: Final = ("sqlite", "postgresql+psycopg")
_REMEDIES: Final = (
    # Words in the message of SQLite, SQLSTATE prefix of PostgreSQL, what is wrong and what to do.
    ("locked", "55P03", "is locked by another process; try again, or end the process that holds it"),
    ("busy", "40P01", "is held by another process; try again"),
    ("unable to open", "08", "cannot be opened; check that the folder or server exists, runs and lets this user in"),
    ("readonly", "25006", "is read-only; give this user the right to write to the file and its folder"),
    ("full", "53100", "has no room left on its disk; free some and try again"),
    ("malformed", "XX001", "is damaged; restore it from a backup, or move it away and ingest again"),
    ("not a database", "XX002", "is not a database of cxnlp; check the path, or restore it from a backup"),
    ("disk i/o", "58", "cannot be read or written (disk error); check the disk, then try again"),
    ("no such table", "42P01", "lacks a table; restore it from a backup, or point CXNLP_DATABASE_URL at a database of its own"),
)


@dataclass(frozen=True)
class Database:
    """A pool of connections.

    Attributes:
        engine: The SQLAlchemy engine.
        place: The URL without its password, for messages.
    """

    engine: Engine
    place: str

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection whose statements all see one snapshot.

        Raises:
            StoreError: The database cannot be read; the message says why and what to do.
        """
        with _explained(self.place), self._readers.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, appends: bool = True) -> Iterator[Connection]:
        """Give a connection in a transaction that is committed at the end of the block, or rolled back if the block raises.

        Args:
            appends: Whether the transaction appends events or records. Such transactions go one after the other, so that their sequence
                numbers become visible in order; say False only for leases and the like.

        Raises:
            StoreError: The database cannot be written; the message says why and what to do.
        """
        with _explained(self.place), self._writers.begin() as connection:
            if appends:
                dialect.order_writers(connection)
            yield connection

    def erase_traces(self, *, whole: bool = False) -> bool:
        """See to it that deleted content is not on the disk any more; to be called after deletions.

        SQLite overwrites what is deleted, but now and then leaves a copy in the free part of a page when it moves a row to another page, and its
        full-text index keeps the words of deleted records until its parts are merged. Only merging them and rewriting the file removes these. A
        file of up to 64 MiB is rewritten at once; a larger one takes about 13 seconds for each GB, in which others can read but not write, so
        that is left to a quiet hour.

        Args:
            whole: Rewrite the file however large it is; on PostgreSQL, vacuum the tables.

        Returns:
            False if a reader kept the write-ahead log from being emptied; call again later.
        """
        with _explained(self.place):
            if whole or dialect.is_small(self.engine):
                fulltext.merge(self.engine)
                dialect.rewrite(self.engine, list(metadata.tables))
            return dialect.empty_log(self.engine)

    @cached_property
    def _readers(self) -> Engine:
        return dialect.readers_of(self.engine)  # made once, since making one takes as long as a small statement

    @cached_property
    def _writers(self) -> Engine:
        return dialect.writers_of(self.engine)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Return the database at a URL such as `sqlite:////home/me/.cxnlp/cxnlp.db` or `postgresql+psycopg://me@host/cxnlp`.

    Raises:
        StoreError: The URL is of another kind, or the database cannot be opened.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("the database URL cannot be read; write postgresql+psycopg://user@host/db or sqlite:////path/file.db") from None
    place = parsed.render_as_string(hide_password=True)
    if parsed.drivername not in _DRIVERS:
        raise StoreError(f"{place}: unknown kind of database; write one of {', '.join(f'{d}://' for d in _DRIVERS)}")
    with _explained(place):
        engine = create_engine(parsed, hide_parameters=True, pool_size=8, max_overflow=56, **_options(parsed, place))
        dialect.prepare(engine)
    return Database(engine, place)


def _options(url: URL, place: str) -> dict[str, Any]:
    if url.drivername != "sqlite":
        return {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
    if not url.database or url.database == ":memory:":
        raise StoreError(f"{place}: a database in memory cannot be shared by threads and processes; name a file")
    try:
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{place}: its folder cannot be made ({error.strerror}); check the path and its rights") from None
    return {"connect_args": {"timeout": dialect.BUSY_SECONDS}}


@contextmanager
def _explained(place: str) -> Iterator[None]:
    # "from None": the driver's message may quote the row, which holds customers' words.
    try:
        yield
    except TimeoutError:
        raise StoreError(f"{place}: all connections are in use; try again, or send fewer requests at once") from None
    except NoSuchModuleError:
        raise StoreError(f"{place}: the driver is not installed; run make install") from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StoreError(f"{place}: {_explain(error)}") from None


def _explain(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    state = getattr(cause, "sqlstate", None) or ""
    message = str(cause).lower() if isinstance(cause, sqlite3.Error) else ""
    for words, prefix, remedy in _REMEDIES:
        if (words in message) or (state and state.startswith(prefix)):
            return remedy
    if type(cause).__name__ == "OperationalError" and not isinstance(cause, sqlite3.Error):
        return "the server cannot be reached or ended the connection; check that it runs, its address and the user's rights, then try again"
    return f"refused a statement ({type(cause).__name__} {getattr(cause, 'sqlite_errorname', state)}); please report this"
