"""The ledger: one entry per call, and every figure a query on it.

Two columns of money everywhere: *billed*, what this run paid, and *as if*, what the same calls cost live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from synalinks import _json
from synalinks._base import html as _html
from synalinks._base.frames import data_frame
from synalinks._concurrency import Clock
from synalinks.lm.core.amount import AttemptCosts
from synalinks.lm.core.call import NO_USAGE, USAGE_BUCKETS, ZERO, Call, Handler, Reply, Source, Trace, Usage
from synalinks.lm.core.errors import ConfigurationError, LMError, SynalinksError
from synalinks.lm.core.place import labels
from synalinks.lm.core.secrets import brief
from synalinks.lm.ledger.entries import Entry, Money, Sum, Totals
from synalinks.lm.ledger.store import EntryStore
from synalinks.lm.ledger.table import cost_text, render, render_html

if TYPE_CHECKING:
    import pandas

__all__ = ["Entry", "Ledger", "LedgerLayer", "Money", "Totals"]

_QUERY_FIELDS = frozenset({"kind", "model", "provider", "source", "error", "finish", "caller"})


class Ledger:
    """Entries of calls; queries return totals or smaller ledgers.

    Iteration is in the order of places, not of completion, so that two runs of one program read the same. A ledger of
    any length takes little memory: old entries are packed, and of very many the oldest are in a temporary file.

    Args:
        entries: the first ones.
        path: of a file for old entries, a JSON object a line; queries are over those in it and in memory. A file that
            is there is read, and goes on. The latest entries are written by `flush`, and at the end of a `use_ledger`
            block.

    Example:
        >>> from synalinks.lm import Client, Ledger, Request, use_ledger
        >>> from synalinks.testing import ScriptedProvider
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "What is 2 + 2?"}])
        >>> with use_ledger(Ledger()) as ledger, synalinks.use_provider(ScriptedProvider(["4", "four"])):
        ...     client = Client("ollama/any", cache="off")
        ...     answers = [asyncio.run(client.send(request)).text for _ in range(2)]
        >>> answers, ledger.total.calls, ledger.by("model")["ollama/any"].failed
        (['4', 'four'], 2, 0)

    Raises:
        ConfigurationError: the file of `path` is none that a ledger wrote.
    """

    def __init__(self, entries: Iterable[Entry] = (), *, path: str | Path | None = None) -> None:
        self._entries = EntryStore(entries, None if path is None else Path(path))
        #: Adds an entry.
        self.record: Callable[[Entry], None] = self._entries.append
        self._cleared = 0  # entries recorded before those
        self._sum = Sum()
        self._lock = Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Ledger:
        return Ledger(self._entries)  # entries are immutable, so copies share them

    def __reduce__(self) -> tuple[type[Ledger], tuple[list[Entry]]]:
        return Ledger, (list(self._entries),)

    def flush(self) -> None:
        """Write the latest entries to the file, where the ledger has a path."""
        self._entries.flush()

    def clear(self) -> None:
        """Drop all entries. Marks stay valid: `since` gives what is left of the entries after them."""
        with self._lock:
            self._cleared += len(self._entries)
            self._entries.clear()
            self._sum = Sum()

    @property
    def mark(self) -> int:
        """The number of entries recorded so far, cleared ones included, for `since`."""
        return self._cleared + len(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries, key=lambda e: (e.scope.sort_key, e.digest, e.draw)))

    def recorded(self, since: int = 0) -> Iterator[Entry]:
        """The entries in the order in which they were recorded, without holding all of them in memory.

        Args:
            since: a mark; only those after it.
        """
        return self._entries.since(max(since - self._cleared, 0))

    @property
    def total(self) -> Totals:
        """Sums over all entries; asked again, only what is new is added."""
        with self._lock:
            return self._sum.add(self._entries.since(self._sum.calls)).totals

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
        groups: dict[tuple[Any, ...], Sum] = {}
        for entry in self._entries:
            groups.setdefault(tuple(entry.value(name) for name in names), Sum()).add((entry,))
        ordered = sorted(groups, key=lambda key: tuple((v is not None, v if v is not None else 0) for v in key))
        return {key[0] if len(names) == 1 else key: groups[key].totals for key in ordered}

    def since(self, mark: int) -> Ledger:
        """The entries recorded after the first `mark`, e.g. `mark = ledger.mark` before a batch."""
        begin = max(mark - self._cleared, 0)
        found = Ledger(self._entries.since(begin))
        found._cleared = self._cleared + begin
        return found

    def last(self, caller: int | None = None) -> Entry | None:
        """The entry recorded last, of one model object if `caller` is given."""
        found = (e for e in self._entries.backwards() if caller is None or e.caller == caller)
        return next(found, None)

    def last_failure(self) -> Entry | None:
        """The entry of the failed call recorded last; its `error_message` says why."""
        return next((entry for entry in self._entries.backwards() if entry.error is not None), None)

    def to_dicts(self, timings: bool = True) -> list[dict[str, Any]]:
        """The entries as JSON objects; without `timings`, a replay gives the very same list."""
        return [entry.to_dict(timings) for entry in self]

    def to_jsonl(self, path: str | Path, timings: bool = True) -> None:
        """Write one JSON object a line."""
        lines = (_json.dumps(value) + "\n" for value in self.to_dicts(timings))
        Path(path).write_text("".join(lines), encoding="utf-8")

    def table(self, *names: str, width: int | None = None) -> str:
        """The ledger as text: a row per combination of `names`, the totals, and the totals in words.

        Epochs and steps are counted from 1, where `filter` and `by` have them from 0. Money is in dollars. Where every
        model is local and free, the columns of money are those of the models' time and speed.

        Args:
            names: fields; where none is given the outermost and the third label of places, as far as labels are
                declared, and `model`: in a program `epoch`, `phase` and `model`.
            width: the most columns of text; those of the terminal where None, and any number where there is no
                terminal.

        Raises:
            ConfigurationError: no such field.
        """
        return render(*self._rows(*names), width)

    def to_pandas(self) -> pandas.DataFrame:
        """A row per call: its place, model, tokens, dollars (floats) and seconds. `to_dicts` has exact amounts.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        money = ("as_if", "billed", "wasted")
        rows = self.to_dicts()
        for row in rows:
            row.update({name: None if row[name] is None else float(row[name]) for name in money})
        return data_frame(rows)

    def _rows(
        self, *names: str
    ) -> tuple[tuple[str, ...], list[tuple[tuple[Any, ...], Totals]], Totals, dict[str, int]]:
        """What the table by `names` is made of."""
        names = names or (*labels()[:3:2], "model")
        rows = [(key if len(names) > 1 else (key,), totals) for key, totals in self.by(*names).items()]
        sources: dict[str, int] = {}
        for entry in self._entries:
            if entry.source != "live":
                sources[entry.source] = sources.get(entry.source, 0) + 1
        return names, rows, self.total, sources

    def _repr_html_(self) -> str:
        return _html.block(f"Ledger, {len(self):,} calls", render_html(*self._rows()) if len(self) else "")

    def __str__(self) -> str:
        return self.table() if len(self) else "no calls"

    def __repr__(self) -> str:
        total = self.total
        return f"<Ledger {total.calls} calls, {total.tokens} tokens, {cost_text(total)}>"

    @staticmethod
    def _check(names: Iterable[str]) -> None:
        for name in names:
            if name not in _QUERY_FIELDS and name not in labels():
                known = ", ".join(sorted({*_QUERY_FIELDS, *labels()}))
                raise ConfigurationError(f"the ledger has no field {name!r}; it has {known}")


class LedgerLayer:
    """The outermost layer: writes one entry per call into every ledger that listens.

    Args:
        provider: of the calls.
        ledgers: gives the ledgers that a call is entered in.
        clock: measures the seconds of calls.
        own: one more, that all are entered in.
    """

    name = "ledger"

    def __init__(
        self,
        provider: str,
        ledgers: Callable[[Call], Sequence[Ledger]],
        clock: Clock,
        own: Ledger | None = None,
    ) -> None:
        self._provider = provider
        self._own = own
        self._ledgers = ledgers
        self._clock = clock

    def __call__(self, below: Handler) -> Handler:
        """A handler that records the calls that `below` answers."""
        now, write = self._clock.now, self._write

        async def answer(call: Call) -> Reply:
            begun = now()
            try:
                reply = await below(call)
            except LMError as error:
                write(call, begun, now(), *_failure(error, message=brief(error)))
                raise
            except BaseException as error:  # of a sink or a foreign provider too: what was sent is on the bill
                if (outcome := _unfinished(call.trace, error)) is not None:
                    write(call, begun, now(), *outcome)
                raise
            usage, failed = reply.usage, reply.failed
            asked = reply.source in ("live", "cassette")
            write(
                call, begun, now(), reply.source,
                usage if usage.raw is None else _without_raw(usage),
                reply.as_if, reply.billed,
                reply.attempts if asked else 0,
                failed if asked or not failed.uncertain else replace(failed, uncertain=0),
                reply.finish, None, None,
                reply.seconds, reply.loading or 0.0, reply.machine_seconds, reply.first_token, len(reply.vectors),
            )  # fmt: skip
            return reply

        return answer

    def _write(
        self,
        call: Call,
        begun: float,
        ended: float,
        source: Source,
        usage: Usage,
        as_if: Decimal | None,
        billed: Decimal | None,
        attempts: int,
        failed: AttemptCosts,
        finish: str | None,
        error: str | None,
        message: str | None,
        latency: float | None = None,
        loading: float = 0.0,
        machine_seconds: float | None = None,
        first_token: float | None = None,
        vectors: int = 0,
    ) -> None:
        request, trace = call.request, call.trace
        entry = Entry(  # in the order of its fields: by name it takes twice as long
            call.scope, call.draw, request.kind, request.model, self._provider, source, usage, as_if, billed,
            ended - begun, attempts, finish, error, call.caller, request.digest, trace.answers, trace.spent.tokens,
            failed, begun, latency, loading, machine_seconds, first_token, vectors, call.is_fallback, message,
        )  # fmt: skip
        if self._own is not None:
            self._own.record(entry)
        for ledger in self._ledgers(call):
            ledger.record(entry)


#: Source, usage, as if, billed, attempts, failed, finish, error and message of a call without an answer.
_Outcome = tuple[Source, Usage, Decimal | None, Decimal | None, int, AttemptCosts, str | None, str | None, str | None]


#: The token counts of a usage, in the order of its constructor.
_buckets = attrgetter(*USAGE_BUCKETS)


def _without_raw(usage: Usage) -> Usage:
    """Usage without the provider's record, which takes more memory than the entry; forecasts read synthetic ones."""
    if usage.raw is not None and usage.raw.get("synthetic"):
        return usage
    return Usage(*_buckets(usage))  # half the time of `replace`


def _failure(error: LMError, kind: str | None = None, message: str | None = None) -> _Outcome:
    cost, finish = error.failed.cost, None if error.reply is None else error.reply.finish
    billed = cost if error.source == "live" else ZERO
    return error.source, NO_USAGE, cost, billed, error.attempts, error.failed, finish, kind or error.kind, message


def _unfinished(trace: Trace, error: BaseException) -> _Outcome | None:
    """The outcome of a call that was cancelled or refused half-way; None if it never was a call.

    What was refused before anything was sent is not on the bill; a cancelled call is, with what is known of it.
    """
    cancelled = isinstance(error, asyncio.CancelledError)
    if isinstance(error.__cause__, LMError):  # the budget ended it after attempts that failed
        return _failure(error.__cause__, "budget", brief(error))
    if cancelled and trace.recorded is not None:  # where the recorded call was cancelled, too
        return _failure(trace.recorded)
    if not cancelled and not trace.sent:
        return None
    kind = "cancelled" if cancelled else "refused" if isinstance(error, SynalinksError) else type(error).__name__
    message = None if cancelled else brief(error)
    cost = trace.spent.cost
    return "live", NO_USAGE, cost, cost, trace.sent, trace.spent, None, kind, message
