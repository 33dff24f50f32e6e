"""Python function calls, system calls and memory of a Generator call and modules of an import stay under a limit.

Counts don't depend on the machine's load. A limit is the count of the day it was set and 5 %, of system calls the count
itself. Lower one when a count falls; raise one only with what the additional calls are for. `python
benchmarks/counts.py --profile ROW` names the functions.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

LIMITS = {
    "scripted": 115,
    "symbolic_program": 131,
    "budgeted": 191,
    "recorded": 138,
    "sent": 178,
    "replayed": 78,
    "evaluated": 258,
    "trained": 495,
    "cached": 80,
    "stored": 98,
    "live": 404,
}
#: System calls that Python makes for a call: two looks of the event loop, one at the connection, a request, a response;
#: of an answer that is stored the statements of SQLite: two looks, a lease in the place of the last one, the answer.
SYSTEM_CALLS = {"scripted": 0, "symbolic_program": 0, "budgeted": 0, "recorded": 2, "stored": 4, "live": 5}
#: Moves between source files of one `Client.send` that is recorded and budgeted.
MOVES = 68
#: Memory blocks that a call leaves, in the ledgers and, within a budget, in its statistics; one is the size of its
#: request, which the provider of the test keeps.
BLOCKS = {"scripted": 31, "budgeted": 56, "recorded": 34}
#: Modules that a fresh interpreter loads; Python 3.12 has the most.
MODULES = {
    "import synalinks": 38,
    "a program's names": 436,
}  # one of `Module.add_reward`, one of descriptions of parts held twice


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return importlib.import_module("counts")


@pytest.fixture
def scale(counts: ModuleType) -> ModuleType:
    return importlib.import_module("scale")  # of the same folder


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


def test_a_call_moves_no_more_between_files(counts: ModuleType) -> None:
    moves = counts.per_call(counts.calls_of("sent").moves)
    assert moves <= MOVES, f"{moves:g} moves; bring what calls each other into one file"


@pytest.mark.parametrize("way", BLOCKS)
def test_a_call_leaves_no_more_in_memory(counts: ModuleType, way: str) -> None:
    assert counts.blocks_of(way) <= BLOCKS[way] + 0.5  # a part of a block is what a collection left


def test_imports_load_no_more_modules(counts: ModuleType) -> None:
    assert counts.imported("import synalinks") <= MODULES["import synalinks"]
    assert counts.imported(counts.NAMES) <= MODULES["a program's names"]


def test_counts_are_the_same_each_time(counts: ModuleType) -> None:
    first, second = (counts.per_call(counts.calls_of("scripted").by_code) for _ in range(2))
    assert second == pytest.approx(first, abs=0.5)  # weak references and timers are the rest


def test_a_module_takes_as_many_function_calls_among_many(counts: ModuleType, scale: ModuleType) -> None:
    class Counted(scale.Parts):
        @contextmanager
        def part(self, name: str) -> Iterator[None]:
            calls = counts.Calls()
            with calls.counting():
                yield
            self.taken[name] = sum(calls.by_code.values())

    found = {}
    asyncio.run(scale.live(1, scale.Parts()))  # loads what is loaded at the first use
    for modules in (10, 20, 50):
        asyncio.run(scale.live(modules, counted := Counted()))
        found[modules] = counted.taken
    assert list(found[10]) == ["build", "call", "fit", "save", "load"]
    for part in found[10]:
        fewer, more = (found[20][part] - found[10][part]) / 10, (found[50][part] - found[20][part]) / 30
        assert more <= 1.05 * fewer, f"{part}: {fewer:.0f} calls a module up to 20, {more:.0f} from 20 to 50"
