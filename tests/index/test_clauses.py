import threading

import numpy as np
import pytest

from cxnlp.index import clauses as clauses_module
from cxnlp.index.clauses import ClauseCodes

from .samples import unit

DIM = 64
N_ROWS = 3_000
N_QUERIES = 30


def cluster_vectors(n, dim, n_clusters, seed=2):
    """Return (n, dim) unit vectors in tight clusters around one common direction: issues, each told in several ways."""
    random = np.random.default_rng(seed)
    spread = np.arange(1, dim + 1) ** -0.5
    centres = random.standard_normal((n_clusters, dim))
    return unit(1 + spread * (centres[random.integers(0, n_clusters, n)] + 0.2 * random.standard_normal((n, dim))))


@pytest.fixture(scope="module")
def stored():
    """Return the clauses of each row, 0 to 6 of them."""
    random = np.random.default_rng(1)
    counts = random.integers(0, 7, N_ROWS)
    vectors = cluster_vectors(counts.sum(), DIM, n_clusters=300)
    return np.split(vectors, np.cumsum(counts)[:-1])


@pytest.fixture(scope="module")
def queries():
    return cluster_vectors(N_QUERIES, DIM, n_clusters=300)


@pytest.fixture(scope="module", params=[100_000, 1_100], ids=["plain", "coded"])
def codes(request, stored):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clauses_module, "PLAIN_CLAUSES", request.param)
        patch.setattr(clauses_module, "_LEAST_SCORED", 2_000)
        yield filled(stored)


def filled(stored, dim=DIM):
    made = ClauseCodes(dim)
    for start in range(0, len(stored), 170):
        made.append(start, stored[start : start + 170])
    return made


def best_of(query, stored):
    """Return the best cosine of each row, -1 for a row of no clauses."""
    return np.array([(matrix @ query).max() if len(matrix) else -1 for matrix in stored])


def recall(codes, stored, queries, mask=None, k=10):
    """Return the share of the exact k best rows that come back in a pool of 4k + 24, as a caller ranks it again."""
    allowed = np.ones(len(stored), np.bool_) if mask is None else mask
    n_allowed = sum(len(matrix) > 0 for matrix, passes in zip(stored, allowed, strict=True) if passes)
    shares = []
    for query, (rows, scores) in zip(queries, codes.search(queries, 4 * k + 24, mask), strict=True):
        exact = np.where(allowed, best_of(query, stored), -1)
        assert len(rows) == len(scores) == len(set(rows.tolist())) == min(4 * k + 24, n_allowed)
        assert allowed[rows].all()
        assert (np.diff(scores) <= 0).all()
        wanted = min(k, n_allowed)
        shares.append(min(1.0, np.count_nonzero(exact[rows] >= np.sort(exact)[-wanted] - 1e-6) / wanted))
    return np.mean(shares)


@pytest.mark.parametrize("share", [None, 0.5, 0.1, 0.01, 0.002])
def test_a_pool_holds_the_rows_of_the_nearest_clauses(codes, stored, queries, share):
    mask = None if share is None else np.random.default_rng(3).random(len(stored)) < share
    assert recall(codes, stored, queries, mask) >= 0.93  # few to learn codes from; of real clauses it is 0.97 and more


def test_the_cases_are_what_they_say(codes, stored, request):
    assert codes.n == sum(map(len, stored))
    assert len(codes._lists) == (1 if "plain" in request.node.name else 3)
    assert codes._lists[-1].n > 0


def test_scores_are_cosines_of_the_best_clause(codes, stored, queries):
    for query, (rows, scores) in zip(queries, codes.search(queries, 20), strict=True):
        assert np.abs(scores - best_of(query, stored)[rows]).max() < 0.05


def test_a_complaint_of_two_issues_is_found_by_either(codes, stored):
    issues = unit(np.random.default_rng(9).standard_normal((2, DIM)))
    codes.append(N_ROWS, [issues])
    for rows, scores in codes.search(issues, 3):
        assert rows[0] == N_ROWS
        assert scores[0] > scores[1]


def test_rows_of_one_and_the_same_clause_are_each_found(codes):
    clause = unit(np.random.default_rng(10).standard_normal((1, DIM)))
    first = N_ROWS + 100
    codes.append(first, [np.repeat(clause, 700, axis=0), *[clause] * 40])
    ((rows, _),) = codes.search(clause, 41)
    assert set(rows.tolist()) == set(range(first, first + 41))


def test_a_row_beyond_the_mask_is_not_found(codes, stored, queries):
    mask = np.ones(100, np.bool_)
    for rows, _ in codes.search(queries, 200, mask):
        assert set(rows.tolist()) == {i for i in range(100) if len(stored[i])}


def test_nothing_allowed_finds_nothing(codes, queries):
    for allowed in (np.zeros(N_ROWS, np.bool_), np.zeros(0, np.bool_)):
        assert all(len(rows) == len(scores) == 0 for rows, scores in codes.search(queries, 5, allowed))


def test_no_clauses_find_nothing(queries):
    codes = ClauseCodes(DIM)
    codes.append(0, [None, np.empty((0, DIM), np.float32)])
    assert codes.n == 0
    assert [len(rows) for rows, _ in codes.search(queries[:2], 5)] == [0, 0]
    restored = ClauseCodes.restored(codes.taken(np.arange(2)).arrays())
    assert [len(rows) for rows, _ in restored.search(queries[:2], 5)] == [0, 0]


def test_queries_get_the_same_answer_alone_and_in_company(codes, queries):
    for (rows, scores), query in zip(codes.search(queries, 10), queries, strict=True):
        ((alone, alone_scores),) = codes.search(query[None], 10)
        assert rows.tolist() == alone.tolist()
        assert np.allclose(scores, alone_scores, atol=1e-6)


def test_taken_rows_keep_their_clauses_under_their_new_numbers(codes, stored, queries):
    rows = np.random.default_rng(4).permutation(N_ROWS)[:1_200]
    taken = codes.taken(rows)
    left = [stored[row] for row in rows]
    assert taken.n == sum(map(len, left))
    assert recall(taken, left, queries) >= 0.93
    taken.append(len(rows), stored[:1])
    assert taken.n == sum(map(len, left)) + len(stored[0])


def test_what_is_restored_from_arrays_answers_alike_and_grows_on(codes, queries):
    arrays = codes.arrays()
    assert all(array.dtype != object for array in arrays.values())
    restored = ClauseCodes.restored(arrays)
    assert (restored.n, restored.n_bytes) == (codes.n, codes.n_bytes)
    for (rows, scores), (same, same_scores) in zip(codes.search(queries, 20), restored.search(queries, 20), strict=True):
        assert rows.tolist() == same.tolist()
        assert scores.tolist() == same_scores.tolist()
    extra = unit(np.random.default_rng(11).standard_normal((1, DIM)))
    restored.append(N_ROWS + 1_000, [extra])
    assert restored.search(extra, 1)[0][0].tolist() == [N_ROWS + 1_000]


@pytest.mark.parametrize("dim", [15, 49])
def test_any_number_of_dimensions_can_be_coded(dim, monkeypatch):
    monkeypatch.setattr(clauses_module, "PLAIN_CLAUSES", 400)
    stored = np.split(cluster_vectors(600, dim, n_clusters=100), 300)
    codes = filled(stored, dim)
    assert len(codes._lists) > 1
    assert recall(codes, stored, cluster_vectors(20, dim, n_clusters=100)) >= 0.9


@pytest.mark.parametrize("n", [900, 2_500])
def test_identical_clauses_alone_can_be_coded(n, monkeypatch):
    monkeypatch.setattr(clauses_module, "PLAIN_CLAUSES", 800)
    clause = cluster_vectors(1, DIM, 9)
    codes = filled([clause] * n)
    ((rows, scores),) = codes.search(clause, 50)
    assert len(set(rows.tolist())) == 50
    assert np.allclose(scores, 1, atol=0.01)


def test_clauses_unlike_the_first_ones_get_codebooks_of_their_own(stored, monkeypatch):
    monkeypatch.setattr(clauses_module, "PLAIN_CLAUSES", 1_000)
    strangers = list(cluster_vectors(3_500, DIM, n_clusters=150, seed=77)[:, None, ::-1] * np.resize([1, -1], DIM).astype(np.float32))
    codes = filled([*stored[:600], *strangers])
    assert recall(codes, [*stored[:600], *strangers], np.concatenate(strangers[-20:])) >= 0.93


def test_a_coded_clause_takes_a_quarter_of_a_byte_a_dimension_and_its_row(stored, monkeypatch):
    monkeypatch.setattr(clauses_module, "PLAIN_CLAUSES", 1_000)
    monkeypatch.setattr(clauses_module, "_UNLIKE", 9)
    vectors = list(cluster_vectors(3_000, DIM, n_clusters=300)[:, None])
    codes = filled(vectors[:1_000])
    before = codes.n_bytes
    for start in (1_000, 2_000):
        codes.append(start, vectors[start : start + 1_000])
    assert (codes.n_bytes - before) / 2_000 == DIM / 4 + 8


def test_searches_beside_appends_see_whole_rows(stored, queries, monkeypatch):
    monkeypatch.setattr(clauses_module, "PLAIN_CLAUSES", 900)
    codes, failures, is_over = ClauseCodes(DIM), [], threading.Event()
    codes.append(0, stored[:100])

    def search():
        while not is_over.is_set():
            for rows, scores in codes.search(queries[:3], 30):
                if len(set(rows.tolist())) != 30 or rows.min() < 0 or rows.max() >= N_ROWS or not np.isfinite(scores).all():
                    failures.append((rows, scores))

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for start in range(100, N_ROWS, 50):
        codes.append(start, stored[start : start + 50])
    is_over.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert codes.n == sum(map(len, stored))
    assert recall(codes, stored, queries) >= 0.93
