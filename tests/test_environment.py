from __future__ import annotations

import re

import pytest

from bvtrack.adapters import human_error_from_environment, is_disabled, is_switched_on
from bvtrack_lightning.factory import callbacks


@pytest.mark.parametrize("value", ["1", "true", "True", "yes", "YES", "on", " 1 "])
def test_a_variable_that_says_yes_is_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_AUTO", value)
    monkeypatch.setenv("BVTRACK_DISABLED", value)

    assert is_switched_on("BVTRACK_AUTO")
    assert is_disabled()


@pytest.mark.parametrize("value", ["", "0", "false", "FALSE", "no", "off", " "])
def test_a_variable_that_says_no_is_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_AUTO", value)
    monkeypatch.setenv("BVTRACK_DISABLED", value)

    assert not is_switched_on("BVTRACK_AUTO")
    assert not is_disabled()


def test_a_variable_that_is_not_set_is_off() -> None:
    assert not is_switched_on("BVTRACK_AUTO")


def test_another_word_is_said_once_and_is_off(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_AUTO", "perhaps")
    answers = [is_switched_on("BVTRACK_AUTO") for _ in range(3)]

    assert answers == [False] * 3
    assert said == ["bvtrack: BVTRACK_AUTO must be 1 or 0; got 'perhaps', which counts as 0"]
    said.clear()


@pytest.mark.parametrize(
    ("value", "error"), [("0.05", 0.05), ("5%", 0.05), (" 5 % ", 0.05), ("0", 0.0), ("1", 1.0), ("", None), (" ", None)]
)
def test_the_human_error_is_read_as_on_the_command_line(
    value: str, error: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BVTRACK_HUMAN_ERROR", value)

    assert human_error_from_environment() == error


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("much", "BVTRACK_HUMAN_ERROR: expected an error such as 0.11 or 11%; got 'much'"),
        ("5", "BVTRACK_HUMAN_ERROR must be a fraction in [0, 1]; got '5' (5 % is 0.05 or 5%)"),
        ("nan", "BVTRACK_HUMAN_ERROR must be a fraction in [0, 1]; got 'nan'"),
        ("-1%", "BVTRACK_HUMAN_ERROR must be a fraction in [0, 1]; got '-1%'"),
    ],
)
def test_a_human_error_that_is_none_is_refused_by_the_variables_name(
    value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BVTRACK_HUMAN_ERROR", value)

    with pytest.raises(ValueError, match=re.escape(message)):
        human_error_from_environment()


@pytest.mark.parametrize(("value", "made"), [("true", 1), ("on", 1), ("false", 0), ("no", 0), ("", 0)])
def test_the_entry_point_of_lightning_heeds_the_same_words(value: str, made: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_AUTO", value)
    monkeypatch.setenv("BVTRACK_HUMAN_ERROR", "5%")

    assert len(callbacks()) == made


def test_the_entry_point_of_lightning_names_the_variable_that_is_wrong(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BVTRACK_AUTO", "1")
    monkeypatch.setenv("BVTRACK_HUMAN_ERROR", "much")

    assert callbacks() == []
    assert "(BVTRACK_HUMAN_ERROR: expected an error such as 0.11 or 11%; got 'much')" in said.pop()
