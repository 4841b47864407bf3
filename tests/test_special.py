"""The distribution functions are SciPy's, and those of 50 digits where SciPy's are not exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats
from scipy.fft import dct

from bvtrack.special import (
    binomial_tail,
    chi_square_quantile,
    chi_square_tail,
    f_tail,
    kolmogorov_tail,
    noncentrality,
    normal_cdf,
    normal_quantile,
    regularized_beta,
    regularized_gamma,
)
from bvtrack.splits.near_duplicates.images import _cosine_transform

LEAST = 1e-290
COUNTS = st.floats(0, 9).map(lambda power: round(10**power))
DEVIATIONS = st.floats(-36, 36)
"""Standard deviations from the mean: the tail of a normal distribution reaches 1e-283 there."""
HALVES = st.integers(1, 2 * 10**5).map(lambda degrees: degrees / 2)
ALPHAS = st.floats(-12, math.log10(0.3)).map(lambda power: 10**power)


def agree(found: Any, wanted: Any) -> bool:
    """True for a relative difference of 1e-9 at most; below `LEAST`, for numbers that are both below."""
    is_small = (np.asarray(wanted) < 1.01 * LEAST) & (np.asarray(found) < 1.01 * LEAST)
    return bool(np.all(is_small | np.isclose(found, wanted, rtol=1e-9, atol=0)))


@settings(deadline=None)
@given(a=COUNTS, b=COUNTS, z=DEVIATIONS)
def test_the_incomplete_beta_function_is_scipys_for_all_counts(a: int, b: int, z: float) -> None:
    x = 1 / (1 + b / a * math.exp(-z * math.sqrt(1 / a + 1 / b)))

    assert agree(regularized_beta(a, b, x), special.betainc(a, b, x))


@settings(deadline=None)
@given(a=HALVES, b=HALVES, x=st.floats(0, 1))
def test_it_is_so_for_halves_and_anywhere(a: float, b: float, x: float) -> None:
    assert agree(regularized_beta(a, b, x), special.betainc(a, b, x))


@settings(deadline=None)
@given(a=HALVES, z=DEVIATIONS)
def test_both_incomplete_gamma_functions_are_scipys(a: float, z: float) -> None:
    x = a * math.exp(z / math.sqrt(a)) if abs(z) < 5 * math.sqrt(a) else abs(z)
    lower, upper = regularized_gamma(a, x)

    assert agree(lower, special.gammainc(a, x))
    assert agree(upper, special.gammaincc(a, x))


@settings(deadline=None)
@given(shape=st.floats(5, 9).map(lambda power: 10**power), z=st.floats(0, 36))
def test_the_upper_tail_of_large_shapes_is_scipys(shape: float, z: float) -> None:
    x = shape + z * math.sqrt(shape)

    assert agree(regularized_gamma(shape, x)[1], special.gammaincc(shape, x))


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (regularized_gamma(4e6, 3_990_000)[0], 2.8075496416086651e-7),  # SciPy 1.17: 2.798e-7
        (regularized_gamma(4e6, 4_072_000)[1], 8.9861364452011345e-281),
        (regularized_gamma(9e8, 899_850_000)[0], 2.8625533766227722e-7),  # SciPy 1.17: 0.84e-7
        (regularized_gamma(9e8, 900_900_000)[1], 6.6218747851322463e-198),
        (binomial_tail(500_100_000, n=10**9, probability=0.5), 1.2700741798772834e-10),
        (binomial_tail(10**9, n=2 * 10**9, probability=0.5), 0.50000892062057965),
        (binomial_tail(500_550_000, n=10**9, probability=0.5), 2.0484377811256123e-265),
        (binomial_tail(100, n=10**9, probability=1e-8), 5.3985680804932723e-63),
        (binomial_tail(999_999_000, n=10**9, probability=0.999998), 1.3701493941075108e-135),
    ],
)
def test_large_parameters_have_the_values_of_an_integration_with_50_digits(found: Any, wanted: float) -> None:
    assert float(found) == pytest.approx(wanted, rel=1e-10, abs=0)


@settings(deadline=None)
@given(n=st.integers(0, 2000), share=st.floats(0, 1), probability=st.floats(1e-6, 1 - 1e-6))
def test_the_binomial_tail_is_scipys(n: int, share: float, probability: float) -> None:
    at_least = round(share * (n + 2)) - 1

    assert agree(binomial_tail(at_least, n=n, probability=probability), stats.binom.sf(at_least - 1, n, probability))


@settings(deadline=None)
@given(st.floats(-37, 37))
def test_the_normal_distribution_function_is_scipys(z: float) -> None:
    assert agree(normal_cdf(z), special.ndtr(z))


@settings(deadline=None)
@given(st.floats(-280, 0).map(lambda power: 10**power) | st.floats(1e-280, 1))
def test_the_normal_quantile_is_scipys(probability: float) -> None:
    assert normal_quantile(probability) == pytest.approx(special.ndtri(probability), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(st.floats(0, 20))
def test_kolmogorovs_tail_is_scipys(x: float) -> None:
    assert agree(kolmogorov_tail(x), special.kolmogorov(x))


@settings(deadline=None)
@given(degrees=st.integers(1, 10**5), z=st.floats(-5, 36))
def test_the_chi_squared_tail_is_scipys(degrees: int, z: float) -> None:
    statistic = max(degrees + z * math.sqrt(2 * degrees), 0)

    assert agree(chi_square_tail(statistic, degrees=degrees), special.chdtrc(degrees, statistic))


@settings(deadline=None)
@given(tail=st.floats(-100, -1e-3).map(lambda power: 10**power), degrees=st.integers(1, 10**5))
def test_the_chi_squared_quantile_is_scipys(tail: float, degrees: int) -> None:
    assert chi_square_quantile(tail, degrees=degrees) == pytest.approx(special.chdtri(degrees, tail), rel=1e-9, abs=0)


@settings(deadline=None)
@given(alpha=ALPHAS, degrees=st.integers(1, 10**5), power=st.floats(0.5, 0.95))
def test_the_noncentrality_is_scipys(alpha: float, degrees: int, power: float) -> None:
    statistic = float(special.chdtri(degrees, alpha))

    wanted = special.chndtrinc(statistic, degrees, 1 - power)
    assert noncentrality(statistic, degrees=degrees, power=power) == pytest.approx(wanted, rel=1e-8, abs=0)


def test_a_central_variable_that_is_large_enough_by_chance_needs_no_noncentrality() -> None:
    assert noncentrality(1.0, degrees=5, power=0.8) == 0


@settings(deadline=None)
@given(between=st.integers(1, 500), within=st.integers(1, 10**5), statistic=st.floats(-6, 3).map(lambda power: 10**power))
def test_the_f_tail_is_that_of_the_incomplete_beta_function(between: int, within: int, statistic: float) -> None:
    wanted = special.betainc(within / 2, between / 2, within / (within + between * statistic))

    assert agree(f_tail(statistic, between=between, within=within), wanted)
    assert f_tail(statistic, between=between, within=within) == pytest.approx(
        special.fdtrc(between, within, statistic), rel=1e-6, abs=1e-280
    )


@settings(deadline=None)
@given(arrays(float, (2, 3), elements=st.floats(0, 1)), arrays(float, 3, elements=st.floats(1, 1000)))
def test_arrays_are_broadcast_and_hold_what_their_numbers_have_alone(x: Any, a: Any) -> None:
    found = regularized_beta(a, 2.5, x)

    assert found.shape == (2, 3)
    alone = [[float(regularized_beta(a[column], 2.5, x[row, column])) for column in range(3)] for row in range(2)]
    assert found == pytest.approx(np.array(alone), rel=1e-12, abs=0)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "binomial": lambda x: binomial_tail(1, n=3, probability=x),
    "normal": normal_cdf,
    "Kolmogorov": kolmogorov_tail,
    "chi-squared": lambda x: chi_square_tail(x, degrees=3),
    "F": lambda x: f_tail(x, between=2, within=5),
    "beta": lambda x: regularized_beta(2, 3, x),
    "gamma": lambda x: regularized_gamma(2, x)[0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_numbers_have_no_values_and_what_is_no_number_has_none(name: str) -> None:
    assert FUNCTIONS[name](np.empty((0, 2))).shape == (0, 2)
    assert np.isnan(FUNCTIONS[name]([math.nan, 0.5])).tolist() == [True, False]
    assert np.ndim(FUNCTIONS[name](0.5)) == 0


@pytest.mark.parametrize(
    ("name", "at_zero", "at_infinity"),
    [("normal", 0.5, 1), ("Kolmogorov", 1, 0), ("chi-squared", 1, 0), ("F", 1, 0), ("gamma", 0, 1)],
)
def test_the_ends_have_their_limits(name: str, at_zero: float, at_infinity: float) -> None:
    assert FUNCTIONS[name]([0.0, 1e300, math.inf]).tolist() == [at_zero, at_infinity, at_infinity]


@pytest.mark.parametrize(
    ("a", "b", "x"), [(0, 1, 0.5), (1, 0, 0.5), (-1, 1, 0.5), (1, 1, -0.1), (1, 1, 1.1), (math.nan, 1, 0.5)]
)
def test_parameters_that_make_no_distribution_have_no_value(a: float, b: float, x: float) -> None:
    assert np.isnan(regularized_beta(a, b, x))


def test_without_degrees_of_freedom_there_is_no_p_value() -> None:
    assert np.isnan(chi_square_tail([0, 1], degrees=0)).all()


def test_certain_and_impossible_tails_have_their_quantiles() -> None:
    assert [normal_quantile(probability) for probability in (0, 1)] == [-math.inf, math.inf]
    assert [chi_square_quantile(tail, degrees=3) for tail in (0, 1)] == [math.inf, 0]


@pytest.mark.parametrize("n", [1, 2, 9])
def test_the_cosine_transform_is_scipys(n: int) -> None:
    assert _cosine_transform(n) == pytest.approx(dct(np.eye(n), axis=0, norm="ortho"), abs=1e-14)
