"""`bvtrack compare`: the runs of experiments by diagnosis."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bvtrack.auditing.baseline import dev_set_of
from bvtrack.auditing.best_of_runs import best_of
from bvtrack.auditing.configurations import Configuration, configurations_of, difference_of_best
from bvtrack.auditing.groups import DiagnosedRun, ParameterGroup, group_parameters, group_runs, measures_of, split_faults_of
from bvtrack.commands.fail_on import FOUND, UNREADABLE, fail_on_option, found_in, say_found
from bvtrack.commands.rest_shape import in_rest_shape
from bvtrack.commands.store import named_store, refused
from bvtrack.commands.tables.configurations import print_configurations
from bvtrack.commands.tables.groups import print_groups
from bvtrack.commands.tables.split_faults import print_split_faults
from bvtrack.schema import tags
from bvtrack.store.logged_run import LoggedRun
from bvtrack.store.mlflow_settings import settle_mlflow
from bvtrack.store.reader import Store
from bvtrack.store.target import check_file, without_credentials
from bvtrack_server import render_map

if TYPE_CHECKING:
    from mlflow.entities import Run


@click.command()
@click.argument("experiments", metavar="EXPERIMENT...", nargs=-1, required=True)
@click.option("--filter", "filter_string", metavar="TEXT", default="", help="Only runs that MLflow's search finds by this.")
@click.option("--tracking-uri", help="The store; by default MLFLOW_TRACKING_URI, else sqlite:///mlflow.db.")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write the map of the runs to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@fail_on_option
def compare(
    experiments: tuple[str, ...],
    filter_string: str,
    tracking_uri: str | None,
    page: Path | None,
    as_json: bool,
    fail_on: tuple[str, ...] | None,
) -> None:
    """Compare the runs of experiments by diagnosis: how many there are, the best of each, and which parameters go with which.

    Runs that differ in nothing but their seed or fold, and those of one parent or group, are one configuration, which is shown
    with its spread; between the best two it is said how much of the difference is noise.

    Runs without a diagnosis are left out; `bvtrack audit` diagnoses them.

    Exit codes: 0; 2 for wrong usage; 1 if there is nothing to compare or MLflow does not respond. With --fail-on, 1 says that a
    run is what it names, and 2 all else.

    Example: bvtrack compare my-experiment --html map.html
    """
    try:
        found = _compare(experiments, filter_string, tracking_uri, page, as_json=as_json)
    except click.ClickException as error:
        if not fail_on:
            raise
        error.show()
        sys.exit(UNREADABLE)
    failed = [(_name(run), some) for run in found if (some := found_in(tags.states_in(run.data.tags), fail_on))]
    say_found(failed)
    if failed:
        sys.exit(FOUND)


def _compare(
    experiments: Sequence[str], filter_string: str, tracking_uri: str | None, page: Path | None, *, as_json: bool
) -> list[Run]:
    """Print the comparison, and return the runs."""
    uri, found = _read(experiments, filter_string, tracking_uri)
    diagnosed = [run for run in map(_diagnosed, found) if run is not None]
    if not diagnosed:
        raise click.ClickException(_no_diagnosis(len(found), experiments, filter_string))
    if page is not None:
        _write_page(page, [run for run in found if tags.GAPS.name in run.data.tags], ", ".join(experiments), uri)
    _print(diagnosed, configurations_of(found), as_json=as_json)
    return found


def _no_diagnosis(n_found: int, experiments: Sequence[str], filter_string: str) -> str:
    named = ", ".join(experiments)
    if not n_found:
        return f"expected runs in {named}, found none" + (f" by the filter {filter_string!r}" if filter_string else "")
    return f"expected runs with a diagnosis in {named}, found none among {n_found:,}; `bvtrack audit` diagnoses them"


def _read(experiments: Sequence[str], filter_string: str, tracking_uri: str | None) -> tuple[str, list[Run]]:
    settle_mlflow()
    uri = named_store(tracking_uri)
    try:
        check_file(uri)
        return without_credentials(uri), list(_runs(Store(uri), experiments, filter_string))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except Exception as error:  # whatever its database or the way to it raises
        raise refused("did not list the runs", error, uri) from error


def _runs(store: Store, experiments: Sequence[str], filter_string: str) -> Iterator[Run]:
    for page in store.pages([store.experiment_id(name) for name in experiments], filter_string):
        yield from page


def _diagnosed(run: Run) -> DiagnosedRun | None:
    """A run with its diagnosis; `None` without one, and for a parent, whose verdict is one over other runs."""
    if tags.is_configuration(run.data.tags):
        return None
    return DiagnosedRun.of(run.info.run_id, _name(run), run.data.tags, run.data.params, dev_set_of(LoggedRun.of(run)))


def _name(run: Run) -> str:
    return str(run.info.run_name or run.info.run_id)


def _print(runs: Sequence[DiagnosedRun], configurations: Sequence[Configuration], *, as_json: bool) -> None:
    groups, parameters, faults = group_runs(runs), group_parameters(runs), split_faults_of(runs)
    best, difference = best_of(runs), difference_of_best(configurations)
    if as_json:
        content: dict[str, Any] = {"diagnoses": [asdict(group) for group in groups], "best": asdict(best) if best else None}
        content["parameters"] = [_as_json(one) for one in parameters]
        content["split_faults"] = [{"code": fault.code, "n": n} for fault, n in faults.most_common()]
        content["configurations"] = [one.as_json() for one in configurations]
        content["difference"] = difference.as_json() if difference else None
        click.echo(json.dumps(content, indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    print_groups(console, groups, parameters, measures_of(runs), best)
    print_configurations(console, configurations, difference)
    print_split_faults(console, faults)


def _as_json(parameter: ParameterGroup) -> dict[str, Any]:
    """A parameter as JSON; `lambda_` has the key `told`."""
    return {"name": parameter.name, "told": parameter.lambda_, "values": parameter.values}


def _write_page(path: Path, runs: Sequence[Run], title: str, uri: str) -> None:
    try:
        path.write_text(render_map([in_rest_shape(run) for run in runs], title=title, tracking_uri=uri), encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(
            f"expected a file to write to, got {str(path)!r} ({error.strerror}); name another one", param_hint="--html"
        ) from error
