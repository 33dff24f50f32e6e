"""The rows of the comparison: what is measured, by which participants, and the aim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

#: What is measured: seconds of CPU or of the clock, or megabytes.
Quantity = Literal["cpu", "wall", "mb"]
#: Seconds (or megabytes) of each participant of a row, by name.
Found = Mapping[str, float]


@dataclass(frozen=True)
class Aim:
    """The most that a participant may take: a limit of its own, or some times what another takes, and some more."""

    limit: float = 0.0
    times: float = 0.0
    of: str = ""

    def most(self, found: Found) -> float:
        """The limit where others were measured as in `found`."""
        return self.limit + (self.times * found[self.of] if self.of else 0.0)


@dataclass(frozen=True)
class Row:
    """What is measured in turn.

    Attributes:
        name: as workers and probes have it.
        work: as people read it.
        floors, peers, ours: participants.
        aims: of participants.
        show: makes a text of a measure.
        aim_text: the aims in words.
        cassette: rows of a cassette that is read; 0 where none is.
    """

    name: str
    work: str
    quantity: Quantity
    show: Callable[[float], str]
    floors: Sequence[str]
    peers: Sequence[str]
    ours: Sequence[str]
    aims: Mapping[str, Aim]
    aim_text: str
    cassette: int = 0

    @property
    def participants(self) -> Sequence[str]:
        """All, in the order in which they are measured."""
        return (*self.floors, *self.peers, *self.ours)

    def missed(self, found: Found) -> list[str]:
        """The participants that take more than their aim."""
        return [name for name, aim in self.aims.items() if found[name] > aim.most(found)]


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"


def us(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} us"


def s(seconds: float) -> str:
    return f"{seconds:.2f} s"


def mb(megabytes: float) -> str:
    return f"{megabytes:.0f} MB"


def rate(seconds: float) -> str:
    """What one core can do."""
    return f"{1 / seconds:,.0f} calls/s"


def share(seconds: float) -> str:
    """Of what calls of 20 ms could make if clients took no time."""
    return f"{0.020 / seconds:.2f}"


_OURS = ("synalinks", "synalinks, storing", "synalinks, recording")
_LIVE = ("httpx", "ollama", "litellm", "DSPy")
_POOLS = ("ollama", "ollama, 1,000 connections")
_STORING = {name: Aim(1e-4, 1.0, "synalinks") for name in _OURS[1:]}

ROWS = (
    Row(
        "one_by_one", "structured call, one after another", "cpu", ms, ["aiohttp"], _LIVE, _OURS,
        {"synalinks": Aim(0, 0.6, "ollama"), **_STORING}, "0.6 x `ollama`; storing + 0.1 ms",
    ),
    Row(
        "at_once_32", "the same, 32 at once", "cpu", ms, ["aiohttp"], (*_LIVE, _POOLS[1]), _OURS,
        {"synalinks": Aim(0, 0.4, "ollama"), **_STORING}, "0.4 x `ollama`; storing + 0.1 ms",
    ),
    Row(
        "at_once_128", "the same, 128 at once", "cpu", rate, ["aiohttp"], _POOLS, _OURS[:1],
        {"synalinks": Aim(1 / 2500)}, "2,500 calls/s",
    ),
    Row(
        "at_once_1000", "the same, 1,000 at once", "cpu", rate, ["aiohttp"], _POOLS, _OURS[:1],
        {"synalinks": Aim(1 / 2500)}, "2,500 calls/s",
    ),
    Row(
        "delayed_32", "32 at once, answers after 20 ms: share of the ideal (time)", "wall", share,
        ["asyncio.sleep", "aiohttp"], ("ollama", "DSPy"), _OURS[:1], {"synalinks": Aim(0.020 / 0.85)}, "0.85",
    ),
    Row(
        "delayed_128", "128 at once, answers after 20 ms: share of the ideal (time)", "wall", share,
        ["asyncio.sleep", "aiohttp"], ("ollama", "DSPy"), _OURS[:1], {"synalinks": Aim(0.020 / 0.60)}, "0.60",
    ),
    Row(
        "evaluate", "evaluation of 1,000 samples, each a call", "cpu", s, (), ("DSPy",), _OURS[:1],
        {"synalinks": Aim(0.5)}, "0.5 s",
    ),
    Row(
        "cached", "answered by the disk cache", "cpu", us, ["diskcache"], ("DSPy",), _OURS[:1],
        {"synalinks": Aim(40e-6)}, "40 us",
    ),
    Row(
        "replayed_1000", "replayed from 1,000 rows", "cpu", us, (), ("vcrpy",), _OURS[:1],
        {"synalinks": Aim(35e-6)}, "35 us", 1_000,
    ),
    Row(
        "replayed_100000", "replayed from 100,000 rows", "cpu", us, (), (), _OURS[:1],
        {"synalinks": Aim(35e-6)}, "35 us", 100_000,
    ),
    Row(
        "chain", "a module in a chain, answered by a function", "cpu", us, (), (), _OURS[:1],
        {"synalinks": Aim(50e-6)}, "50 us",
    ),
    Row(
        "opened", "a cassette of 100,000 rows, opened", "cpu", s, ["orjson"], (), _OURS[:1],
        {"synalinks": Aim(0.3)}, "0.3 s", 100_000,
    ),
)  # fmt: skip

#: What a fresh process takes from its start on: the arguments of Python, by participant.
PROGRAM = "from synalinks import DataModel, Field, Generator, Input, LanguageModel, Program"
IMPORTS = {
    "httpx": "import httpx",
    "aiohttp": "import aiohttp",
    "ollama": "import ollama",
    "litellm": "import litellm",
    "DSPy": "import dspy",
    "synalinks": PROGRAM,
}
_IMPORTED = (("httpx",), ("aiohttp", "ollama", "litellm", "DSPy"), ("synalinks",))
_START = (("python -c pass",), (), ("synalinks",))
PROBES = (
    Row(
        "import", "import of what a program names", "cpu", ms, *_IMPORTED,
        {"synalinks": Aim(0, 2, "httpx")}, "2 x httpx",
    ),
    Row("import_mb", "its memory", "mb", mb, *_IMPORTED, {}, ""),
    Row(
        "hello", "`synalinks run hello.py` from its cassette", "cpu", s, *_START,
        {"synalinks": Aim(0.35)}, "0.35 s",
    ),
    Row("help", "`synalinks --help`", "cpu", s, *_START, {"synalinks": Aim(0.15)}, "0.15 s"),
    Row(
        "opened_mb", "memory of an opened cassette of 100,000 rows", "mb", mb, ["the file"], (), ("synalinks",),
        {"synalinks": Aim(0, 1.5, "the file")}, "1.5 x the file", 100_000,
    ),
)  # fmt: skip
