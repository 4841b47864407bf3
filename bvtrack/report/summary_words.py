"""The parts of a run's summary in words, for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES
from bvtrack.measures.percent import in_points, percent
from bvtrack.measures.unit import Unit
from bvtrack.report.repeats import LABELS

Summary = Mapping[str, Any]
"""The result of `bvtrack.show`, as `docs/show.schema.json` describes it."""


MOST_CLASSES = 10
"""Classes that are listed: those with most errors."""


class ErrorRow(NamedTuple):
    """A row of the table of errors: a set or the baseline, and the gap to the row above."""

    name: str
    error: str
    interval: str = ""
    examples: str = ""
    gap: str = ""
    is_named: bool = False


def title(shown: Summary) -> str:
    """The verdict in plain words, or that there is none."""
    if shown["verdict"] is not None:
        return str(shown["verdict"]["headline"])
    return "No verdict yet" if shown["status"] == "pending" else "No verdict"


def subject(shown: Summary) -> str:
    """The experiment, the number of epochs, the training's state and its curve, as far as known."""
    evidence, run = shown["evidence"] or {}, shown["run"]
    n, unit = evidence.get("n_epochs"), evidence.get("epoch_unit")
    curve = (shown["verdict"] or {}).get("curve")
    repeats = shown["repeats"]
    parts = [
        f"experiment {run['experiment']}",
        f"{n:,} {unit}{'' if n == 1 else 's'}" if n else "",
        f"{repeats['n']} {repeats['over']}" if repeats else "",
        run["state"] or "",
        f"curve: {curve.replace('_', ' ')}" if curve else "",
    ]
    return ", ".join(part for part in parts if part)


def unit_of_errors(shown: Summary) -> Unit:
    """What the errors are fractions of."""
    written = shown["evidence"]["error_unit"]
    return Unit(written["kind"], written["name"])


def errors_head(shown: Summary) -> tuple[str, ...]:
    """The headings of the table of errors."""
    evidence, column = shown["evidence"], unit_of_errors(shown).column
    at = "" if evidence["epoch"] is None else f" at {evidence['epoch_unit']} {evidence['epoch']}"
    return "set", f"{column}{at}", "95 % interval", "examples", "gap to the row above, points"


def error_rows(shown: Summary) -> Iterator[ErrorRow]:
    """The baseline and the errors, in their order; none without errors."""
    evidence = shown["evidence"] or {"errors": {}}
    if not evidence["errors"]:
        return
    unit, gaps = unit_of_errors(shown), {gap["later"]: (name, gap) for name, gap in evidence["gaps"].items()}
    yield _baseline(evidence["baseline"], unit)
    for name, error in evidence["errors"].items():
        gap_name, gap = gaps.get(name, ("", None))
        yield ErrorRow(
            SET_NAMES[name],
            percent(error["error"]),
            _between(error),
            "" if error["n"] is None else f"{error['n']:,}",
            "" if gap is None else _gap(gap_name, gap),
            is_named=gap is not None and gap["is_named"],
        )


def repeats_head(shown: Summary) -> tuple[str, ...]:
    """The headings of the table of repeats; none for a single run."""
    labels, sets = _columns(shown)
    return ("repeat", *labels, *(SET_NAMES[name] for name in sets), "by itself") if shown["repeats"] else ()


def repeat_rows(shown: Summary) -> Iterator[tuple[str, ...]]:
    """Each repeat: its name, its labels, its errors and its own diagnosis."""
    labels, sets = _columns(shown)
    for run in (shown["repeats"] or {"runs": ()})["runs"]:
        errors = (percent(run["errors"][name]) if name in run["errors"] else "" for name in sets)
        yield run["name"], *(run[name] or "" for name in labels), *errors, run["diagnosis"]


def _columns(shown: Summary) -> tuple[list[str], list[str]]:
    """The labels and the sets that the table of repeats has columns for."""
    runs = (shown["repeats"] or {"runs": ()})["runs"]
    labels = [name for name in LABELS if any(run[name] is not None for run in runs)]
    return labels, [name for name in SET_NAMES if any(name in run["errors"] for run in runs)]


def spread_tells(shown: Summary) -> str:
    """What the spread over repeats tells; empty for a single run."""
    return str((shown["repeats"] or {"tells": ""})["tells"])


def of_configuration(shown: Summary) -> str:
    """What the repeats of a run's configuration are together; empty for a run that is no repeat."""
    of = shown["configuration"]
    return f"{of['in_words']} {of['link'] or 'Its run is ' + of['run_id'] + '.'}" if of else ""


def measured(shown: Summary) -> str:
    """The kind of error as a sentence; empty if it is not known."""
    evidence = shown["evidence"] or {}
    of = unit_of_errors(shown).of if evidence else ""
    return f"Measure: {evidence['measure']}{f', in %{of}' if of else ''}." if evidence.get("measure") else ""


def gain(shown: Summary, step: Mapping[str, Any]) -> str:
    """The expected gain of a step; empty if there is none, or none to be seen."""
    points = in_points(step["expected_gain"] or 0.0)
    return "" if points == "0.0" else f"Expected gain: {unit_of_errors(shown).gained(points)}."


def finding(shown: Summary, found: Mapping[str, Any]) -> str:
    """The message of a finding, unless a step says it."""
    message = str(found["message"])
    steps = enumerate(shown["steps"], start=1)
    return next((f"see step {number}" for number, step in steps if message[1:] in step["why"]), message)


def weights(shown: Summary) -> str:
    """What to know to keep the right weights; empty if there is nothing."""
    return str((shown["weights"] or {}).get("in_words", ""))


def class_rows(shown: Summary) -> list[tuple[str, str, str, str]]:
    """Each class with errors, how many of how many examples, and the 95 % interval of that share; the worst first."""
    return [
        (one["name"], f"{one['wrong']:,}", f"{one['n']:,}", f"{_between(one)} %")
        for one in (shown["examples"] or {"classes": ()})["classes"]
    ][:MOST_CLASSES]


def class_word(shown: Summary) -> str:
    """What the rows of `class_rows` are: an example has one class, or several labels."""
    return "label" if (shown["examples"] or {}).get("kind") == "labels" else "class"


def worst_line(shown: Summary) -> str:
    """The indices of the worst examples; empty if they are not known."""
    examples = shown["examples"] or {"worst": ()}
    listed = ", ".join(str(one["index"]) for one in examples["worst"])
    return f"Worst {SET_NAMES.get(examples['set'], examples['set'])} examples, by index: {listed}." if listed else ""


def split_line(shown: Summary) -> str:
    """What is known of the split if there are no findings."""
    tag = shown["split"]["tag"]
    return "" if shown["split"]["findings"] or tag is None else f"Split: {tag}."


def _baseline(baseline: Mapping[str, Any], unit: Unit) -> ErrorRow:
    if baseline["source"] == "experiment_best":
        return ErrorRow("best run", percent(baseline["error"]))
    if baseline["error"] is None:
        return ErrorRow(f"{unit.floor}, not known", "")
    assumed = "" if baseline["source"] == "given" else ", assumed"
    return ErrorRow(f"{unit.floor}{assumed}", percent(baseline["error"]))


def _between(error: Mapping[str, Any]) -> str:
    low, high = error["low"], error["high"]
    return "" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"


def _gap(name: str, gap: Mapping[str, Any]) -> str:
    at_most = "at most " if gap["is_upper_bound"] else ""
    words = f"{GAP_NAMES[name]} {at_most}{in_points(gap['width'], '+')}"
    if gap["low"] is None or gap["high"] is None:
        return words
    return f"{words} ({in_points(gap['low'], '+')} to {in_points(gap['high'], '+')})"
