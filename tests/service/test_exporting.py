import pytest

from cxnlp.errors import InvalidQuery
from cxnlp.filters import Filter
from cxnlp.lines import to_line
from cxnlp.service.exporting import read_part
from cxnlp.store import open_store
from tests.service.test_delivery import add, enrich, feedback


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


def read_all(store, copy, after=None, limit=2):
    """Lay part after part over a copy until there is no more; return the last cursor."""
    while True:
        part = read_part(store, after, limit)
        for line in part.lines:
            copy.pop(line["id"], None)
            if not line.get("deleted"):
                copy[line["id"]] = line
        after = part.next_after
        if not part.has_more:
            return after


def stored(store):
    return {record.feedback.id: to_line(record) for record in store.feedback.iterate(Filter())}


def test_copy_is_what_is_stored_and_stays_so(store):
    ids = add(store, *map(feedback, range(5)))
    copy = {}
    after = read_all(store, copy)
    assert copy == stored(store) and len(copy) == 5
    enrich(store)
    store.feedback.forget(ids[:1])
    add(store, feedback(9))
    after = read_all(store, copy, after)
    assert copy == stored(store) and len(copy) == 5
    assert all("sentiment" in copy[i] for i in ids[1:])
    store.feedback.correct(ids[1], {"sentiment": 0.5}, "ann")
    part = read_part(store, after, 100)
    assert [line["sentiment"] for line in part.lines] == [0.5]
    last = read_part(store, part.next_after, 100)
    assert (list(last.lines), last.has_more, last.next_after) == ([], False, part.next_after)


def test_what_changes_during_the_first_reading_is_not_missed(store):
    ids = add(store, *map(feedback, range(4)))
    copy = {}
    first = read_part(store, "0", 2)
    copy |= {line["id"]: line for line in first.lines}
    store.feedback.forget(ids[:1])
    enrich(store)
    add(store, feedback(9))
    read_all(store, copy, first.next_after)
    assert copy == stored(store)


def test_part_that_broke_off_can_be_read_again(store):
    add(store, *map(feedback, range(4)))
    first = read_part(store, None, 2)
    next(first.lines)
    again = read_part(store, first.next_after, 2)
    assert [line["external_id"] for line in again.lines] == ["2", "3"]
    assert [line["external_id"] for line in read_part(store, first.next_after, 2).lines] == ["2", "3"]


def test_record_comes_once_in_a_part_however_often_it_changed(store):
    (record_id,) = add(store, feedback(1))
    after = read_part(store, None, 10).next_after
    enrich(store)
    for value in (0.1, 0.2, 0.3):
        store.feedback.correct(record_id, {"sentiment": value}, "ann")
    assert [line["sentiment"] for line in read_part(store, after, 100).lines] == [0.3]


def test_cursor_that_is_damaged_or_too_old_is_refused(store):
    add(store, *map(feedback, range(3)))
    for cursor in ("x", "-1", "r1", "r1-", "1" * 19, "99"):
        with pytest.raises(InvalidQuery, match="after"):
            read_part(store, cursor, 10)
    store.events.prune(-1)
    with pytest.raises(InvalidQuery, match="begin anew"):
        read_part(store, "1", 10)
    for limit in (0, 100_001):
        with pytest.raises(InvalidQuery, match="limit"):
            read_part(store, None, limit)


def test_empty_store_has_nothing_to_copy(store):
    part = read_part(store, None, 10)
    assert (list(part.lines), part.has_more) == ([], False)
    add(store, feedback(1))
    assert len(list(read_part(store, part.next_after, 10).lines)) == 1
