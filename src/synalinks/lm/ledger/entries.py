"""What the ledger is made of: one entry per call, sums of money that may be unknown in part, totals over entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from synalinks._base.records import quickly_made
from synalinks.lm.core.amount import NO_COSTS, AttemptCosts
from synalinks.lm.core.call import USAGE_BUCKETS, ZERO, Source, Usage
from synalinks.lm.core.dollars import dollars_text
from synalinks.lm.core.place import Scope, labels


@dataclass(frozen=True, slots=True)
class Money:
    """A sum in dollars, with the number of amounts in it that are unknown. Exact in any order.

    Example:
        >>> from decimal import Decimal
        >>> from synalinks.lm import Money
        >>> str(Money(Decimal("0.25")) + Money.of(None))
        'at least $0.2500, 1 call unpriced'

    """

    known: Decimal = ZERO
    unknown: int = 0

    def __add__(self, other: Money) -> Money:
        return Money(self.known + other.known, self.unknown + other.unknown)

    @property
    def exact(self) -> Decimal | None:
        """The sum, or None if part of it is unknown."""
        return None if self.unknown else self.known

    @classmethod
    def of(cls, amount: Decimal | None) -> Money:
        """One amount; None is unknown."""
        return cls(unknown=1) if amount is None else cls(amount)

    def __str__(self) -> str:
        amount = dollars_text(self.known)
        if not self.unknown:
            return amount
        return f"at least {amount}, {self.unknown:,} {'call' if self.unknown == 1 else 'calls'} unpriced"


@quickly_made
@dataclass(frozen=True, slots=True)
class Entry:
    """One call, as it ended.

    Example:
        >>> from synalinks.lm import Client, Ledger, Request, use_ledger
        >>> from synalinks.testing import ScriptedProvider
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "What is 2 + 2?"}])
        >>> with use_ledger(Ledger()) as ledger, synalinks.use_provider(ScriptedProvider(["4"])):
        ...     reply = asyncio.run(Client("ollama/any", cache="off").send(request))
        >>> (entry,) = ledger
        >>> entry.model, entry.source, entry.attempts, entry.error
        ('ollama/any', 'live', 1, None)

    Attributes:
        scope, draw: its place in the run.
        kind: `chat` or `embed`.
        model, provider: of the call.
        source: where the answer came from; `live` for calls that failed.
        usage: tokens of the answer, in disjoint buckets.
        as_if: dollars of the answer and of failed attempts, live; None if unknown.
        billed: dollars paid in this run; None if unknown.
        failed: what the attempts that failed cost, part of `as_if`; those of them that may have been answered though no
            answer arrived, after a cancellation or a broken connection, the provider may count as answers more.
        seconds: from call to answer, waiting included.
        attempts: requests sent (or once sent, where a cassette replays it); 0 for a shared or cached answer.
        error: kind of failure, e.g. `timeout`; None if the call succeeded. error_message: what the last attempt failed
            of, in the provider's own words where there were any: short, and without keys.
        caller: token of the model object that made the call.
        digest: the request's.
        answers: answers that the provider gave in this run, those of failed attempts included; of an embedding
            that the cache holds in part, the rest.
        billed_tokens: tokens of those answers, as far as known: what the provider counts, as `usage` is what the
            answer would take live.
        begun: when it was made, on the run's clock. latency: seconds that the provider took for the answer, on a
            cassette and in the cache those of the first time; loading: those of them in which the server loaded the
            model first; machine_seconds: its share of the server's working time, None for all of `latency` and for
            models with a price by tokens alone; first_token: until the first piece, where it was
            streamed.
        vectors: how many an embedding gave.
        is_fallback: whether a fallback was called, in place of a model that failed.
    """

    scope: Scope
    draw: int
    kind: str
    model: str
    provider: str
    source: Source
    usage: Usage
    as_if: Decimal | None
    billed: Decimal | None
    seconds: float
    attempts: int
    finish: str | None
    error: str | None
    caller: int
    digest: str
    answers: int = 0
    billed_tokens: int = 0
    failed: AttemptCosts = NO_COSTS
    begun: float = 0.0
    latency: float | None = None
    loading: float = 0.0
    machine_seconds: float | None = None
    first_token: float | None = None
    vectors: int = 0
    is_fallback: bool = False
    error_message: str | None = None
    #: As packed ledgers have it, once one has packed it.
    line: bytes | None = field(default=None, init=False, compare=False, repr=False)

    def value(self, name: str) -> Any:
        """A field of the entry or of its scope, for queries."""
        return self.scope.get(name) if name in labels() else getattr(self, name)

    def to_dict(self, timings: bool = True) -> dict[str, Any]:
        """The entry as JSON, money as decimal strings."""
        value: dict[str, Any] = {name: self.scope.get(name) for name in labels()}
        value |= {name: getattr(self, name) for name in ("draw", "kind", "model", "provider", "source")}
        value |= {name: getattr(self.usage, name) for name in USAGE_BUCKETS}
        for name, amount in (("as_if", self.as_if), ("billed", self.billed), ("wasted", self.failed.cost)):
            # Shares of a sum have more zeros than the sum; an amount is written in one way wherever it comes from.
            value[name] = None if amount is None else f"{amount.normalize():f}"
        value |= {"attempts": self.attempts, "answers": self.answers, "uncertain": self.failed.uncertain}
        value |= {"billed_tokens": self.billed_tokens, "wasted_tokens": self.failed.tokens}
        value |= {name: getattr(self, name) for name in ("finish", "error", "error_message", "digest")}
        if timings:
            value |= {"seconds": self.seconds, "machine_seconds": self.machine_seconds}
        return value


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over entries.

    Example:
        >>> from synalinks.lm import Ledger
        >>> totals = Ledger().total
        >>> totals.calls, str(totals.billed)
        (0, '$0.0000')

    Attributes:
        calls: entries. hits: those answered by sharing, cache or cassette. failed: those that ended in an error.
        attempts: requests sent, or once sent where a cassette replays them.
        answers, billed_tokens: what the provider gave in this run, unusable answers included, and its tokens: its own
            counts, but for `uncertain` attempts that it may have answered unseen.
        input_tokens, output_tokens: tokens of answers, cached ones and reasoning included; `uncounted` calls
            gave no count. failed_tokens: those of attempts that failed, as far as known.
        as_if, billed: dollars. failed_cost: dollars of failed attempts, part of `as_if`.
        seconds: sum over calls, not wall time. latency: seconds that the providers took for the answers, as if live.
        machine_seconds: working time of servers of one's own, which have no price but their time: what calls in flight
            together take is shared. machine_tokens: output tokens of it. loading: seconds of it in which models were
            loaded into memory.
    """

    calls: int = 0
    hits: int = 0
    failed: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    failed_tokens: int = 0
    uncounted: int = 0
    answers: int = 0
    billed_tokens: int = 0
    uncertain: int = 0
    as_if: Money = Money()
    billed: Money = Money()
    failed_cost: Money = Money()
    seconds: float = 0.0
    latency: float = 0.0
    machine_seconds: float = 0.0
    machine_tokens: int = 0
    loading: float = 0.0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def tokens(self) -> int:
        """Input and output tokens of answers together."""
        return self.input_tokens + self.output_tokens

    @property
    def saved(self) -> Money:
        """Dollars not paid thanks to sharing, cache and cassette."""
        return Money(self.as_if.known - self.billed.known, max(0, self.as_if.unknown - self.billed.unknown))


#: Where the dollars that were billed are among the sums of an entry's dollars.
_BILLED = 1


class Sum:
    """Totals in the making; entries are added one by one."""

    __slots__ = (
        "amounts", "answers", "attempts", "billed_tokens", "calls", "failed", "hits", "latency", "loading",
        "machine_seconds", "machine_tokens", "seconds", "tokens", "uncertain", "uncounted", "unknown",
    )  # fmt: skip

    def __init__(self) -> None:
        self.calls = self.hits = self.failed = self.attempts = self.uncounted = 0
        self.answers = self.billed_tokens = self.uncertain = 0
        self.tokens = [0, 0, 0]
        self.amounts = [ZERO, ZERO, ZERO]
        self.unknown = [0, 0, 0]
        self.seconds = self.latency = self.loading = self.machine_seconds = 0.0
        self.machine_tokens = 0

    def add(self, entries: Iterable[Entry]) -> Sum:
        for entry in entries:
            self.calls += 1
            self.hits += entry.source != "live"
            self.failed += entry.error is not None
            self.attempts += entry.attempts
            self.answers += entry.answers
            self.billed_tokens += entry.billed_tokens
            self.uncertain += entry.failed.uncertain
            tokens = (entry.usage.input_tokens, entry.usage.output_tokens, entry.failed.tokens)
            for i, count in enumerate(tokens):
                self.tokens[i] += count or 0
            self.uncounted += entry.error is None and tokens[:2] == (None, None)
            for i, amount in enumerate((entry.as_if, entry.billed, entry.failed.cost)):
                if amount is None:
                    self.unknown[i] += 1
                    if not entry.failed.priced and (i != _BILLED or entry.source == "live"):
                        self.amounts[i] += entry.failed.known_cost
                elif amount:
                    self.amounts[i] += amount
            self.seconds += entry.seconds
            self.latency += entry.latency or 0.0
            seconds = entry.machine_seconds
            if seconds is None and entry.as_if is not None and not entry.as_if:
                seconds = entry.latency
            if seconds:
                self.machine_seconds += seconds
                self.machine_tokens += tokens[1] or 0
                self.loading += entry.loading * seconds / (entry.latency or seconds)
        return self

    @property
    def totals(self) -> Totals:
        as_if, billed, failed_cost = map(Money, self.amounts, self.unknown)
        tokens_in, tokens_out, tokens_failed = self.tokens
        return Totals(
            calls=self.calls,
            hits=self.hits,
            failed=self.failed,
            attempts=self.attempts,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            failed_tokens=tokens_failed,
            uncounted=self.uncounted,
            answers=self.answers,
            billed_tokens=self.billed_tokens,
            uncertain=self.uncertain,
            as_if=as_if,
            billed=billed,
            failed_cost=failed_cost,
            seconds=self.seconds,
            latency=self.latency,
            machine_seconds=self.machine_seconds,
            machine_tokens=self.machine_tokens,
            loading=self.loading,
        )
