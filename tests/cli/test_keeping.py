"""forget and keys, as a user runs them."""

import re

import pytest

from cxnlp.bootstrap import Service
from cxnlp.records import record_id
from cxnlp.settings import Settings
from tests.cli.conftest import TEXTS, run, write_lines

SECRET_WORDS = "unforgettably purple zeppelin"


def _on_disk(home, words):
    return [path.name for path in home.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_a_forgotten_record_is_gone_from_the_files(home, fakes, tmp_path):
    source = write_lines(tmp_path / "shop.jsonl", [*TEXTS, {"id": "9", "text": SECRET_WORDS}])
    run("ingest", source, home=home)
    write_lines(source, [{"id": "9", "text": f"{SECRET_WORDS}, changed"}])
    run("ingest", source, home=home)
    assert _on_disk(home, SECRET_WORDS)
    done = run("forget", record_id("shop", "9"), "--yes", home=home)
    assert done.out == "1 records forgotten\n"
    assert _on_disk(home, SECRET_WORDS) == []
    assert run("show", record_id("shop", "9"), home=home).code == 1
    assert run("status", home=home).out.split()[1] == "4"


def test_the_whole_file_is_rewritten_however_large(kept, monkeypatch):
    asked = []
    from cxnlp.store.database import Database

    original = Database.erase_traces

    def erase(self, *, whole=False):
        asked.append(whole)
        return original(self, whole=whole)

    monkeypatch.setattr(Database, "erase_traces", erase)
    run("forget", record_id("shop", "1"), "--yes", home=kept)
    assert asked[-1] is True


def test_a_log_that_a_reader_holds_is_told(kept, monkeypatch):
    monkeypatch.setattr("cxnlp.store.dialect.BUSY_SECONDS", 0.1)
    store = Service(Settings(home=kept)).store
    with store.database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM feedback").all()
        done = run("forget", record_id("shop", "1"), "--yes", home=kept)
    store.database.close()
    assert done.code == 0 and "run this again" in done.err


@pytest.mark.parametrize("named", ["the source's id", "the shown id"])
def test_a_customer_is_forgotten_by_either_id(kept, named):
    shown = run("search", "快递", "--json", "--where", "customer=小王", home=kept).lines[0]["record"]["customer"]["id"]
    customer = "小王" if named == "the source's id" else shown
    assert run("forget", "--customer", customer, "-y", home=kept).out == "1 records forgotten\n"
    assert run("show", record_id("shop", "1"), home=kept).code == 1
    assert run("show", record_id("shop", "2"), home=kept).code == 0


def test_forgetting_asks_first(kept):
    done = run("forget", record_id("shop", "1"), home=kept, stdin=b"n\n")
    assert done.code == 1
    assert run("show", record_id("shop", "1"), home=kept).code == 0
    assert run("forget", record_id("shop", "1"), home=kept, stdin=b"y\n").code == 0
    assert run("show", record_id("shop", "1"), home=kept).code == 1


def test_forgetting_nothing_is_a_mistake(kept):
    assert "say what to forget" in run("forget", home=kept).err


def test_a_key_is_shown_once_and_ends_when_revoked(home):
    secret, _, told = run("keys", "create", "crm", "--role", "ingest", home=home).out.splitlines()
    assert secret.startswith("cxk_") and "role ingest" in told
    keys = Service(Settings(home=home)).store.keys
    assert keys.verify(secret).name == "crm"
    listed = run("keys", "list", home=home).out
    key_id = re.search(r"k-[0-9a-f]+", listed)[0]
    assert "active" in listed and secret not in listed
    assert run("keys", "revoke", key_id, home=home).code == 0
    assert keys.verify(secret) is None
    assert "revoked" in run("keys", "list", home=home).out
    assert _on_disk(home, secret) == []


def test_an_unknown_role_or_key_is_told(home):
    assert "write one of ingest, agent" in run("keys", "create", "x", "--role", "god", home=home).err
    assert run("keys", "revoke", "k-none", home=home).code == 1
