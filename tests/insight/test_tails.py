import math

import numpy as np
import pytest

from cxnlp.insight.tails import count_tails, discoveries, incomplete_beta, log_gamma, mean_tails, share_tails


def test_log_gamma_is_that_of_the_standard_library():
    x = np.array([1e-3, 0.1, 0.5, 1, 2.5, 9.9, 10, 171.3, 1e5, 1e9])
    assert log_gamma(x) == pytest.approx([math.lgamma(v) for v in x], rel=1e-11, abs=1e-11)


def test_a_poisson_tail_is_the_exact_sum():
    mean, k = 3.2, 8
    exact = 1 - math.fsum(math.exp(-mean + i * math.log(mean) - math.lgamma(i + 1)) for i in range(k))
    above, below = count_tails(np.array([k]), np.array([mean]), np.array([mean]))
    assert above[0] == pytest.approx(exact, rel=1e-5)
    assert below[0] == pytest.approx(1 - exact + math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)), rel=1e-5)


def test_a_wider_count_has_the_tail_of_the_negative_binomial():
    mean, variance, k = 4.0, 10.0, 12
    size, p = mean**2 / (variance - mean), mean / variance
    terms = (math.lgamma(i + size) - math.lgamma(size) - math.lgamma(i + 1) + size * math.log(p) + i * math.log1p(-p) for i in range(k))
    exact = 1 - math.fsum(math.exp(term) for term in terms)
    assert count_tails(np.array([k]), np.array([mean]), np.array([variance]))[0][0] == pytest.approx(exact, rel=1e-9)


def test_a_share_has_the_exact_binomial_tail_and_a_wider_one_is_less_certain():
    n, k, p = 40, 17, 0.25
    exact = math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
    plain, wider = (share_tails(np.array([k]), np.array([n]), np.array([p]), np.array([ratio]))[0][0] for ratio in (1.0, 2.0))
    assert plain == pytest.approx(exact, rel=1e-9)
    assert plain < wider < 0.1
    above, below = share_tails(np.array([0, 10]), np.array([10, 10]), np.array([0.5, 0.5]), np.ones(2))
    assert above.tolist() == pytest.approx([1.0, 0.5**10]) and below.tolist() == pytest.approx([0.5**10, 1.0])


def test_students_t_is_that_of_tables():
    above, below = mean_tails(np.array([2.228, -2.228, 0.0]), np.array([10.0, 10.0, 5.0]))
    assert above == pytest.approx([0.025, 0.975, 0.5], abs=1e-4)
    assert above + below == pytest.approx(1.0)


@pytest.mark.parametrize(("x", "value"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)])
def test_the_incomplete_beta_has_its_ends(x, value):
    assert incomplete_beta(np.array([3.0]), np.array([3.0]), np.array([x]))[0] == pytest.approx(value)


def test_discoveries_are_those_of_benjamini_and_hochberg():
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34])
    assert discoveries(p, 0.05).tolist() == [True] + [False] * 14  # the second would have to be below 0.05 x 2 / 15
    assert discoveries(p, 0.061).tolist() == [True, True] + [False] * 13


def test_what_was_not_tested_is_no_discovery_and_no_test():
    p = np.array([np.nan, 0.02, np.nan, np.nan])
    assert discoveries(p, 0.05).tolist() == [False, True, False, False]
    assert not discoveries(np.full(3, np.nan), 0.05).any()
