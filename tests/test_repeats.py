"""One verdict over repeats: the spread of an error, what is noise in it, and two configurations compared."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bvtrack import diagnose
from bvtrack.diagnosis.repeats import Baseline, Repeat, Repeated, design_of, judge_repeats
from bvtrack.diagnosis.two_configurations import difference_of
from bvtrack.error_rates.intervals import Rate, difference_interval
from bvtrack.error_rates.spread import Design, Spread, student_t
from bvtrack.schema import tags as schema
from bvtrack.schema.tags import RunFacts

N_DEV = 2000


def repeat(dev: float, train: float = 0.01, *, seed: int | None = None, fold: int | None = None, **more: object) -> Repeat:
    known = {"counts": {"train": 6000, "dev": N_DEV}, "tag": "high_variance", **more}
    labels = {name: None if value is None else str(value) for name, value in (("seed", seed), ("fold", fold))}
    return Repeat("", "wide", errors={"train": train, "dev": dev}, **labels, **known)  # type: ignore[arg-type]  # as named


def seeds(*dev: float, n_dev: int = N_DEV) -> Repeated:
    counts = {"train": 6000, "dev": n_dev}
    return judge_repeats([repeat(one, seed=number, counts=counts) for number, one in enumerate(dev)], Baseline())


def folds(*dev: float, n_train: int | None = 8000) -> Repeated:
    repeats = [repeat(one, fold=number, dev_set=f"{number}", n_train=n_train) for number, one in enumerate(dev)]
    return judge_repeats(repeats, Baseline())


@given(st.floats(1, 2000))
def test_students_t_is_that_of_the_tables(degrees: float) -> None:
    assert student_t(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), abs=3e-3)


def test_repeats_on_one_dev_set_do_not_average_its_noise_out() -> None:
    many = seeds(*[0.11] * 50)

    assert many.intervals["dev"] == pytest.approx(Rate(0.11, N_DEV).interval())


def test_the_spread_over_seeds_is_added_to_the_noise_of_the_dev_set() -> None:
    dev = (0.10, 0.11, 0.12)
    low, high = seeds(*dev).intervals["dev"]
    of_examples = Rate(0.11, N_DEV).interval()
    of_seeds = stats.t.ppf(0.975, 2) * np.std(dev, ddof=1) / math.sqrt(3)

    assert 0.11 - low == pytest.approx(math.hypot(0.11 - of_examples[0], of_seeds), rel=1e-5)
    assert high - 0.11 == pytest.approx(math.hypot(of_examples[1] - 0.11, of_seeds), rel=1e-5)


def test_two_repeats_tell_less_of_their_spread_than_ten() -> None:
    assert Design(2).half_width(0.01) > 4 * Design(10).half_width(0.01)


def test_folds_have_the_variance_of_nadeau_and_bengio() -> None:
    dev = (0.10, 0.11, 0.12, 0.13, 0.14)
    low, high = folds(*dev).intervals["dev"]
    half = stats.t.ppf(0.975, 4) * np.std(dev, ddof=1) * math.sqrt(1 / 5 + 2000 / 8000)

    assert (0.12 - low, high - 0.12) == pytest.approx((half, half), rel=1e-5)


def test_folds_that_agree_still_have_the_noise_of_all_their_examples() -> None:
    assert folds(*[0.11] * 5).intervals["dev"] == pytest.approx(Rate(0.11, 5 * N_DEV).interval())


def test_folds_without_sizes_are_taken_for_all_of_the_data() -> None:
    assert design_of(folds(0.1, 0.11, 0.12, 0.13, 0.14, n_train=None).repeats).dev_to_train == pytest.approx(0.25)


def test_repeated_folds_hold_no_more_examples_than_there_are() -> None:
    twice = [repeat(0.11, fold=fold, seed=seed, dev_set=f"{seed}-{fold}", n_train=8000) for seed in "ab" for fold in range(5)]  # type: ignore[arg-type]  # any text
    found = judge_repeats(twice, Baseline())

    assert found.verdict.diagnosis.counts["dev"] == 5 * N_DEV
    assert found.design.n_dev_sets == 10


def test_a_test_set_that_all_folds_share_keeps_its_noise() -> None:
    errors, counts = (0.118, 0.12, 0.122), {"dev": N_DEV, "test": 300}
    repeats = [
        Repeat("", "", "balanced", {"dev": 0.1, "test": error}, counts, fold=str(fold), n_train=4000)
        for fold, error in enumerate(errors)
    ]
    low, _ = judge_repeats(repeats, Baseline()).intervals["test"]
    of_folds = stats.t.ppf(0.975, 2) * 0.002 * math.sqrt(1 / 3 + 1 / 2)

    assert 0.12 - low == pytest.approx(math.hypot(0.12 - Rate(0.12, 300).interval()[0], of_folds), rel=1e-5)


def test_the_gap_of_means_has_the_spread_of_the_gaps() -> None:
    opposed = judge_repeats([repeat(0.11 + n / 100, 0.05 - n / 100) for n in range(3)], Baseline())
    together = judge_repeats([repeat(0.11 + n / 100, 0.03 + n / 100) for n in range(3)], Baseline())
    alone = difference_interval(Rate(0.12, N_DEV), Rate(0.04, 6000))

    assert together.verdict.diagnosis.gaps["variance"].low == pytest.approx(alone[0], abs=1e-6)
    assert (opposed.verdict.diagnosis.gaps["variance"].low or 0) < alone[0] - 0.03


def test_repeats_that_agree_have_the_verdict_of_one_of_them() -> None:
    one = diagnose(train_error=0.01, dev_error=0.11, n_train=6000, n_dev=N_DEV)
    found = seeds(0.11, 0.11, 0.11).verdict.diagnosis

    assert (found.tag, found.certainty, found.gaps) == (one.tag, one.certainty, one.gaps)


def test_a_gap_that_one_seed_alone_would_name_may_be_chance_over_all() -> None:
    found = judge_repeats([repeat(dev, 0.05) for dev in (0.05, 0.09, 0.20)], Baseline()).verdict.diagnosis

    assert found.gaps["variance"].is_wide
    assert found.tag == "undetermined"
    assert "more repeats, or more examples a set, would tell" in found.explanation


def test_how_many_repeats_are_what_by_themselves_is_said() -> None:
    repeats = [repeat(0.11), repeat(0.11), repeat(0.02, tag="balanced")]

    assert (
        "By themselves 2 are high_variance and 1 is balanced."
        in judge_repeats(repeats, Baseline()).verdict.diagnosis.explanation
    )


def test_one_of_five_that_diverged_leaves_the_verdict_likely() -> None:
    failed = Repeat("", "", "diverged")
    found = judge_repeats([*(repeat(0.11) for _ in range(4)), failed], Baseline())

    assert (found.verdict.diagnosis.tag, found.verdict.diagnosis.certainty) == ("high_variance", "likely")
    assert found.tags == {"high_variance": 4, "diverged": 1}


@pytest.mark.parametrize("n_failed", [2, 3, 4])
def test_a_configuration_half_of_which_diverged_has_diverged(n_failed: int) -> None:
    found = judge_repeats([*(repeat(0.11) for _ in range(4 - n_failed)), *[Repeat("", "", "diverged")] * n_failed], Baseline())

    assert found.verdict.diagnosis.tag == "diverged"
    assert found.in_short.startswith("4 repeats: ")


def test_errors_without_counts_are_certain_of_nothing_on_one_dev_set() -> None:
    repeats = [Repeat("", "", "", {"train": 0.01, "dev": dev}) for dev in (0.11, 0.12, 0.13)]

    assert judge_repeats(repeats, Baseline(0.005)).verdict.diagnosis.certainty == "likely"


def test_folds_need_no_counts_for_an_interval() -> None:
    repeats = [Repeat("", "", "", {"train": 0.01, "dev": 0.11 + fold / 1000}, fold=str(fold)) for fold in range(5)]

    assert judge_repeats(repeats, Baseline(0.005)).verdict.diagnosis.certainty == "certain"


def test_a_single_run_is_no_configuration() -> None:
    with pytest.raises(ValueError, match="at least 2 repeats; got 1"):
        judge_repeats([repeat(0.11)], Baseline())


def test_the_tags_of_a_configuration_are_read_back() -> None:
    found = seeds(0.108, 0.112, 0.116)
    tags = schema.tags_of(RunFacts(verdict=found.verdict, source="audit", repeated=found), "repeats")
    read = schema.gaps_of(tags).repeats

    assert tags["bvtrack.repeats"] == "3 seeds: dev 11.2 ± 0.4 %"
    assert read is not None
    assert (read.over, read.n, read.tags) == ("seeds", 3, {"high_variance": 3})
    assert read.deviations["dev"] == pytest.approx(0.004)
    assert read.intervals["dev"] == pytest.approx(found.intervals["dev"], abs=1e-4)


@pytest.mark.parametrize("part", ['"x"', "[]", '{"over": "moons", "n": 3}', '{"over": "seeds", "n": 1}', '{"over": "seeds"}'])
def test_what_is_no_repeats_is_read_as_a_single_run(part: str) -> None:
    assert schema.gaps_of({"bvtrack.gaps": f'{{"repeats": {part}}}'}).repeats is None


def test_parts_of_the_repeats_that_are_invalid_are_left_out() -> None:
    text = json.dumps(
        {"over": "folds", "n": 5, "sd": {"dev": "x", "moon": 0.1}, "ci": {"dev": [0.1]}, "tags": {"balanced": -1}}
    )
    read = schema.gaps_of({"bvtrack.gaps": f'{{"repeats": {text}}}'}).repeats

    assert read is not None
    assert (read.deviations, read.intervals, read.tags) == ({}, {}, {})


def test_a_difference_that_every_seed_shows_is_more_than_noise() -> None:
    said = str(difference_of(seeds(0.1, 0.12, 0.14), seeds(0.15, 0.171, 0.19), names=("wide", "small")))

    assert said == "wide is 5.0 ± 0.1 points better than small (3 seeds, paired): more than noise."


def test_a_difference_that_the_dev_set_may_have_made_is_not_called_more_than_noise() -> None:
    found = difference_of(seeds(0.1, 0.11, n_dev=200), seeds(0.12, 0.13, n_dev=200), names=("wide", "small"))

    assert not found.is_noise
    assert str(found).endswith("more than the seeds make of it, but on others than these 200 dev examples it may be chance.")


def test_a_difference_within_the_spread_says_how_many_more_seeds_would_tell() -> None:
    one, other = seeds(0.10, 0.12, 0.11, 0.13), seeds(0.12, 0.11, 0.14, 0.12)
    found = difference_of(one, other, names=("wide", "small"))
    spread = Spread((0.02, -0.01, 0.03, -0.01), Design(4))
    more = found.more_repeats

    assert found.is_noise
    assert more is not None
    assert Design(4 + more).half_width(spread.deviation) < found.value <= Design(3 + more).half_width(spread.deviation)


def test_folds_are_paired_by_their_dev_sets() -> None:
    unlabelled = [[repeat(dev + n / 50, dev_set=f"{n}", n_train=8000) for n in range(5)] for dev in (0.1, 0.13)]
    one, other = (judge_repeats(repeats, Baseline()) for repeats in unlabelled)
    found = difference_of(one, other, names=("wide", "small"))

    assert found.n_pairs == 5
    assert found.value == pytest.approx(0.03)
    assert found.half_width == pytest.approx(0, abs=1e-9)


def test_no_number_of_folds_tells_what_the_data_do_not() -> None:
    one, other = folds(0.10, 0.12, 0.11, 0.13, 0.12), folds(0.12, 0.11, 0.13, 0.12, 0.11)

    assert "more folds would hardly tell: it takes more data" in str(difference_of(one, other, names=("wide", "small")))


def test_other_seeds_are_compared_by_welch() -> None:
    ones, others = (0.10, 0.11, 0.12), (0.20, 0.22, 0.24, 0.26)
    later = judge_repeats([repeat(dev, seed=9 + n) for n, dev in enumerate(others)], Baseline())
    found = difference_of(seeds(*ones), later, names=("wide", "small"))
    interval = stats.ttest_ind(others, ones, equal_var=False).confidence_interval()

    assert found.n_pairs == 0
    assert found.half_width == pytest.approx((interval.high - interval.low) / 2, rel=1e-4)


def draws(generator: np.random.Generator, k: int, p: float, spread: float, n: int) -> Sequence[float]:
    """The dev errors of k seeds on one dev set, of which each example is wrong by a probability of its own."""
    hard = generator.beta(p, 1 - p, size=n)
    shift = generator.normal(0, spread, size=(k, 1))
    wrong: Sequence[float] = (generator.random((k, n)) < np.clip(hard + shift, 0, 1)).mean(axis=1).tolist()
    return wrong


@pytest.mark.parametrize("k", [2, 5])
def test_the_interval_over_seeds_holds_what_new_examples_would_show(k: int) -> None:
    generator = np.random.default_rng(k)
    expected = float(np.clip(generator.beta(0.1, 0.9, size=200_000) + generator.normal(0, 0.02, size=200_000), 0, 1).mean())
    held = 0
    for _ in range(300):
        errors = draws(generator, k, 0.1, 0.02, 400)
        rate = Rate(float(np.mean(errors)), 400, spread=Spread(tuple(errors), Design(k)))
        low, high = rate.interval()
        held += low <= expected <= high

    assert held >= 0.93 * 300
