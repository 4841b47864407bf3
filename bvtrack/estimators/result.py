"""What `diagnose_estimator` finds: the diagnosis, the steps, the split and the run, and the estimator that they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.recipe import Step
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.display import as_html, as_words
from bvtrack.error_rates.error_rate import as_logged
from bvtrack.estimators.learning_curve import Size
from bvtrack.estimators.search import Search
from bvtrack.report.words import paragraphs
from bvtrack.splits.finding import Finding, told_of
from bvtrack.tracking.tracker import Tracker


@dataclass(frozen=True)
class DiagnosedEstimator:
    """The diagnosis of an estimator, the steps to try next, what was found in the `split`, and the MLflow run it is logged to.

    `estimator` is the fitted one: the one that was given, or a clone of it. `errors` are in the units of the error measured, by
    set. `learning_curve` are the sizes that it was fitted on besides, the whole training set last. `search` tells of a
    hyper-parameter search.
    """

    diagnosis: Diagnosis
    estimator: Any = field(repr=False)
    steps: tuple[Step, ...] = ()
    split: tuple[Finding, ...] = ()
    errors: Mapping[str, float] = field(default_factory=dict)
    learning_curve: Sequence[Size] = ()
    search: Search | None = None
    tracker: Tracker | None = field(default=None, repr=False, compare=False)

    @property
    def run_id(self) -> str | None:
        """The run, which the first who asks waits for; `None` for a dry run, and where there is nothing to log."""
        return self.tracker.run_id if self.tracker else None

    @property
    def _verdict(self) -> Verdict:
        return Verdict(None, self.diagnosis, None, self.steps)

    def __str__(self) -> str:
        sizes = [f"{one.n_train:,}: {as_logged(one.dev_error):.3g}" for one in self.learning_curve]
        of_sizes = f"Dev error by examples trained on: {', '.join(sizes)}." if sizes else ""
        found = map(str, told_of(self.split, self.diagnosis.unit))
        return f"{as_words(self._verdict)}\n{paragraphs([of_sizes, str(self.search or ''), *found])}".rstrip()

    def _repr_html_(self) -> str:
        return as_html(self._verdict)
