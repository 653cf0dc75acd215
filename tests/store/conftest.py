import os
import shutil
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cxnlp.store import open_store


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """The URL of a fresh database, on SQLite and, where there is a server, on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/home/cxnlp.db"
        return
    server = os.environ.get("CXNLP_TEST_POSTGRES")
    if not server:
        pytest.skip("CXNLP_TEST_POSTGRES is not set to the URL of a PostgreSQL database")
    schema = f"test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A SQLite file with empty tables, made once since that takes the longest."""
    path = tmp_path_factory.mktemp("migrated") / "cxnlp.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def store(url, migrated):
    """A store without records."""
    if url.startswith("sqlite"):
        copy_to = Path(url.removeprefix("sqlite:///"))
        copy_to.parent.mkdir()
        shutil.copyfile(migrated, copy_to)
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path, migrated):
    """A store without records in the folder `home`, for what only SQLite does."""
    (tmp_path / "home").mkdir()
    shutil.copyfile(migrated, tmp_path / "home" / "cxnlp.db")
    opened = open_store(f"sqlite:///{tmp_path}/home/cxnlp.db")
    yield opened
    opened.close()
