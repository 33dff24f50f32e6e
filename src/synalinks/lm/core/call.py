"""What travels through the LM stack: requests, calls, replies, usage; and what a layer is.

One interface serves providers and layers alike: `async (call) -> reply`. Nothing here depends on a provider's
format, a module, or a file format.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from synalinks._base.records import quickly_made
from synalinks.lm.core.amount import NO_COSTS, NOTHING, ZERO, Amount
from synalinks.lm.core.errors import BudgetExceeded, LMError
from synalinks.lm.core.place import NOWHERE, Scope
from synalinks.lm.core.rate_limit import Admission, RateLimitStatus
from synalinks.lm.core.reply import NO_USAGE, RESTART, USAGE_BUCKETS, USAGE_FIELDS, Delta, Reply, Sink, Source, Usage
from synalinks.lm.core.request import OUTPUT_LIMITS, REQUEST_FORMAT, Kind, Request, Schema, schema_of

__all__ = [
    "NO_USAGE",
    "OUTPUT_LIMITS",
    "REQUEST_FORMAT",
    "RESTART",
    "USAGE_BUCKETS",
    "USAGE_FIELDS",
    "ZERO",
    "Call",
    "Delta",
    "Handler",
    "Kind",
    "Layer",
    "Recorded",
    "Reply",
    "Request",
    "Schema",
    "Sink",
    "Source",
    "Stack",
    "Trace",
    "Usage",
    "schema_of",
    "stack",
]

#: Gives the value that a parsed answer which obeys its schema is read as; raises ValueError for one that is of no use
#: all the same.
Check = Callable[[Any], object]


class Trace:
    """What one call has sent and spent so far, attempt by attempt; it outlives a cancellation, which no reply does.

    Attributes:
        sent: attempts handed to the provider. answers: those that were answered, even if of no use.
        spent: what they cost.
        settled: what budgets settled for attempts whose cost is not known: the bounds of these.
        ticket: the call's place in the order of waiting calls, the same for all its attempts; None before the first.
        repeats: attempts that the budget repeated with another cap on the answer. repeat_costs: what they cost.
        exceeded: budgets, by name and caps, that the call put over their caps in mode `expected`, each with the words
            for it.
        recorded: the failure that a replay ends with when it is cancelled where the recorded call was; else None.
        rate_limit_status: what the provider last said of its limits, until it has been read; never part of a reply, so
            it is on no cassette.
    """

    # what each begins with; most calls change few of them, and those of a cassette none
    sent = answers = repeats = 0
    spent = repeat_costs = NO_COSTS
    settled = NOTHING
    ticket: int | None = None
    exceeded: tuple[tuple[str, Mapping[str, str]], ...] = ()
    recorded: LMError | None = None
    rate_limit_status: RateLimitStatus | None = None

    def add(self, other: Trace) -> None:
        """Take over what another trace holds."""
        self.sent += other.sent
        self.answers += other.answers
        self.spent += other.spent
        self.settled += other.settled
        self.recorded = self.recorded or other.recorded


@quickly_made
@dataclass(frozen=True, slots=True)
class Recorded:
    """What a cassette answers a call with; every layer above the budget hands it down untouched.

    Attributes:
        outcome: the answer, the failure, or the refusal by a budget; None where the cassette has none of them.
        fresh: the part of an answer that is new to this run and is charged, where that is not all of it.
        settled: what the budgets of the recorded run settled for attempts whose cost is not known.
        refused_by: which of the open budgets, from 0, refused the recorded call.
        ended: descriptions of budgets that ended the recorded run, or were exceeded in it, as `BudgetTracker.key` gives
            them.
    """

    outcome: Reply | LMError | BudgetExceeded | None
    fresh: Reply | None = None
    settled: Amount = NOTHING
    refused_by: int = 0
    ended: frozenset[str] = frozenset()


@quickly_made
@dataclass(frozen=True, slots=True)
class Call:
    """One call: a request, and the place in the run that it is made from.

    Example:
        >>> from synalinks.lm import Call, Request
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "Hi"}],
        ...                   options={"max_tokens": 9})
        >>> Call(request).output_limit, Call(request, output_cap=5).output_limit
        (9, 5)

    Attributes:
        request: what is sent.
        scope: where in the run.
        draw: how many calls with this request this place made before, from 0.
        sink: receives the text as it comes, or None.
        caller: token of the model object that makes the call, for its counters.
        admission: what the rate limit granted, or None above it.
        recorded: what a cassette answers with, or None where the call is to be sent.
        source: answers in place of the provider, as the cache does for a recording of what it holds; None in all other
            calls.
        output_cap: the most answer tokens the budget has room for, or None; providers send the smaller of
            it and the request's own `max_tokens`. Not part of the request: what is left of a budget must
            not change what a call is.
        longer: of a correction, tokens by which its prompt is longer, at most, than that of the answer it corrects.
        trace: what the call has sent and spent so far.
        stored_only: whether only what the cache or the cassette holds is wanted; an embedding that neither holds is
            empty.
        keep_loaded: whether more calls of the model will follow, so that a server which unloads idle models is to keep
            it. Not part of the request.
        whole: the request for all texts, where this call is for those of them that are not stored; else None.
        is_fallback: whether a fallback makes the call, in place of a model whose call failed.
        check: raises ValueError for a parsed answer that obeys the schema and is of no use all the same; None accepts
            all. Not part of the request.
        via: sends it from another process in place of the provider of this one, or None.
        runtime: the `Runtime` it was made in, read only where the stack is composed.
    """

    request: Request
    scope: Scope = NOWHERE
    draw: int = 0
    sink: Sink | None = None
    caller: int = 0
    admission: Admission | None = None
    recorded: Recorded | None = None
    source: Handler | None = None
    output_cap: int | None = None
    longer: int = 0
    trace: Trace = field(default_factory=Trace, compare=False, repr=False)
    is_fallback: bool = False
    check: Check | None = None
    stored_only: bool = False
    keep_loaded: bool = False
    whole: Request | None = None
    via: Handler | None = field(default=None, compare=False, repr=False)
    runtime: object = field(default=None, compare=False, repr=False)

    @property
    def live(self) -> bool:
        """Whether it goes to a provider, so that it is limited, retried and timed."""
        return self.recorded is None and self.source is None

    @property
    def output_limit(self) -> int | None:
        """The most answer tokens to ask the provider for: the caller's limit or the budget's, or None."""
        limit, cap = self.request.output_limit, self.output_cap
        return cap if limit is None else limit if cap is None else min(limit, cap)

    def cut_by_budget(self, finish: str | None) -> bool:
        """Whether an answer that ended so was cut short by the budget's cap, not by a limit of the caller's."""
        if self.output_cap is None or finish != "length":
            return False
        limit = self.request.output_limit
        return limit is None or self.output_cap < limit

    @property
    def place(self) -> tuple[Scope, int]:
        """Scope and ordinal within it: which of a request's answers belongs to this call."""
        return (self.scope, self.draw)


class Handler(Protocol):
    """Anything that answers calls: a provider, or a layer with all that lies below it.

    Example:
        >>> from synalinks.lm import Client, Reply, Request
        >>> async def echo(call):
        ...     return Reply(call.request.messages[-1]["content"].upper())
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "hi"}])
        >>> with synalinks.use_provider(echo):
        ...     asyncio.run(Client("ollama/any", cache="off").send(request)).text
        'HI'
    """

    def __call__(self, call: Call, /) -> Awaitable[Reply]: ...


Layer = Callable[[Handler], Handler]


@dataclass(frozen=True)
class Stack:
    """Layers over a provider, outermost first; answers calls and prints as it is composed.

    Example:
        >>> from synalinks.lm import Client
        >>> print(Client("ollama/any", cache="off").stack)
        Stack(ledger > single_flight > ... > price > ollama)
    """

    provider: Handler
    layers: tuple[Layer, ...]
    #: The runtime of calls that are handed to the stack without one.
    runtime: object = field(default=None, repr=False, compare=False)
    outermost: Handler = field(init=False, repr=False)

    def __post_init__(self) -> None:
        handler = self.provider
        for layer in reversed(self.layers):
            handler = layer(handler)
        object.__setattr__(self, "outermost", handler)

    def __call__(self, call: Call, /) -> Awaitable[Reply]:
        return self.outermost(call if call.runtime is not None else replace(call, runtime=self.runtime))

    def __repr__(self) -> str:
        parts: list[object] = [*self.layers, self.provider]
        names = [
            getattr(part, "name", None) or getattr(part, "__name__", None) or type(part).__name__ for part in parts
        ]
        return "Stack(" + " > ".join(names) + ")"


def stack(provider: Handler, *layers: Layer) -> Stack:
    """Compose `layers` over `provider`; `layers[0]` is the outermost."""
    return Stack(provider, layers)
