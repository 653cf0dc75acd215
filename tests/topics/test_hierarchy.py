import numpy as np
import pytest

from cxnlp.topics.hierarchy import join_alike


def unit(*rows):
    found = np.array(rows, np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_the_most_alike_are_joined_first_and_likeness_never_grows():
    centroids = unit([1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0.8, 0.3], [0, 0, 1])
    steps = join_alike(centroids, np.ones(5, np.float32))
    assert [step[:2] for step in steps[:2]] == [(0, 1), (2, 3)]
    assert steps[0][2] == pytest.approx(float(centroids[0] @ centroids[1]), abs=1e-6)
    assert [step[2] for step in steps] == sorted((step[2] for step in steps), reverse=True)
    used = [number for step in steps for number in step[:2]]
    assert sorted(used) == list(range(8)), "each topic and each group but the last is joined once"


def test_a_group_is_as_alike_as_its_records_are_on_average():
    centroids = unit([1, 0], [0.8, 0.6], [0, 1])
    (_, _, first), (_, _, second) = join_alike(centroids, np.array([3, 1, 1], np.float32))
    assert first == pytest.approx(0.8) and second == pytest.approx((3 * 0.0 + 1 * 0.6) / 4, abs=1e-6)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_are_joined_with_nothing(n):
    assert join_alike(np.ones((n, 2), np.float32), np.ones(n, np.float32)) == []
