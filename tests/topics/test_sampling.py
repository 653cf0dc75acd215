import numpy as np

from cxnlp.topics.sampling import draw

from .samples import clusters


def test_no_more_than_asked_for_are_all_drawn():
    vectors, _ = clusters(2, 10)
    rows = np.arange(3, 15)
    np.testing.assert_array_equal(draw(vectors, rows, 12, 1), rows)


def test_exactly_so_many_are_drawn_each_once_and_in_order():
    vectors, _ = clusters(5, 100)
    rows = np.arange(0, 500, 2)
    drawn = draw(vectors, rows, 77, 1)
    assert len(drawn) == 77
    assert (np.diff(drawn) > 0).all()
    assert set(drawn.tolist()) <= set(rows.tolist())


def test_the_same_seed_draws_the_same_and_another_one_others():
    vectors, _ = clusters(5, 100)
    rows = np.arange(500)
    np.testing.assert_array_equal(draw(vectors, rows, 100, 1), draw(vectors, rows, 100, 1))
    assert (draw(vectors, rows, 100, 1) != draw(vectors, rows, 100, 2)).any()


def test_what_few_say_is_drawn_more_densely_than_what_all_say():
    vectors, truth = clusters(4, 1_000)
    rare = np.flatnonzero(truth == 0)[:100]
    rows = np.sort(np.concatenate([np.flatnonzero(truth > 0), rare]))
    shares = [np.isin(draw(vectors, rows, 310, seed), rare).sum() / 310 for seed in range(1, 6)]
    assert min(shares) > 1.2 * len(rare) / len(rows)


def test_vectors_that_are_all_the_same_are_drawn_from():
    assert len(draw(np.ones((300, 8), np.float32), np.arange(300), 100, 1)) == 100


def test_vectors_may_lie_in_a_file(tmp_path):
    vectors, _ = clusters(3, 100)
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    np.testing.assert_array_equal(draw(mapped, np.arange(300), 50, 1), draw(vectors, np.arange(300), 50, 1))
