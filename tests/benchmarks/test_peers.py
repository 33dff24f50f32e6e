"""The comparison with peers: its rows, its table and page, and its way from the command to a participant's process."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from playing import ROOT

FOLDER = ROOT / "benchmarks/peers"
MODULES = ("run", "rows", "worker", "clients", "files", "instant_server")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(FOLDER)
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    yield importlib.import_module("run")
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def test_every_participant_of_a_row_is_there_and_can_measure_it(run: ModuleType) -> None:
    worker = importlib.import_module("worker")
    for row in run.ROWS:
        for participant in row.participants:
            module, _, name = worker.PARTICIPANTS[participant].partition(":")
            method = "connect" if row.name in {**worker.LIVE, **worker.DELAYED} else row.name
            text = (FOLDER / f"{module}.py").read_text()
            assert f"class {name}" in text and f"async def {method}(" in text, (row.name, participant)
        assert set(row.aims) <= set(row.ours)
        assert all(aim.of in ("", *row.participants) for aim in row.aims.values())


def test_a_row_is_measured_in_a_process_of_its_own(run: ModuleType, tmp_path: Path) -> None:
    row = next(row for row in run.ROWS if row.name == "chain")
    found = run.measured([row], 2, tmp_path / "environments")
    first, second = found["chain"]["synalinks"]
    assert 1e-6 < first < 0.1 and 1e-6 < second < 0.1 and first != second
    assert not (tmp_path / "environments").exists()  # nothing is installed for this library itself


def test_a_participant_that_fails_is_named(run: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"server": "", "delayed": ""}))  # others are missing
    worker = run.Worker("vcrpy", sys.executable, tmp_path / "settings.json")
    try:
        with pytest.raises((RuntimeError, BrokenPipeError), match=r"vcrpy ended at replayed_1000|Broken pipe"):
            worker.measure("replayed_1000")
    finally:
        worker.close()


def test_the_table_says_which_aims_are_missed(run: ModuleType, tmp_path: Path) -> None:
    rows = [row for row in run.ROWS if row.name in ("one_by_one", "cached")]
    times = {"synalinks": 0.59e-3, "synalinks, storing": 0.68e-3, "synalinks, recording": 0.75e-3, "ollama": 1e-3}
    found = {
        "one_by_one": {name: [times.get(name, 2e-3)] for name in rows[0].participants},
        "cached": {"diskcache": [6e-6], "DSPy": [270e-6, 260e-6, 280e-6], "synalinks": [39e-6]},
    }
    lines = run.table(rows, found).splitlines()
    assert lines[2].endswith("| 0.6 x `ollama`; storing + 0.1 ms | missed: recording |")
    assert lines[3] == ("| answered by the disk cache | diskcache 6 us | DSPy 260 us | 39 us | 40 us | reached |")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{run.MARKS[0]}old\n{run.MARKS[1]}after\n")
    run.put(page, "new")
    run.put(page, "newer")
    assert page.read_text() == f"before\n{run.MARKS[0]}\nnewer\n{run.MARKS[1]}after\n"
