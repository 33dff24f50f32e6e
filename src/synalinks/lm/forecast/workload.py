"""Workloads: how many calls a run makes, and how many tokens they take, by groups of like calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from synalinks.lm.forecast.priors import quantile
from synalinks.lm.ledger.ledger import Entry

#: The share of the longest prompts that the high figure leaves out.
LONG_PROMPT = 0.9


class Group(NamedTuple):
    """The labels by which calls are grouped: phase, model, module and kind (`chat` or `embed`)."""

    phase: str | None
    model: str
    module: str | None
    kind: str


@dataclass
class CallStatistics:
    """Statistics of the synthetic calls of one group.

    Attributes:
        inputs, outputs: tokens of prompts and answers, one number per call. schema: tokens of all schemas together.
        repeats: calls that repeat a request which has a single answer.
        guessed_prompt, guessed_answer: whether lengths were guessed. stated: whether lengths of answers were given.
        unpriced: whether the price of a call is unknown. free: whether no call costs anything, as at a server on this
            machine.
    """

    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    schema: int = 0
    repeats: int = 0
    guessed_prompt: bool = False
    guessed_answer: bool = False
    stated: bool = False
    unpriced: bool = False
    free: bool = True

    @property
    def calls(self) -> int:
        """The number of calls."""
        return len(self.inputs)

    def add(self, entry: Entry, single: set[str]) -> None:
        """Add a call.

        Args:
            single: digests of the requests with a single answer so far; the call's own is added.
        """
        raw = entry.usage.raw or {}
        self.inputs.append(entry.usage.input_tokens or 0)
        self.outputs.append(entry.usage.output_tokens or 0)
        self.schema += int(raw.get("schema", 0))
        self.guessed_prompt |= raw.get("prompt") == "guessed"
        self.guessed_answer |= raw.get("answer") == "guessed"
        self.stated |= raw.get("answer") == "stated"
        self.unpriced |= entry.error is None and entry.as_if is None
        self.free &= entry.as_if == 0
        if raw.get("single"):
            self.repeats += entry.digest in single
            single.add(entry.digest)


def group_of(entry: Entry) -> Group:
    """The group of a call."""
    return Group(entry.scope.text("phase"), entry.model, entry.scope.text("module"), entry.kind)


@dataclass
class Workload:
    """Calls and tokens of one group in one scenario; fractions come from scaling."""

    calls: float = 0.0
    inputs: float = 0.0
    schema: float = 0.0
    outputs: float = 0.0

    def add(self, calls: float, statistics: CallStatistics, *, longest: bool = False, tokens: float = 1.0) -> None:
        """Add `calls` calls of the mean lengths of a group.

        Args:
            longest: whether prompts have the length of the long ones instead of the mean.
            tokens: factor on the length of prompts.
        """
        if not statistics.calls:
            return
        mean = sum(statistics.inputs) / statistics.calls
        prompt = max(mean, quantile(sorted(statistics.inputs), LONG_PROMPT)) if longest else mean
        self.calls += calls
        self.inputs += calls * prompt * tokens
        self.schema += calls * statistics.schema / statistics.calls
        self.outputs += calls * sum(statistics.outputs) / statistics.calls


@dataclass
class WorkloadRange:
    """The workload of one group in the low, the expected and the high scenario, and the sources of its lengths."""

    low: Workload = field(default_factory=Workload)
    expected: Workload = field(default_factory=Workload)
    high: Workload = field(default_factory=Workload)
    guessed_prompt: bool = False
    guessed_answer: bool = False
    stated: bool = False
    unpriced: bool = False
    free: bool = False

    def add_sources(self, statistics: CallStatistics) -> None:
        """Add the sources of the lengths of a group's calls."""
        self.guessed_prompt |= statistics.guessed_prompt
        self.guessed_answer |= statistics.guessed_answer
        self.stated |= statistics.stated
        self.unpriced |= statistics.unpriced
        self.free |= statistics.free


def workloads_of_run(entries: Iterable[Entry]) -> dict[Group, WorkloadRange]:
    """The workloads of a whole run that was made synthetically once; low leaves out repeated requests."""
    groups: dict[Group, CallStatistics] = {}
    single: set[str] = set()
    for entry in entries:
        groups.setdefault(group_of(entry), CallStatistics()).add(entry, single)
    found = {}
    for group, statistics in groups.items():
        workload = found[group] = WorkloadRange()
        workload.add_sources(statistics)
        workload.low.add(statistics.calls - statistics.repeats, statistics)
        workload.expected.add(statistics.calls, statistics)
        workload.high.add(statistics.calls, statistics)
    return found
