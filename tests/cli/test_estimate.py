"""`synalinks estimate`: a script's forecast."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.helpers import call
from cli.run.test_dry import TRAIN

TWICE = TRAIN.replace(
    "    await program.evaluate(x, y, verbose=0)\n",
    "    await program.fit(x, y, validation_split=0.34, verbose=0)\n    await program.evaluate(x, y, verbose=0)\n",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "twice.py").write_text(TWICE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(output: str) -> dict[str, dict[str, int]]:
    """Calls by phase, of a forecast as JSON."""
    found = json.loads(output)
    return {row["phase"]: row["calls"] for row in found["rows"]}


def test_a_script_is_forecast_from_low_to_high(folder: Path) -> None:
    done = call("estimate", "train.py", "--", "openai/gpt-4o-mini")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Estimate of train.py: what a live run will take\n")
    assert "stopped by" not in done.output, "what the script prints would be taken for results"
    for phase in ("train", "candidate", "validation", "evaluate", "total", "expected"):
        assert f"\n{phase}" in done.output
    assert "at most" in done.output


def test_fits_have_ranges_and_other_calls_are_counted(folder: Path) -> None:
    found = rows(call("estimate", "--json", "train.py", "openai/gpt-4o-mini").stdout)
    assert found["train"] == {"low": 6, "expected": 6, "high": 6}
    assert found["evaluate"] == {"low": 6, "expected": 6, "high": 6}
    assert found["candidate"]["high"] == 2 * 3 * 2 * 3
    assert found["candidate"]["low"] < found["candidate"]["high"]


def test_each_fit_of_a_script_is_forecast(folder: Path) -> None:
    found = rows(call("estimate", "--json", "twice.py", "openai/gpt-4o-mini").stdout)
    assert found["train"] == {"low": 9, "expected": 9, "high": 9}
    assert found["candidate"]["high"] == 3 * 3 * 2 * 3


def test_a_fit_on_a_generator_is_counted_as_it_is_made(folder: Path) -> None:
    once = TRAIN.replace(
        "program.fit(x, y, epochs=2, validation_split=0.34,", "program.fit(((x, y) for _ in range(2)),"
    )
    (folder / "once.py").write_text(once)
    found = rows(call("estimate", "--json", "once.py", "openai/gpt-4o-mini").stdout)
    assert found["train"] == {"low": 12, "expected": 12, "high": 12}


def test_what_the_script_prints_can_be_shown(folder: Path) -> None:
    done = call("estimate", "train.py", "--show-output", "--", "ollama/m")
    assert done.output.startswith("stopped by None\n")


def test_a_script_that_fails_says_so(folder: Path) -> None:
    done = call("estimate", "train.py", "--", "ollama/m", "raise")
    assert done.exit_code == 1
    assert "did not come to its end" in done.output
    assert "Estimate of train.py" in done.output


def test_an_option_misspelt_is_not_the_scripts(folder: Path) -> None:
    done = call("estimate", "train.py", "--learn-form", "x")
    assert done.exit_code == 2
    assert "--learn-from" in done.output
