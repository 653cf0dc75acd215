import numpy as np
import pytest

from cxnlp.likeness import to_cosine, to_likeness

CURVE = (4.0, -4.816)


def test_the_curve_rises_from_unlike_to_alike():
    assert to_likeness([-1.0, 0.5, 0.7, 0.9, 1.0], CURVE) == pytest.approx([0.001, 0.115, 0.5, 0.988, 1], abs=1e-3)
    assert to_likeness(np.zeros((2, 3), np.float32), CURVE).shape == (2, 3)


def test_a_likeness_leads_back_to_its_cosine():
    for likeness in (0.01, 0.5, 0.9):
        assert float(to_likeness(to_cosine(likeness, CURVE), CURVE)) == pytest.approx(likeness)
