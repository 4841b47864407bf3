"""The forecasts of a report in words: of as many epochs again, and of more training data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bvtrack.diagnosis.expected_gains import LIKELY
from bvtrack.measures.percent import percent
from bvtrack.report.content import Content


class MoreData(NamedTuple):
    """The dev error with so many times the data, in percent, and where it will be in four cases of five."""

    data: str
    value: str
    band: str


def longer_in_words(content: Content) -> str:
    """What as many epochs again do to the best dev error; empty where that is not forecast."""
    longer = content.longer
    if longer is None:
        return ""
    band = f"{percent(longer.low)} to {percent(longer.high)}"
    unlikely = "may bring it to" if (longer.improves or 0.0) >= LIKELY else "will probably bring nothing:"
    brings = "should bring it to" if content.is_longer_better else unlikely
    return f"as many {content.unit}s again {brings} {percent(longer.value)} ({band})"


def more_data_rows(content: Content) -> Iterator[MoreData]:
    """The forecasts for more training data."""
    for times, one in content.more_data.items():
        yield MoreData(f"{times} times the data", percent(one.value), f"{percent(one.low)} to {percent(one.high)}")


def tells_of_more_data(content: Content) -> bool:
    """True if more data are among the steps, and what they bring is forecast."""
    return bool(content.more_data) and "more_data" in {step.id for step in content.verdict.steps}
