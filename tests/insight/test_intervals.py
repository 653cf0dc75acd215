import numpy as np
import pytest

from cxnlp.insight import MEASURED, difference, estimate, sums_for
from cxnlp.insight.intervals import _student
from cxnlp.insight.tails import mean_tails


def figures(measure, *sums):
    found = estimate(measure, {name: np.array([float(value)]) for name, value in zip(sums_for(measure), sums, strict=True)})
    return found, (float(found.value[0]), float(found.low[0]), float(found.high[0]))


def test_shares_have_wilsons_interval():
    assert figures("negative_share", 5, 10)[1] == pytest.approx((0.5, 0.2366, 0.7634), abs=1e-4)
    assert figures("csat", 0, 10)[1] == pytest.approx((0.0, 0.0, 0.2775), abs=1e-4)
    assert figures("complaint_share", 10, 10)[1] == pytest.approx((1.0, 0.7225, 1.0), abs=1e-4)


def test_volumes_have_the_interval_of_a_poisson_count():
    assert figures("volume", 10)[1] == pytest.approx((10, 4.795, 18.39), abs=0.02)  # the exact one
    assert figures("volume", 0)[1] == pytest.approx((0, 0, 3.689), abs=0.1)


def test_means_have_students_interval_and_one_answer_has_none():
    values = np.array([0.1, -0.3, 0.5, 0.2])
    half = 3.1824 * values.std(ddof=1) / 2
    found = figures("sentiment", values.sum(), (values**2).sum(), 4)[1]
    assert found == pytest.approx((values.mean(), values.mean() - half, values.mean() + half))
    assert np.isnan(figures("satisfaction", 0.5, 0.25, 1)[1][1:]).all()
    freedom = np.array([1.0, 5.0, 9.0, 10.0, 30.0, 1000.0])
    assert mean_tails(_student(freedom), freedom)[0] == pytest.approx(0.025, abs=1e-4)


def test_an_nps_of_few_is_not_certain():
    assert figures("nps", 50, 25, 100)[1] == pytest.approx((25, 8.30, 40.24), abs=0.01)
    value, low, high = figures("nps", 3, 0, 3)[1]
    assert value == high == 100 and -20 < low < 20


def test_a_difference_of_shares_has_newcombes_interval():
    """The example of Newcombe 1998: 56 of 70 and 48 of 80."""
    change, low, high = difference(figures("csat", 56, 70)[0], figures("csat", 48, 80)[0])
    assert (change[0], low[0], high[0]) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize("measure", MEASURED[1:])
def test_nobodys_answer_is_unknown(measure):
    found, _ = figures(measure, *[0] * len(sums_for(measure)))
    assert np.isnan([found.value[0], found.low[0], found.high[0]]).all() and found.n[0] == 0
    assert np.isnan(difference(found, found)).all()
