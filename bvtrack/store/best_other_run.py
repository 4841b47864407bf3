"""How the experiment's other runs do on the same dev set, as MLflow knows them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from bvtrack.diagnosis.evidence import ModelFacts, OtherRun
from bvtrack.schema import names
from bvtrack.schema.gaps_tag import errors_of, read_gaps

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

WITHOUT_ERRORS = ("diverged", "not_learning", "not_applicable")
"""Diagnoses of runs whose errors mean nothing."""
MOST_RUNS = 1000
"""Of an experiment the latest runs are looked at: one call of MLflow's, of about a second."""


def best_other_run(client: MlflowClient, run_id: str, *, dev_digest: str, measure: str | None) -> OtherRun | None:
    """The run of the same experiment with the lowest dev error on the same dev set; `None` where there is no other.

    `dev_digest` is that of the dataset logged as `dev`, `measure` the value of `bvtrack.measure`. Raises what MLflow raises.
    """
    own = client.get_run(run_id)
    found = client.search_runs(
        [own.info.experiment_id], f"tags.`{names.GAPS}` LIKE '%dev%'", max_results=MOST_RUNS, order_by=["start_time DESC"]
    )
    comparable = {
        error: run
        for run in found
        if run.info.run_id != run_id
        and _has_dev_set(run, dev_digest)
        and metric_of(run.data.tags.get(names.MEASURE)) == metric_of(measure)
        and run.data.tags.get(names.DIAGNOSIS) not in WITHOUT_ERRORS
        and (error := _dev_error(run)) is not None
    }
    if not comparable:
        return None
    error, best = min(comparable.items())
    differences = dict(_differences(_parameters(best), _parameters(own)))
    page = names.run_page(best.info.experiment_id, best.info.run_id)
    return OtherRun(error, best.info.run_name or best.info.run_id, model_of(best.data.tags), differences, page)


def _has_dev_set(run: Run, digest: str) -> bool:
    inputs = run.inputs.dataset_inputs if run.inputs else []
    contexts = ({tag.key: tag.value for tag in each.tags}.get(names.DATASET_CONTEXT) for each in inputs)
    return any(context == "dev" and each.dataset.digest == digest for context, each in zip(contexts, inputs, strict=True))


def metric_of(measure: str | None) -> str:
    """A measure without the remark on how its train error was measured."""
    return re.sub(r" \(train: [^)]*\)$", "", measure or "")


def _dev_error(run: Run) -> float | None:
    return errors_of(read_gaps(run.data.tags)).get("dev")


def _parameters(run: Run) -> dict[str, str]:
    """What the user logged as params, and what we read of the model."""
    model = {key.removeprefix(names.MODEL): value for key, value in run.data.tags.items() if key.startswith(names.MODEL)}
    return {**run.data.params, **model}


def _differences(there: Mapping[str, str], here: Mapping[str, str]) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    for name in dict.fromkeys([*here, *there]):
        if there.get(name) != here.get(name):
            yield name, (there.get(name), here.get(name))


_READ: Mapping[str, Callable[[str], Any]] = {
    "int | None": int,
    "float | None": float,
    "bool | None": "True".__eq__,
    "str | None": str,
}
"""How the text of a tag becomes the value of a field of `ModelFacts`, by the field's type."""


def model_of(tags: Mapping[str, str]) -> ModelFacts:
    """What a run's tags say of its model."""
    facts = {}
    for field in fields(ModelFacts):
        with contextlib.suppress(ValueError):
            if (text := tags.get(names.MODEL + field.name)) is not None:
                facts[field.name] = _READ[str(field.type)](text)
    return ModelFacts(**facts)
