from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack import Diagnosis, Evidence, Tracker, diagnose, recommend
from bvtrack.curves.curve import WARM_UP_EPOCHS, Shape
from bvtrack.curves.running import optimism_of_lowest
from bvtrack.diagnosis import run_verdict as verdicts
from bvtrack.diagnosis.curve_verdict import likely_failure
from bvtrack.diagnosis.diagnosis import STATES_WITHOUT_GAPS
from bvtrack.diagnosis.expected_gains import Prospects
from bvtrack.diagnosis.run_history import KEPT_EPOCHS, SURPLUS_EPOCHS, History
from bvtrack.diagnosis.run_verdict import At, EpochErrors, Verdict, chosen_epoch, diagnose_epoch
from bvtrack.error_rates.optimism import NO_OPTIMISM, Optimism, deviation
from bvtrack.journal.journal import record
from bvtrack.journal.record_line import Record
from bvtrack.measures.percent import percent
from bvtrack.report.content import RunAddress
from bvtrack.schema.tags import verdict_tags
from bvtrack.shipping.run_state import Ledger

OPTIONS = {"human_error": None, "measure": None, "same_distribution": True, "source": "tracker", "version": "1.2.3"}
BASELINE: dict[str, Any] = {"human_error": None, "same_distribution": True}
COUNTS = {"train": 1_000, "dev": 1_000}
MOST_BYTES = 300_000

Errors = dict[str, float]


def ledger(*records: Record, at: At = "best") -> Ledger:
    found = Ledger(OPTIONS | {"at": at})
    for one in records:
        found.take(one)
    return found


def epoch(number: int, errors: Errors, counts: dict[str, int] | None = None) -> Record:
    counts = COUNTS if counts is None else counts
    known = {name: n for name, n in counts.items() if name in errors}
    return record("epoch", epoch=number, errors=errors, counts=known, intervals={}, unscaled={}, running=None)


def later_test(number: int, error: float, n: int | None = None) -> Record:
    return record("test", epoch=number, error=error, n=n, interval=None, unscaled=None)


def epochs(curve: Sequence[Errors]) -> list[Record]:
    return [epoch(number, errors) for number, errors in enumerate(curve)]


def verdict_of(found: Ledger) -> Verdict:
    assert found.verdict is not None
    return found.verdict


def by_all_epochs(records: Sequence[Record], at: At, chance: float | None = None, optimism: Optimism | None = None) -> Verdict:
    """The verdict by its definition: all epochs are looked at, and the chosen one is diagnosed, by default with the optimism
    that follows from all of them.
    """
    history = [EpochErrors(one["epoch"], one["errors"], one["counts"]) for one in records]
    if not any({"train", "dev"} & entry.errors.keys() for entry in history):
        return Verdict(history[-1].epoch, Diagnosis.without_gaps("undetermined"), None, ())
    chosen = chosen_epoch(history, at)
    train, dev = ([entry.errors.get(name) for entry in history] for name in ("train", "dev"))
    shape = Shape()
    for place, values in enumerate(zip(train, dev, strict=True)):
        shape.add(place, *values)
    curve = shape.classify(chance, chosen.counts.get("dev"))
    if curve in STATES_WITHOUT_GAPS or not chosen.finite:
        state = curve if curve in STATES_WITHOUT_GAPS else "undetermined"
        is_sure = curve != "not_learning" or len(history) > WARM_UP_EPOCHS
        diagnosis = Diagnosis.without_gaps(state, chosen.finite, is_sure=is_sure)
        if chance is None and state == curve and shape.ends_finite:
            diagnosis = likely_failure(curve, diagnosis)
    else:
        diagnosis = diagnose_epoch(chosen, **BASELINE, optimism=optimism or optimism_by_all(history, chosen, at))
    return Verdict(chosen.epoch, diagnosis, curve, recommend(diagnosis, Evidence(curve, dev_curve=dev)))


def optimism_by_all(history: Sequence[EpochErrors], chosen: EpochErrors, at: At) -> Optimism:
    rate = chosen.rates.get("dev")
    if at == "last" or rate is None or not rate.has_interval:
        return NO_OPTIMISM
    dev = [(entry, entry.errors["dev"]) for entry in history if entry.has_dev_error]
    place = next(place for place, (entry, _) in enumerate(dev) if entry is chosen)
    return optimism_of_lowest([(1, error, error * error, 0.0) for _, error in dev], place, rate.error, deviation(rate))


VALUES = st.sampled_from([0.1, 0.11, 0.12, 0.14, 0.15, 0.5, math.nan]) | st.floats(0, 1)
ERRORS = st.dictionaries(st.sampled_from(["train", "dev", "train_dev", "test"]), VALUES, max_size=4)
ANY_COUNTS = st.sampled_from([{}, COUNTS, {"dev": 100}])
TOO_SOON = st.none() | st.tuples(st.integers(0, 40), st.sampled_from([0.12, 0.5, 0.9]))


@given(
    curve=st.lists(st.tuples(ERRORS, ANY_COUNTS), min_size=1, max_size=40), at=st.sampled_from(["best", "last"]), late=TOO_SOON
)
@settings(deadline=None)
def test_a_verdict_epoch_by_epoch_is_the_one_by_all_epochs(
    curve: list[tuple[Errors, dict[str, int]]], at: At, late: tuple[int, float] | None
) -> None:
    records = [epoch(number, errors, counts) for number, (errors, counts) in enumerate(curve)]
    found = ledger(at=at)
    for index, one in enumerate(records):
        if late and index >= late[0]:
            found.take(record("chance", error=late[1]))
        found.take(one)
        expected = by_all_epochs(records[: index + 1], at, late[1] if late and index >= late[0] else None)

        assert verdict_tags(verdict_of(found)) == verdict_tags(expected)
        assert verdict_of(found).diagnosis == expected.diagnosis


@given(
    numbers=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    errors=st.lists(ERRORS, min_size=40, max_size=40),
    at=st.sampled_from(["best", "last"]),
)
@settings(deadline=None)
def test_an_epoch_that_comes_again_stands_at_its_new_place_alone(numbers: list[int], errors: list[Errors], at: At) -> None:
    records = [epoch(number, one, {}) for number, one in zip(numbers, errors, strict=False)]
    found = ledger(at=at)
    for index, one in enumerate(records):
        found.take(one)
        so_far = records[: index + 1]
        newest = [one for place, one in enumerate(so_far) if one["epoch"] not in numbers[place + 1 : index + 1]]

        assert verdict_tags(verdict_of(found)) == verdict_tags(by_all_epochs(newest, at))


@given(
    curve=st.lists(st.tuples(st.integers(0, 250), st.integers(0, 250)), min_size=1, max_size=30),
    at=st.sampled_from(["best", "last"]),
)
@settings(deadline=None)
def test_the_verdict_on_a_training_is_the_one_on_the_numbers_that_it_quotes(curve: list[tuple[int, int]], at: At) -> None:
    found = ledger(*epochs([{"train": train / 1_000, "dev": dev / 1_000} for train, dev in curve]), at=at)

    seen = verdict_of(found).diagnosis
    errors, counts = (
        {f"{start}{name}": value for name, value in part.items()} for start, part in (("", seen.errors), ("n_", seen.counts))
    )
    chosen = {"n_epochs": seen.optimism.n_epochs, "dev_optimism": seen.optimism.expected}
    once = diagnose(**{f"{name}_error": error for name, error in errors.items()}, **counts, **chosen)  # type: ignore[arg-type]

    assert seen.gaps == {} or (seen.tag, seen.certainty, seen.explanation) == (once.tag, once.certainty, once.explanation)


def test_a_later_test_error_counts_where_the_tags_speak_of_its_epoch() -> None:
    records = epochs([{"train": 0.1, "dev": 0.3}, {"train": 0.1, "dev": 0.2}, {"train": 0.1, "dev": 0.25}])

    chosen = verdict_of(ledger(*records, later_test(1, 0.4)))
    other = verdict_of(ledger(*records, later_test(2, 0.4)))

    assert (chosen.diagnosis.errors["test"], "dev_overfit" in chosen.diagnosis.problems) == (0.4, True)
    assert other == verdict_of(ledger(*records))


def _noise(seed: int) -> Callable[[], float]:
    generator = random.Random(seed)
    return lambda: generator.gauss(0, 0.004)


def _falling(n: int) -> list[Errors]:
    return [{"train": 0.05 + 0.2 / (1 + at / 50), "dev": 0.1 + 0.3 / (1 + at / 50)} for at in range(n)]


def _noisy(n: int) -> list[Errors]:
    noise = _noise(1)
    return [
        {"train": 0.05 + 0.4 * math.exp(-8 * at / n), "dev": 0.12 + 0.4 * math.exp(-8 * at / n) + noise()} for at in range(n)
    ]


def _rising(n: int) -> list[Errors]:
    noise = _noise(2)
    return [{"train": 0.2 / (1 + at / 50), "dev": 0.1 + 0.3 / (1 + at / 50) + 0.1 * at / n + noise()} for at in range(n)]


def _linear(n: int) -> list[Errors]:
    noise = _noise(3)
    return [{"train": 0.3 - 0.2 * at / n, "dev": 0.5 - 0.2 * at / n + noise()} for at in range(n)]


def _seldom_validated(n: int) -> list[Errors]:
    return [errors if at % 7 == 3 else {"train": errors["train"]} for at, errors in enumerate(_linear(n))]


def _diverging_once(n: int) -> list[Errors]:
    return [errors if at != n // 3 else {"train": math.nan, "dev": math.nan} for at, errors in enumerate(_noisy(n))]


def _at_chance_since_it_diverged(n: int) -> list[Errors]:
    return [errors if at < n // 3 else {"train": 0.9, "dev": 0.9} for at, errors in enumerate(_diverging_once(n))]


def _at_a_threshold(n: int) -> list[Errors]:
    noise = _noise(4)
    return [{"train": 0.1, "dev": 0.143 + 3 * noise()} for _ in range(n)]


def _without_dev(n: int) -> list[Errors]:
    return [{"train": errors["train"]} for errors in _linear(n)]


SHAPES = [
    _falling,
    _noisy,
    _rising,
    _linear,
    _seldom_validated,
    _diverging_once,
    _at_chance_since_it_diverged,
    _at_a_threshold,
    _without_dev,
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("at", ["best", "last"])
def test_a_long_training_is_judged_as_if_all_epochs_were_kept(shape: Callable[[int], list[Errors]], at: At) -> None:
    records = epochs(shape(5_000))
    found = ledger(record("chance", error=0.9), at=at)
    for index, one in enumerate(records):
        found.take(one)
        if index + 1 in (513, 1_300, 5_000):
            seen = verdict_of(found)
            optimism = seen.diagnosis.optimism
            exact = by_all_epochs(records[: index + 1], at, 0.9).diagnosis.optimism
            expected = by_all_epochs(records[: index + 1], at, 0.9, optimism)

            assert optimism.expected == pytest.approx(exact.expected, rel=0.1, abs=0.001)
            assert optimism.n_epochs == pytest.approx(exact.n_epochs, rel=0.2, abs=20)

            assert verdict_tags(seen) == verdict_tags(expected)
            assert seen.diagnosis == expected.diagnosis
            assert [step.id for step in seen.steps] == [step.id for step in expected.steps]
            assert [step.expected_gain or 0.0 for step in seen.steps] == pytest.approx(
                [step.expected_gain or 0.0 for step in expected.steps], abs=0.0005
            )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("at", ["best", "last"])
def test_what_is_kept_of_a_run_says_the_same_and_goes_on_as_the_run_does(shape: Callable[[int], list[Errors]], at: At) -> None:
    records = epochs(shape(3_000))
    whole = ledger(at=at)
    folded = ledger(at=at)
    for index, one in enumerate(records):
        whole.take(one)
        folded.take(one)
        if index in (50, 600, 601, 2_000):
            folded = ledger(*json.loads(json.dumps(folded.compacted())), at=at)
            assert verdict_of(folded).as_json() == verdict_of(whole).as_json()
    chance = record("chance", error=0.9)
    for found in (whole, folded):
        found.take(chance)

    assert verdict_of(folded) == verdict_of(whole)
    assert json.dumps(folded.compacted()) == json.dumps(whole.compacted())


def test_a_state_of_a_run_with_epochs_that_came_again_says_what_the_run_said() -> None:
    run = epochs(_at_a_threshold(40))
    found = ledger(*run, later_test(8, 0.9), *epochs(_at_a_threshold(20))[5:], later_test(7, 0.2))

    again = ledger(*json.loads(json.dumps(found.compacted())))

    assert verdict_of(again) == verdict_of(found)
    assert again.compacted() == found.compacted()
    assert [one["epoch"] for one in found.compacted() if one["kind"] == "test"] == [7]


@pytest.mark.parametrize("n_epochs", [40, 3_000])
def test_epochs_alone_are_taken_up_too_as_version_0_1_wrote_them(n_epochs: int) -> None:
    records = epochs(_noisy(n_epochs))
    found = ledger(*(one for one in ledger(*records).compacted() if one["kind"] != "past"))
    seen, whole = (verdict_of(one) for one in (found, ledger(*records)))
    n_known = seen.diagnosis.optimism.n_epochs

    assert n_known == whole.diagnosis.optimism.n_epochs or n_known <= KEPT_EPOCHS < n_epochs
    assert {**verdict_tags(seen), "bvtrack.gaps": ""} == {**verdict_tags(whole), "bvtrack.gaps": ""}
    assert (seen.diagnosis.errors, seen.diagnosis.counts) == (whole.diagnosis.errors, whole.diagnosis.counts)


@pytest.mark.parametrize("shape", [_falling, _noisy, _diverging_once])
def test_what_is_kept_does_not_grow_with_the_training(shape: Callable[[int], list[Errors]]) -> None:
    found = ledger()
    most = 0
    for one in epochs(shape(20_000)):
        found.take(one)
        found.take(later_test(one["epoch"], 0.5))
        most = max(most, len(found._epochs), len(found._tests), len(found._history._entries))
    folded = [one["kind"] for one in found.compacted()]

    assert most <= KEPT_EPOCHS + SURPLUS_EPOCHS + 1
    assert KEPT_EPOCHS // 2 <= folded.count("epoch") == folded.count("test") <= KEPT_EPOCHS + 4 * WARM_UP_EPOCHS
    assert len(found._history) == 20_000


def test_a_state_does_not_grow_with_the_training_and_resumes_it() -> None:
    first = Tracker(enabled=False)
    for number, errors in enumerate(_noisy(20_000)):
        first.log_epoch(
            number, train_error=errors["train"], dev_error=errors["dev"], train_error_running=0.123456789, n_dev=1_000
        )
    written = json.dumps(first.state())
    second = Tracker(enabled=False, resume=json.loads(written))

    assert len(written) < MOST_BYTES
    assert second.diagnosis == first.diagnosis
    assert second.steps == first.steps
    assert json.dumps(second.state()["epochs"]) == json.dumps(first.state()["epochs"])


@pytest.mark.parametrize("at", ["best", "last"])
def test_a_verdict_diagnoses_one_epoch_and_follows_the_curve_by_one(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    diagnosed, followed = _Counted(diagnose), _Counted(Shape.add)
    monkeypatch.setattr(verdicts, "diagnose", diagnosed)
    monkeypatch.setattr(Shape, "add", lambda *arguments: followed(*arguments))
    found = ledger(at=at)
    for one in epochs(_falling(1_000)):
        found.take(one)
        assert found.verdict is not None

    assert (diagnosed.n_calls, followed.n_calls) == (1_000, 1_000)


def test_epochs_that_come_again_cost_a_look_at_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    records = epochs(_noisy(5_000))
    found = ledger(*records)
    followed = _Counted(Shape.add)
    monkeypatch.setattr(Shape, "add", lambda *arguments: followed(*arguments))
    for one in records[4_900:]:
        found.take(one)
    unasked = followed.n_calls
    for one in records[4_900:]:
        found.take(one)
        assert found.verdict is not None

    assert unasked <= 100
    assert followed.n_calls <= 100 * (KEPT_EPOCHS + SURPLUS_EPOCHS)


class _Counted:
    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.n_calls = 0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.n_calls += 1
        return self._function(*arguments, **options)


def test_of_a_run_that_is_seldom_validated_the_epochs_are_kept_that_are() -> None:
    every_other = [errors if at % 2 else {"train": errors["train"]} for at, errors in enumerate(_linear(3_000))]
    content = ledger(*epochs(every_other)).content("run", RunAddress("1", "0", "sqlite://"))

    assert content is not None
    assert sum("dev" in entry.errors for entry in content.history) >= KEPT_EPOCHS // 2


def test_a_report_of_a_long_run_forecasts_from_all_of_its_epochs() -> None:
    found = ledger(*epochs(_linear(3_000)))
    content = found.content("run", RunAddress("1", "0", "sqlite://"))

    assert content is not None
    of_all = Prospects(content.diagnosis, Evidence(dev_curve=content.trend or ()))
    step = next(step for step in verdict_of(found).steps if step.id == "train_longer")
    assert content.longer == of_all.longer
    assert of_all.much_longer is not None
    assert f"to about {percent(of_all.much_longer.value)}" in step.why


def test_a_test_error_of_an_epoch_that_is_no_longer_kept_is_a_point_alone() -> None:
    found = ledger(*epochs(_noisy(3_000)))
    kept = {one["epoch"] for one in found.compacted() if one["kind"] == "epoch"}
    gone = next(number for number in range(1_000, 2_000) if number not in kept and not found.metrics_of(number))
    before = verdict_of(found)
    late = later_test(gone, 0.5)
    found.take(late)

    assert [point.name for point in found.bundle([late]).points] == ["bvtrack/test_error"]
    assert found.verdict == before


def test_one_epoch_that_comes_again_and_again_is_one_epoch() -> None:
    found = ledger(*(epoch(0, {"train": 0.9, "dev": 0.9}) for _ in range(3 * KEPT_EPOCHS)), record("chance", error=0.9))

    assert verdict_of(found).curve == "learning"
    assert [one["kind"] for one in found.compacted_epochs()] == ["epoch"]


@pytest.mark.parametrize("again", [1, 2])
def test_the_last_epoch_of_a_long_run_that_comes_again_makes_the_run_no_longer(again: int) -> None:
    curve = _linear(3_000)
    records = [one for errors in enumerate(curve) for one in [epoch(*errors)] * again]

    assert len(ledger(*records)._history) == 3_000


def test_an_epoch_of_a_long_run_that_is_kept_and_comes_again_counts_once_in_its_trend() -> None:
    followed = History("best")
    for number, errors in enumerate(_linear(3_000)):
        followed.add(EpochErrors(number, errors))
    followed.add(EpochErrors(followed.kept[-50].epoch, {"dev": 0.4}))
    points = followed._stretches.since(0)

    assert points is not None
    assert points.n == 3_000


@settings(max_examples=50)
@given(st.integers(40, 300), st.integers(2, 9), st.floats(0.2, 2.0))
def test_rounds_that_were_not_logged_are_of_the_trainings_time_all_the_same(n: int, every: int, speed: float) -> None:
    curve = [0.1 + 0.4 / (1 + speed * number) for number in range(n)]
    logged = sorted({*range(20), *range(0, n, every), n - 1})
    whole, thinned = History("best"), History("best")
    for number, error in enumerate(curve):
        whole.add(EpochErrors(number, {"dev": error, "train": error}))
    for number in logged:
        thinned.add(EpochErrors(number, {"dev": curve[number], "train": curve[number]}))

    assert thinned.trend.last_epoch == whole.trend.last_epoch == n - 1
    assert thinned.classify(None, None) == whole.classify(None, None)
    assert thinned.trend.recent is not None
    assert whole.trend.recent is not None
    drops = [trend.recent.line(trend.last_epoch)[0] for trend in (thinned.trend, whole.trend) if trend.recent]
    assert drops[0] == pytest.approx(drops[1], rel=0.5)
