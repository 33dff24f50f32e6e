"""Python function calls, system calls and memory of a Generator call and modules of an import stay under a limit.

Counts don't depend on the machine's load. A limit is the count of the day it was set and 5 %, of system calls the count
itself. Lower one when a count falls; raise one only with what the additional calls are for. `python
benchmarks/counts.py --profile ROW` names the functions.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

LIMITS = {
    "scripted": 155,
    "symbolic_program": 167,
    "budgeted": 292,
    "recorded": 192,
    "replayed": 147,
    "cached": 133,
    "live": 435,
}
#: System calls that Python makes for a call: two looks of the event loop, one at the connection, a request, a response.
SYSTEM_CALLS = {"scripted": 0, "symbolic_program": 0, "budgeted": 0, "recorded": 2, "live": 5}
#: Memory blocks that a call leaves, in the ledgers and, within a budget, in its statistics.
BLOCKS = {"scripted": 31, "budgeted": 55, "recorded": 33}
#: Modules that a fresh interpreter loads.
MODULES = {"import synalinks": 38, "a program's names": 433}


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return importlib.import_module("counts")


@pytest.fixture(autouse=True)
def unmeasured() -> None:
    if sys.getprofile() is not None or sys.gettrace() is not None:
        pytest.skip("a profiler or a debugger is running")


@pytest.mark.parametrize("way", LIMITS)
def test_a_call_takes_no_more_function_calls(counts: ModuleType, way: str) -> None:
    calls = counts.calls_of(way)
    count, system = counts.per_call(calls.by_code), counts.per_call(calls.system)
    assert count <= LIMITS[way], f"{way}: {count:g} calls; python benchmarks/counts.py --profile {way} names them"
    assert system <= SYSTEM_CALLS.get(way, system) + 0.1, f"{way}: {dict(calls.system)} in {counts.CALLS} calls"


@pytest.mark.parametrize("way", BLOCKS)
def test_a_call_leaves_no_more_in_memory(counts: ModuleType, way: str) -> None:
    assert counts.blocks_of(way) <= BLOCKS[way]


def test_imports_load_no_more_modules(counts: ModuleType) -> None:
    assert counts.imported("import synalinks") <= MODULES["import synalinks"]
    assert counts.imported(counts.NAMES) <= MODULES["a program's names"]


def test_counts_are_the_same_each_time(counts: ModuleType) -> None:
    first, second = (counts.per_call(counts.calls_of("scripted").by_code) for _ in range(2))
    assert second == pytest.approx(first, abs=0.5)  # weak references and timers are the rest
