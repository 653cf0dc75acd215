import threading

import numpy as np
import pytest

from cxnlp.index import lists as lists_module
from cxnlp.index import vectors as vectors_module
from cxnlp.index.vectors import Vectors

from .samples import cluster_vectors, unit

DIM = 48
N = 12_000


@pytest.fixture(scope="module")
def stored():
    return cluster_vectors(N, DIM, n_clusters=40, seed=1)


@pytest.fixture
def small(monkeypatch):
    """Lists from 2,000 rows on, few rows looked at, so that what holds at a million can be seen at some thousands."""
    monkeypatch.setattr(vectors_module, "LISTS_FROM", 2_000)
    monkeypatch.setattr(vectors_module, "_NEWEST", 500)
    monkeypatch.setattr(lists_module, "_SEEN_ROWS", 1_000)
    monkeypatch.setattr(lists_module, "_LEAST_LISTS", 4)


def filled(stored, step=700):
    made = Vectors(stored.shape[1])
    for start in range(0, len(stored), step):
        made.append(stored[start : start + step])
    return made


def recall(index, stored, queries, mask, k=10):
    """The share of the k nearest that are in a pool of 2k, as a ranking by exact vectors would find them."""
    rows = np.flatnonzero(mask)
    exact = queries @ stored[rows].T
    kth = np.sort(exact, axis=1)[:, -min(k, len(rows))]
    found = index.search(queries, 2 * k, mask)
    assert all(len(r) == min(2 * k, len(rows)) and mask[r].all() and len(set(r.tolist())) == len(r) for r, _ in found)
    return np.mean([np.sum(stored[r] @ query >= least - 5e-5) >= min(k, len(rows)) for (r, _), query, least in zip(found, queries, kth, strict=True)])


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("k", [1, 10, 200])
def test_a_scan_finds_what_brute_force_finds(stored, share, k):
    mask = np.random.default_rng(2).random(N) < share
    assert recall(filled(stored), stored, cluster_vectors(40, DIM, n_clusters=40, seed=1), mask, k) >= 0.999


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01, 0.001])
def test_lists_find_what_brute_force_finds(small, stored, share):
    index = filled(stored)
    assert index._state.lists.n > 0.9 * N
    mask = np.random.default_rng(2).random(N) < share
    assert recall(index, stored, cluster_vectors(40, DIM, n_clusters=40, seed=1), mask) >= 0.97


def test_what_a_filter_allows_is_found_though_it_lies_far_from_the_query(small, stored):
    """The records of another language, say: lists by nearness alone would hold none of them."""
    index, queries = filled(stored), stored[:30]
    far = stored @ queries.mean(axis=0)
    mask = far < np.quantile(far, 0.3)
    assert recall(index, stored, queries, mask) >= 0.97


def test_lists_look_at_few_rows_without_a_filter_and_at_all_under_a_narrow_one(small, stored):
    index = filled(stored)
    lists, query = index._state.lists, index._state.scale.quantise(stored[:1])
    sizes = lists._n_in
    looked_at = [int(sizes[lists.probes(query, 1, np.arange(N) % step == 0).lists[0]].sum()) for step in (1, 2, 100)]
    assert 1_000 <= looked_at[0] < 0.2 * N
    assert looked_at[0] < looked_at[1] < looked_at[2]
    narrow = lists.probes(query, 1, np.arange(N) % 100 == 0).lists[0]
    assert set(narrow.tolist()) == set(lists.list_of[np.arange(0, lists.n, 100)].tolist())


def test_scores_are_nearly_the_cosines_best_first(stored):
    ((rows, scores),) = filled(stored).search(cluster_vectors(1, DIM, seed=9), 50, np.ones(N, np.bool_))
    assert np.abs(scores - stored[rows] @ cluster_vectors(1, DIM, seed=9)[0]).max() < 5e-3
    assert (np.diff(scores) <= 0).all()


def test_all_that_is_within_a_cosine_is_found_once(small, stored):
    index = filled(stored)
    twins = np.repeat(stored[:1], 300, axis=0)
    index.append(twins)
    mask = np.ones(index.n, np.bool_)
    mask[5] = False
    rows, scores = index.within(stored[0], 0.999, mask)
    assert {0, *range(N, N + 300)} <= set(rows.tolist())
    assert len(set(rows.tolist())) == len(rows)
    assert 5 not in index.within(stored[5], 0.999, mask)[0]
    assert (scores > 0.995).all()


def test_rows_appended_after_the_mask_was_made_are_not_found(small, stored):
    for n in (1_000, 6_000):
        index = filled(stored[:n])
        mask = np.ones(n, np.bool_)
        index.append(np.repeat(stored[:1], 900, axis=0))
        ((rows, _),) = index.search(stored[:1], 10, mask)
        assert len(rows) == 10
        assert rows.max() < n


def test_vectors_unlike_the_first_ones_are_found(stored):
    strangers = unit(np.random.default_rng(6).standard_normal((3_000, DIM)))
    both = np.concatenate([stored[:300], strangers])
    assert recall(filled(both, 100), both, strangers[:50], np.ones(len(both), np.bool_)) >= 0.97


@pytest.mark.parametrize("n", [1_500, N])
def test_taken_rows_keep_their_vectors_and_go_on_growing(small, stored, n):
    rows = np.arange(0, n, 2)
    taken = filled(stored[:n]).taken(rows)
    taken.append(stored[:800])
    both = np.concatenate([stored[rows], stored[:800]])
    assert taken.n == len(both)
    assert recall(taken, both, stored[:20], np.ones(len(both), np.bool_)) >= 0.97


@pytest.mark.parametrize("n", [1_500, N])
def test_arrays_make_the_same_vectors_without_the_rows_left_out(small, stored, n):
    index, rows = filled(stored[:n]), np.arange(1, n, 2)
    arrays, blocks = index.arrays(rows)
    restored = Vectors.restored(arrays, np.concatenate(list(blocks)))
    taken, mask = index.taken(rows), np.ones(len(rows), np.bool_)
    for (found, scores), (expected, expected_scores) in zip(restored.search(stored[:9], 20, mask), taken.search(stored[:9], 20, mask), strict=True):
        assert found.tolist() == expected.tolist()
        assert scores.tolist() == expected_scores.tolist()
    restored.append(stored[:1])
    assert restored.n == len(rows) + 1


def test_nothing_allowed_finds_nothing(stored):
    ((rows, scores),) = filled(stored).search(cluster_vectors(1, DIM), 5, np.zeros(N, np.bool_))
    assert len(rows) == len(scores) == 0
    assert len(Vectors(DIM).search(cluster_vectors(1, DIM), 5, np.zeros(0, np.bool_))[0][0]) == 0


def test_searches_beside_a_writer_find_what_was_there(small, stored):
    index, faults, done = filled(stored[:3_000]), [], threading.Event()
    mask = np.ones(3_000, np.bool_)

    def read():
        random = np.random.default_rng(8)
        while not done.is_set():
            row = int(random.integers(0, 3_000))
            ((rows, _),) = index.search(stored[row : row + 1], 10, mask)
            if row not in rows or len(set(rows.tolist())) != 10 or rows.max() >= 3_000:
                faults.append(row)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for start in range(3_000, N, 250):
            index.append(stored[start : start + 250])
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert faults == []
