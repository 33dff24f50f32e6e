"""Counters of a model's calls, under the names that programs read: read-only views of its ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from synalinks.lm import ENTRY_AMOUNTS, USAGE_AMOUNTS, Entry, FirstPieces, Ledger
from synalinks.modules.core.invocations import KINDS

ALL = "all"


class _Tally:
    """Sums over a ledger's entries, in all and by kind of phase; what is new is added when they are read.

    The figures of trajectories keep a moment for each sample, so they are tallied where they are read only.
    """

    def __init__(self) -> None:
        self._mark = self._firsts_mark = 0
        self._sums: defaultdict[tuple[str, str], int | float | Decimal] = defaultdict(int)
        self._firsts: defaultdict[str, FirstPieces] = defaultdict(FirstPieces)

    def sum(self, ledger: Ledger, kind: str, name: str) -> int | float:
        """A sum; dollars are a float here, and exact in the ledger."""
        if name in _OF_FIRSTS:
            self._take_firsts(ledger)
            return _OF_FIRSTS[name](self._firsts[kind])
        self._take(ledger)
        found = self._sums[kind, name]
        return float(found) if isinstance(found, Decimal) else found

    def _take(self, ledger: Ledger) -> None:
        new = ledger.since(self._mark)
        self._mark = new.mark
        for entry in new:
            for kind in _kinds(entry):
                for name, amount in ENTRY_AMOUNTS.items():
                    self._sums[kind, name] += amount(entry) or 0  # type: ignore[operator]  # one kind of number a name

    def _take_firsts(self, ledger: Ledger) -> None:
        new = ledger.since(self._firsts_mark)
        self._firsts_mark = new.mark
        for entry in new:
            for kind in _kinds(entry):
                self._firsts[kind].add(entry)


def _kinds(entry: Entry) -> tuple[str, ...]:
    kind = KINDS.get(str(entry.scope.phase))
    return (ALL,) if kind is None else (ALL, kind)


_OF_FIRSTS: dict[str, Callable[[FirstPieces], int | float]] = {
    "trajectories": len,
    "trajectory_first": lambda firsts: firsts.seconds,
}
#: Copies of a model have ledgers of their own, and so tallies of their own.
_tallies: WeakKeyDictionary[Ledger, _Tally] = WeakKeyDictionary()


class Counter:
    """A sum over the calls of a model.

    Args:
        doc: what it is.
        name: of the sum, as in `ENTRY_AMOUNTS`.
        kind: of the phases that count; all calls where None.
    """

    def __init__(self, doc: str, name: str, kind: str = ALL) -> None:
        self.__doc__ = doc
        self.name = name
        self._kind = kind

    def of(self, kind: str, words: str) -> Counter:
        """The same sum over the calls of a kind."""
        return type(self)(f"{str(self.__doc__).rstrip('.')} {words}.", self.name, kind)

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        ledger = self._ledger(instance)
        if ledger is None:
            return 0
        return _tallies.setdefault(ledger, _Tally()).sum(ledger, self._kind, self.name)

    def __set__(self, instance: object, value: object) -> None:
        raise AttributeError("a counter is a view of the ledger and can't be set; see synalinks.use_ledger()")

    def _ledger(self, instance: Any) -> Ledger | None:
        found: Ledger = instance.client.ledger
        return found


class FallbackCounter(Counter):
    """A sum over the calls of a model's fallback."""

    def _ledger(self, instance: Any) -> Ledger | None:
        return None if instance.fallback is None else super()._ledger(instance.fallback)


class Details(Counter):
    """The tokens of the calls of a model by bucket of usage; buckets without any are left out."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        ledger: Ledger = instance.client.ledger
        tally = _tallies.setdefault(ledger, _Tally())
        found = {bucket: tally.sum(ledger, self._kind, name) for bucket, name in USAGE_AMOUNTS.items()}
        return {bucket: count for bucket, count in found.items() if count}


class LastCall:
    """A figure of a model's last call; None where it is unknown, or where there was none.

    Args:
        doc: what it is.
        figure: reads it from the call's entry.
    """

    def __init__(self, doc: str, figure: Callable[[Entry], Any]) -> None:
        self.__doc__ = doc
        self._figure = figure

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        entry = instance.client.ledger.last()
        found = None if entry is None else self._figure(entry)
        return float(found) if isinstance(found, Decimal) else found

    def __set__(self, instance: object, value: object) -> None:
        raise AttributeError("a counter is a view of the ledger and can't be set; see synalinks.use_ledger()")


class ModelCounters:
    """Counters of the calls made through one model object, its copies and fallbacks aside.

    Beside each counter `cumulated_X` there are `inference_cumulated_X`, `reward_cumulated_X` and
    `optimizer_cumulated_X`, of the calls made in a run of a program, for rewards and metrics, and by optimizers. What a
    provider did not say adds nothing. Dollars are those of the same calls live, as floats; the ledger has exact sums.
    """

    cumulated_cost = Counter("Dollars that its calls cost, failed attempts included.", "usd")
    cumulated_calls = Counter("Calls.", "calls")
    cumulated_prompt_tokens = Counter("Prompt tokens, cached ones included.", "input")
    cumulated_completion_tokens = Counter("Answer tokens, reasoning included.", "output")
    cumulated_tokens = Counter("Prompt and answer tokens.", "total")
    cumulated_cached_tokens = Counter("Prompt tokens that the provider had cached.", "cached")
    cumulated_cache_creation_tokens = Counter("Prompt tokens that the provider cached.", "written")
    cumulated_reasoning_tokens = Counter("Tokens of thinking.", "reasoning")
    cumulated_vectors = Counter("Vectors of embeddings.", "vectors")
    cumulated_elapsed_s = Counter("Seconds that the provider took.", "seconds")
    cumulated_streaming_calls = Counter("Calls whose answer was streamed.", "streamed")
    cumulated_streaming_ttft_s = Counter("Seconds until the first piece of streamed answers.", "first_token")
    cumulated_streaming_ttlt_s = Counter("Seconds until the last piece of streamed answers.", "last_token")
    cumulated_trajectory_calls = Counter("Samples with a streamed answer.", "trajectories")
    cumulated_trajectory_ttft_s = Counter("Seconds from their first call to their first piece.", "trajectory_first")
    cumulated_failed_calls = Counter("Calls that failed for good.", "failed")
    cumulated_fallback_activations = FallbackCounter("Calls that its fallback made in place of a model.", "stand_ins")
    cumulated_details = Details("Tokens by bucket of usage.", "usage")
    cumulated_cache_hits = Counter("Calls that the cache answered.", "cache_hits")

    last_call_cost = LastCall("Dollars of the last call.", lambda entry: entry.as_if)
    last_call_prompt_tokens = LastCall("Its prompt tokens.", lambda entry: entry.usage.input_tokens)
    last_call_completion_tokens = LastCall("Its answer tokens.", lambda entry: entry.usage.output_tokens)
    last_call_tokens = LastCall("Its prompt and answer tokens.", lambda entry: entry.usage.total_tokens)
    last_call_cached_tokens = LastCall("Its cached prompt tokens.", ENTRY_AMOUNTS["cached"])
    last_call_cache_creation_tokens = LastCall("The prompt tokens cached for it.", ENTRY_AMOUNTS["written"])
    last_call_reasoning_tokens = LastCall("Its tokens of thinking.", ENTRY_AMOUNTS["reasoning"])
    last_call_vectors = LastCall("Its vectors.", lambda entry: entry.vectors)
    last_call_elapsed_s = LastCall("Seconds that the provider took for it.", lambda entry: entry.latency)
    last_call_failure = LastCall("Why it failed; None where it did not.", lambda entry: entry.error_message)
    last_call_finish_reason = LastCall("Why its answer ended.", lambda entry: entry.finish)

    failed_calls = cumulated_failed_calls
    fallback_activations = cumulated_fallback_activations
    cache_hits = cumulated_cache_hits


_WORDS = {"inference": "in a run of a program", "reward": "for rewards and metrics", "optimizer": "by optimizers"}
for _name, _counter in list(vars(ModelCounters).items()):
    if isinstance(_counter, Counter):
        for _kind, _text in _WORDS.items():
            setattr(ModelCounters, f"{_kind}_{_name}", _counter.of(_kind, _text))
