import pytest
from sqlalchemy import text

from cxnlp.errors import InvalidInput, NotFound


def test_secret_opens_until_it_is_revoked(store):
    key, secret = store.keys.create("dashboard", "analyst")
    assert secret.startswith("cxk_")
    assert store.keys.verify(secret) == key
    assert store.keys.verify(secret + "x") is None
    assert store.keys.verify("\ud800") is None
    store.keys.revoke(key.id)
    assert store.keys.verify(secret) is None
    store.keys.revoke(key.id)
    (listed,) = store.keys.list()
    assert (listed.id, listed.role, listed.revoked_at is not None) == (key.id, "analyst", True)


def test_secret_is_not_stored(store):
    _, secret = store.keys.create("dashboard", "admin")
    with store.database.read() as connection:
        row = connection.execute(text("SELECT * FROM api_keys")).one()
    assert not any(secret[4:] in str(value) for value in row)


def test_unknown_roles_and_keys_are_refused(store):
    with pytest.raises(InvalidInput, match="ingest, agent, analyst, admin"):
        store.keys.create("x", "root")
    with pytest.raises(InvalidInput, match="name is empty"):
        store.keys.create(" ", "admin")
    with pytest.raises(NotFound):
        store.keys.revoke("k-none")
