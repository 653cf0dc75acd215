import numpy as np
import pytest

from cxnlp.topics.layout import align, lay_out, locate
from cxnlp.topics.space import Space

from .samples import clusters

PLAIN = Space(np.zeros(3, np.float32), np.zeros((0, 3), np.float32))


def unit(points):
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def distances(positions):
    return np.linalg.norm(positions[:, None] - positions, axis=2)


def test_alike_topics_lie_near_each_other():
    centroids = unit(np.array([[1, 0, 0], [1, 0.2, 0], [0, 1, 0], [0, 1, 0.2], [0, 0, 1]], float))
    apart = distances(lay_out(centroids))
    assert apart[0, 1] < 0.5 * apart[0, 2]
    assert apart[2, 3] < 0.5 * apart[2, 4]


def test_the_map_follows_the_angles_of_many_topics():
    vectors, _ = clusters(40, 1, dim=64)
    centroids = unit(vectors - vectors.mean(0))
    apart, angles = distances(lay_out(centroids)), np.arccos(np.clip(centroids @ centroids.T, -1, 1))
    upper = np.triu_indices(40, 1)
    assert np.corrcoef(apart[upper], angles[upper])[0, 1] > 0.3


def test_the_same_centroids_give_the_same_map_within_the_unit_circle():
    centroids = unit(np.random.default_rng(2).normal(size=(12, 3)))
    positions = lay_out(centroids)
    np.testing.assert_array_equal(positions, lay_out(centroids))
    assert np.linalg.norm(positions, axis=1).max() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_topics_have_positions_too(n):
    positions = lay_out(np.eye(3, dtype=np.float32)[:n])
    assert positions.shape == (n, 2)
    assert len({tuple(position) for position in positions.tolist()}) == n


def test_topics_that_coincide_are_laid_out():
    assert np.isfinite(lay_out(np.ones((5, 3), np.float32) / np.float32(np.sqrt(3)))).all()


def test_a_turned_mirrored_and_moved_map_comes_back_to_where_it_lay():
    rng = np.random.default_rng(4)
    old = {f"t-{i}": rng.normal(size=2).astype(np.float32) for i in range(8)}
    turn = np.array([[0.6, -0.8], [-0.8, -0.6]], np.float32)
    new = {topic: 3 * (turn @ position) + np.float32(5) for topic, position in old.items()}
    for topic, position in align(old, new).items():
        np.testing.assert_allclose(position, old[topic], atol=1e-5)


def test_a_new_topic_moves_with_those_that_are_shared():
    old = {"t-1": np.array([0, 0]), "t-2": np.array([1, 0]), "t-3": np.array([0, 1])}
    new = {"t-1": np.array([0, 0]), "t-2": np.array([0, 1]), "t-3": np.array([-1, 0]), "t-4": np.array([-1, 1])}
    aligned = align({**old, "t-9": np.array([7, 7])}, new)
    assert set(aligned) == set(new)
    np.testing.assert_allclose(aligned["t-4"], [1, 1], atol=1e-6)


def test_maps_that_share_no_two_topics_stay_as_they_are():
    new = {"t-1": np.array([0.5, 0.5], np.float32), "t-2": np.array([-0.5, 0.5], np.float32)}
    aligned = align({"t-1": np.array([9.0, 9.0])}, new)
    np.testing.assert_array_equal(aligned["t-1"], new["t-1"])
    np.testing.assert_array_equal(aligned["t-2"], new["t-2"])


def test_shared_topics_at_one_point_are_moved_without_scaling():
    aligned = align(dict.fromkeys(("a", "b"), np.array([2.0, 2.0])), {"a": np.zeros(2), "b": np.zeros(2), "c": np.array([1.0, 0.0])})
    np.testing.assert_allclose(aligned["a"], [2, 2])
    assert np.linalg.norm(aligned["c"] - aligned["a"]) == pytest.approx(1)


def test_a_record_lies_by_the_topics_nearest_to_it():
    centroids, positions = np.eye(3, dtype=np.float32), np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    found = locate(unit(np.array([[1, 0, 0], [1, 1, 0], [0, 0.1, 1]], float)), PLAIN, centroids, positions)
    np.testing.assert_allclose(found[0], [0, 0], atol=0.01)
    np.testing.assert_allclose(found[1], [0.5, 0], atol=0.01)
    np.testing.assert_allclose(found[2], [0, 1], atol=0.02)


def test_records_are_located_with_a_single_topic_and_across_blocks():
    documents = np.tile(np.eye(3, dtype=np.float32)[:1], (40_000, 1))
    found = locate(documents, PLAIN, documents[:1], np.array([[0.3, -0.3]], np.float32))
    assert found.shape == (40_000, 2)
    np.testing.assert_allclose(found[[0, -1]], [[0.3, -0.3]] * 2)
