import numpy as np
import pytest

from cxnlp.topics.merging import means, merge


def islands(n_islands, n_each, spread=0.05, seed=3):
    """Return (n, 2) points around places on a wide grid, and the place of each."""
    rng = np.random.default_rng(seed)
    places = np.array([(x, y) for x in range(4) for y in range(4)], np.float32)[:n_islands] * 3 + 1
    truth = np.repeat(np.arange(n_islands), n_each)
    return (places[truth] + rng.normal(size=(len(truth), 2)) * spread).astype(np.float32), truth


def halves(truth):
    """Each place as two groups."""
    return truth * 2 + np.arange(len(truth)) % 2


def same(one, other):
    return len(set(zip(one.tolist(), other.tolist(), strict=True))) == len(set(one.tolist())) == len(set(other.tolist()))


@pytest.mark.parametrize("n_islands", [3, 6, 12])
def test_pieces_of_one_island_are_one_topic(n_islands):
    points, truth = islands(n_islands, 40)
    assert same(merge(points, points, halves(truth), 1), truth)


def test_a_number_asked_for_is_reached_by_the_nearest_pieces_first():
    points, truth = islands(6, 30)
    assert same(merge(points, points, halves(truth), 1, n_topics=6), truth)
    assert len(set(merge(points, points, halves(truth), 1, n_topics=1).tolist())) == 1
    assert len(set(merge(points, points, halves(truth), 1, n_topics=100).tolist())) == 12


def test_topics_that_lie_apart_stay_apart_whatever_their_size():
    points, truth = islands(4, 200)
    kept = np.concatenate([np.flatnonzero(truth == 0)[:10], np.flatnonzero(truth > 0)])
    assert same(merge(points[kept], points[kept], halves(truth)[kept], 1), truth[kept])


def test_few_islands_of_a_layout_do_not_hide_that_the_vectors_are_more():
    rng = np.random.default_rng(1)
    truth = np.repeat(np.arange(8), 60)
    vectors = np.eye(16, dtype=np.float32)[truth] + rng.normal(size=(480, 16)).astype(np.float32) * 0.1
    layout = np.stack([truth // 4 * 4.0 + truth % 4 * 0.4, np.zeros(480)], 1).astype(np.float32) + rng.normal(size=(480, 2)).astype(np.float32) * 0.05
    assert len(set(merge(vectors, layout, halves(truth), 1).tolist())) == 8


def test_many_groups_on_two_islands_are_more_than_two_topics():
    rng = np.random.default_rng(2)
    truth = np.repeat(np.arange(100), 10)
    points = np.stack([truth // 50 * 60.0, truth % 50 * 0.3], 1).astype(np.float32) + rng.normal(size=(1_000, 2)).astype(np.float32) * 0.2
    assert len(set(merge(points, points, truth, 1).tolist())) >= 5


def test_more_points_than_are_compared_give_the_same_topics():
    points, truth = islands(5, 1_000)
    assert same(merge(points, points, halves(truth), 1), truth)


@pytest.mark.parametrize("groups", [[0, 0, 0, 0], [0, 0, 1, 1]])
def test_one_or_two_groups_stay_as_they_are(groups):
    points = np.array([[0, 0], [0, 1], [5, 5], [5, 6]], np.float32)
    assert merge(points, points, np.array(groups), 1).tolist() == groups


def test_points_that_coincide_are_merged():
    points = np.zeros((40, 2), np.float32)
    merged = merge(points, points, np.arange(40) % 4, 1)
    assert 1 <= len(set(merged.tolist())) <= 4


def test_means_leave_out_what_has_no_group():
    points = np.array([[0, 2], [2, 4], [9, 9]], np.float32)
    np.testing.assert_array_equal(means(points, np.array([1, 1, -1])), [[0, 0], [1, 3]])
