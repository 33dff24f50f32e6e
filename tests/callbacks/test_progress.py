"""Tests of the progress output: plain lines, the live bar, durations and numbers."""

from __future__ import annotations

import io
import sys

import pytest

import synalinks
from programs_under_test import compiled, data, fit, provider_of, right
from synalinks.callbacks.progress import ProgbarLogger, duration, logs_text, number, per_step


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0s"), (24.2, "24s"), (59.6, "1:00"), (125, "2:05"), (3725, "1:02:05")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "steps", "text"),
    [(24, 6, "4s/step"), (0.48, 6, "80ms/step"), (9e-5, 6, "15us/step"), (1, 0, "1s/step")],
)
def test_seconds_per_step(seconds: float, steps: int, text: str) -> None:
    assert per_step(seconds, steps) == text


def test_numbers_have_four_decimals_unless_those_would_hide_them() -> None:
    assert [number(value) for value in (1.0, 0, 0.12345, 0.0005, -0.5)] == [
        "1.0000",
        "0.0000",
        "0.1235",
        "5.0000e-04",
        "-0.5000",
    ]
    assert number([1, 2]) == "[1, 2]"
    assert logs_text({"a": 1.0, "b": 0.5}) == " - a: 1.0000 - b: 0.5000"


def test_one_epoch_has_no_heading(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data(4)
    fit(compiled(), provider_of(right), x, y, validation_split=0.25, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and lines[0].startswith("3/3 - ")


def test_a_stream_counts_what_came(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data(4)
    fit(compiled(), provider_of(right), lambda: iter([(x, y), (x, y)]), verbose=1)
    assert capsys.readouterr().out.startswith("2/2 - ")


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_is_redrawn_and_ends_as_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    bar = ProgbarLogger()
    bar.set_params({"epochs": 2, "steps": 4, "verbose": 1})
    bar.on_epoch_begin(0)
    bar.on_train_batch_end(1, {"reward": 0.5})
    bar.on_epoch_end(0, {"reward": 0.5})
    text = screen.getvalue()
    assert text.startswith("Epoch 1/2\n\r\x1b[2K") and "━" * 10 in text and "left" in text
    assert text.splitlines()[-1].endswith("- reward: 0.5000")
    screen.truncate(0)
    bar.set_params({"epochs": 1, "steps": 4, "verbose": 2})
    bar.on_epoch_begin(0)
    bar.on_train_batch_end(1, {"reward": 0.5})
    bar.on_epoch_end(0, {})
    assert "\x1b" not in screen.getvalue()


def test_money_is_shown_where_there_is_a_price(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data(4)
    synalinks.set_price("ollama/test", input=1, output=1)
    try:
        fit(compiled(), provider_of(right), x, y, verbose=2)
    finally:
        synalinks.set_price("ollama/test", input=0, output=0)
    line = capsys.readouterr().out
    assert "$" in line and "billed" in line
