import numpy as np
import pytest

from cxnlp.errors import InvalidQuery
from cxnlp.service.examples import direction

NONE = np.zeros((0, 3), np.float32)


def rows(*vectors):
    made = np.array(vectors, np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_one_positive_is_its_own_direction():
    (one,) = rows([3, 4, 0])
    found = direction(rows([3, 4, 0]), NONE)
    assert found == pytest.approx(one)
    assert (found.dtype, found.shape) == (np.float32, (3,))


def test_several_positives_meet_in_the_middle():
    assert direction(rows([1, 0, 0], [0, 1, 0]), NONE) == pytest.approx(rows([1, 1, 0])[0])


def test_negatives_push_away_by_half():
    found = direction(rows([1, 0, 0]), rows([0, 1, 0], [0, 1, 0]))
    assert found == pytest.approx(rows([1, -0.5, 0])[0])


def test_what_resembles_the_negatives_falls_behind_what_does_not():
    wanted, unwanted, common = np.eye(3, dtype=np.float32)
    alike, not_alike = rows(common + wanted, common + unwanted)
    without = direction(rows(common), NONE)
    given = direction(rows(common), rows(common + 2 * unwanted))
    assert alike @ without == pytest.approx(not_alike @ without)
    assert alike @ given > not_alike @ given


def test_negatives_alone_say_nothing():
    with pytest.raises(InvalidQuery, match="at least one positive"):
        direction(NONE, rows([1, 0, 0]))


def test_examples_that_cancel_out_are_refused():
    with pytest.raises(InvalidQuery, match="give others"):
        direction(rows([1, 0, 0], [-1, 0, 0]), NONE)
    with pytest.raises(InvalidQuery, match="give others"):
        direction(np.full((1, 3), np.nan, np.float32), NONE)
