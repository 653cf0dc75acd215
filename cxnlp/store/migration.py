"""Brings a database to the tables of this version of cxnlp."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from cxnlp.errors import StoreError
from cxnlp.store.database import Database
from cxnlp.store.schema import REVISION

_SCRIPTS: Final = Path(__file__).with_name("migrations")


def upgrade(database: Database) -> None:
    """Upgrade the tables if they are older; several processes may call this at once.

    Raises:
        StoreError: A newer version of cxnlp has written the database.
    """
    with database.read() as connection:
        if _revision(connection) == REVISION:
            return
    with database.write() as connection:
        _upgrade(connection, database.place)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, place: str) -> None:
    # Alembic takes a tenth of a second to import, and is rarely needed.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    revision = _revision(connection)
    if revision is not None and revision not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
        raise StoreError(f"{place}: a newer cxnlp wrote it (revision {revision}, this one knows {REVISION}); install the newer cxnlp")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
