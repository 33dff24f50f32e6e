"""The ledger: one entry per call, and every figure a query on it.

Two columns of money everywhere: *billed*, what this run paid, and *as if*, what the same calls cost live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from synalinks import _json
from synalinks._concurrency import Clock
from synalinks.errors import ConfigurationError, LMError
from synalinks.lm.types import NO_USAGE, USAGE_BUCKETS, ZERO, Call, Handler, Reply, Source, Usage
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
        amount = f"${self.known:.4f}"
        if not self.unknown:
            return amount
        calls = "call" if self.unknown == 1 else "calls"
        return f"at least {amount}, {self.unknown} {calls} unpriced"


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
        value["as_if"] = None if self.as_if is None else str(self.as_if)
        value["billed"] = None if self.billed is None else str(self.billed)
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
        input_tokens, output_tokens: tokens, cached ones and reasoning included; `uncounted` calls gave no
            count.
        as_if, billed: dollars. seconds: sum over calls, not wall time.
    """

    calls: int = 0
    hits: int = 0
    failed: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0
    as_if: Money = Money()
    billed: Money = Money()
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    @property
    def saved(self) -> Money:
        """Dollars not paid thanks to sharing, cache and tape."""
        return Money(self.as_if.known - self.billed.known, max(0, self.as_if.unknown - self.billed.unknown))


def _total(entries: Iterable[Entry]) -> Totals:
    calls = hits = failed = attempts = tokens_in = tokens_out = uncounted = 0
    as_if = billed = ZERO
    as_if_unknown = billed_unknown = 0
    seconds = 0.0
    for entry in entries:
        calls += 1
        hits += entry.source != "live"
        failed += entry.error is not None
        attempts += entry.attempts
        tokens = (entry.usage.input_tokens, entry.usage.output_tokens)
        tokens_in += tokens[0] or 0
        tokens_out += tokens[1] or 0
        uncounted += entry.error is None and tokens == (None, None)
        if entry.as_if is None:
            as_if_unknown += 1
        else:
            as_if += entry.as_if
        if entry.billed is None:
            billed_unknown += 1
        else:
            billed += entry.billed
        seconds += entry.seconds
    money = Money(as_if, as_if_unknown), Money(billed, billed_unknown)
    return Totals(calls, hits, failed, attempts, tokens_in, tokens_out, uncounted, *money, seconds)


class Ledger:
    """Entries of calls; queries return totals or smaller ledgers.

    Iteration is in the order of places, not of completion, so that two runs of one program read the same.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: list[Entry] = list(entries)

    def record(self, entry: Entry) -> None:
        """Add an entry."""
        self._entries.append(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries, key=lambda e: (e.scope.sort_key, e.digest, e.draw)))

    @property
    def total(self) -> Totals:
        """Sums over all entries."""
        return _total(self._entries)

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
        for entry in self._entries:
            groups.setdefault(tuple(entry.value(name) for name in names), []).append(entry)
        ordered = sorted(groups, key=lambda key: tuple((v is not None, v if v is not None else 0) for v in key))
        return {key[0] if len(names) == 1 else key: _total(groups[key]) for key in ordered}

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
        """A table for people, a row per combination of `names` and a last row of totals."""
        names = names or ("epoch", "phase", "model")
        rows = [_row(key if len(names) > 1 else (key,), totals) for key, totals in self.by(*names).items()]
        rows.append(_row(("total",) + ("",) * (len(names) - 1), self.total))
        return _render((*names, *_COLUMNS), rows, len(names))

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


_COLUMNS = ("calls", "hits", "failed", "tokens in", "tokens out", "billed", "as if")


def _row(key: Sequence[Any], totals: Totals) -> list[str]:
    labels = ["-" if part is None else str(part) for part in key]
    counts = (totals.calls, totals.hits, totals.failed, totals.input_tokens, totals.output_tokens)
    return labels + [f"{count:,}" for count in counts] + [_short(totals.billed), _short(totals.as_if)]


def _short(money: Money) -> str:
    return f"${money.known:.4f}" + (f" + {money.unknown} ?" if money.unknown else "")


def _render(header: Sequence[str], rows: list[list[str]], labels: int) -> str:
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        fitted = [
            cell.ljust(width) if i < labels else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(fitted).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *(line(row) for row in rows[:-1]), rule, line(rows[-1])])


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
            except asyncio.CancelledError:
                self._write(self._entry(call, now() - begun, **_CANCELLED))
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
    return {
        "source": reply.source,
        "usage": reply.usage,
        "as_if": reply.as_if,
        "billed": reply.billed,
        "attempts": reply.attempts if reply.source in ("live", "cassette") else 0,
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
        "attempts": error.attempts,
        "wasted_tokens": error.wasted_tokens,
        "finish": None if reply is None else reply.finish,
        "error": error.kind,
    }


#: A cancelled call may have been sent; what it cost is not known.
_CANCELLED: dict[str, Any] = {
    "source": "live",
    "usage": NO_USAGE,
    "as_if": None,
    "billed": None,
    "attempts": 0,
    "wasted_tokens": 0,
    "finish": None,
    "error": "cancelled",
}
