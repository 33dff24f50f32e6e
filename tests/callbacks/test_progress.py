"""Tests of the progress output: plain lines, the live bar, durations and numbers."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, provider_of, right
from synalinks._support.log_values import number
from synalinks.callbacks.progress import ProgbarLogger, duration, log_text, per_step
from synalinks.callbacks.progress_bar import wrapped


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
    assert log_text(("a", 1.0)) == "a: 1.0000"


def test_one_epoch_has_no_heading(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data(4)
    fit(compiled(), provider_of(right), x, y, validation_split=0.25, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and lines[0].startswith("3/3 - ")


def test_a_run_that_ends_early_says_where_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data(4)
    fit(
        compiled(),
        provider_of(right),
        x,
        y,
        epochs=3,
        validation_split=0.25,
        budget=synalinks.Budget(calls=9),
        verbose=2,
    )
    assert "\nEnded in epoch 1 of 3: epoch 2 of 3 was not begun: " in capsys.readouterr().out
    fit(
        compiled(),
        provider_of(right),
        x,
        y,
        epochs=2,
        validation_split=0.25,
        budget=synalinks.Budget(calls=9),
        verbose=0,
    )
    assert capsys.readouterr().out == ""


def test_a_stream_counts_what_came(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data(4)
    fit(compiled(), provider_of(right), lambda: iter([(x, y), (x, y)]), verbose=1)
    assert capsys.readouterr().out.startswith("2/2 - ")


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard output a terminal of 80 columns, of which every drawing is kept."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr("synalinks.callbacks.progress.REDRAW", 0.0)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return terminal


def drawn(screen: Terminal) -> list[str]:
    """What was drawn, without colours and cursor movements, a text for each drawing."""
    parts = re.split(r"(?:\r?(?:\x1b\[\d*A)?\x1b\[2K)+", screen.getvalue())
    return [text for part in parts if (text := re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part).strip())]


def one_epoch(bar: ProgbarLogger, **params: Any) -> None:
    bar.set_params({"epochs": 2, "steps": 4, "verbose": 1, **params})
    bar.on_epoch_begin(0)
    bar.on_train_batch_end(1, {"reward": 0.5})
    bar.on_epoch_end(0, {"reward": 0.5, "val_reward": 0.25})


def test_on_a_terminal_a_bar_is_redrawn_and_ends_as_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_terminal(monkeypatch)
    one_epoch(ProgbarLogger(lambda: "$0.0123", lambda: "$0.0123 of $0.50", lambda: 1761))
    text = "\n".join(drawn(screen))
    assert text.startswith("Epoch 1/2\n2/4 ━━━━━━━━━━")
    assert "0s left" in text
    assert "reward: 0.5000 - $0.0123 - 1,761 tokens - $0.0123 of $0.50" in text
    assert re.fullmatch(r"2/4 - 0s \d+\S+/step - reward: 0.5000 - val_reward: 0.2500 - \$0.0123", drawn(screen)[-1])
    assert screen.getvalue().endswith("$0.0123\n")


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    screen = on_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", str(columns))
    bar = ProgbarLogger(lambda: "$0.0800 billed, $0.1800 as if", lambda: "$0.0800 of $0.50", lambda: 1_234_567)
    bar.set_params({"epochs": 1, "steps": 20_000, "verbose": 1})
    bar.on_epoch_begin(0)
    bar.on_train_batch_end(9_999, {"reward": 0.5, "a_metric_of_a_long_name": 0.25})
    shown = "\n".join(drawn(screen))
    assert all(len(line.rstrip()) <= columns for line in shown.splitlines()), shown
    assert shown.startswith("10000/20000 ━━") and "1,234,567 tokens" in shown and "$0.0800 of $0.50" in shown
    assert (len(shown.splitlines()) == 1) == (columns == 200)
    bar.on_epoch_end(0, {"reward": 0.5, "a_metric_of_a_long_name": 0.25})
    assert all(len(line) <= columns for line in drawn(screen)[-1].splitlines())


def test_details_are_wrapped_between_and_never_within() -> None:
    assert wrapped(["a: 1", "b: 2", "a long one", "c"], 11) == ["a: 1 - b: 2", "a long one", "c"]
    assert wrapped(["wider than that"], 5) == ["wider than that"]
    assert wrapped([], 5) == []


def test_a_stream_has_no_bar_to_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_terminal(monkeypatch)
    one_epoch(ProgbarLogger(), steps=None, epochs=1)
    assert drawn(screen)[0] == "2/? 0s - reward: 0.5000"


def test_without_colour_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_terminal(monkeypatch)
    one_epoch(ProgbarLogger())
    assert "\x1b[32m" in screen.getvalue()
    screen.truncate(0)
    monkeypatch.setenv("NO_COLOR", "1")
    one_epoch(ProgbarLogger())
    assert "━" in screen.getvalue() and not re.search(r"\x1b\[3\d", screen.getvalue())


@pytest.mark.parametrize(("variable", "verbose"), [("dumb", 1), ("unknown", 1), ("xterm-256color", 2)])
def test_terminals_that_cannot_redraw_get_lines(monkeypatch: pytest.MonkeyPatch, variable: str, verbose: int) -> None:
    screen = on_terminal(monkeypatch)
    monkeypatch.setenv("TERM", variable)
    one_epoch(ProgbarLogger(), verbose=verbose)
    assert "\x1b" not in screen.getvalue()
    assert screen.getvalue().startswith("Epoch 1/2\n2/4 - 0s ")


def test_a_forced_colour_makes_no_bar_in_a_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("synalinks.callbacks.progress.REDRAW", 0.0)
    one_epoch(ProgbarLogger())
    assert "\x1b" not in capsys.readouterr().out


def test_what_is_printed_meanwhile_is_above_the_bar_and_a_run_inside_another_writes_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = on_terminal(monkeypatch)
    outer, inner = ProgbarLogger(), ProgbarLogger()
    outer.set_params({"epochs": 1, "steps": 4, "verbose": 1})
    outer.on_epoch_begin(0)
    outer.on_train_batch_end(0, {})
    print("a line")
    inner.set_params({"epochs": 1, "steps": 2, "verbose": 1})
    inner.on_test_begin()
    inner.on_test_batch_end(1, {"reward": 1.0})
    inner.on_test_end({"reward": 1.0})
    outer.on_epoch_end(0, {})
    text = "\n".join(drawn(screen))
    assert "\na line\n1/4 ━" in text
    assert re.search(r"\n2/2 - 0s \S+/step - reward: 1.0000\n1/4 ━", text)
    assert sys.stdout is screen


def test_an_error_leaves_the_bar_and_gives_standard_output_back(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_terminal(monkeypatch)

    class Broken(synalinks.callbacks.Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                raise ZeroDivisionError("broken")

    class First(Broken):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

    program, (x, y) = compiled(), data(4)

    async def evaluate() -> None:
        with synalinks.use_provider(provider_of(right)):
            await program.evaluate(x, y, batch_size=2, callbacks=[First(), Broken()])

    with pytest.raises(ZeroDivisionError):
        asyncio.run(evaluate())
    assert sys.stdout is screen
    assert "1/2 ━" in drawn(screen)[-1]


def test_money_is_shown_where_there_is_a_price(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data(4)
    synalinks.set_price("ollama/test", input=1, output=1)
    try:
        fit(compiled(), provider_of(right), x, y, verbose=2)
    finally:
        synalinks.set_price("ollama/test", input=0, output=0)
    line = capsys.readouterr().out
    assert line.rstrip().endswith(" - $0.00041"), line
