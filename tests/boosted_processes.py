"""A training with XGBoost in two processes, without and with the callback, for `test_boosting_xgboost.py` to start."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import xgboost
from boosted import DEV, TRAIN
from xgboost.tracker import RabitTracker

from bvtrack_boosting.xgboost import BiasVarianceCallback

ROUNDS = 6


def work(arguments: Any, is_tracked: bool) -> tuple[int, str, Any, Any]:
    """What one process has in the end: its rank, its model, what was evaluated, and the errors that it has logged."""
    with xgboost.collective.CommunicatorContext(**arguments):
        rank, log = xgboost.collective.get_rank(), {}  # type: ignore[var-annotated]
        trained, dev = (xgboost.DMatrix(x[rank::2], y[rank::2]) for x, y in (TRAIN, DEV))
        callbacks = [BiasVarianceCallback(train_data=TRAIN, dev_data=dev, wait=0)] if is_tracked else []
        model = xgboost.train(
            {"objective": "binary:logistic", "eval_metric": "error", "nthread": 1},
            trained,
            ROUNDS,
            evals=[(trained, "train"), (dev, "dev")],
            verbose_eval=False,
            evals_result=log,
            callbacks=callbacks,
        )
        tracker = callbacks[0].tracker if callbacks else None
        errors = dict(tracker.metrics_of(ROUNDS - 1)) if tracker else None
        return rank, hashlib.sha256(bytes(model.save_raw())).hexdigest(), log, errors


def main() -> None:
    found = []
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for is_tracked in (False, True):
            tracker = RabitTracker(host_ip="127.0.0.1", n_workers=2)
            tracker.start()
            arguments = tracker.worker_args()
            jobs = [pool.submit(work, arguments, is_tracked) for _ in range(2)]
            done = sorted(job.result(timeout=1200) for job in jobs)
            tracker.wait_for(60)
            log = {
                name: {metric: [float(one) for one in values] for metric, values in logs.items()}
                for name, logs in done[0][2].items()
            }
            found.append({"models": [one[1] for one in done], "log": log, "errors": [one[3] for one in done]})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
