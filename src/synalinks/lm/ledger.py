"""The ledger: one entry per call, and every figure a query on it.

Two columns of money everywhere: *billed*, what this run paid, and *as if*, what the same calls cost live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any

from synalinks import _json
from synalinks._concurrency import Clock
from synalinks.errors import ConfigurationError, LMError, SynalinksError
from synalinks.lm.ledger_table import dollars_text, render
from synalinks.lm.types import NO_USAGE, USAGE_BUCKETS, ZERO, Call, Handler, Reply, Source, Trace, Usage
from synalinks.scope import FIELDS as SCOPE_FIELDS
from synalinks.scope import Scope


@dataclass(frozen=True, slots=True)
class Money:
    """A sum in dollars, with the number of amounts in it that are unknown. Exact in any order."""

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


@dataclass(frozen=True, slots=True)
class Entry:
    """One call, as it ended.

    Attributes:
        scope, draw: its place in the run.
        kind: `chat` or `embed`.
        model, provider: who was asked.
        source: where the answer came from; `live` for calls that failed.
        usage: tokens of the answer, in disjoint buckets.
        as_if: dollars of the answer and of failed attempts, live; None if unknown.
        billed: dollars paid in this run; None if unknown.
        wasted: dollars of the attempts that failed, part of `as_if`; None if unknown.
        seconds: from asking to answer, waiting included.
        attempts: requests sent (or once sent, where a tape replays it); 0 for a shared or cached answer.
        wasted_tokens: tokens of attempts that failed, as far as known.
        error: kind of failure, e.g. `timeout`; None if the call succeeded.
        caller: token of the model object that asked.
        digest: the request's.
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
    wasted: Decimal | None
    seconds: float
    attempts: int
    wasted_tokens: int
    finish: str | None
    error: str | None
    caller: int
    digest: str

    def value(self, name: str) -> Any:
        """A field of the entry or of its scope, for queries."""
        return getattr(self.scope if name in SCOPE_FIELDS else self, name)

    def to_dict(self, timings: bool = True) -> dict[str, Any]:
        """The entry as JSON, money as decimal strings."""
        value: dict[str, Any] = {name: getattr(self.scope, name) for name in SCOPE_FIELDS}
        value |= {name: getattr(self, name) for name in ("draw", "kind", "model", "provider", "source")}
        value |= {name: getattr(self.usage, name) for name in USAGE_BUCKETS}
        for name in ("as_if", "billed", "wasted"):
            amount = getattr(self, name)
            value[name] = None if amount is None else f"{amount:f}"
        value |= {name: getattr(self, name) for name in ("attempts", "wasted_tokens", "finish", "error", "digest")}
        if timings:
            value["seconds"] = self.seconds
        return value


_QUERY_FIELDS = frozenset({*SCOPE_FIELDS, "kind", "model", "provider", "source", "error", "finish", "caller"})


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over entries.

    Attributes:
        calls: entries. hits: those answered by sharing, cache or tape. failed: those that ended in an error.
        attempts: requests sent, or once sent where a tape replays them.
        input_tokens, output_tokens: tokens of answers, cached ones and reasoning included; `uncounted` calls
            gave no count. wasted_tokens: those of attempts that failed, as far as known.
        as_if, billed: dollars. wasted: dollars of failed attempts, part of `as_if`.
        seconds: sum over calls, not wall time.
    """

    calls: int = 0
    hits: int = 0
    failed: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    wasted_tokens: int = 0
    uncounted: int = 0
    as_if: Money = Money()
    billed: Money = Money()
    wasted: Money = Money()
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens of answers together."""
        return self.input_tokens + self.output_tokens

    @property
    def saved(self) -> Money:
        """Dollars not paid thanks to sharing, cache and tape."""
        return Money(self.as_if.known - self.billed.known, max(0, self.as_if.unknown - self.billed.unknown))


class _Sum:
    """Totals in the making; entries are added one by one."""

    __slots__ = ("amounts", "attempts", "calls", "failed", "hits", "seconds", "tokens", "uncounted", "unknown")

    def __init__(self) -> None:
        self.calls = self.hits = self.failed = self.attempts = self.uncounted = 0
        self.tokens = [0, 0, 0]
        self.amounts = [ZERO, ZERO, ZERO]
        self.unknown = [0, 0, 0]
        self.seconds = 0.0

    def add(self, entries: Iterable[Entry]) -> _Sum:
        for entry in entries:
            self.calls += 1
            self.hits += entry.source != "live"
            self.failed += entry.error is not None
            self.attempts += entry.attempts
            tokens = (entry.usage.input_tokens, entry.usage.output_tokens, entry.wasted_tokens)
            for i, count in enumerate(tokens):
                self.tokens[i] += count or 0
            self.uncounted += entry.error is None and tokens[:2] == (None, None)
            for i, amount in enumerate((entry.as_if, entry.billed, entry.wasted)):
                if amount is None:
                    self.unknown[i] += 1
                elif amount:
                    self.amounts[i] += amount
            self.seconds += entry.seconds
        return self

    @property
    def totals(self) -> Totals:
        as_if, billed, wasted = map(Money, self.amounts, self.unknown)
        tokens_in, tokens_out, tokens_wasted = self.tokens
        return Totals(
            calls=self.calls,
            hits=self.hits,
            failed=self.failed,
            attempts=self.attempts,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            wasted_tokens=tokens_wasted,
            uncounted=self.uncounted,
            as_if=as_if,
            billed=billed,
            wasted=wasted,
            seconds=self.seconds,
        )


class Ledger:
    """Entries of calls; queries return totals or smaller ledgers.

    Iteration is in the order of places, not of completion, so that two runs of one program read the same.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: list[Entry] = list(entries)
        self._sum = _Sum()
        self._lock = Lock()

    def record(self, entry: Entry) -> None:
        """Add an entry."""
        self._entries.append(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries, key=lambda e: (e.scope.sort_key, e.digest, e.draw)))

    @property
    def total(self) -> Totals:
        """Sums over all entries; asked again, only what is new is added."""
        with self._lock:
            return self._sum.add(self._entries[self._sum.calls :]).totals

    def filter(self, **conditions: Any) -> Ledger:
        """The entries whose fields equal the values given, e.g. `filter(phase="train", epoch=0)`.

        Raises:
            ConfigurationError: no such field.
        """
        self._check(conditions)
        wanted = conditions.items()
        return Ledger(e for e in self._entries if all(e.value(name) == value for name, value in wanted))

    def by(self, *names: str) -> dict[Any, Totals]:
        """Totals for every combination of the fields named, e.g. `by("epoch", "phase")`.

        Keys are the field's value, or a tuple of values if several are named; sorted, None first.

        Raises:
            ConfigurationError: no such field.
        """
        self._check(names)
        groups: dict[tuple[Any, ...], list[Entry]] = {}
        for entry in list(self._entries):
            groups.setdefault(tuple(entry.value(name) for name in names), []).append(entry)
        ordered = sorted(groups, key=lambda key: tuple((v is not None, v if v is not None else 0) for v in key))
        return {key[0] if len(names) == 1 else key: _Sum().add(groups[key]).totals for key in ordered}

    def since(self, mark: int) -> Ledger:
        """The entries recorded after the first `mark`, e.g. `mark = len(ledger)` before a batch."""
        return Ledger(self._entries[mark:])

    def last(self, caller: int | None = None) -> Entry | None:
        """The entry recorded last, of one model object if `caller` is given."""
        found = (e for e in reversed(self._entries) if caller is None or e.caller == caller)
        return next(found, None)

    def to_dicts(self, timings: bool = True) -> list[dict[str, Any]]:
        """The entries as JSON objects; without `timings`, a replay gives the very same list."""
        return [entry.to_dict(timings) for entry in self]

    def to_jsonl(self, path: str | Path, timings: bool = True) -> None:
        """Write one JSON object a line."""
        lines = (_json.dumps(value) + "\n" for value in self.to_dicts(timings))
        Path(path).write_text("".join(lines), encoding="utf-8")

    def table(self, *names: str) -> str:
        """A table for people: a row per combination of `names`, the totals, and a line that says them in words.

        Raises:
            ConfigurationError: no such field.
        """
        names = names or ("epoch", "phase", "model")
        rows = [(key if len(names) > 1 else (key,), totals) for key, totals in self.by(*names).items()]
        sources: dict[str, int] = {}
        for entry in self._entries:
            if entry.source != "live":
                sources[entry.source] = sources.get(entry.source, 0) + 1
        return render(names, rows, self.total, sources)

    def __str__(self) -> str:
        return self.table() if self._entries else "no calls"

    def __repr__(self) -> str:
        total = self.total
        return f"<Ledger {total.calls} calls, {total.tokens} tokens, {total.billed} billed, {total.as_if} as if>"

    @staticmethod
    def _check(names: Iterable[str]) -> None:
        for name in names:
            if name not in _QUERY_FIELDS:
                known = ", ".join(sorted(_QUERY_FIELDS))
                raise ConfigurationError(f"the ledger has no field {name!r}; it has {known}")


class MeterLayer:
    """The outermost layer: writes one entry per call into every ledger that listens."""

    name = "meter"

    def __init__(self, provider: str, ledgers: Callable[[], Sequence[Ledger]], clock: Clock) -> None:
        self._provider = provider
        self._ledgers = ledgers
        self._clock = clock

    def __call__(self, below: Handler) -> Handler:
        """A handler that meters what goes through `below`."""
        now = self._clock.now

        async def answer(call: Call) -> Reply:
            begun = now()
            try:
                reply = await below(call)
            except LMError as error:
                self._write(self._entry(call, now() - begun, **_failure(error)))
                raise
            except (asyncio.CancelledError, SynalinksError) as error:
                if (outcome := _unfinished(call.trace, error)) is not None:
                    self._write(self._entry(call, now() - begun, **outcome))
                raise
            self._write(self._entry(call, now() - begun, **_answer(reply)))
            return reply

        return answer

    def _write(self, entry: Entry) -> None:
        for ledger in self._ledgers():
            ledger.record(entry)

    def _entry(self, call: Call, seconds: float, **outcome: Any) -> Entry:
        return Entry(
            scope=call.scope,
            draw=call.draw,
            kind=call.request.kind,
            model=call.request.model,
            provider=self._provider,
            seconds=seconds,
            caller=call.caller,
            digest=call.request.digest,
            **outcome,
        )


def _answer(reply: Reply) -> dict[str, Any]:
    asked = reply.source in ("live", "cassette")
    if reply.fresh is not None and reply.source == "cassette":  # what it repeats was asked by another call
        asked = reply.fresh.attempts > 0
    return {
        "source": reply.source,
        "usage": reply.usage,
        "as_if": reply.as_if,
        "billed": reply.billed,
        "wasted": reply.wasted,
        "attempts": reply.attempts if asked else 0,
        "wasted_tokens": reply.wasted_tokens,
        "finish": reply.finish,
        "error": None,
    }


def _failure(error: LMError) -> dict[str, Any]:
    reply = error.reply
    return {
        "source": error.source,
        "usage": NO_USAGE,
        "as_if": error.wasted,
        "billed": error.wasted if error.source == "live" else ZERO,
        "wasted": error.wasted,
        "attempts": error.attempts,
        "wasted_tokens": error.wasted_tokens,
        "finish": None if reply is None else reply.finish,
        "error": error.kind,
    }


def _unfinished(trace: Trace | None, error: BaseException) -> dict[str, Any] | None:
    """The outcome of a call that was cancelled or refused half-way; None if it never was a call.

    What was refused before anything was sent is not on the bill; a cancelled call is, with what is known of it.
    """
    cancelled = isinstance(error, asyncio.CancelledError)
    if isinstance(error.__cause__, LMError):  # the budget ended it after attempts that failed
        return {**_failure(error.__cause__), "error": "budget"}
    if trace is None:
        spent, sent, tokens = None, 0, 0
    else:
        spent, sent, tokens = None if trace.unknown else trace.cost, trace.sent, trace.tokens
    if not cancelled and not sent:
        return None
    return {
        "source": "live",
        "usage": NO_USAGE,
        "as_if": spent,
        "billed": spent,
        "wasted": spent,
        "attempts": sent,
        "wasted_tokens": tokens,
        "finish": None,
        "error": "cancelled" if cancelled else "refused",
    }
