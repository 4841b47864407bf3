"""The 80 % bands hold, over the data sets of the intervention set and on each, as many of what came as they should."""

from __future__ import annotations

import pytest
from bands import Coverage, coverages
from gains import FEWEST_TOLD, gains
from intervention_set import RESULTS, InterventionSet, load

pytestmark = pytest.mark.skipif(not RESULTS.exists(), reason=f"{RESULTS} is not there")
MEASURED = ("data x4, same epochs, dev error", "data x4, same updates, dev error", "epochs x4, best dev error")


@pytest.fixture(scope="module")
def found() -> InterventionSet:
    return load("fit")


@pytest.fixture(scope="module")
def by_forecast(found: InterventionSet) -> dict[str, Coverage]:
    return {coverage.what: coverage for coverage in coverages(found)}


@pytest.mark.parametrize("what", MEASURED)
def test_a_band_holds_four_of_five_dev_errors_that_came(by_forecast: dict[str, Coverage], what: str) -> None:
    coverage = by_forecast[what]

    assert 0.75 <= coverage.held.value <= 0.85
    assert coverage.lowest[1] >= 0.6


def test_a_band_of_a_dev_error_holds_three_of_four_errors_on_a_large_reserve(by_forecast: dict[str, Coverage]) -> None:
    on_reserve = [coverage.held.value for what, coverage in by_forecast.items() if what.endswith("test error")]

    assert len(on_reserve) == 2
    assert min(on_reserve) >= 0.74


def test_more_data_and_longer_training_save_what_is_expected_of_them(found: InterventionSet) -> None:
    forecast = [gain for gain in gains(found) if gain.step in ("more_data", "train_longer") and gain.n >= FEWEST_TOLD]

    assert len(forecast) == 3
    assert all(0.7 <= gain.ratio.value <= 1.3 for gain in forecast)
