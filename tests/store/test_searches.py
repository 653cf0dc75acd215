from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select

from cxnlp.errors import Conflict, InvalidQuery, NotFound
from cxnlp.filters import parse_filter
from cxnlp.store import Match, Wanted, searches
from cxnlp.store.search_tables import search_examples, search_matches

from .samples import NOW, make_feedback

FILTER = {
    "channel": ["ticket"], "sentiment": {"lte": -0.3}, "created_at": {"gte": "2026-11-01T00:00:00.250000+00:00"}, "attributes": {"region": ["西南"]},
}  # fmt: skip


def add(store, *numbers):
    return [receipt.id for receipt in store.feedback.add([make_feedback(n) for n in numbers], NOW)]


def apply(store, *matches, position=None, holder="a"):
    store.events.lease("searches", holder, 60)
    return store.matches.apply(matches, holder, store.events.last_seq() if position is None else position)


def told(store):
    return [(e.record_id, e.data) for e in store.events.read(0, 1000, ["search.matched"])]


def rows(store, table):
    with store.database.read() as connection:
        return connection.execute(select(table)).all()


def test_a_search_is_kept_as_it_was_wanted(store):
    a, b, c = add(store, 1, 2, 3)
    wanted = Wanted("慢", "快递太慢", (a, b), (c,), parse_filter(FILTER), 0.7)
    saved = store.searches.create(wanted, "ann")
    assert saved.id.startswith("s-")
    assert (saved.wanted, saved.author, saved.disabled_at, saved.n_matches) == (wanted, "ann", None, 0)
    assert saved.after_seq == store.events.last_seq()
    assert store.searches.get(saved.id) == saved
    assert store.searches.list() == store.searches.enabled() == [saved]
    line = saved.to_line()
    assert (line["filter"], line["least"], line["like"], line["unlike"], line["matches"]) == (FILTER, 0.7, [a, b], [c], 0)
    assert "warning" not in line


def test_searches_are_listed_oldest_first(store):
    ids = [store.searches.create(Wanted(f"n{i}", "slow"), "ann").id for i in range(3)]
    assert [search.id for search in store.searches.list()] == ids


def test_examples_that_are_not_there_are_refused(store):
    with pytest.raises(NotFound, match="r-none"):
        store.searches.create(Wanted("n", like=("r-none",)), "ann")
    assert store.searches.list() == []


def test_there_is_a_limit(store, monkeypatch):
    monkeypatch.setattr(searches, "MOST_SEARCHES", 2)
    for i in range(2):
        store.searches.create(Wanted(f"n{i}", "slow"), "ann")
    with pytest.raises(Conflict, match="delete one"):
        store.searches.create(Wanted("n2", "slow"), "ann")


def test_a_search_is_changed_switched_off_and_on_again(store):
    a, b = add(store, 1, 2)
    saved = store.searches.create(Wanted("n", "slow", (a,)), "ann")
    store.searches.keep_vector(saved.id, "slow", "encoder-a", np.ones(4, np.float32))
    kept = store.searches.get(saved.id)
    assert kept.encoder == "encoder-a" and kept.vector.tolist() == [1, 1, 1, 1]
    same_text = store.searches.change(saved.id, replace(saved.wanted, name="m", like=(b,), least=0.9), True)
    assert (same_text.wanted.name, same_text.wanted.like, same_text.wanted.least, same_text.encoder) == ("m", (b,), 0.9, "encoder-a")
    other_text = store.searches.change(saved.id, replace(same_text.wanted, text="late"), False)
    assert (other_text.encoder, other_text.vector) == (None, None)
    assert other_text.disabled_at is not None
    assert store.searches.enabled() == []
    add(store, 3)
    resumed = store.searches.change(saved.id, other_text.wanted, True)
    assert resumed.disabled_at is None
    assert resumed.after_seq == store.events.last_seq() > saved.after_seq
    assert store.searches.change(saved.id, resumed.wanted, True).after_seq == resumed.after_seq


def test_a_vector_of_a_text_that_was_replaced_is_not_kept(store):
    saved = store.searches.create(Wanted("n", "slow"), "ann")
    store.searches.keep_vector(saved.id, "another", "encoder-a", np.ones(4, np.float32))
    assert store.searches.get(saved.id).vector is None


def test_what_is_not_there_is_told(store):
    for ask in (store.searches.get, store.searches.delete, lambda i: store.searches.change(i, Wanted("n", "slow"), True)):
        with pytest.raises(NotFound, match="s-none"):
            ask("s-none")


def test_a_forgotten_example_leaves_the_search(store):
    a, b = add(store, 1, 2)
    saved = store.searches.create(Wanted("n", "", (a, b)), "ann")
    store.feedback.forget([a])
    assert store.searches.get(saved.id).wanted.like == (b,)
    store.feedback.forget([b])
    emptied = store.searches.get(saved.id)
    assert emptied.is_empty and "forgotten" in emptied.to_line()["warning"]
    assert rows(store, search_examples) == []


def test_a_match_is_told_once(store):
    a, b = add(store, 1, 2)
    saved = store.searches.create(Wanted("n", "slow"), "ann")
    assert apply(store, Match(saved.id, a, 0.81234), Match(saved.id, b, 0.6)) == 2
    assert apply(store, Match(saved.id, a, 0.9), Match(saved.id, b, 0.9)) == 0
    assert told(store) == [
        (a, {"search": {"id": saved.id, "name": "n"}, "score": 0.8123}),
        (b, {"search": {"id": saved.id, "name": "n"}, "score": 0.6}),
    ]
    assert store.searches.get(saved.id).n_matches == 2
    other = store.searches.create(Wanted("m", "slow"), "ann")
    assert apply(store, Match(other.id, a, 0.9)) == 1


def test_a_historical_match_is_kept_and_not_told(store):
    (a,) = add(store, 1)
    saved = store.searches.create(Wanted("n", "slow"), "ann")
    assert apply(store, Match(saved.id, a, 0.8, historical=True)) == 0
    assert told(store) == []
    (match,) = store.matches.page(saved.id).matches
    assert (match.record_id, match.historical) == (a, True)


def test_what_is_gone_or_switched_off_meanwhile_matches_nothing(store):
    a, b = add(store, 1, 2)
    off, gone, saved = (store.searches.create(Wanted(name, "slow"), "ann") for name in ("off", "gone", "n"))
    store.searches.change(off.id, off.wanted, False)
    store.searches.delete(gone.id)
    store.feedback.forget([b])
    assert apply(store, *(Match(i, record, 0.8) for i in (off.id, gone.id, saved.id) for record in (a, b))) == 1
    assert [record for record, _ in told(store)] == [a]


def test_matches_and_cursor_move_together_or_not_at_all(store):
    (a,) = add(store, 1)
    saved = store.searches.create(Wanted("n", "slow"), "ann")
    store.events.lease("searches", "a", 60)
    with pytest.raises(Conflict, match="searches"):
        store.matches.apply([Match(saved.id, a, 0.8)], "another", 7)
    assert told(store) == [] and store.matches.page(saved.id).matches == []
    store.matches.apply([Match(saved.id, a, 0.8)], "a", 7)
    assert store.events.lease("searches", "a", 60) == 7


def test_many_matches_in_one_go(store):
    ids = add(store, *range(620))
    saved = [store.searches.create(Wanted(name, "slow"), "ann") for name in "ab"]
    assert apply(store, *(Match(search.id, i, 0.8) for i in ids for search in saved)) == 1240
    assert len(told(store)) == 1000  # as many as were read
    assert apply(store, *(Match(search.id, i, 0.8) for i in ids for search in saved)) == 0


def test_matches_are_paged_newest_first(store):
    ids = add(store, *range(5))
    saved, other = (store.searches.create(Wanted(name, "slow"), "ann") for name in "ab")
    for i in ids:
        apply(store, Match(saved.id, i, 0.8))
    found, cursor = [], None
    while True:
        page = store.matches.page(saved.id, cursor, 2)
        found += [match.record_id for match in page.matches]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == ids[::-1]
    first = store.matches.page(saved.id, None, 2).next_cursor
    with pytest.raises(InvalidQuery, match="belongs to another"):
        store.matches.page(other.id, first)
    for limit in (0, 1001):
        with pytest.raises(InvalidQuery, match="limit"):
            store.matches.page(saved.id, None, limit)


def test_matches_go_with_the_record_and_with_the_search(store):
    a, b = add(store, 1, 2)
    saved = store.searches.create(Wanted("n", "slow", (a,)), "ann")
    apply(store, Match(saved.id, a, 0.8), Match(saved.id, b, 0.8))
    store.feedback.forget([b])
    assert [match.record_id for match in store.matches.page(saved.id).matches] == [a]
    store.searches.delete(saved.id)
    assert rows(store, search_matches) == rows(store, search_examples) == store.searches.list() == []
