"""`bvtrack diagnose`: diagnose a few errors."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from bvtrack.commands.options import usage_error
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.diagnosis import diagnose as diagnose_errors
from bvtrack.diagnosis.recipe import Step, recommend
from bvtrack.error_rates.error_rate import read_error
from bvtrack.report.note import headline


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
@click.option("--train", "train_error", type=ERROR, help="Train error, measured in eval mode.")
@click.option("--dev", "dev_error", type=ERROR, help="Dev (validation) error.")
@click.option("--test", "test_error", type=ERROR, help="Test error.")
@click.option("--train-dev", "train_dev_error", type=ERROR, help="Error on held-out examples of the training source.")
@click.option("--human", "human_error", type=ERROR, help="What humans make; 0 where it is not given.")
@click.option("--n-train", type=int, help="Examples the train error was measured on.")
@click.option("--n-dev", type=int, help="Examples in the dev set.")
@click.option("--n-test", type=int, help="Examples in the test set.")
@click.option("--n-train-dev", type=int, help="Examples in the train-dev set.")
@click.option("--different-sources", is_flag=True, help="Train and dev come from different sources.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diagnose(different_sources: bool, as_json: bool, train_error: float | None, **numbers: Any) -> None:
    """Diagnose a few errors, without MLflow.

    Example: bvtrack diagnose --train 0.01 --dev 0.11 --n-dev 2000
    """
    try:
        diagnosis = diagnose_errors(train_error=train_error, same_distribution=not different_sources, **numbers)
    except ValueError as error:
        raise usage_error(error) from error
    steps = recommend(diagnosis)
    if as_json:
        click.echo(json.dumps({"diagnosis": _as_json(diagnosis), "steps": [asdict(step) for step in steps]}, indent=2))
    else:
        _print_verdict(diagnosis, steps)


def _as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as JSON types; `reference_gaps` has the key `decided`."""
    return {"decided" if name == "reference_gaps" else name: value for name, value in asdict(diagnosis).items()}


def _print_verdict(diagnosis: Diagnosis, steps: tuple[Step, ...]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    console.print(f"[bold]{escape(headline(diagnosis, steps))}[/bold]")
    console.print(escape(diagnosis.explanation))
    if diagnosis.errors and not diagnosis.counts:
        console.print("[dim]With the numbers of examples (--n-train, --n-dev …) the verdict says how sure it is.[/dim]")
    for number, step in enumerate(steps, start=1):
        console.print(f"{number}. [bold]{escape(step.title)}.[/bold] {escape(step.why)}")
