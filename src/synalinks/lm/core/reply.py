"""Replies: whole answers of a model, the pieces they come in, and the tokens they took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter
from typing import Any, Literal

from synalinks._base.records import quickly_made
from synalinks.lm.core.amount import NO_COSTS, ZERO, AttemptCosts


def _add(counts: Iterable[int | None]) -> int | None:
    total = None
    for count in counts:
        if count is not None:
            total = count if total is None else total + count
    return total


@quickly_made
@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in disjoint buckets; None means the provider did not say, which is not 0.

    Providers count inclusively (OpenAI), exclusively (Anthropic) or in a mixture (Gemini); each dialect
    translates to these buckets, and totals are derived from them.

    Example:
        >>> from synalinks.lm import Usage
        >>> usage = Usage(input_fresh=20, input_cache_read=100, output_text=5)
        >>> usage.input_tokens, usage.output_tokens, usage.total_tokens
        (120, 5, 125)

    Attributes:
        input_fresh: prompt tokens read at the full price.
        input_cache_read: prompt tokens the provider had in its cache.
        input_cache_write_5m, input_cache_write_1h: prompt tokens written to the provider's cache.
        input_audio: audio in the prompt.
        output_text: tokens of the visible answer.
        output_reasoning: tokens of thinking, where the provider counts them apart.
        output_audio: audio in the answer.
        raw: what the provider said, as it said it.
    """

    input_fresh: int | None = None
    input_cache_read: int | None = None
    input_cache_write_5m: int | None = None
    input_cache_write_1h: int | None = None
    input_audio: int | None = None
    output_text: int | None = None
    output_reasoning: int | None = None
    output_audio: int | None = None
    raw: Mapping[str, Any] | None = None

    @property
    def input_tokens(self) -> int | None:
        """All prompt tokens, cached ones included; None if no count is known."""
        return _add(
            (
                self.input_fresh,
                self.input_cache_read,
                self.input_cache_write_5m,
                self.input_cache_write_1h,
                self.input_audio,
            )
        )

    @property
    def output_tokens(self) -> int | None:
        """All tokens of the answer, reasoning included; None if no count is known."""
        return _add((self.output_text, self.output_reasoning, self.output_audio))

    @property
    def total_tokens(self) -> int | None:
        """Input and output together; None if neither is known."""
        return _add(_buckets(self))

    def to_dict(self) -> dict[str, Any]:
        """The buckets that are known, and `raw`."""
        return {name: value for name, value in zip(USAGE_FIELDS, _fields(self), strict=True) if value is not None}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Usage:
        """The usage that `to_dict` wrote."""
        return cls(*map(value.get, USAGE_FIELDS))


USAGE_BUCKETS = (
    "input_fresh",
    "input_cache_read",
    "input_cache_write_5m",
    "input_cache_write_1h",
    "input_audio",
    "output_text",
    "output_reasoning",
    "output_audio",
)
USAGE_FIELDS = (*USAGE_BUCKETS, "raw")
_buckets = attrgetter(*USAGE_BUCKETS)
_fields = attrgetter(*USAGE_FIELDS)
NO_USAGE = Usage()


def wrong_count(usage: Usage) -> tuple[str, object] | None:
    """Name and value of the first bucket that is no count of tokens; None if all are."""
    for name, count in zip(USAGE_BUCKETS, _buckets(usage), strict=True):
        if count is not None and (type(count) is not int or count < 0):
            return name, count
    return None


#: Where an answer came from; only `live` costs money.
Source = Literal["live", "shared", "cache", "cassette"]
Sink = Callable[["Delta"], None]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer as it comes in: visible text, reasoning text, or both.

    One with `restart` holds neither: what came before it is of an attempt that failed, and another one begins.

    Example:
        >>> from synalinks.lm import Delta, Reply
        >>> pieces = []
        >>> Reply("4 apples", chunks=(Delta("4 "), Delta("apples"))).feed(pieces.append)
        >>> [piece.text for piece in pieces]
        ['4 ', 'apples']
    """

    text: str = ""
    reasoning: str = ""
    restart: bool = False


#: Goes to a sink between two attempts at an answer.
RESTART = Delta(restart=True)
#: Decimals of the seconds of an answer, on cassettes and off: microseconds.
SECONDS_DIGITS = 6


@quickly_made
@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. Each layer passes it on, with the fields that the layer determines.

    Example:
        >>> from decimal import Decimal
        >>> from synalinks.lm import AttemptCosts, Reply
        >>> reply = Reply("4", cost=Decimal("0.002"), attempts=2, failed=AttemptCosts(Decimal("0.001")))
        >>> reply.as_if
        Decimal('0.003')

    Attributes:
        text: the visible text; JSON text if a schema was given; empty for embeddings.
        reasoning: the model's thinking, where it is shown.
        tool_calls: each `{"id", "name", "arguments"}` with `arguments` a JSON object.
        vectors: embed only; one per text, little-endian float32 bytes.
        finish: `stop`, `length`, `tool_calls`, `content_filter`, ...; None if the provider did not say.
        refusal: the provider's words when it declined.
        usage: tokens of the attempt that gave this answer.
        cost: dollars this answer costs when it is fetched live, without failed attempts; None if the price is
            unknown.
        billed: dollars paid for it now, failed attempts included: 0 from a cache or a cassette; None if unknown.
        source: where it came from.
        model: what the provider says it ran, e.g. a dated name or the routed provider.
        seconds: how long the provider took, queueing here not included.
        loading: seconds of them in which the server loaded the model first; None where it had it in memory, or does not
            say.
        machine_seconds: what the answer took of the server's working time, which calls in flight together share; None
            for all of `seconds`, and for models with a price by tokens alone.
        first_token: seconds after which the first piece of a streamed answer came, of `seconds`; None if not streamed.
        attempts: requests sent for it, the last included; 0 for a recorded answer that this run has had before.
        failed: what failed attempts cost.
        capped: the answer tokens that a budget had room for, where that cut the answer short; else None.
        chunks: the pieces in which a streamed answer came, or None.
        extra: other fields of the provider's answer, JSON.
        read: a text and the value that was read from it, where a layer has checked it; of use where the text is still
            this one. Kept by no file.
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
    loading: float | None = None
    machine_seconds: float | None = None
    first_token: float | None = None
    attempts: int = 1
    failed: AttemptCosts = NO_COSTS
    capped: int | None = None
    chunks: tuple[Delta, ...] | None = None
    extra: Mapping[str, Any] | None = None
    read: tuple[str, Any] | None = field(default=None, init=False, compare=False, repr=False)

    def note_value(self, value: Any) -> None:
        """Keep the value that was read from the text, for the caller to take."""
        object.__setattr__(self, "read", (self.text, value))

    def take_value(self) -> tuple[bool, Any]:
        """Whether a value was kept for this text, and the value. It is given once, so that no two callers share it."""
        read, text = self.read, self.text
        object.__setattr__(self, "read", None)
        return (True, read[1]) if read is not None and read[0] is text else (False, None)

    @property
    def as_if(self) -> Decimal | None:
        """Dollars this answer costs live, failed attempts included; None if unknown."""
        cost, failed = self.cost, self.failed
        return None if cost is None or not failed.priced else cost + failed.known_cost

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
        for name in ("loading", "machine_seconds", "first_token"):
            if (seconds := getattr(self, name)) is not None:
                value[name] = round(seconds, SECONDS_DIGITS)
        if self.attempts != 1 or self.failed != NO_COSTS:
            value |= {"attempts": self.attempts, **self.failed.to_dict()}
        if self.chunks is not None:
            value["chunks"] = [[delta.text, delta.reasoning] for delta in self.chunks]
        return value

    @classmethod
    def from_dict(
        cls, value: Mapping[str, Any], source: Source, vectors: tuple[bytes, ...] = (), again: bool = False
    ) -> Reply:
        """The answer that `to_dict` wrote, as it comes from `source`: nothing is billed for it.

        Args:
            again: whether this run has had it before: then no attempt counts.
        """
        cost, chunks = value.get("cost"), value.get("chunks")
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
            loading=value.get("loading"),
            machine_seconds=value.get("machine_seconds"),
            first_token=value.get("first_token"),
            attempts=0 if again else value.get("attempts", 1),
            failed=NO_COSTS if again or "wasted" not in value else AttemptCosts.from_dict(value),
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


def problem_of(reply: object) -> str | None:
    """What is wrong with what a provider gave as a reply: what was got and what is wanted; None if nothing is.

    Example:
        >>> from synalinks.lm.core.reply import problem_of
        >>> problem_of(Reply(usage=Usage(input_fresh=2.5)))
        'Usage(input_fresh=2.5); a count of tokens is a whole number, 0 or more, or None'
    """
    if not isinstance(reply, Reply):
        return f"{type(reply).__name__}; a reply is a Reply"
    if not isinstance(reply.text, str):
        return f"Reply(text={reply.text!r}); the text is a str"
    if not isinstance(reply.vectors, tuple | list):
        return f"Reply(vectors={reply.vectors!r}); the vectors are a tuple of bytes"
    for number, vector in enumerate(reply.vectors):
        if not isinstance(vector, bytes):
            return f"{type(vector).__name__} as vector {number}; a vector is bytes, of little-endian float32 numbers"
    if not isinstance(reply.usage, Usage):
        return f"Reply(usage={reply.usage!r}); the usage is a Usage"
    if (wrong := wrong_count(reply.usage)) is not None:
        return f"Usage({wrong[0]}={wrong[1]!r}); a count of tokens is a whole number, 0 or more, or None"
    cost = reply.cost
    if cost is not None and not (isinstance(cost, Decimal) and cost.is_finite() and cost >= 0):
        return f"Reply(cost={cost!r}); a cost is a Decimal, 0 or more, or None"
    return None
