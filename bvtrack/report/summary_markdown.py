"""A run's summary as Markdown, for issues and pull requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bvtrack.report import summary_words as words
from bvtrack.report.note import escape
from bvtrack.report.summary_words import Summary
from bvtrack.text import printable

LINKS = {"run": "run", "report": "report", "view": "all runs"}


def render_summary(shown: Summary) -> str:
    """The summary in the Markdown of GitHub and GitLab."""
    return "\n\n".join(part for part in _parts(shown) if part) + "\n"


def _parts(shown: Summary) -> Iterator[str]:
    verdict = shown["verdict"]
    yield f"### {_text(words.title(shown))}"
    yield _run(shown)
    if verdict is None:
        yield _text(shown["why_not"])
    yield "\n".join(_errors(shown))
    yield _text(" ".join(part for part in ((verdict or {}).get("reasons", ""), words.measured(shown)) if part))
    yield "\n".join(_repeats(shown))
    yield _text(words.spread_tells(shown))
    yield _text(words.of_configuration(shown))
    yield "\n".join(_steps(shown))
    yield _text(words.weights(shown))
    yield "\n".join(_classes(shown))
    yield _text(words.worst_line(shown))
    yield "\n".join(_findings(shown))
    yield _text(words.split_line(shown))
    yield _links(shown)


def _run(shown: Summary) -> str:
    run = shown["run"]
    return f"Run **{_text(run['name'])}** (`{run['run_id']}`), {_text(words.subject(shown))}"


def _errors(shown: Summary) -> Iterator[str]:
    rows = list(words.error_rows(shown))
    if not rows:
        return
    head = words.errors_head(shown)
    has_counts = any(row.examples for row in rows)
    kept = [index for index in range(len(head)) if index != 3 or has_counts]
    yield _row([_text(head[index]) for index in kept])
    yield _row(["---" if index in (0, 4) else "---:" for index in kept])
    for row in rows:
        cells = [_text(str(row[index])) for index in kept]
        yield _row([*cells[:-1], f"**{cells[-1]}**" if row.is_named else cells[-1]])


def _steps(shown: Summary) -> Iterator[str]:
    for number, step in enumerate(shown["steps"], start=1):
        gain = words.gain(shown, step)
        yield f"{number}. **{_text(step['title'])}.** {_text(step['why'])}{f' *{_text(gain)}*' if gain else ''}"


def _repeats(shown: Summary) -> Iterator[str]:
    if head := words.repeats_head(shown):
        yield _row(head)
        yield _row(["---", *["---:"] * (len(head) - 2), "---"])
        yield from (_row([_text(cell) for cell in row]) for row in words.repeat_rows(shown))


def _classes(shown: Summary) -> Iterator[str]:
    if rows := words.class_rows(shown):
        yield _row([words.class_word(shown), "wrong", "of", "95 % interval"])
        yield _row(["---", "---:", "---:", "---:"])
        yield from (_row([_text(cell) for cell in row]) for row in rows)


def _findings(shown: Summary) -> Iterator[str]:
    for one in shown["split"]["findings"]:
        yield f"* Split, {_text(one['level'])}: {_text(words.finding(shown, one))} ({_text(one['code'])})"


def _links(shown: Summary) -> str:
    links = shown["links"]
    if links["command"]:
        return f"To open it: `{links['command']}`"
    return " · ".join(f"[{name}]({links[key]})" for key, name in LINKS.items() if links[key])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    return escape(printable(" ".join(text.split())))
