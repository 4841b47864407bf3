from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bvtrack.error_rates.gaps import Gap
from bvtrack.error_rates.intervals import Rate, difference_interval, examples_to_tell, half_width

COUNTS = st.integers(1, 1_000_000)
RATES = st.builds(Rate, st.floats(0, 1), COUNTS)


def test_a_rates_interval_is_wilsons() -> None:
    interval = Rate(0.10, 100).interval()

    assert interval == pytest.approx((0.05523, 0.17437), abs=1e-5)


@pytest.mark.parametrize(("error", "end"), [(0.0, 0), (1.0, 1)])
def test_a_rate_at_its_limit_has_an_interval_that_ends_there(error: float, end: int) -> None:
    interval = Rate(error, 50).interval()

    assert interval[end] == error


def test_a_rate_without_its_count_has_no_interval() -> None:
    with pytest.raises(ValueError, match="an interval needs the number of examples"):
        Rate(0.10).interval()


# Newcombe (1998), Statistics in Medicine 17, table II, method 10.
@pytest.mark.parametrize(
    ("later", "earlier", "interval"),
    [
        (Rate(56 / 70, 70), Rate(48 / 80, 80), (0.0524, 0.3339)),
        (Rate(9 / 10, 10), Rate(3 / 10, 10), (0.1705, 0.8090)),
        (Rate(5 / 56, 56), Rate(0.0, 29), (-0.0381, 0.1926)),
        (Rate(0.0, 10), Rate(0.0, 20), (-0.1611, 0.2775)),
        (Rate(1.0, 10), Rate(0.0, 20), (0.6791, 1.0)),
    ],
)
def test_a_differences_interval_is_newcombes(later: Rate, earlier: Rate, interval: tuple[float, float]) -> None:
    measured = difference_interval(later, earlier)

    assert measured == pytest.approx(interval, abs=5e-5)


def test_a_difference_without_a_count_has_no_interval() -> None:
    with pytest.raises(ValueError, match="got n=None"):
        difference_interval(Rate(0.2, 100), Rate(0.1))


def test_nineteen_of_twenty_intervals_hold_the_true_difference() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.binomial(200, [0.15, 0.10], size=(2000, 2)) / 200

    intervals = [difference_interval(Rate(float(later), 200), Rate(float(earlier), 200)) for later, earlier in drawn]

    assert 0.93 <= np.mean([low <= 0.05 <= high for low, high in intervals]) <= 0.97


@pytest.mark.parametrize(("n", "width"), [(100, 0.0588), (1_000, 0.0186), (10_000, 0.0059), (100_000, 0.0019)])
def test_half_width_of_a_ten_percent_error_shrinks_with_the_root_of_n(n: int, width: float) -> None:
    measured = half_width(0.10, n)

    assert measured == pytest.approx(width, abs=5e-5)


@pytest.mark.parametrize(("wrong", "n"), [(0, 1), (1, 3), (7, 7), (15, 100), (1, 1000), (5123, 1_000_000)])
def test_a_rates_interval_is_that_of_scipy(wrong: int, n: int) -> None:
    expected = binomtest(wrong, n).proportion_ci(method="wilson")

    assert Rate(wrong / n, n).interval() == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_examples_to_tell_counts_the_noise_of_both_errors() -> None:
    needed = examples_to_tell(0.12, 0.10)

    assert needed == 1900


def test_examples_to_tell_takes_a_human_error_as_known() -> None:
    needed = examples_to_tell(0.12, 0.10, earlier_is_known=True)

    assert needed == 870


@given(
    later=st.floats(0.001, 1),
    share=st.floats(0, 0.9),
    n_later=st.integers(1, 3000),
    n_earlier=st.integers(1, 3000),
)
def test_where_a_gap_may_be_zero_more_examples_than_there_are_would_tell(
    later: float, share: float, n_later: int, n_earlier: int
) -> None:
    low, _ = difference_interval(Rate(later, n_later), Rate(share * later, n_earlier))
    needed = examples_to_tell(later, share * later)

    assert low > 0 or needed > min(n_later, n_earlier)
    assert difference_interval(Rate(later, needed), Rate(share * later, needed))[0] > 0


def test_examples_to_tell_a_gap_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"above 0; got the errors 0\.1 and 0\.1"):
        examples_to_tell(0.1, 0.1)


@pytest.mark.parametrize(("value", "is_wide"), [(0.0099, False), (0.15 - 0.14, True), (0.0101, True)])
def test_a_gap_is_wide_from_its_threshold_on(value: float, is_wide: bool) -> None:
    gap = Gap(value, threshold=0.01)

    assert gap.is_wide is is_wide


@pytest.mark.parametrize(("low", "is_sure"), [(None, False), (0.0099, False), (0.01, True), (0.0101, True)])
def test_a_gap_is_surely_wide_where_its_whole_interval_is(low: float | None, is_sure: bool) -> None:
    gap = Gap(0.02, low, 0.03, threshold=0.01)

    assert gap.is_surely_wide is is_sure


@pytest.mark.parametrize(("high", "is_sure"), [(None, False), (0.0099, True), (0.01, False), (0.0101, False)])
def test_a_gap_is_surely_narrow_where_its_whole_interval_is(high: float | None, is_sure: bool) -> None:
    gap = Gap(0.0, -0.01, high, threshold=0.01)

    assert gap.is_surely_narrow is is_sure


@pytest.mark.parametrize(("low", "may_be_chance"), [(None, False), (-0.1, True), (0.01, True), (0.0101, False)])
def test_a_gap_may_be_chance_where_its_interval_holds_what_no_problem_would_be(low: float | None, may_be_chance: bool) -> None:
    gap = Gap(0.05, low, None if low is None else 0.1, chance=0.01)

    assert gap.may_be_chance is may_be_chance


@given(rate=RATES)
def test_an_interval_holds_its_estimate_and_stays_a_fraction(rate: Rate) -> None:
    low, high = rate.interval()

    assert 0 <= low <= rate.error + 1e-12
    assert rate.error - 1e-12 <= high <= 1


@given(wrong=st.integers(0, 100))
def test_ten_times_the_examples_narrow_the_interval(wrong: int) -> None:
    low, high = Rate(wrong / 100, 100).interval()

    narrower_low, narrower_high = Rate(wrong / 100, 1000).interval()

    assert narrower_high - narrower_low < high - low


@given(later=RATES, earlier=RATES)
def test_a_differences_interval_holds_the_difference(later: Rate, earlier: Rate) -> None:
    low, high = difference_interval(later, earlier)

    assert low <= later.error - earlier.error <= high


@given(later=RATES, earlier=RATES)
def test_a_difference_the_other_way_round_has_the_mirrored_interval(later: Rate, earlier: Rate) -> None:
    low, high = difference_interval(later, earlier)

    mirrored = difference_interval(earlier, later)

    assert mirrored == pytest.approx((-high, -low))


@given(later=st.floats(0.02, 1), share=st.floats(0, 0.9))
def test_examples_to_tell_has_two_significant_digits(later: float, share: float) -> None:
    needed = examples_to_tell(later, share * later)

    assert len(str(needed).rstrip("0")) <= 2
