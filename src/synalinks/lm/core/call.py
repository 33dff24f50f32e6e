"""What travels through the LM stack: requests, calls, replies, usage; and what a layer is.

One interface serves providers and layers alike: `async (call) -> reply`. Nothing here knows a provider's
dialect, a module, or a file format.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from synalinks.lm.core.rate_limit_status import RateLimitStatus
from synalinks.lm.core.request import OUTPUT_LIMITS, REQUEST_FORMAT, Kind, Request, Schema, schema_of
from synalinks.lm.core.usage import NO_USAGE, USAGE_BUCKETS, USAGE_FIELDS, Usage
from synalinks.scope import NOWHERE, Scope

__all__ = [
    "NOTHING_FRESH",
    "NO_USAGE",
    "OUTPUT_LIMITS",
    "REQUEST_FORMAT",
    "USAGE_BUCKETS",
    "USAGE_FIELDS",
    "ZERO",
    "Call",
    "Delta",
    "Handler",
    "Kind",
    "Layer",
    "Permit",
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

#: Where an answer came from; only `live` costs money.
Source = Literal["live", "shared", "cache", "cassette"]
Sink = Callable[["Delta"], None]
#: Raises ValueError for a parsed answer that obeys its schema and is of no use all the same.
Check = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer as it comes in: visible text, reasoning text, or both."""

    text: str = ""
    reasoning: str = ""


ZERO = Decimal(0)
#: Decimals of the seconds of an answer, on cassettes and off: microseconds.
SECONDS_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. Layers hand it up, adding what only they know.

    Attributes:
        text: the visible text; JSON text if a schema was given; empty for embeddings.
        reasoning: the model's thinking, where it is shown.
        tool_calls: each `{"id", "name", "arguments"}` with `arguments` a JSON object.
        vectors: embed only; one per text, little-endian float32 bytes.
        finish: `stop`, `length`, `tool_calls`, `content_filter`, ...; None if the provider did not say.
        refusal: the provider's words when it declined.
        usage: tokens of the attempt that gave this answer.
        cost: dollars this answer costs when it is fetched live, without `wasted`; None if the price is
            unknown.
        billed: dollars paid for it now, `wasted` included: 0 from a cache or a cassette; None if unknown.
        source: where it came from.
        model: what the provider says it ran, e.g. a dated name or the routed provider.
        seconds: how long the provider took, queueing here not included.
        first_token: seconds after which the first piece of a streamed answer came, of `seconds`; None if not streamed.
        attempts: how often it was asked for, this one included.
        wasted: dollars that failed attempts cost; None if unknown.
        wasted_tokens: tokens of failed attempts, as far as known.
        uncertain_attempts: how many of the failed attempts may have been billed without our seeing an answer.
        fresh: the part of an answer that this run had not had before, where that is not all of it; a cassette
            sets it, and budgets count it: what is played again is as free as a cache hit.
        chunks: the pieces in which a streamed answer came, or None.
        extra: anything else of the provider's that a caller may want, JSON.
    """

    text: str = ""
    reasoning: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    vectors: tuple[bytes, ...] = ()
    finish: str | None = None
    refusal: str | None = None
    usage: Usage = NO_USAGE
    cost: Decimal | None = None
    billed: Decimal | None = None
    source: Source = "live"
    model: str | None = None
    seconds: float | None = None
    first_token: float | None = None
    attempts: int = 1
    wasted: Decimal | None = ZERO
    wasted_tokens: int = 0
    uncertain_attempts: int = 0
    fresh: Reply | None = None
    chunks: tuple[Delta, ...] | None = None
    extra: Mapping[str, Any] | None = None

    @property
    def as_if(self) -> Decimal | None:
        """Dollars this answer costs live, failed attempts included; None if unknown."""
        return None if self.cost is None or self.wasted is None else self.cost + self.wasted

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON for cassettes and caches. `billed` and `source` are of this run and left out;
        vectors are left to the caller, who stores them by text."""
        value: dict[str, Any] = {"text": self.text}
        for name in ("reasoning", "finish", "refusal", "model", "extra"):
            if (found := getattr(self, name)) is not None:
                value[name] = found
        if self.tool_calls:
            value["tool_calls"] = [dict(call) for call in self.tool_calls]
        if usage := self.usage.to_dict():
            value["usage"] = usage
        value["cost"] = None if self.cost is None else str(self.cost)
        if self.seconds is not None:
            value["seconds"] = round(self.seconds, SECONDS_DIGITS)
        if self.first_token is not None:
            value["first_token"] = round(self.first_token, SECONDS_DIGITS)
        if self.attempts != 1:
            value["attempts"] = self.attempts
            value["wasted"] = None if self.wasted is None else str(self.wasted)
            value["wasted_tokens"] = self.wasted_tokens
        if self.uncertain_attempts:
            value["uncertain_attempts"] = self.uncertain_attempts
        if self.chunks is not None:
            value["chunks"] = [[delta.text, delta.reasoning] for delta in self.chunks]
        return value

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], source: Source, vectors: tuple[bytes, ...] = ()) -> Reply:
        """The answer that `to_dict` wrote, as it comes from `source`: nothing is billed for it."""
        cost, wasted, chunks = value.get("cost"), value.get("wasted", "0"), value.get("chunks")
        return cls(
            text=value.get("text", ""),
            reasoning=value.get("reasoning"),
            tool_calls=tuple(value.get("tool_calls", ())),
            vectors=vectors,
            finish=value.get("finish"),
            refusal=value.get("refusal"),
            usage=Usage.from_dict(value["usage"]) if "usage" in value else NO_USAGE,
            cost=None if cost is None else Decimal(cost),
            billed=ZERO,
            source=source,
            model=value.get("model"),
            seconds=value.get("seconds"),
            first_token=value.get("first_token"),
            attempts=value.get("attempts", 1),
            wasted=None if wasted is None else Decimal(wasted),
            wasted_tokens=value.get("wasted_tokens", 0),
            uncertain_attempts=value.get("uncertain_attempts", 0),
            chunks=None if chunks is None else tuple(Delta(*pair) for pair in chunks),
            extra=value.get("extra"),
        )

    def feed(self, sink: Sink) -> None:
        """Give `sink` the text as it came, or in one piece if its pieces are not known."""
        if self.chunks is not None:
            for delta in self.chunks:
                sink(delta)
        elif self.text or self.reasoning:
            sink(Delta(self.text, self.reasoning or ""))


#: What a cassette hands up for an answer that this run has had before: nothing of it is to be counted.
NOTHING_FRESH = Reply(cost=ZERO, billed=ZERO, source="cassette", attempts=0)


class Permit(Protocol):
    """Leave to spend, handed down by the budget gate and asked again before every further attempt."""

    async def another(self, spent: Reply | None, uncertain: bool) -> None:
        """Settle the attempt that failed (`spent` is its answer, where there was one) and reserve the
        next.

        Raises:
            BudgetExceeded: another attempt does not fit.
        """

    def at_once(self, spent: Reply | None, uncertain: bool) -> bool:
        """What `another` does, if it takes no waiting; else False, and `granted` has to be awaited.

        Who holds something that other calls need lets go of it before that, or both wait for ever.
        """

    async def granted(self) -> None:
        """Wait for the reservation that `at_once` asked for."""

    def step_aside(self) -> None:
        """Give back what is reserved for an attempt not yet sent, before waiting for another call."""

    async def come_back(self) -> None:
        """Reserve again after `step_aside`."""


class Trace:
    """What one call has sent and spent so far; it knows when nobody else comes back to tell, as after a
    cancellation.

    Attributes:
        sent: attempts handed to the provider. answers: those that were answered, even if of no use.
        cost: dollars of the answers that came. tokens: theirs, as far as known.
        uncertain: attempts that may have been answered without our seeing it.
        unknown: whether an attempt may have been billed that no answer tells the price of.
        rate_limit_status: what the provider last said of its limits, until somebody has read it; never part of a reply, so
            it is on no cassette.
    """

    __slots__ = ("answers", "cost", "rate_limit_status", "sent", "tokens", "uncertain", "unknown")

    def __init__(self) -> None:
        self.sent = self.answers = self.uncertain = 0
        self.cost = ZERO
        self.tokens = 0
        self.unknown = False
        self.rate_limit_status: RateLimitStatus | None = None

    def add(self, other: Trace) -> None:
        """Take over what another trace holds."""
        self.sent += other.sent
        self.answers += other.answers
        self.uncertain += other.uncertain
        self.cost += other.cost
        self.tokens += other.tokens
        self.unknown = self.unknown or other.unknown


@dataclass(frozen=True, slots=True)
class Call:
    """One asking: a request, and the place it is asked from.

    Attributes:
        request: what is asked.
        scope: where in the run.
        draw: how many calls with this request this place made before, from 0.
        sink: receives the text as it comes, or None.
        caller: token of the model object that asks, for its counters.
        permit: leave to spend on further attempts, or None where no budget is set.
        output_cap: the most answer tokens the budget has room for, or None; providers send the smaller of
            it and the request's own `max_tokens`. Not part of the request: what is left of a budget must
            not change what a call is.
        trace: what the call has sent and spent so far, or None where nobody asks.
        is_fallback: whether a fallback asks, in place of a model whose call failed.
        check: raises ValueError for a parsed answer that obeys the schema and is of no use all the same; None accepts all.
            Not part of the request.
        runtime: the `Runtime` it was made in, which only the place where the stack is composed looks into.
    """

    request: Request
    scope: Scope = NOWHERE
    draw: int = 0
    sink: Sink | None = None
    caller: int = 0
    permit: Permit | None = None
    output_cap: int | None = None
    trace: Trace | None = None
    is_fallback: bool = False
    check: Check | None = None
    runtime: object = field(default=None, compare=False, repr=False)

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
    """Anything that answers calls: a provider, or a layer with all that lies below it."""

    def __call__(self, call: Call, /) -> Awaitable[Reply]: ...


Layer = Callable[[Handler], Handler]


@dataclass(frozen=True)
class Stack:
    """Layers over a provider, outermost first; answers calls and prints as it is composed."""

    provider: Handler
    layers: tuple[Layer, ...]
    outermost: Handler = field(init=False, repr=False)

    def __post_init__(self) -> None:
        handler = self.provider
        for layer in reversed(self.layers):
            handler = layer(handler)
        object.__setattr__(self, "outermost", handler)

    def __call__(self, call: Call, /) -> Awaitable[Reply]:
        return self.outermost(call)

    def __repr__(self) -> str:
        parts: list[object] = [*self.layers, self.provider]
        names = [
            getattr(part, "name", None) or getattr(part, "__name__", None) or type(part).__name__ for part in parts
        ]
        return "Stack(" + " > ".join(names) + ")"


def stack(provider: Handler, *layers: Layer) -> Stack:
    """Compose `layers` over `provider`; `layers[0]` is the outermost."""
    return Stack(provider, layers)
