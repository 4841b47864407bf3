"""`bvtrack diagnose`: diagnose a few errors, or the runs in log files."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from dataclasses import asdict
from typing import Any

import click

from bvtrack.commands.fail_on import FOUND, fail_on_option, found_in, say_found
from bvtrack.commands.options import usage_error
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.recipe import Step, recommend
from bvtrack.diagnosis.rule import diagnose as diagnose_errors
from bvtrack.error_rates.error_rate import read_error
from bvtrack.report.note import headline, render_note


class ErrorRate(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.4
    """An error as a fraction (`0.11`) or in percent (`11%`)."""

    name = "error"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the number; `diagnose` checks its range."""
        try:
            return read_error(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


ERROR = ErrorRate()


@click.command()
@click.argument("files", metavar="[FILE...]", nargs=-1, type=click.Path())
@click.option("--train", "train_error", type=ERROR, help="Train error, measured in eval mode.")
@click.option("--dev", "dev_error", type=ERROR, help="Dev (validation) error.")
@click.option("--test", "test_error", type=ERROR, help="Test error.")
@click.option("--train-dev", "train_dev_error", type=ERROR, help="Error on held-out examples of the training source.")
@click.option("--human", "human_error", type=ERROR, help="What humans make; 0 where it is not given. Goes with files, too.")
@click.option("--n-train", type=int, help="Examples the train error was measured on.")
@click.option("--n-dev", type=int, help="Examples in the dev set.")
@click.option("--n-test", type=int, help="Examples in the test set.")
@click.option("--n-train-dev", type=int, help="Examples in the train-dev set.")
@click.option("--n-epochs", type=int, help="Epochs of which the dev error is the lowest: those within noise of it.")
@click.option("--dev-optimism", type=ERROR, help="How much too low it is for that; else as that of so many independent errors.")
@click.option("--different-sources", is_flag=True, help="Train and dev come from different sources.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object for one run, a list for several.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown: the report of one run, a table for several.")
@fail_on_option
def diagnose(
    files: tuple[str, ...],
    different_sources: bool,
    as_json: bool,
    as_markdown: bool,
    fail_on: tuple[str, ...] | None,
    human_error: float | None,
    **numbers: Any,
) -> None:
    """Diagnose a few errors, or the runs in log files, without MLflow.

    Each FILE is a log, or a folder of them:

    \b
    metrics.csv            Lightning's CSVLogger, with hparams.yaml beside it
    a CSV or TSV           Keras's and fastai's CSVLogger, timm's summary.csv,
                           YOLO's results.csv, W&B's and TensorBoard's exports,
                           and any other with a column for the epoch or step
    trainer_state.json     Transformers' Trainer
    JSON, JSON lines       a record for each epoch or step, or a list for each
                           metric: evals_result of XGBoost and LightGBM,
                           Keras's history, catboost_training.json
    …tfevents…             TensorBoard's event files, or the folder of them
    catboost_info, mlruns  the folder of a run

    They are read as `bvtrack audit` reads runs. Exports of single charts that are of one run are put together.

    Exit codes: 0; 1 if a tag of --fail-on was found; 2 for wrong usage, and for a file that cannot be read or judged.

    Examples: bvtrack diagnose metrics.csv --fail-on overtrained

    Example: bvtrack diagnose --train 0.01 --dev 0.11 --n-dev 2000
    """  # noqa: D301  # click's mark of a preformatted paragraph
    if as_json and as_markdown:
        raise click.UsageError("expected --json or --markdown, got both; leave one out")
    if files:
        from bvtrack.commands.log_files import diagnose_files  # and all readers of logs: half of its start

        _check_without_errors(numbers, different_sources=different_sources)
        diagnose_files(files, human_error, as_json=as_json, as_markdown=as_markdown, fail_on=fail_on)
        return
    try:
        diagnosis = diagnose_errors(human_error=human_error, same_distribution=not different_sources, **numbers)
    except ValueError as error:
        raise usage_error(error) from error
    steps = recommend(diagnosis)
    if as_json:
        click.echo(json.dumps({"diagnosis": asdict(diagnosis), "steps": [asdict(step) for step in steps]}, indent=2))
    elif as_markdown:
        click.echo(render_note(diagnosis, steps))
    else:
        _print_verdict(diagnosis, steps)
    if found := found_in(diagnosis.tag.split("+"), fail_on):
        say_found([("the diagnosis", found)])
        sys.exit(FOUND)


def _check_without_errors(numbers: dict[str, Any], *, different_sources: bool) -> None:
    """Raise a usage error for files beside what belongs to errors."""
    options = {parameter.name: parameter.opts[0] for parameter in click.get_current_context().command.params}
    given = [options[name] for name, value in numbers.items() if value is not None]
    given += ["--different-sources"] if different_sources else []
    if given:
        raise click.UsageError(f"expected log files or errors, got both (files and {', '.join(given)}); leave one of them out")


def _print_verdict(diagnosis: Diagnosis, steps: tuple[Step, ...]) -> None:
    verdict = headline(diagnosis, steps)
    _print(verdict, bold=verdict)
    _print(diagnosis.explanation)
    if diagnosis.errors and not diagnosis.counts:
        _print("With the numbers of examples (--n-train, --n-dev …) the verdict says how sure it is.")
    for number, step in enumerate(steps, start=1):
        _print(f"{number}. {step.title}. {step.why}", bold=f"{step.title}.")


def _print(text: str, *, bold: str = "") -> None:
    """Print a paragraph, wrapped to the terminal, with a part of it in bold. Rich takes longer to import than all of this."""
    start = text.index(bold)
    end = start + len(bold)
    lines = textwrap.fill(text, shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)
    is_dumb = os.environ.get("TERM") in ("dumb", "unknown")
    click.echo(f"{lines[:start]}{click.style(lines[start:end], bold=True)}{lines[end:]}", color=False if is_dumb else None)
