import numpy as np
import pytest

from cxnlp.index import vectors as vectors_module
from cxnlp.index.vectors import Vectors

from .samples import cluster_vectors, unit

DIM = 48


@pytest.fixture(scope="module")
def stored():
    return cluster_vectors(12_000, DIM, n_clusters=40, seed=1)


@pytest.fixture(scope="module")
def index(stored):
    made = Vectors(DIM)
    for start in range(0, len(stored), 700):
        made.append(stored[start : start + 700])
    return made


def recall(index, stored, queries, mask, k):
    rows = np.flatnonzero(mask)
    exact = queries @ stored[rows].T
    kth = np.sort(exact, axis=1)[:, -min(k, len(rows))]
    found = index.search(queries, k, mask)
    assert all(len(r) >= min(k, len(rows)) and mask[r].all() and len(set(r.tolist())) == len(r) for r, _ in found)
    return np.mean([np.mean(stored[r[:k]] @ query >= least - 5e-5) for (r, _), query, least in zip(found, queries, kth, strict=True)])


@pytest.mark.parametrize("share", [1.0, 0.9, 0.5, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("k", [1, 10, 200])
def test_search_finds_what_brute_force_finds(index, stored, share, k):
    mask = np.random.default_rng(2).random(len(stored)) < share
    assert recall(index, stored, cluster_vectors(40, DIM, n_clusters=40, seed=1), mask, k) >= 0.999


def test_scores_are_exact_cosines_best_first(index, stored):
    query = cluster_vectors(1, DIM, seed=9)
    ((rows, scores),) = index.search(query, 50)
    assert np.abs(scores - stored[rows] @ query[0]).max() < 5e-5
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("spread", [3e-3, 1e-4])
def test_a_crowd_closer_than_the_error_of_the_bytes_hides_no_hit(stored, spread):
    crowd = unit(stored[0] + spread * np.random.default_rng(3).standard_normal((3_000, DIM)))
    both = np.concatenate([stored[:6_000], crowd])
    index = Vectors(DIM)
    index.append(both)
    assert recall(index, both, crowd[:5], np.ones(len(both), np.bool_), 10) >= 0.999


def test_all_equal_vectors_are_returned_however_many(stored):
    index = Vectors(DIM)
    index.append(np.concatenate([stored[:6_000], np.repeat(stored[:1], 500, axis=0)]))
    ((rows, scores),) = index.search(stored[:1], 10)
    assert set(rows.tolist()) == {0, *range(6_000, 6_500)}
    assert len(set(scores.tolist())) == 1


def test_a_query_gets_the_same_answer_alone_and_in_company(index):
    queries = cluster_vectors(9, DIM, seed=4)
    for allowed in (None, np.arange(index.n) % 20 == 0):
        together = index.search(queries, 10, allowed)
        for i, (rows, scores) in enumerate(together):
            ((alone_rows, alone_scores),) = index.search(queries[i : i + 1], 10, allowed)
            assert rows.tolist() == alone_rows.tolist()
            assert scores.tolist() == alone_scores.tolist()


def test_rows_appended_after_the_mask_was_made_are_not_found(stored):
    index = Vectors(DIM)
    index.append(stored[:6_000])
    mask = np.ones(6_000, np.bool_)
    index.append(np.repeat(stored[:1], 300, axis=0))
    ((rows, _),) = index.search(stored[:1], 10, mask)
    assert len(rows) >= 10
    assert rows.max() < 6_000


def test_vectors_unlike_the_first_ones_are_found(stored):
    index = Vectors(DIM)
    index.append(stored[:7_000])
    strangers = unit(np.random.default_rng(6).standard_normal((3_000, DIM)))
    index.append(strangers)
    assert recall(index, np.concatenate([stored[:7_000], strangers]), strangers[:50], np.ones(10_000, np.bool_), 10) >= 0.999


def test_taken_rows_keep_their_vectors(index, stored):
    rows = np.arange(0, len(stored), 2)
    taken = index.taken(rows)
    assert recall(taken, stored[rows], stored[:20], np.ones(len(rows), np.bool_), 10) >= 0.999


def test_nothing_allowed_finds_nothing(index):
    ((rows, scores),) = index.search(cluster_vectors(1, DIM), 5, np.zeros(index.n, np.bool_))
    assert len(rows) == len(scores) == 0
    assert len(Vectors(DIM).search(cluster_vectors(1, DIM), 5)[0][0]) == 0


def test_a_row_takes_little_memory():
    vectors = Vectors(384)
    vectors.append(cluster_vectors(3_000, 384))
    vectors.append(cluster_vectors(1_000, 384))
    n_bytes = vectors._rows.upto(vectors.n).nbytes + vectors._codes._bytes.nbytes
    assert n_bytes <= 1_300 * vectors.n


def test_the_scan_is_used_where_the_tests_mean_it(index):
    assert index.n > vectors_module._EXACT_ROWS
