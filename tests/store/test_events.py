import pytest
from sqlalchemy import text

from cxnlp.errors import Conflict


def append(store, *record_ids, type="record.received"):
    with store.database.write() as connection:
        store.events.append(connection, type, record_ids, [{"n": i} for i in range(len(record_ids))])


def test_events_are_read_after_a_number_and_by_type(store):
    append(store, "r-1", "r-2")
    append(store, "r-1", type="record.deleted")
    first, second, third = store.events.read(0, 10)
    assert [(e.type, e.record_id, e.data) for e in (first, second, third)] == [
        ("record.received", "r-1", {"n": 0}),
        ("record.received", "r-2", {"n": 1}),
        ("record.deleted", "r-1", {"n": 0}),
    ]
    assert first.at.tzinfo is not None
    assert store.events.read(first.seq, 1) == [second]
    assert store.events.read(0, 10, ["record.deleted"]) == [third]
    assert store.events.read(0, 10, []) == []
    assert (store.events.oldest_seq(), store.events.last_seq()) == (first.seq, third.seq)


def test_pruning_takes_old_events_and_never_forgets_the_last_number(store):
    append(store, *(f"r-{i}" for i in range(5)))
    last = store.events.last_seq()
    assert store.events.prune(3600) == 0
    assert store.events.prune(-1) == 4
    assert (store.events.oldest_seq(), store.events.last_seq()) == (last, last)
    append(store, "r-new")
    assert store.events.last_seq() == last + 1


def test_numbers_are_not_used_again_even_when_the_newest_row_is_gone(store):
    append(store, "r-1")
    last = store.events.last_seq()
    with store.database.write() as connection:
        connection.execute(text("DELETE FROM events"))
    assert store.events.last_seq() == 0
    append(store, "r-2")
    assert store.events.last_seq() > last


def test_one_holder_has_a_cursor_until_its_lease_ends(store):
    assert store.events.lease("flags", "a", 60) == 0
    assert store.events.lease("flags", "b", 60) is None
    store.events.advance(None, "flags", "a", 7)
    assert store.events.lease("flags", "a", -1) == 7
    assert store.events.lease("flags", "b", 60) == 7
    with pytest.raises(Conflict):
        store.events.advance(None, "flags", "a", 9)
    store.events.release("flags", "b")
    assert store.events.lease("flags", "a", 60) == 7
    assert store.events.lease("feeds", "b", 60, start=5) == 5


def test_effect_and_cursor_happen_together_or_not_at_all(store):
    store.events.lease("flags", "a", -1)
    store.events.lease("flags", "b", 60)
    with pytest.raises(Conflict), store.database.write() as connection:
        store.events.append(connection, "flag.raised", ["r-1"])
        store.events.advance(connection, "flags", "a", 1)
    assert store.events.read(0, 10) == []
    with store.database.write() as connection:
        store.events.append(connection, "flag.raised", ["r-1"])
        store.events.advance(connection, "flags", "b", 1)
    assert len(store.events.read(0, 10)) == 1
    assert store.events.lease("flags", "b", 60) == 1
