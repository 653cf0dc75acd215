import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxnlp.errors import InvalidInput, InvalidQuery
from cxnlp.filters import Filter
from cxnlp.index import Query
from cxnlp.likeness import to_likeness

from .samples import DIM, LIKENESS, cluster_vectors, entries_of, entry_lists, filters, id_of, make_entry, make_view, nearest, passes, unit


def ids_of(hits):
    return list(hits.ids)


@settings(max_examples=60, deadline=None)
@given(entry_lists(max_size=30), st.sets(st.integers(0, 11), max_size=4), filters, st.integers(1, 12))
def test_search_equals_brute_force_after_replacements_and_deletions(entries, removed, filter, k):
    view, left = make_view(), {}
    for start in range(0, len(entries), 7):
        view.put(entries[start : start + 7])
        left |= {entry.id: entry for entry in entries[start : start + 7]}
    view.remove([id_of(seq) for seq in removed])
    left = [entry for entry in left.values() if entry.id not in {id_of(seq) for seq in removed}]
    query = unit(np.random.default_rng(3).standard_normal(DIM))
    (hits,) = view.search(query, k, filter)
    assert ids_of(hits) == nearest(left, query, k, filter)
    assert hits.total == sum(passes(entry, filter) for entry in left)
    assert view.n == len(left)


def test_ties_go_to_the_newer_record_then_to_the_higher_seq():
    view, vectors = make_view(), cluster_vectors(6_000)
    view.put(entries_of(vectors, created_at=0.0))
    same = [make_entry(7_000 + i, vectors[0], created_at=float(i % 50)) for i in range(300)]
    view.put(same)
    (hits,) = view.search(vectors[0], 8)
    newest = sorted(same, key=lambda e: (-e.created_at, -e.seq))
    assert ids_of(hits) == [e.id for e in newest[:8]]
    assert len(set(hits.scores)) == 1
    assert hits.scores[0] == pytest.approx(float(to_likeness(1.0, LIKENESS)), abs=1e-4)


def test_k_hits_come_unless_fewer_pass():
    view, vectors = make_view(), cluster_vectors(6_500)
    view.put(entries_of(vectors[:6_490], choices={"channel": "chat"}))
    view.put(entries_of(vectors[6_490:], first=6_490, choices={"channel": "call"}))
    counts = [[len(view.search(vectors[3], k, Filter(channel=c))[0].ids) for k in (1, 10, 1_000)] for c in ((), ("chat",), ("call",), ("fax",))]
    assert counts == [[1, 10, 1_000], [1, 10, 1_000], [1, 10, 10], [0, 0, 0]]


def test_many_deletions_and_replacements_leave_the_same_answers_in_less_room():
    view, vectors = make_view(), cluster_vectors(9_000)
    entries = entries_of(vectors, choices={"channel": "chat"}, observations=(("delivery", "service", "slow"),))
    view.put(entries)
    view.remove([entry.id for entry in entries[::2]])
    changed = entries_of(vectors[:500][::-1], choices={"channel": "call"})
    view.put(changed)
    left = {e.id: e for e in entries[1::2]} | {e.id: e for e in changed}
    with view.still() as parts:
        assert parts.columns.live.n == parts.vectors.n < 6_000
    assert view.n == len(left)
    for filter in (Filter(), Filter(channel=("chat",), cause=("slow",)), Filter(channel=("call",))):
        (hits,) = view.search(vectors[77], 20, filter)
        assert set(ids_of(hits)) == set(nearest(left.values(), vectors[77], 20, filter))


def test_everything_can_be_removed_and_put_again():
    view, entries = make_view(), entries_of(cluster_vectors(2_000))
    for _ in range(3):
        view.put(entries)
        view.remove([entry.id for entry in entries])
        assert view.n == 0
        assert view.search(entries[0].document)[0].ids == ()
    view.put(entries)
    assert view.search(entries[5].document, 1)[0].ids == (id_of(5),)


def test_the_last_of_several_entries_of_one_id_counts():
    view, vectors = make_view(), cluster_vectors(2)
    view.put([make_entry(1, vectors[0], choices={"label": "old"}), make_entry(1, vectors[1], choices={"label": "new"})])
    assert view.facets(Filter(), "label") == {"new": 1}


def test_scores_fall_and_lie_between_0_and_1():
    view = make_view()
    view.put(entries_of(cluster_vectors(50)))
    (hits,) = view.search(cluster_vectors(50)[7], 50)
    assert list(hits.scores) == sorted(hits.scores, reverse=True)
    assert all(0 <= score <= 1 for score in hits.scores)


@pytest.mark.parametrize("k", [0, -1, 1_001, True, 2.0, "3"])
def test_a_wrong_k_is_refused(k):
    with pytest.raises(InvalidQuery, match="k is"):
        make_view().search(np.ones(DIM), k)


@pytest.mark.parametrize("vector", [np.zeros(DIM), np.full(DIM, np.nan), np.full(DIM, np.inf), np.full(DIM, 1e300), np.ones(DIM + 1)])
def test_a_vector_that_cannot_be_compared_is_refused(vector):
    view = make_view()
    with pytest.raises(InvalidQuery):
        view.search(vector)
    with pytest.raises(InvalidQuery):
        view.search_many([Query(vector)])
    with pytest.raises(InvalidInput, match=id_of(2)):
        view.put([make_entry(1, np.ones(DIM)), make_entry(2, vector)])
    assert view.n == 0


def test_many_queries_are_answered_each_by_its_own_filter_and_k():
    view, vectors = make_view(), cluster_vectors(300)
    view.put([make_entry(i, v, choices={"channel": "chat" if i % 3 else "call"}, attributes={"a": "x"}) for i, v in enumerate(vectors)])
    filters = [Filter(), Filter(channel=("chat",)), Filter(attributes={"a": ("x",)}), Filter(channel=("call",))]
    queries = [Query(vectors[i], 1 + i % 5, filters[i % 4]) for i in range(40)]
    assert view.search_many(queries) == [view.search(q.vector, q.k, q.filter)[0] for q in queries]
    assert view.search_many([]) == []


def test_a_search_during_changes_sees_the_state_of_one_moment():
    """Every put replaces all records of a generation by the next one, so that each search must find exactly one generation, whole."""
    view, n = make_view(), 700
    vectors = cluster_vectors(n)
    view.put(entries_of(vectors, choices={"label": "0"}))
    faults, done = [], threading.Event()

    def read():
        while not done.is_set():
            (hits,) = view.search(vectors[3], 1_000)
            if hits.total != n or len(set(hits.ids)) != n:
                faults.append((hits.total, len(set(hits.ids))))
            counts = view.facets(Filter(), "label")
            if list(counts.values()) != [n]:
                faults.append(counts)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for generation in range(1, 40):
            view.put(entries_of(vectors, choices={"label": str(generation)}))
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert faults == []
    assert view.n == n


def test_searches_beside_growth_find_everything_that_was_there():
    view, vectors = make_view(), cluster_vectors(14_000, seed=5)
    view.put(entries_of(vectors[:6_000]))
    faults, done = [], threading.Event()

    def read():
        random = np.random.default_rng(8)
        while not done.is_set():
            row = int(random.integers(0, 6_000))
            (hits,) = view.search(vectors[row], 10)
            if id_of(row) not in hits.ids or len(hits.ids) != 10:
                faults.append(row)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for start in range(6_000, 14_000, 250):
            view.put(entries_of(vectors[start : start + 250], first=start))
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert faults == []


def test_hits_are_ranked_by_the_exact_vectors():
    view, vectors = make_view(), cluster_vectors(4_000, seed=3)
    view.put(entries_of(vectors))
    for query in cluster_vectors(20, seed=4):
        (hits,) = view.search(query, 10)
        assert ids_of(hits) == [id_of(row) for row in np.argsort(-(vectors @ query))[:10]]
        assert hits.scores[0] == pytest.approx(float(to_likeness((vectors @ query).max(), LIKENESS)), abs=1e-6)


def test_a_record_whose_vector_has_gone_from_the_store_is_no_hit():
    view, vectors = make_view(), cluster_vectors(500)
    view.put(entries_of(vectors))
    del view.documents[3]
    assert id_of(3) not in view.search(vectors[3], 100)[0].ids
    assert len(view.search(vectors[3], 100)[0].ids) == 100


def test_without_any_vector_in_the_store_the_bytes_decide():
    view, vectors = make_view(), cluster_vectors(500)
    view.put(entries_of(vectors))
    view.documents.clear()
    assert ids_of(view.search(vectors[3], 5)[0])[0] == id_of(3)


@pytest.mark.parametrize("spread", [3e-3, 1e-4])
def test_a_crowd_closer_than_the_error_of_the_bytes_hides_no_hit(spread):
    vectors = cluster_vectors(5_000)
    crowd = unit(vectors[0] + spread * np.random.default_rng(3).standard_normal((1_000, DIM)))
    view, both = make_view(), np.concatenate([vectors, crowd])
    view.put(entries_of(both))
    for query in crowd[:5]:
        found = [int(record_id[2:], 16) for record_id in view.search(query, 10)[0].ids]
        assert (both[found] @ query >= np.sort(both @ query)[-10] - 5e-5).all()


def test_the_numbers_and_ids_that_pass_a_filter_can_be_asked():
    view, vectors = make_view(), cluster_vectors(30)
    view.put([make_entry(i, v, choices={"channel": "chat" if i % 3 else "call"}, copy_key=i % 3) for i, v in enumerate(vectors)])
    view.remove([id_of(6)])
    call = Filter(channel=("call",))
    assert view.seqs(call) == [0, 3, 9, 12, 15, 18, 21, 24, 27]
    assert view.seqs(Filter()) is None
    assert view.passing([id_of(9), "r-none", id_of(6), id_of(1), id_of(0)], call) == [id_of(9), id_of(0)]
    assert view.copies([0, 1], call) == [9, 0]
    view.put([make_entry(6, vectors[6], choices={"channel": "call"})])
    assert 6 in view.seqs(call)


def test_a_record_of_two_complaints_is_found_by_either():
    view, vectors = make_view(), cluster_vectors(60, seed=9)
    view.put([make_entry(i, unit(vectors[2 * i] + vectors[2 * i + 1]), clauses=vectors[2 * i : 2 * i + 2]) for i in range(30)])
    for clause in (10, 11):
        (hits,) = view.search_clauses(vectors[clause], 3)
        assert (hits.ids[0], hits.total) == (id_of(5), 30)
    assert view.search_clauses_many([Query(vectors[10], 3)])[0].ids[0] == id_of(5)
    view.remove([id_of(5)])
    assert id_of(5) not in view.search_clauses(vectors[10], 30)[0].ids
