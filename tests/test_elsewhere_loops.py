"""Loops of Ignite, JAX and Flax with a Tracker: the loop's own numbers, and the training that it is without one."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

import bvtrack

N_EPOCHS = 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 8)).astype("float32")
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
SETS: dict[str, Any] = {"train": (X[:120], Y[:120]), "dev": (X[120:170], Y[120:170]), "test": (X[170:], Y[170:])}

Errors = Mapping[str, Any]
Log = Callable[[int, Errors], None]
"""Told of each epoch and of the errors that the loop itself has measured, by set."""


def batches(epoch: int) -> Iterator[tuple[Any, Any]]:
    x, y = SETS["train"]
    order = np.random.default_rng(epoch).permutation(len(x))
    for start in range(0, len(x), 20):
        yield x[order[start : start + 20]], y[order[start : start + 20]]


def ignite(log: Log) -> list[Any]:
    engine = pytest.importorskip("ignite.engine")
    metrics = pytest.importorskip("ignite.metrics")
    torch = pytest.importorskip("torch")

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Dropout(0.3), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    trainer = engine.create_supervised_trainer(net, optimizer, torch.nn.CrossEntropyLoss())
    evaluator = engine.create_supervised_evaluator(net, {"accuracy": metrics.Accuracy()})
    tensors = {name: [tuple(map(torch.tensor, pair))] for name, pair in SETS.items()}
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors["train"][0]), 20, shuffle=True)

    @trainer.on(engine.Events.EPOCH_COMPLETED)  # type: ignore[untyped-decorator]  # importorskip tells no types
    def log_epoch(engine: Any) -> None:
        errors = {name: 1 - evaluator.run(batches).metrics["accuracy"] for name, batches in tensors.items()}
        log(engine.state.epoch - 1, errors)

    trainer.run(loader, max_epochs=N_EPOCHS)
    return [tensor.detach().numpy() for tensor in net.parameters()]


def jax_loop(log: Log) -> list[Any]:
    jax = pytest.importorskip("jax")
    optax = pytest.importorskip("optax")

    def scores(weights: Any, x: Any) -> Any:
        return jax.nn.relu(x @ weights[0]) @ weights[1]

    def loss(weights: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(scores(weights, x), y).mean()

    keys = jax.random.split(jax.random.key(0))
    weights = [jax.random.normal(keys[0], (8, 16)), jax.random.normal(keys[1], (16, 3))]
    optimizer = optax.adam(0.02)
    state, gradient = optimizer.init(weights), jax.jit(jax.grad(loss))
    for epoch in range(N_EPOCHS):
        for x, y in batches(epoch):
            updates, state = optimizer.update(gradient(weights, x, y), state)
            weights = optax.apply_updates(weights, updates)
        log(epoch, {name: float((scores(weights, x).argmax(-1) != y).mean()) for name, (x, y) in SETS.items()})
    return [np.asarray(one) for one in weights]


def flax(log: Log) -> list[Any]:
    nnx = pytest.importorskip("flax.nnx")
    jax = pytest.importorskip("jax")
    optax = pytest.importorskip("optax")

    rngs = nnx.Rngs(0)
    net = nnx.Sequential(nnx.Linear(8, 16, rngs=rngs), nnx.Dropout(0.3, rngs=rngs), nnx.relu, nnx.Linear(16, 3, rngs=rngs))
    still = nnx.view(net, deterministic=True)
    optimizer = nnx.Optimizer(net, optax.adam(0.02), wrt=nnx.Param)

    def loss(net: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(net(x), y).mean()

    gradient = nnx.jit(nnx.grad(loss))
    update = nnx.jit(lambda net, optimizer, gradients: optimizer.update(net, gradients))
    for epoch in range(N_EPOCHS):
        for x, y in batches(epoch):
            update(net, optimizer, gradient(net, x, y))
        log(epoch, {name: float((still(x).argmax(-1) != y).mean()) for name, (x, y) in SETS.items()})
    return [np.asarray(one) for one in jax.tree.leaves(nnx.state(net, nnx.Param))]


LOOPS = {"ignite": ignite, "jax": jax_loop, "flax": flax}


class StopError(Exception):
    """What ends a training in its second epoch."""


def log_to(tracker: bvtrack.Tracker, told: dict[int, Errors], stops: type[BaseException] | None = None) -> Log:
    def log(epoch: int, errors: Errors) -> None:
        told[epoch] = errors
        named: dict[str, Any] = {f"{name}_error": error for name, error in errors.items()}
        tracker.log_epoch(epoch, **named)
        if stops and epoch == 1:
            raise stops

    return log


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Flax's and Ignite's own
@pytest.mark.parametrize("name", LOOPS)
def test_a_run_has_the_loops_own_errors_and_the_weights_are_those_without_a_tracker(
    name: str, store: str, send: Callable[[], None]
) -> None:
    told: dict[int, Errors] = {}
    bare = LOOPS[name](lambda epoch, errors: None)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(**SETS)
        tracked = LOOPS[name](log_to(tracker, told))
    send()
    (run,) = MlflowClient(store).search_runs(["0"])

    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(tracked, bare, strict=True))
    for part in SETS:
        points = MlflowClient(store).get_metric_history(run.info.run_id, f"bvtrack/{part}_error")
        assert [point.step for point in points] == [*range(N_EPOCHS)]
        assert [point.value for point in points] == pytest.approx([told[epoch][part] for epoch in range(N_EPOCHS)], abs=1e-6)
    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("FINISHED", "complete")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Flax's and Ignite's own
@pytest.mark.parametrize(("stops", "status"), [(StopError, "FAILED"), (KeyboardInterrupt, "KILLED")])
@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_that_is_stopped_ends_its_run_and_goes_on_with_it(
    name: str, stops: type[BaseException], status: str, store: str, send: Callable[[], None]
) -> None:
    with contextlib.suppress(stops), bvtrack.Tracker(tracking_uri=store) as tracker:
        LOOPS[name](log_to(tracker, {}, stops))
    send()
    (stopped,) = MlflowClient(store).search_runs(["0"])
    with bvtrack.Tracker(tracking_uri=store, resume=tracker.state()) as later:
        later.log_epoch(2, train_error=0.1, dev_error=0.2)
    send()
    (run,) = MlflowClient(store).search_runs(["0"])
    points = MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/dev_error")

    assert stopped.info.status == status
    assert (run.info.run_id, run.info.status) == (stopped.info.run_id, "FINISHED")
    assert [point.step for point in points] == [0, 1, 2]


ENDS = """
import bvtrack, jax
@jax.jit
def step(x): return x + 1
step(1)
closed = bvtrack.Tracker(tracking_uri={store!r})
closed.log_epoch(0, train_error=0.01, dev_error=0.11)
closed.close()
unused = bvtrack.Tracker(tracking_uri={store!r})
"""


def test_trackers_that_jax_keeps_until_python_ends_are_let_go_of_quietly(store: str, tmp_path: Path) -> None:
    """Its compiled functions keep all that the program's module names."""
    pytest.importorskip("jax")
    done = subprocess.run([sys.executable, "-c", ENDS.format(store=store)], capture_output=True, text=True, check=True)

    assert "Exception ignored" not in done.stderr
