import sqlite3
import subprocess
import sys
import threading
import time
import traceback

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, insert, select, text

from cxnlp.errors import StoreError
from cxnlp.store import dialect, open_store
from cxnlp.store.schema import REVISION, feedback, metadata

from .samples import NOW, make_feedback

OPEN = "import sys; from cxnlp.store import open_store; s = open_store(sys.argv[1]); print(s.feedback.statistics().records); s.close()"


def test_sqlite_is_durable_and_overwrites_what_it_deletes(sqlite_store):
    with sqlite_store.database.read() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}


def test_processes_that_open_a_fresh_database_at_once_all_succeed(url):
    opening = [subprocess.Popen([sys.executable, "-c", OPEN, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [process.communicate(timeout=60) for process in opening]
    assert [process.returncode for process in opening] == [0, 0, 0], answers
    assert [out.strip() for out, _ in answers] == ["0", "0", "0"]


def test_opening_again_keeps_what_is_there(url):
    store = open_store(url)
    store.feedback.add([make_feedback()], NOW)
    store.close()
    again = open_store(url)
    assert again.feedback.statistics().records == 1
    again.close()


def test_migrations_lead_to_the_tables_that_the_code_uses(store):
    with store.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_described})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []


def _is_described(name, kind, parents):
    """Tell whether the tables in the code name this; they do not name the full-text index, which is made differently on each database."""
    return name is None or not (name.startswith("fulltext") or (kind, name) in {("column", "vector"), ("index", "ix_words_vector")})


def test_database_of_a_newer_version_is_refused_with_a_remedy(url):
    store = open_store(url)
    with store.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreError, match=r"newer cxnlp .*9999.*install"):
        open_store(url)


def test_write_that_raises_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError), store.database.write() as connection:
        store.events.append(connection, "record.received", ["r-1"])
        raise ZeroDivisionError
    assert store.events.read(0, 10) == []


def test_read_sees_one_snapshot(store):
    with store.database.read() as connection:
        assert connection.execute(select(feedback.c.seq)).all() == []
        thread = threading.Thread(target=store.feedback.add, args=([make_feedback()], NOW))
        thread.start()
        thread.join()
        assert connection.execute(select(feedback.c.seq)).all() == []
    assert store.feedback.statistics().records == 1


def test_reader_never_skips_an_event_however_transactions_end(store):
    first_has_appended, reader_has_seen = threading.Event(), threading.Event()

    def first():
        with store.database.write() as connection:
            store.events.append(connection, "record.received", ["r-first"])
            first_has_appended.set()
            reader_has_seen.wait(0.5)

    def second():
        first_has_appended.wait()
        with store.database.write() as connection:
            store.events.append(connection, "record.received", ["r-second"])

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    seen = []
    deadline = time.monotonic() + 20
    while len(seen) < 2 and time.monotonic() < deadline:
        seen += store.events.read(seen[-1].seq if seen else 0, 10)
        if seen:
            reader_has_seen.set()
        if seen and seen[-1].record_id == "r-second":
            break
        time.sleep(0.005)
    for thread in threads:
        thread.join()
    assert [e.record_id for e in seen] == ["r-first", "r-second"]


def test_many_writers_append_in_an_order_that_a_reader_can_follow(store):
    def write(name):
        for i in range(15):
            with store.database.write() as connection:
                store.events.append(connection, "record.received", [f"{name}-{i}"])

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for writer in writers:
        writer.start()
    seen = []
    deadline = time.monotonic() + 20
    while len(seen) < 45 and time.monotonic() < deadline:
        seen += store.events.read(seen[-1].seq if seen else 0, 7)
    for writer in writers:
        writer.join()
    assert sorted(e.record_id for e in seen) == sorted(f"{name}-{i}" for name in "abc" for i in range(15))


def test_errors_tell_the_remedy_and_not_what_customers_said(store):
    row = {"id": "r-1", "source": "s", "external_id": "1", "text": "SECRETWORDS", "version": 1}
    with pytest.raises(StoreError) as caught, store.database.write() as connection:
        connection.execute(insert(feedback), row)
    shown = "".join(traceback.format_exception(caught.value))
    assert "SECRETWORDS" not in shown


def test_locked_file_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(dialect, "BUSY_SECONDS", 0.1)
    store = open_store(f"sqlite:///{tmp_path}/a.db")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process; try again"):
        store.feedback.add([make_feedback()], NOW)
    other.close()
    store.feedback.add([make_feedback()], NOW)
    store.close()


@pytest.mark.parametrize(("pragma", "message"), [("query_only=ON", "read-only"), ("max_page_count=1", "no room left")])
def test_unwritable_and_full_disks_say_so(tmp_path, pragma, message):
    store = open_store(f"sqlite:///{tmp_path}/a.db")
    event.listen(store.database.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}").fetchall())
    store.database.engine.dispose()
    with pytest.raises(StoreError, match=message):
        store.feedback.add([make_feedback(n, text="x" * 5000) for n in range(50)], NOW)
    store.close()


def test_damaged_file_says_so(tmp_path):
    (tmp_path / "a.db").write_bytes(b"this is no database at all " * 100)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{tmp_path}/a.db")


def test_file_in_the_place_of_the_folder_says_so(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match="folder cannot be made"):
        open_store(f"sqlite:///{tmp_path}/home/a.db")


def test_unreachable_server_says_so_and_keeps_the_password():
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        open_store("postgresql+psycopg://me:hunter2@127.0.0.1:1/cxnlp")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://h/d", "nonsense", "sqlite://", "postgresql://h/d"])
def test_other_databases_are_refused(url):
    with pytest.raises(StoreError):
        open_store(url)
