"""The script that compares the price table with litellm's: what it finds, and what it lets pass."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "compare_prices.py"
#: As litellm has them, with the prices of the table of this package.
ALIKE: dict[str, Any] = {
    "gpt-4o-mini": {
        "input_cost_per_token": 1.5e-07,
        "output_cost_per_token": 6e-07,
        "cache_read_input_token_cost": 7.5e-08,
    },
    "gemini/gemini-2.5-pro": {
        "input_cost_per_token": 1.25e-06,
        "output_cost_per_token": 1e-05,
        "cache_read_input_token_cost": 1.25e-07,
        "input_cost_per_token_above_200k_tokens": 2.5e-06,
        "output_cost_per_token_above_200k_tokens": 1.5e-05,
        "cache_read_input_token_cost_above_200k_tokens": 2.5e-07,
    },
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare_prices", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["compare_prices"] = module  # its dataclass looks its module up
    spec.loader.exec_module(module)
    return module


def run(
    script: ModuleType, tmp_path: Path, table: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str]]:
    file = tmp_path / "table.json"
    file.write_text(json.dumps(table), encoding="utf-8")
    status = script.main([str(file), "--date", "2026-11-21"])
    return status, capsys.readouterr().out.splitlines()


def test_tables_that_agree(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = run(script, tmp_path, ALIKE, capsys)
    assert status == 0
    assert lines[-1].startswith("2 rows alike, 0 differ in 0 prices, ")


def test_a_price_that_differs_is_shown_on_both_sides_with_our_source(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = json.loads(json.dumps(ALIKE))
    changed["gpt-4o-mini"]["output_cost_per_token"] = 7e-07
    changed["gemini/gemini-2.5-pro"]["input_cost_per_token_above_200k_tokens"] = 3e-06
    status, lines = run(script, tmp_path, changed, capsys)
    assert status == 1
    first, second, last = lines
    assert first.split()[:4] == ["openai/gpt-4o-mini", "output", "0.6", "0.7"]
    assert first.split()[4].startswith("https://")
    assert second.split()[:5] == ["gemini/gemini-2.5-pro", "long", "input", "2.5", "3"]
    assert last.startswith("0 rows alike, 2 differ in 2 prices, ")


def test_a_wheel_is_read_and_not_installed(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "litellm-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"litellm/{script.NAME}", json.dumps(ALIKE))
    assert script.main([str(wheel), "--date", "2026-11-21"]) == 0
    assert "2 rows alike" in capsys.readouterr().out


def test_without_a_table_it_says_what_is_missing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "installed", lambda: None)
    assert script.main([]) == 2
    assert "name a wheel of litellm" in capsys.readouterr().err
