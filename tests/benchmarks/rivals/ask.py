"""What the four newcomers say of curves: run by the Python that has them, `.venv-rivals`, and nothing of ours.

    .venv-rivals/bin/python tests/benchmarks/rivals/ask.py curves.npz verdicts.json

Reads `train` and `dev` `[n_curves, n_points]` and `n_points` `[n_curves]`, and writes for each tool the findings of each curve
in our words: `overtrained`, `diverged`, `not_learning`. A tool is asked through the functions that its command line calls, with
the names and the file's shape that it knows best: one train and one dev loss at each of the steps 100, 200, …
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Curve = list[float]

TRAINSPOTTER = {"overfitting": "overtrained", "divergence": "diverged", "plateau": "not_learning"}
LOSSLINT = {"overfit_onset": "overtrained", "nan_inf": "diverged", "divergence": "diverged", "stagnation": "not_learning"}
RUNMEDIC = {"overfitting": "overtrained", "non_finite": "diverged", "divergence": "diverged", "no_learning": "not_learning"}
"""What a finding of theirs is called here. What it says of single points, rates or noise is no verdict on the curve."""


def steps_of(curve: Curve) -> list[int]:
    return [100 * (index + 1) for index in range(len(curve))]


def ask_trainspotter(train: Curve, dev: Curve) -> set[str]:
    """Every severity counts, for it lowers an overfitting to `info` only to say that a divergence explains it."""
    import trainspotter.detectors
    import trainspotter.model

    run = trainspotter.model.Run()
    for name, curve in (("train/loss", train), ("eval/loss", dev)):
        for step, value in zip(steps_of(curve), curve, strict=True):
            run.add_point(name, step, value)
    run.finalize()
    return {TRAINSPOTTER.get(each.detector, "") for each in trainspotter.detectors.run_all(run)}


def ask_losslint(train: Curve, dev: Curve) -> set[str]:
    import losslint.checks
    import losslint.parsing

    series = {"loss": list(train), "eval_loss": list(dev)}
    run = losslint.parsing.RunLog(steps_of(train), series, Path("trainer_state.json"))
    return {LOSSLINT.get(each.check, "") for each in losslint.checks.run_all_checks(run)}


def ask_runmedic(train: Curve, dev: Curve) -> set[str]:
    import runmedic.checks
    import runmedic.model
    import runmedic.roles

    run = runmedic.model.Run("run", "csv", "metrics.csv")
    for name, curve in (("train_loss", train), ("val_loss", dev)):
        for step, value in zip(steps_of(curve), curve, strict=True):
            run.get(name).add(step, value)
    run.finalize()
    return {RUNMEDIC.get(each.check, "") for each in runmedic.checks.run_checks(run, runmedic.roles.detect(run))}


def ask_finetune_doctor(train: Curve, dev: Curve) -> set[str]:
    """A final checkpoint `slightly worse` (`INFO`) is not called overfitting by it; a NaN is its only divergence."""
    import finetune_doctor
    from finetune_doctor.history import from_trainer_state

    entries: list[dict[str, Any]] = []
    for step, loss, eval_loss in zip(steps_of(train), train, dev, strict=True):
        entries += [{"step": step, "loss": loss}, {"step": step, "eval_loss": eval_loss}]
    said = set()
    for each in finetune_doctor.diagnose(from_trainer_state({"log_history": entries})).findings:
        if each.check == "overfitting" and each.severity >= finetune_doctor.Severity.WARNING:
            said.add("overtrained")
        if each.check == "loss_degenerate" and "NaN" in each.title:
            said.add("diverged")
        if each.check == "not_learning":
            said.add("not_learning")
    return said


TOOLS: dict[str, Callable[[Curve, Curve], set[str]]] = {
    "trainspotter": ask_trainspotter,
    "losslint": ask_losslint,
    "runmedic": ask_runmedic,
    "finetune-doctor": ask_finetune_doctor,
}


def main(curves: Path, verdicts: Path) -> None:
    """Ask every tool about every curve."""
    data = np.load(curves)
    pairs = [
        (train[:n_points].tolist(), dev[:n_points].tolist())
        for train, dev, n_points in zip(data["train"], data["dev"], data["n_points"], strict=True)
    ]
    with np.errstate(all="ignore"):
        said = {name: [sorted(ask(*pair) - {""}) for pair in pairs] for name, ask in TOOLS.items()}
    verdicts.write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
