"""Example logs, each in the format that its tool writes, with what must be found in it."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

N = 12


class Course(NamedTuple):
    """Losses and accuracies of a training by epoch."""

    loss: list[float]
    val_loss: list[float]
    acc: list[float]
    val_acc: list[float]


def course(kind: str, n: int = N) -> Course:
    """A training that `fits`, `overtrains`, never `learns`, `diverges`, or has a wide gap (`varies`)."""
    epochs = range(n)
    wave = [0.004 * math.sin(5 * epoch) for epoch in epochs]
    match kind:
        case "fits":
            loss = [0.03 + 0.65 * 0.6**epoch for epoch in epochs]
            val_loss = [0.04 + 0.64 * 0.6**epoch + wave[epoch] / 4 for epoch in epochs]
            return Course(loss, val_loss, [1 - 0.4 * one for one in loss], [1 - 0.4 * one for one in val_loss])
        case "varies":
            loss = [0.02 + 0.67 * 0.5**epoch for epoch in epochs]
            val_loss = [0.45 + 0.24 * 0.5**epoch + wave[epoch] / 4 for epoch in epochs]
            return Course(loss, val_loss, [1 - 0.5 * one for one in loss], [1 - 0.5 * one for one in val_loss])
        case "overtrains":
            loss = [0.02 + 0.67 * 0.6**epoch for epoch in epochs]
            val_loss = [0.30 + 0.39 * 0.45**epoch + 0.04 * max(epoch - 3, 0) for epoch in epochs]
            return Course(loss, val_loss, [1 - 0.5 * one for one in loss], [1 - 0.5 * one for one in val_loss])
        case "learns nothing":
            loss = [0.6935 + wave[epoch] / 10 for epoch in epochs]
            val_loss = [0.6933 - wave[epoch] / 10 for epoch in epochs]
            return Course(loss, val_loss, [0.5 + one / 10 for one in wave], [0.5 - one / 10 for one in wave])
        case _:
            loss = [0.69, 0.5, 0.45, *[math.nan] * (n - 3)]
            val_loss = [0.68, 0.52, 0.47, *[math.nan] * (n - 3)]
            acc = [0.5, 0.7, 0.75, *[0.5] * (n - 3)]
            return Course(loss, val_loss, acc, acc)


class Truth(NamedTuple):
    """States of a training that must be found, and those that must not."""

    found: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()


class Example(NamedTuple):
    """A log: `write` makes it in a folder and returns its path. A log that must be refused has words of the true reason in
    `why_not`.
    """

    name: str
    write: Callable[[Path], Path]
    truth: Truth = Truth()
    why_not: str = ""


def text(name: str, content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write


def files(*parts: tuple[str, str], shown: str = "") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        for name, content in parts:
            text(name, content)(folder)
        return folder / shown

    return write


def table(columns: Mapping[str, Sequence[Any]], delimiter: str = ",", end: str = "\n") -> str:
    rows = [list(columns), *map(list, zip(*columns.values(), strict=True))]
    return "".join(delimiter.join("" if cell is None else str(cell) for cell in row) + end for row in rows)


def keras(kind: str, delimiter: str = ",") -> str:
    it = course(kind)
    columns = {"epoch": range(N), "accuracy": it.acc, "loss": it.loss, "val_accuracy": it.val_acc, "val_loss": it.val_loss}
    return table(columns, delimiter, end="\r\n")


def losses(kind: str) -> str:
    it = course(kind)
    return table({"epoch": range(N), "train_loss": it.loss, "val_loss": it.val_loss})


def lightning(kind: str, steps: int = 20, every: int = 5) -> str:
    """As CSVLogger writes them: a row for each logged step, one of the validation and one of the train epoch."""
    it, rows = course(kind), ["epoch,step,train_acc,train_loss_epoch,train_loss_step,val_acc,val_loss"]
    for epoch in range(N):
        first = epoch * steps
        rows += [f"{epoch},{first + step},,,{it.loss[epoch]},," for step in range(every - 1, steps, every)]
        end = first + steps - 1
        rows += [
            f"{epoch},{end},,,,{it.val_acc[epoch]},{it.val_loss[epoch]}",
            f"{epoch},{end},{it.acc[epoch]},{it.loss[epoch]},,,",
        ]
    return "\n".join(rows) + "\n"


def trainer_state(kind: str, *, has_accuracy: bool = False) -> str:
    it, history = course(kind), list[dict[str, object]]()
    for epoch in range(N):
        for half in (0.5, 1.0):
            step = int((epoch + half) * 100)
            history.append(
                {"epoch": epoch + half, "grad_norm": 1.5, "learning_rate": 5e-5, "loss": it.loss[epoch], "step": step}
            )
        accuracy = {"eval_accuracy": it.val_acc[epoch]} if has_accuracy else {}
        history.append({"epoch": epoch + 1.0, "eval_loss": it.val_loss[epoch], "eval_runtime": 1.2, "step": step, **accuracy})
    history.append({"epoch": N, "step": step, "total_flos": 1.0, "train_loss": 0.2, "train_runtime": 60.1})
    return json.dumps({"best_metric": None, "global_step": step, "log_history": history, "train_batch_size": 8}, indent=2)


def evals(kind: str, train: str, dev: str, metric: str = "logloss") -> str:
    it = course(kind)
    return json.dumps({train: {metric: it.loss}, dev: {metric: it.val_loss}})


def catboost(kind: str) -> str:
    it = course(kind)
    iterations = [
        {"learn": [it.loss[i]], "iteration": i, "passed_time": 0.1 * i, "remaining_time": 1, "test": [it.val_loss[i]]}
        for i in range(N)
    ]
    meta = {
        "test_sets": ["test"],
        "test_metrics": [{"best_value": "Min", "name": "Logloss"}],
        "learn_metrics": [{"best_value": "Min", "name": "Logloss"}],
        "launch_mode": "Train",
        "parameters": "",
        "iteration_count": N,
        "learn_sets": ["learn"],
        "name": "experiment",
    }
    return json.dumps({"meta": meta, "iterations": iterations})


def yolo(kind: str) -> str:
    """As Ultralytics wrote them for years: the names padded to 23 characters."""
    it = course(kind)
    columns = {
        "epoch": range(1, N + 1),
        "train/box_loss": it.loss,
        "train/cls_loss": it.loss,
        "train/dfl_loss": it.loss,
        "metrics/precision(B)": it.val_acc,
        "metrics/recall(B)": it.val_acc,
        "metrics/mAP50(B)": it.val_acc,
        "metrics/mAP50-95(B)": [0.7 * one for one in it.val_acc],
        "val/box_loss": it.val_loss,
        "val/cls_loss": it.val_loss,
        "val/dfl_loss": it.val_loss,
        "lr/pg0": [0.01] * N,
    }
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    return "\n".join(",".join(f"{cell if isinstance(cell, str) else format(cell, '.5g'):>23s}" for cell in row) for row in rows)


def timm(kind: str) -> str:
    it = course(kind)
    columns = {
        "epoch": range(N),
        "train_loss": it.loss,
        "eval_loss": it.val_loss,
        "eval_top1": [100 * one for one in it.val_acc],
        "eval_top5": [min(100 * one + 9, 100) for one in it.val_acc],
        "lr": [0.05] * N,
    }
    return table(columns)


def fastai(kind: str) -> str:
    it = course(kind)
    return table(
        {
            "epoch": range(N),
            "train_loss": it.loss,
            "valid_loss": it.val_loss,
            "accuracy": it.val_acc,
            "time": [f"00:{n:02}" for n in range(N)],
        }
    )


def wandb(metric: str, values: Mapping[str, Sequence[float]]) -> str:
    """W&B's export of one chart."""
    names = ["Step", *(f"{run} - {metric}{end}" for run in values for end in ("", "__MIN", "__MAX"))]
    rows: list[list[object]] = [[*names]]
    rows += [[10 * i, *(some[i] for some in values.values() for _ in range(3))] for i in range(N)]
    return "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows)


def tensorboard_csv(values: Sequence[float]) -> str:
    return table({"Wall time": [1.7e9 + i for i in range(N)], "Step": range(N), "Value": values})


def json_lines(records: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def mmengine(kind: str) -> str:
    """`vis_data/scalars.json`: the step of a train line is the iteration, that of a validation line the epoch."""
    it, lines = course(kind), list[dict[str, object]]()
    for epoch in range(N):
        for half in (50, 100):
            step = 100 * epoch + half
            lines.append(
                {
                    "lr": 0.01,
                    "loss": it.loss[epoch],
                    "train/accuracy": it.acc[epoch],
                    "epoch": epoch + 1,
                    "iter": step,
                    "step": step,
                }
            )
        lines.append({"val/accuracy": it.val_acc[epoch], "val/loss": it.val_loss[epoch], "data_time": 0.01, "step": epoch + 1})
    return json_lines(lines)


def deit(kind: str) -> str:
    it = course(kind)
    return json_lines(
        [
            {
                "train_lr": 1e-3,
                "train_loss": it.loss[i],
                "test_loss": it.val_loss[i],
                "test_acc1": 100 * it.val_acc[i],
                "test_acc5": 99.0,
                "epoch": i,
                "n_parameters": 5717416,
            }
            for i in range(N)
        ]
    )


def skorch(kind: str) -> str:
    it = course(kind)
    return json.dumps(
        [
            {
                "batches": [{"train_loss": 0.7, "train_batch_size": 8}],
                "epoch": i + 1,
                "train_loss": it.loss[i],
                "train_loss_best": True,
                "valid_acc": it.val_acc[i],
                "valid_loss": it.val_loss[i],
                "dur": 0.1,
            }
            for i in range(N)
        ]
    )


def mlruns(kind: str) -> Sequence[tuple[str, str]]:
    it = course(kind)

    def points(values: Sequence[float]) -> str:
        return "".join(f"{1_700_000_000_000 + i} {value} {i}\n" for i, value in enumerate(values))

    return (
        ("meta.yaml", "run_id: 1\n"),
        ("params/batch_size", "32"),
        ("metrics/train_acc", points(it.acc)),
        ("metrics/val_acc", points(it.val_acc)),
    )


def phases(kind: str) -> str:
    it = course(kind)
    rows = [
        (i, phase, *((it.loss[i], it.acc[i]) if phase == "train" else (it.val_loss[i], it.val_acc[i])))
        for i in range(N)
        for phase in ("train", "val")
    ]
    return table({name: [row[n] for row in rows] for n, name in enumerate(("epoch", "phase", "loss", "acc"))})


def long_table(kind: str) -> str:
    it = course(kind)
    series = {"train/acc": it.acc, "val/acc": it.val_acc}
    rows = [(i, name, values[i]) for name, values in series.items() for i in range(N)]
    return table({name: [row[n] for row in rows] for n, name in enumerate(("step", "metric", "value"))})


def folds(kinds: Sequence[str]) -> str:
    its = [course(kind) for kind in kinds]
    return table(
        {
            "fold": [fold for fold in range(len(its)) for _ in range(N)],
            "epoch": [epoch for _ in its for epoch in range(N)],
            "train_acc": [value for it in its for value in it.acc],
            "val_acc": [value for it in its for value in it.val_acc],
        }
    )


def resumed(first: str, then: str) -> str:
    """Keras's CSVLogger with `append=True`, and a second `fit` that counts from 0 again."""
    return keras(first) + keras(then).split("\r\n", 1)[1]


def padded_with_nan(kind: str) -> str:
    """As a DataFrame of dicts writes them with `na_rep="nan"`: train and validation in rows of their own."""
    it, rows = course(kind), ["epoch,train_acc,val_acc"]
    for i in range(N):
        rows += [f"{i},{it.acc[i]},nan", f"{i},nan,{it.val_acc[i]}"]
    return "\n".join(rows)


def wrapped(kind: str) -> str:
    it = course(kind)
    return table(
        {
            "epoch": range(N),
            "train_acc": [f"\"tensor({one:.4f}, device='cuda:0')\"" for one in it.acc],
            "val_acc": [f"np.float64({one:.4f})" for one in it.val_acc],
        }
    )


def semicolons_and_commas(kind: str) -> str:
    it = course(kind)
    return table(
        {
            "epoch": range(N),
            "accuracy": [f"{one:.4f}".replace(".", ",") for one in it.acc],
            "val_accuracy": [f"{one:.4f}".replace(".", ",") for one in it.val_acc],
        },
        ";",
    )


def found(*states: str) -> Truth:
    return Truth(frozenset(states))


def llama_factory(kind: str) -> str:
    """`trainer_log.jsonl`: the number of all steps stands beside that of the current one."""
    it, lines = course(kind), list[dict[str, object]]()
    for epoch in range(N):
        known = {
            "current_steps": 10 * (epoch + 1),
            "total_steps": 10 * N,
            "epoch": epoch + 1.0,
            "percentage": 1.0,
            "elapsed_time": "0:00:09",
        }
        lines += [{**known, "loss": it.loss[epoch], "lr": 1e-4}, {**known, "eval_loss": it.val_loss[epoch]}]
    return json_lines(lines)


def finetuning(kind: str, every: int = 10) -> str:
    """The `step_metrics.csv` of a fine-tuning service: the validation at every tenth step only."""
    it, rows = course(kind), ["step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"]
    for step in range(1, every * N + 1):
        epoch = (step - 1) // every
        valid = f"{it.val_loss[epoch]},{it.val_acc[epoch]}" if step % every == 0 else ","
        rows.append(f"{step},{it.loss[epoch]},{it.acc[epoch]},{valid}")
    return "\n".join(rows) + "\n"


def detectron2(kind: str) -> str:
    it, lines = course(kind), list[dict[str, object]]()
    for epoch in range(N):
        lines += [
            {"iteration": 100 * epoch + n, "total_loss": it.loss[epoch], "lr": 0.01, "eta_seconds": 9.0}
            for n in (19, 39, 59, 79, 99)
        ]
        lines[-1]["validation_loss"] = it.val_loss[epoch]
        lines[-1]["total_val_loss"] = it.val_loss[epoch]
    return json_lines(lines)


def mmdetection_2(kind: str) -> str:
    """`20230101_000000.log.json`: the iteration starts again in each epoch, and is that of the validation loader at its end."""
    it, lines = course(kind), [{"env_info": "sys.platform: linux", "seed": 0, "exp_name": "config.py"}]
    for epoch in range(N):
        lines += [
            {"mode": "train", "epoch": epoch + 1, "iter": n, "lr": 0.01, "loss": it.loss[epoch], "acc": it.acc[epoch]}
            for n in (50, 100)
        ]
        lines.append(
            {"mode": "val", "epoch": epoch + 1, "iter": 25, "lr": 0.01, "loss": it.val_loss[epoch], "acc": it.val_acc[epoch]}
        )
    return json_lines(lines)


def epochs_and_batches(kind: str) -> str:
    it = course(kind)
    rows = ["Epoch,Batch,Train Accuracy,Val Accuracy"]
    for epoch in range(N):
        rows += [f"{epoch},{batch},{it.acc[epoch]},{it.val_acc[epoch] if batch == 3 else ''}" for batch in range(4)]
    return "\n".join(rows)


def with_spaces(kind: str) -> str:
    it = course(kind)
    rows = ["# saved by numpy.savetxt", "# epoch train_acc val_acc"]
    return "\n".join([*rows, *(f"{n} {it.acc[n]:.18e}   {it.val_acc[n]:.18e}" for n in range(N))])


def in_utf_16(content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "log.csv").write_bytes(content.encode("utf-16"))
        return folder / "log.csv"

    return write


def compressed(content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "log.csv.gz").write_bytes(gzip.compress(content.encode()))
        return folder / "log.csv.gz"

    return write


OVER, VARIES, NOTHING, NAN = found("overtrained"), found("high_variance"), found("not_learning"), found("diverged")
HEALTHY = Truth(absent=frozenset({"high_variance", "overtrained", "unstable", "diverged", "not_learning"}))

JUDGED = [
    Example("llama-factory", text("trainer_log.jsonl", llama_factory("overtrains")), OVER),
    Example("a fine-tuning service", text("step_metrics.csv", finetuning("varies")), VARIES),
    Example("detectron2", text("metrics.json", detectron2("overtrains")), OVER),
    Example("mmdetection 2", text("20230101_000000.log.json", mmdetection_2("varies")), VARIES),
    Example("epochs and batches", text("log.csv", epochs_and_batches("varies")), VARIES),
    Example("spaces and comments", text("log.txt", with_spaces("varies")), VARIES),
    Example("UTF-16, as PowerShell writes", in_utf_16(keras("varies")), VARIES),
    Example("compressed", compressed(keras("varies")), VARIES),
    Example(
        "nested records",
        text(
            "log.jsonl",
            json_lines(
                [
                    {"epoch": i, "train": {"acc": course("varies").acc[i]}, "val": {"acc": course("varies").val_acc[i]}}
                    for i in range(N)
                ]
            ),
        ),
        VARIES,
    ),
    Example(
        "a header in each append",
        text("log.csv", keras("varies").replace("\r\n5,", "\r\nepoch,accuracy,loss,val_accuracy,val_loss\r\n5,")),
        VARIES,
    ),
    Example(
        "all validations at the end",
        text(
            "log.csv",
            table(
                {
                    "step": [*range(N), *range(N)],
                    "train_acc": [*course("varies").acc, *[None] * N],
                    "val_acc": [*[None] * N, *course("varies").val_acc],
                }
            ),
        ),
        VARIES,
    ),
    Example("keras, overtrained", text("log.csv", keras("overtrains")), OVER),
    Example("keras, semicolons", text("log.csv", keras("varies", ";")), VARIES),
    Example("keras, tabs", text("log.tsv", keras("varies", "\t")), VARIES),
    Example("keras, NaN", text("log.csv", keras("diverges")), NAN),
    Example("keras, fit", text("log.csv", keras("fits")), HEALTHY),
    Example("keras, a second fit that overtrains", text("log.csv", resumed("varies", "overtrains")), OVER),
    Example(
        "lightning, variance",
        files(("metrics.csv", lightning("varies")), ("hparams.yaml", "lr: 0.1\n"), shown="metrics.csv"),
        VARIES,
    ),
    Example("lightning, overtrained", text("metrics.csv", lightning("overtrains")), OVER),
    Example("lightning, the folder of versions", text("lightning_logs/version_0/metrics.csv", lightning("varies")), VARIES),
    Example("transformers, losses", text("trainer_state.json", trainer_state("overtrains")), OVER),
    Example(
        "transformers, accuracy",
        text("checkpoint-1200/trainer_state.json", trainer_state("overtrains", has_accuracy=True)),
        OVER,
    ),
    Example("xgboost, unnamed sets", text("evals_result.json", evals("varies", "validation_0", "validation_1")), VARIES),
    Example("lightgbm", text("evals.json", evals("varies", "training", "valid_1", "binary_logloss")), VARIES),
    Example("catboost, JSON", text("catboost_training.json", catboost("varies")), VARIES),
    Example(
        "catboost, tables",
        files(
            ("learn_error.tsv", table({"iter": range(N), "Logloss": course("varies").loss}, "\t")),
            ("test_error.tsv", table({"iter": range(N), "Logloss": course("varies").val_loss}, "\t")),
        ),
        VARIES,
    ),
    Example("yolo", text("results.csv", yolo("overtrains")), OVER),
    Example("timm", text("summary.csv", timm("overtrains")), OVER),
    Example("fastai", text("history.csv", fastai("overtrains")), OVER),
    Example(
        "tensorboard, two exports",
        files(
            *(
                (f"run-{run}-tag-epoch_accuracy.csv", tensorboard_csv(values))
                for run, values in (("train", course("varies").acc), ("validation", course("varies").val_acc))
            )
        ),
        VARIES,
    ),
    Example(
        "dvclive",
        files(
            ("metrics.json", '{"train": {"acc": 0.9}, "val": {"acc": 0.8}}'),
            *(
                (f"plots/metrics/{part}/acc.tsv", table({"step": range(N), "acc": values}, "\t"))
                for part, values in (("train", course("varies").acc), ("val", course("varies").val_acc))
            ),
        ),
        VARIES,
    ),
    Example("mmengine", text("vis_data/scalars.json", mmengine("varies")), VARIES),
    Example("deit", text("log.txt", deit("overtrains")), OVER),
    Example("skorch", text("history.json", skorch("overtrains")), OVER),
    Example(
        "keras history, pickled as JSON",
        text("history.json", json.dumps({"accuracy": course("varies").acc, "val_accuracy": course("varies").val_acc})),
        VARIES,
    ),
    Example(
        "ludwig",
        text(
            "training_statistics.json",
            json.dumps(
                {
                    "training": {"combined": {"accuracy": course("varies").acc}},
                    "validation": {"combined": {"accuracy": course("varies").val_acc}},
                }
            ),
        ),
        VARIES,
    ),
    Example("mlruns, a run", files(*mlruns("varies")), VARIES),
    Example("mlruns, a metric", files(*mlruns("varies"), shown="metrics/val_acc"), VARIES),
    Example("a column of phases", text("log.csv", phases("varies")), VARIES),
    Example("a long table", text("long.csv", long_table("varies")), VARIES),
    Example("NaN for blanks", text("log.csv", padded_with_nan("varies")), VARIES),
    Example("tensors", text("log.csv", wrapped("varies")), VARIES),
    Example("decimal commas", text("log.csv", semicolons_and_commas("varies")), VARIES),
    Example("losses alone, overtrained", text("log.csv", losses("overtrains")), OVER),
    Example("losses alone, NaN", text("log.csv", losses("diverges")), NAN),
    Example("losses alone, nothing learned", text("log.csv", losses("learns nothing")), NOTHING),
    Example("losses alone, fit", text("log.csv", losses("fits")), HEALTHY),
    Example(
        "JSON lines of W&B",
        text(
            "wandb-history.jsonl",
            json_lines(
                [
                    {
                        "_step": 9 * i,
                        "_timestamp": 1.7e9 + i,
                        "train/acc": course("varies").acc[i],
                        "val/acc": course("varies").val_acc[i],
                    }
                    for i in range(N)
                ]
            ),
        ),
        VARIES,
    ),
    Example(
        "no count", text("log.csv", table({"train_acc": course("varies").acc, "val_acc": course("varies").val_acc})), VARIES
    ),
    Example(
        "newest first",
        text(
            "log.csv",
            table(
                {
                    "epoch": range(N)[::-1],
                    "train_acc": course("overtrains").acc[::-1],
                    "val_acc": course("overtrains").val_acc[::-1],
                }
            ),
        ),
        OVER,
    ),
]

REFUSED = [
    Example("an empty file", text("log.csv", ""), why_not="got an empty file"),
    Example("a header alone", text("log.csv", "epoch,loss,val_loss\n"), why_not="expected rows below the header, got none"),
    Example("no header", text("log.csv", "0,0.5,0.6\n1,0.4,0.5\n"), why_not="expected a header with the names of metrics"),
    Example(
        "one row", text("log.csv", "epoch,acc,val_acc\n0,0.5,0.6\n"), why_not="expected at least two rows with metrics, got one"
    ),
    Example(
        "a table of people", text("people.csv", "name,town\nAnn,Rome\nBob,Oslo\n"), why_not="expected columns with numbers"
    ),
    Example(
        "a table of other numbers",
        text("sales.csv", "step,price,units\n1,3,4\n2,5,9\n"),
        why_not="none of its metrics is known",
    ),
    Example("a dev loss alone", text("log.csv", "epoch,val_acc\n0,0.5\n1,0.6\n"), why_not="no error of the training data"),
    Example("the end alone", text("all_results.json", '{"eval_loss": 0.5, "train_loss": 0.4}'), why_not="single values"),
    Example("broken JSON", text("log.json", '{"loss": [0.5, 0.4'), why_not="breaks off or is damaged"),
    Example("a state before the first log", text("trainer_state.json", '{"log_history": []}'), why_not="has not logged yet"),
    Example("a binary file", lambda folder: _binary(folder / "model.bin"), why_not="got a binary file"),
    Example("no file", lambda folder: folder / "nothing.csv", why_not="found no"),
    Example("an empty folder", lambda folder: folder, why_not="expected a log in the folder"),
]


def _binary(path: Path) -> Path:
    path.write_bytes(b"\x80\x02}q\x00X\x05")
    return path
