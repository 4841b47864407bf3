from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The first Lightning run and the first Keras run of the demo."""
    from bvtrack_demo.place import Place, make_store
    from bvtrack_demo.runs import RUNS

    folder: Path = tmp_path_factory.mktemp("demo")
    uri = make_store(folder)
    for run in (RUNS[1], RUNS[3]):
        run.train(Place(uri, folder / "journals", run.name))
    return uri


@pytest.mark.filterwarnings("ignore")
def test_both_callbacks_diagnose_their_runs(demo_store: str) -> None:
    client = MlflowClient(demo_store)
    experiment = client.get_experiment_by_name("bvtrack-demo")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], "tags.`bvtrack.diagnosis` LIKE '%high_variance%'")

    assert {run.info.run_name for run in found} == {"Lightning: wide, 100 images", "Keras: tiny, 100 images"}
    assert {run.data.tags["bvtrack.state"] for run in found} == {"complete"}
    for run in found:
        assert {"bvtrack/train_error", "bvtrack/dev_error", "bvtrack/test_error"} <= run.data.metrics.keys()
