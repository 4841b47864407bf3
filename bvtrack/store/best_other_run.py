"""The experiment's best other run on the same dev set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bvtrack.diagnosis.evidence import OtherRun
from bvtrack.schema import names, tags
from bvtrack.schema.model_tags import model_texts, read_model
from bvtrack.schema.tag_texts import metric_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

WITHOUT_ERRORS = ("diverged", "not_learning", "not_applicable")
"""Diagnoses of runs whose errors mean nothing."""
MOST_RUNS = 1000
"""Latest runs of an experiment that are compared: one MLflow call of about a second."""


def best_other_run(client: MlflowClient, run_id: str, *, dev_digest: str, measure: str | None) -> OtherRun | None:
    """The run of the same experiment with the lowest dev error on the same dev set; `None` where there is no other.

    `dev_digest` is that of the dataset logged as `dev`, `measure` the value of `bvtrack.measure`. Raises what MLflow raises.
    """
    own = client.get_run(run_id)
    found = client.search_runs(
        [own.info.experiment_id], f"tags.`{tags.GAPS.name}` LIKE '%dev%'", max_results=MOST_RUNS, order_by=["start_time DESC"]
    )
    comparable = {
        error: run
        for run in found
        if run.info.run_id != run_id
        and _has_dev_set(run, dev_digest)
        and metric_of(tags.MEASURE.read(run.data.tags)) == metric_of(measure)
        and tags.DIAGNOSIS.read(run.data.tags) not in WITHOUT_ERRORS
        and (error := _dev_error(run)) is not None
    }
    if not comparable:
        return None
    error, best = min(comparable.items())
    differences = dict(_differences(_parameters(best), _parameters(own)))
    page = names.run_page(best.info.experiment_id, best.info.run_id)
    return OtherRun(error, best.info.run_name or best.info.run_id, read_model(best.data.tags), differences, page)


def _has_dev_set(run: Run, digest: str) -> bool:
    inputs = run.inputs.dataset_inputs if run.inputs else []
    contexts = ({tag.key: tag.value for tag in each.tags}.get(names.DATASET_CONTEXT) for each in inputs)
    return any(context == "dev" and each.dataset.digest == digest for context, each in zip(contexts, inputs, strict=True))


def _dev_error(run: Run) -> float | None:
    return tags.gaps_of(run.data.tags).errors.get("dev")


def _parameters(run: Run) -> dict[str, str]:
    """The user's params and the model's facts."""
    return {**run.data.params, **model_texts(run.data.tags)}


def _differences(there: Mapping[str, str], here: Mapping[str, str]) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    for name in dict.fromkeys([*here, *there]):
        if there.get(name) != here.get(name):
            yield name, (there.get(name), here.get(name))
