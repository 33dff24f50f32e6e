"""The script that makes the price table: what it takes from the published data, and what it leaves out."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "make_prices.py"

DATA = """
import datetime
from decimal import Decimal
from .types import *

raise RuntimeError("the data is read, never run")

providers: list[Provider] = [
    Provider(id=%r, pricing_urls=['https://prices.example/a', 'https://prices.example/b'], models=[
        %s
    ]),
    %s
]
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_prices", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.OWN_CORRECTIONS, module.CORRECTIONS = module.CORRECTIONS, {}  # they are of names that made-up data lacks
    return module


def model(name: str, prices: str, match: str = "") -> str:
    return f"ModelInfo(id={name!r}, match={match or f'ClauseEquals(equals={name!r})'}, prices={prices}),"


def wheel(folder: Path, script: ModuleType, *models: str) -> Path:
    others = (f"Provider(id={name!r}, pricing_urls=['https://x'], models=[])," for name in script.PROVIDERS.values())
    data = DATA % ("openai", "\n".join(models), "\n".join(each for each in others if "'openai'" not in each))
    path = folder / "genai_prices-9.9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("genai_prices/data.py", data)
        file.writestr("genai_prices-9.9.dist-info/METADATA", "Name: genai-prices\nVersion: 9.9\n")
        file.writestr(
            "genai_prices-9.9.dist-info/licenses/LICENSE", "The MIT License (MIT)\n\nCopyright (c) Somebody\n"
        )
    return path


def rows(folder: Path, script: ModuleType, *models: str, day: str = "2026-11-20") -> list[dict[str, Any]]:
    found = script.table(wheel(folder, script, *models), date.fromisoformat(day))["models"]["openai"]
    return [{key: item for key, item in row.items() if key not in ("source", "date")} for row in found]


FLAT = "ModelPrice(input_mtok=Decimal('1.50'), output_mtok=Decimal('6'), web_searches_kcount=Decimal('10'))"


def test_the_table_says_where_it_comes_from(tmp_path: Path, script: ModuleType) -> None:
    value = script.table(wheel(tmp_path, script, model("m", FLAT)), date(2026, 11, 20))
    assert value["source"] == "genai-prices 9.9"
    assert value["date"] == "2026-11-20"
    assert value["notice"] == ["The MIT License (MIT)", "Copyright (c) Somebody"]
    assert value["models"]["openai"] == [
        {"name": "m", "input": "1.5", "output": "6", "source": "https://prices.example/a", "date": "2026-11-20"}
    ]


def test_names_and_families_are_those_the_data_gives_to_the_row(tmp_path: Path, script: ModuleType) -> None:
    first = model("m-pro", FLAT, "ClauseOr(or_=[ClauseEquals(equals='m-pro'), ClauseEquals(equals='m-x')])")
    second = model("m", FLAT, "ClauseOr(or_=[ClauseStartsWith(starts_with='m'), ClauseEquals(equals='m-x')])")
    assert rows(tmp_path, script, first, second) == [
        {"name": "m-pro", "also": ["m-x"], "input": "1.5", "output": "6"},
        {"name": "m", "versions": ["latest", "number", "month", "preview"], "input": "1.5", "output": "6"},
    ]


def test_steps_announced_prices_and_hours(tmp_path: Path, script: ModuleType) -> None:
    steps = (
        "ModelPrice(input_mtok=TieredPrices(base=Decimal('1'), tiers=[Tier(start=200000, price=Decimal('2'))]), "
        "output_mtok=Decimal('5'))"
    )
    dated = (
        "[ConditionalPrice(prices=ModelPrice(input_mtok=Decimal('9'), output_mtok=Decimal('9'))), "
        "ConditionalPrice(constraint=StartDateConstraint(start_date=datetime.date(2026, 1, 1)), "
        "prices=ModelPrice(input_mtok=Decimal('1'), output_mtok=Decimal('2'))), "
        "ConditionalPrice(constraint=StartDateConstraint(start_date=datetime.date(2027, 1, 1)), "
        "prices=ModelPrice(input_mtok=Decimal('2'), output_mtok=Decimal('4')))]"
    )
    hours = (
        "[ConditionalPrice(prices=ModelPrice(input_mtok=Decimal('1'), output_mtok=Decimal('4'))), "
        "ConditionalPrice(constraint=TimeOfDateConstraint(start_time=datetime.time(22, 0), "
        "end_time=datetime.time(2, 0)), prices=ModelPrice(input_mtok=Decimal('2'), output_mtok=Decimal('3')))]"
    )
    assert rows(tmp_path, script, model("s", steps), model("d", dated), model("h", hours)) == [
        {"name": "s", "input": "1", "output": "5", "long_from": 200000, "long": {"input": "2", "output": "5"}},
        {"name": "d", "input": "1", "output": "2", "later": [{"from": "2027-01-01", "input": "2", "output": "4"}]},
        {"name": "h", "input": "2", "output": "4", "note": "the price changes with the hour; this is the dearest"},
    ]


def test_what_the_ledger_could_not_price_is_left_out(tmp_path: Path, script: ModuleType) -> None:
    found = rows(
        tmp_path,
        script,
        model("hours", "ModelPrice(audio_hours=Decimal('3'))"),
        model("free", "ModelPrice()"),
        model("draws", "ModelPrice(input_mtok=Decimal('1'), output_mtok=Decimal('2'), output_image_mtok=Decimal('9'))"),
        model("gpt-audio", FLAT),
        model("gpt-oss-20b", FLAT),
        model("text-embed", "ModelPrice(input_mtok=Decimal('0.1'), output_mtok=Decimal('0.1'))"),
    )
    assert found == [{"name": "text-embed", "input": "0.1"}]


def test_what_is_new_in_the_data_is_not_passed_over(tmp_path: Path, script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="something new: surprise"):
        rows(tmp_path, script, model("m", "surprise(1)"))
    three = "tiers=[Tier(start=1, price=Decimal('2')), Tier(start=2, price=Decimal('3'))]"
    with pytest.raises(SystemExit, match="3 steps"):
        rows(tmp_path, script, model("m", f"ModelPrice(input_mtok=TieredPrices(base=Decimal('1'), {three}))"))


def test_it_writes_the_file_and_tells_when_it_differs(
    tmp_path: Path, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = wheel(tmp_path, script, model("m", FLAT), model("n", FLAT)), tmp_path / "prices.json"
    words = [str(source), "--output", str(out), "--date", "2026-11-20"]
    assert script.main(words) == 0
    assert len(json.loads(out.read_text())["models"]["openai"]) == 2
    assert script.main([*words, "--check"]) == 0
    out.write_text(out.read_text().replace("1.5", "1.6", 1))
    assert script.main([*words, "--check"]) == 1
    assert "is not what genai_prices-9.9-py3-none-any.whl says" in capsys.readouterr().out


def test_a_correction_takes_its_names_from_the_rows_that_had_them(script: ModuleType) -> None:
    rows = [
        {"name": "a", "also": ["a-1", "a-2"], "versions": ["latest"], "input": "1"},
        {"name": "b", "input": "2"},
        {"name": "c", "input": "3"},
    ]
    mended = {"name": "a", "input": "9", "source": "https://x", "date": "2026-11-21"}
    whole = {"name": "b", "input": "8", "source": "https://x", "date": "2026-11-21"}
    assert script.corrected(rows, [mended, whole]) == [
        {"name": "a-1", "also": ["a-2"], "input": "1"},
        mended,
        whole,
        {"name": "c", "input": "3"},
    ]


def test_a_correction_of_what_is_gone_is_not_passed_over(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="'gone'"):
        script.corrected([{"name": "a", "input": "1"}], [{"name": "gone", "input": "2"}])


def test_every_correction_of_ours_is_in_the_table_with_its_source_and_its_day(script: ModuleType) -> None:
    models = json.loads(script.OUTPUT.read_text(encoding="utf-8"))["models"]
    for prefix, corrections in script.OWN_CORRECTIONS.items():
        for each in corrections:
            assert each in models[prefix]
            assert each["source"].startswith("https://") and each["date"] and each["note"]
