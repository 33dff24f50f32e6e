"""What calls usually take, learnt from those that were made; budgets in mode `expected` reserve it.

Three things are learnt: the tokens of an answer and the seconds of a live call, by model and module, from the
ledger; and the tokens of a prompt against their bound, by model, from calls that were settled. Each is a high
percentile of the last values seen, and unknown until there are enough of them.

The percentile is that of split conformal prediction (Vovk, Gammerman and Shafer 2005; Lei et al. 2018, section
2.2): of n values the one of rank ceil((n + 1) * LEVEL). If the next call is one like those before, it takes no more
than that with a probability of at least LEVEL, whatever the distribution. With fewer than ENOUGH values no such
rank exists.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any, Protocol

from synalinks.lm.core.call import Call, Reply

#: How likely the next call is to take no more than what is reserved for it, each thing by itself.
LEVEL = 0.95
#: Values from which on the percentile exists: the least n with (n + 1) * LEVEL <= n.
ENOUGH = math.ceil(LEVEL / (1 - LEVEL) - 1e-9)
#: Values from which on the greatest says something.
FEW = 4
#: Values that are kept, the latest; prompts and answers change as a program is trained.
WINDOW = 512


@dataclass(frozen=True, slots=True)
class TypicalUsage:
    """What a call will probably not take more of; None where that is not known yet.

    Attributes:
        output: tokens of the answer.
        share: tokens of the prompt, as a share of their bound.
        seconds: of the provider's time.
        longest: tokens of the longest answer so far, where there were `FEW`; too little to go by without room to spare.
    """

    output: int | None = None
    share: float | None = None
    seconds: float | None = None
    longest: int | None = None


class Entries(Protocol):
    """What is read of a ledger."""

    @property
    def mark(self) -> int: ...

    def recorded(self, since: int = 0) -> Iterator[Any]: ...


class UsageStatistics:
    """What is known of the calls made so far, by model and module.

    Args:
        entries: the ledger to learn from; new entries are taken in at the next look-up.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._mark = 0
        self._lock = Lock()
        self._outputs: dict[tuple[str, str, str | None], Recent] = {}
        self._seconds: dict[tuple[str, str, str | None], Recent] = {}
        self._shares: dict[tuple[str, str], Recent] = {}

    def usual(self, call: Call) -> TypicalUsage:
        """What a call like this usually takes."""
        request, module = call.request, call.scope.text("module")
        key = (request.kind, request.model, module)
        with self._lock:
            self._take_in()
            outputs = self._outputs.get(key)
            output = 0.0 if request.kind == "embed" else _high(outputs)
            return TypicalUsage(
                None if output is None else math.ceil(output),
                _high(self._shares.get(key[:2])),
                _high(self._seconds.get(key)),
                None if outputs is None else outputs.longest(),
            )

    def note_prompt(self, call: Call, bound: int, reply: Reply) -> None:
        """Learn from a settled call how far its prompt stayed below its bound."""
        tokens = reply.usage.input_tokens
        if tokens is None or bound <= 0 or reply.source != "live":
            return
        with self._lock:
            self._shares.setdefault((call.request.kind, call.request.model), Recent()).add(tokens / bound)

    def update(self) -> None:
        """Read the new entries, before they are cleared."""
        with self._lock:
            self._take_in()

    def _take_in(self) -> None:
        mark = self._entries.mark
        if mark == self._mark:
            return
        new = islice(self._entries.recorded(self._mark), mark - self._mark)
        self._mark = mark
        for entry in new:
            if entry.error is not None or entry.source == "shared":
                continue
            key = (entry.kind, entry.model, entry.scope.text("module"))
            if (tokens := entry.usage.output_tokens) is not None:
                self._outputs.setdefault(key, Recent()).add(tokens)
            if entry.source == "live":
                self._seconds.setdefault(key, Recent()).add(entry.seconds)


class Recent:
    """The latest values of something, and their high percentile."""

    def __init__(self) -> None:
        self._order: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, value: float) -> None:
        """Take in a value; the oldest goes when there are more than WINDOW."""
        self._order.append(value)
        insort(self._sorted, value)
        if len(self._order) > WINDOW:
            del self._sorted[bisect_left(self._sorted, self._order.popleft())]

    def high(self) -> float | None:
        """The percentile, or None if there are too few values."""
        count = len(self._sorted)
        if count < ENOUGH:
            return None
        return self._sorted[math.ceil((count + 1) * LEVEL - 1e-9) - 1]

    def longest(self) -> int | None:
        """The greatest value, or None if there are less than `FEW`."""
        return math.ceil(self._sorted[-1]) if len(self._sorted) >= FEW else None

    def median(self) -> float | None:
        """The middle value, or None if there is none."""
        return self._sorted[len(self._sorted) // 2] if self._sorted else None


def _high(values: Recent | None) -> float | None:
    return None if values is None else values.high()
