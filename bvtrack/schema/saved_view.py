"""The saved view of an experiment's runs in MLflow's own UI: the table, the charts, and the experiment tags that hold them.

MLflow's UI keeps a view in an experiment tag. From 3.15 on its menu lists them and the tag's value is an envelope around the
state of the page; before, the value was that state itself, and a link to any other leaves the page empty. So the state is in
the envelope twice: compressed for the one, and beside it for the other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from bvtrack.schema import names
from bvtrack.schema.tags import CERTAINTY, DIAGNOSIS, NEXT_STEP, SPLIT

NAME = "Bias and variance"
TAG = f"mlflow.sharedViewState.{names.VIEW_KEY}"
MARKER = "bvtrack.view"
"""Tag of an experiment that a view was written to: `VERSION` and the digest of what was written, by which one that a user has
changed or deleted is known."""
VERSION = 1
"""To be raised with each change of what is written: a view as an older version wrote it is then replaced."""
TAG_LENGTH = 5000
"""Maximum length of an experiment tag's value in MLflow 3.10 (`MAX_EXPERIMENT_TAG_VAL_LENGTH`); 20,000 in 3.17."""

SETS = {"train": 118, "dev": 118, "test": 90}
"""Sets with the widths of their errors' columns."""
GAPS = {
    "avoidable_bias": "Avoidable bias",
    "variance": "Variance",
    "data_mismatch": "Data mismatch",
    "dev_overfit": "Dev overfit",
}
COLUMN_WIDTHS = {
    f"tags.`{DIAGNOSIS.name}`": 156,
    f"tags.`{NEXT_STEP.name}`": 108,
    **{f"metrics.`{names.verdict_metric(names.error_metric(name))}`": width for name, width in SETS.items()},
    f"tags.`{CERTAINTY.name}`": 72,
    **{f"metrics.`{names.verdict_metric(names.gap_metric(name))}`": 118 for name in GAPS},
    f"tags.`{SPLIT.name}`": 110,
}
"""Widths in pixels by column, in the table's order. Of a window of 1,400 pixels MLflow 3.17 leaves 787 to the table as long as
its assistant is open, as it is once, at the first visit of a server on one's own machine: room for all up to the test error.
Without it they are 1,137: the certainty and the first two gaps follow. A header tells `verdict/train` from `verdict/test` from
118 pixels on."""
FIXED_WIDTHS = {"attributes.`Run Name`": 100, "runDateAndNestInfo": 24}
"""Columns that are always there and come first, 190 and 150 pixels wide by default; less than 24 is ignored."""
SECTION = "bvtrack-view"


def state() -> dict[str, Any]:
    """The state of the runs page: columns and charts, and for versions before 3.15 all that has no default there."""
    return {
        "searchFilter": "",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(COLUMN_WIDTHS),
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOW_ALL",
        "hideEmptyCharts": True,
        "compareRunCharts": charts(),
        "compareRunSections": [_section()],
        "isAccordionReordered": True,
    }


def charts() -> list[dict[str, Any]]:
    """The map as a scatter plot, the errors of all epochs as one line chart, and bars of each gap."""
    bias, variance = (names.verdict_metric(names.gap_metric(name)) for name in ("avoidable_bias", "variance"))
    errors = [names.error_metric(name) for name in SETS]
    return [
        _chart("map", "SCATTER", xaxis=_axis(bias), yaxis=_axis(variance)),
        _chart("errors", "LINE", metricKey=errors[0], selectedMetricKeys=errors, xAxisKey="step", **LINES),
        *(
            _chart(name, "BAR", metricKey=names.verdict_metric(names.gap_metric(name)), displayName=title)
            for name, title in GAPS.items()
        ),
    ]


LINES = {
    "lineSmoothness": 0,
    "scaleType": "linear",
    "xAxisScaleType": "linear",
    "range": {},
    "selectedXAxisMetricKey": "",
    "yAxisKey": "metric",
    "yAxisExpressions": [],
}


def value(timestamp: int) -> str:
    """The value of the tag for a view made at `timestamp`, in milliseconds since the Unix epoch."""
    page = state()
    here_only = {"columnOrder": [*FIXED_WIDTHS, *COLUMN_WIDTHS], "columnWidths": {**FIXED_WIDTHS, **COLUMN_WIDTHS}}
    packed = f"deflate;{base64.b64encode(zlib.compress(_json({**page, **here_only}).encode(), 9)).decode()}"
    return _json({"name": NAME, "createdAt": timestamp, "updatedAt": timestamp, "state": packed, **page})


def news_for(tags: Mapping[str, str], timestamp: int) -> dict[str, str]:
    """The tags to set on an experiment that has these `tags`; none where its view was changed or deleted.

    >>> sorted(news_for({}, 0)), news_for({MARKER: "1 0a1b2c3d"}, 0)
    (['bvtrack.view', 'mlflow.sharedViewState.bvtrack'], {})
    """
    ours, present, marker = value(timestamp), tags.get(TAG), tags.get(MARKER)
    mark = f"{VERSION} {digest(ours)}"
    if present is None:
        return {} if marker else {TAG: ours, MARKER: mark}
    if digest(present) == digest(ours):
        return {} if marker == mark else {MARKER: mark}
    return {TAG: ours, MARKER: mark} if is_unchanged(tags) and _version(marker) < VERSION else {}


def is_unchanged(tags: Mapping[str, str]) -> bool:
    """True if the experiment's view is as we wrote it."""
    return TAG in tags and (tags.get(MARKER) or "").partition(" ")[2] == digest(tags[TAG])


def digest(view: str) -> str:
    """A digest of a tag's value but for its times, which differ between trainings that write one view at once."""
    try:
        content = json.loads(view)
    except ValueError:
        content = view
    if isinstance(content, dict) and content.get("createdAt") == content.get("updatedAt"):
        content = {name: part for name, part in content.items() if name not in ("createdAt", "updatedAt")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _version(marker: str | None) -> int:
    number = (marker or "").partition(" ")[0]
    return int(number) if number.isdecimal() else VERSION


def _section() -> dict[str, Any]:
    """Three charts in a row, low enough for two rows in a window of 1,000 pixels."""
    return {
        "uuid": SECTION,
        "name": NAME,
        "display": True,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
        "columns": 3,
        "cardHeight": 300,
    }


def _chart(name: str, kind: str, **more: Any) -> dict[str, Any]:
    about = {"uuid": f"{SECTION}-{name}", "type": kind, "metricSectionId": SECTION, "deleted": False, "isGenerated": False}
    return {**about, "runsCountToCompare": 100, **more}


def _axis(metric: str) -> dict[str, str]:
    return {"key": metric, "type": "METRIC"}


def _json(content: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps(content, separators=(",", ":"))
