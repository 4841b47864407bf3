from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack import Diagnosis, Evidence, Finding, OtherRun, Step, diagnose, recommend
from bvtrack.report.note import escape, headline, render_note

HIGH_VARIANCE = diagnose(train_error=0.01, dev_error=0.11, n_train=10_000, n_dev=2_000)
STEPS = tuple(Step(f"step_{number}", f"Step {number}", f"Reason {number}.") for number in range(1, 6))


def test_the_headline_says_verdict_certainty_and_first_step() -> None:
    line = headline(HIGH_VARIANCE, recommend(HIGH_VARIANCE))

    assert line == "High variance (certain): get more training data"


def test_the_headline_without_a_step_says_the_verdict_alone() -> None:
    line = headline(Diagnosis.without_gaps("not_applicable"), ())

    assert line == "Not applicable (certain)"


def test_several_problems_are_joined_in_the_headline() -> None:
    line = headline(diagnose(train_error=0.15, dev_error=0.30), STEPS)

    assert line == "High bias + high variance (likely): step 1"


@pytest.mark.parametrize(
    "diagnosis",
    [
        diagnose(train_error=0.15, dev_error=0.30),
        diagnose(train_error=0.01, dev_error=0.10, same_distribution=False),
        Diagnosis.without_gaps("not_learning"),
        diagnose(train_error=0.1, train_dev_error=0.2, dev_error=0.4),
        diagnose(train_error=0.1, train_dev_error=0.2, dev_error=0.4, test_error=0.8),
        replace(diagnose(train_error=0.1, train_dev_error=0.2, dev_error=0.4, test_error=0.8), certainty="certain"),
    ],
    ids=lambda diagnosis: diagnosis.tag,
)
def test_the_verdict_and_its_certainty_fit_into_what_the_runs_table_shows(diagnosis: Diagnosis) -> None:
    shown = render_note(diagnosis, STEPS)[:50]

    assert f"({diagnosis.certainty})" in shown


def test_the_note_begins_with_the_headline() -> None:
    note = render_note(HIGH_VARIANCE, STEPS)

    assert note.startswith(headline(HIGH_VARIANCE, STEPS) + "\n\n")


def test_the_note_shows_each_error_with_its_count() -> None:
    note = render_note(HIGH_VARIANCE, ())

    assert "| train | 1.0 % | 10,000 |" in note
    assert "| dev | 11.0 % | 2,000 |" in note


def test_the_note_shows_the_human_error_it_compared_with() -> None:
    note = render_note(diagnose(train_error=0.15, human_error=0.14), ())

    assert "| human | 14.0 % |" in note


def test_the_note_says_that_a_human_error_is_assumed() -> None:
    assert "| human, assumed&emsp; | 0.0 % |" in render_note(HIGH_VARIANCE, ())


def test_a_wide_gap_is_bold_with_its_interval() -> None:
    note = render_note(HIGH_VARIANCE, ())

    assert "| variance **+10.0 points** (+8.7 to +11.5) |" in note


def test_a_narrow_gap_is_plain() -> None:
    note = render_note(diagnose(train_error=0.01, dev_error=0.11), ())

    assert "| avoidable bias +1.0 points |" in note


def test_every_row_of_the_table_has_four_cells() -> None:
    note = render_note(diagnose(train_error=0.1, train_dev_error=0.2, dev_error=0.3, test_error=0.4), ())

    rows = [line for line in note.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {5}


def test_each_gap_stands_beside_its_later_error() -> None:
    note = render_note(diagnose(train_error=0.1, train_dev_error=0.2, dev_error=0.4, test_error=0.8), ())
    beside = {
        line.split("|")[1].strip(): line.split("|")[4].split("+")[0].strip(" *")
        for line in note.splitlines()
        if "points" in line and line[0] == "|"
    }

    assert beside == {"train": "avoidable bias", "train-dev": "variance", "dev": "data mismatch", "test": "dev overfit"}


def test_the_note_names_epoch_and_measure_above_the_table() -> None:
    note = render_note(HIGH_VARIANCE, (), epoch=0, measure="1 - val_acc")

    assert "**Errors** at epoch 0 (1 - val\\_acc)\n\n| set" in note


def test_the_heads_of_the_table_are_kept_apart_and_what_follows_is_kept_off() -> None:
    note = render_note(HIGH_VARIANCE, ())

    assert "| set{0} | error{0} | examples{0} | gap to the row above |".format(3 * "&emsp;") in note
    assert "| &nbsp; | | | |\n\nSo it does worse" in note


def test_a_measure_cannot_break_the_table() -> None:
    note = render_note(HIGH_VARIANCE, (), measure="a|b\n# c")

    assert r"(a\|b \# c)" in note


def test_a_diagnosis_without_errors_has_no_table() -> None:
    note = render_note(Diagnosis.without_gaps("diverged"), ())

    assert "|" not in note


@pytest.mark.parametrize(
    ("human_error", "next_sentence"),
    [(None, "That the train error of 10.0 % is avoidable"), (0.0, "There is no"), (0.02, "There is no")],
)
def test_the_note_explains_what_the_table_does_not_say(human_error: float | None, next_sentence: str) -> None:
    diagnosis = diagnose(train_error=0.1, human_error=human_error)
    note = render_note(diagnosis, ())

    reasons = f"So the model does not fit even the data it was trained on (high bias). {next_sentence}"
    assert f"\n\n{reasons}" in note
    assert reasons in diagnosis.explanation
    assert "Errors: " not in note
    assert "95 % interval" not in note


def test_a_diagnosis_without_gaps_is_explained_in_full() -> None:
    diagnosis = Diagnosis.without_gaps("not_learning", {"train": 0.9})

    assert diagnosis.explanation in render_note(diagnosis, ())


def test_only_the_first_three_steps_are_shown_in_order() -> None:
    note = render_note(HIGH_VARIANCE, STEPS)

    assert "**Next**\n\n1. **Step 1.** Reason 1.\n2. **Step 2.** Reason 2.\n3. **Step 3.** Reason 3." in note
    assert "Step 4" not in note


def test_no_steps_and_no_findings_leave_no_empty_headings() -> None:
    note = render_note(HIGH_VARIANCE, ())

    assert "**Next**" not in note
    assert "**Split**" not in note


def test_findings_are_listed_with_their_level() -> None:
    findings = [Finding("no_test_set", "note", "there is no test set"), Finding("x", "error", "dev <b>differs</b>")]

    note = render_note(HIGH_VARIANCE, (), findings=findings)

    assert note.endswith("**Split**\n\n* note: there is no test set\n* error: dev \\<b\\>differs\\</b\\>")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("val_acc", r"val\_acc"),
        ("a*b", r"a\*b"),
        ("[x](y)", r"\[x\](y)"),
        ("<img>", r"\<img\>"),
        ("a & b", "a &amp; b"),
        ("a\n\n# b", r"a \# b"),
        ("back\\slash", r"back\\slash"),
        ("plain, text.", "plain, text."),
    ],
)
def test_markup_is_made_plain(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(text=st.text())
def test_escaped_text_holds_no_markup_and_one_line(text: str) -> None:
    unescaped = re.sub(r"\\.", "", escape(text).replace("&amp;", ""))

    assert not set(unescaped) & set("\\`*_[]#|<>!~&\n")


def test_the_name_of_another_run_shows_as_text() -> None:
    steps = recommend(HIGH_VARIANCE, Evidence(best_other=OtherRun(0.01, "<b>*bold*</b>")))

    note = render_note(HIGH_VARIANCE, steps)

    assert r"\<b\>\*bold\*\</b\>" in note


@pytest.mark.parametrize("address", ["https://example.org/x", "www.example.org"])
def test_an_address_in_a_name_does_not_become_a_link(address: str) -> None:
    assert address not in escape(f"run {address}")
    assert html.unescape(escape(f"run {address}")) == f"run {address}"
