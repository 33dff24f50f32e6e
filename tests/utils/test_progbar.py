"""Tests of the progress of a loop of one's own."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from synalinks.errors import ConfigurationError
from synalinks.utils import Progbar, disable_interactive_logging, enable_interactive_logging


def test_one_line_at_the_end_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(4, unit_name="row")
    bar.update(1, [("reward", 0.0), ("state", "warm")])
    bar.add(2, [("reward", 1.0)])
    assert capsys.readouterr().out == ""
    bar.add(1, [("reward", 1.0), ("state", "hot")])
    # The mean by steps: (0 + 2 * 1 + 1) / 4.
    assert re.fullmatch(r"4/4 - 0s \d+us/row - reward: 0.7500 - state: hot\n", capsys.readouterr().out)


def test_without_a_target_the_caller_says_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(None, verbose=2)
    bar.update(3)
    bar.update(5, finalize=True)
    assert capsys.readouterr().out.startswith("5/5 - 0s ")


def test_silence(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    Progbar(1, verbose=0).update(1)
    disable_interactive_logging()
    with caplog.at_level("INFO", "synalinks"):
        Progbar(1).update(1)
    enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert caplog.messages[0].startswith("1/1 - ")


def test_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    bar = Progbar(2, width=10, interval=0)
    bar.update(1, [("reward", 0.5)])
    drawn = capsys.readouterr().out
    assert (
        "1/2" in drawn and drawn.count("━") + drawn.count("╺") == 10 and "left" in drawn and "reward: 0.5000" in drawn
    )
    bar.update(2)
    assert "2/2 - 0s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"), [({"target": -1}, "number of steps"), ({"target": 1, "verbose": 3}, "0, 1 or 2")]
)
def test_what_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Progbar(**arguments)
