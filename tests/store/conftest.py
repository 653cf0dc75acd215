import os
import uuid

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


@pytest.fixture
def store(url):
    """A fresh store."""
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path):
    """A fresh store in the folder `home`, for what only SQLite does."""
    opened = open_store(f"sqlite:///{tmp_path}/home/cxnlp.db")
    yield opened
    opened.close()
