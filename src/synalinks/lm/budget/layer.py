"""The gate that holds budgets: what a call may cost at most is reserved before it is sent.

`settled + reserved <= cap` at every moment, whatever the concurrency, because a call whose upper bound does
not fit waits while others are outstanding and is refused when nothing outstanding could make room.

Why nobody waits for ever: a call that waits here holds nothing that an outstanding call needs. Its failed
attempt is settled, a slot of its account is handed back (limit.py), and what it had reserved without sending
is given up before it waits for another call (cassette.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Protocol

from synalinks.errors import BudgetExceeded, LMError, SynalinksError
from synalinks.lm.budget.expected import UsageStatistics
from synalinks.lm.budget.queue import Queue
from synalinks.lm.budget.reservation import Reservation
from synalinks.lm.budget.tracker import NOTHING, Amount, Budget, BudgetTracker, Rows
from synalinks.lm.budget.upper_bound import OUTPUT_ALLOWANCE, needs_of
from synalinks.lm.core.call import Call, Handler, Reply
from synalinks.lm.pricing.pricing import Price, price_for

__all__ = ["NOTHING", "QUEUE", "Amount", "Budget", "BudgetLayer", "BudgetTracker", "Queue", "Reservation"]


#: The call that is being answered where this one is made; set while a stand-in for a provider may ask models itself.
_around: ContextVar[Reservation | None] = ContextVar("synalinks_around", default=None)


class Described(Protocol):
    """A budget as a cassette sees it."""

    def to_dict(self) -> dict[str, str]: ...


class Cassette(Rows, Protocol):
    """What the gate asks an open cassette (see `Cassette`)."""

    recording: bool

    def repeats(self, call: Call) -> bool: ...

    def note_refusal(self, call: Call, refusal: BudgetExceeded, budget: Described) -> None: ...

    def refusal(self, call: Call, budgets: Sequence[Described]) -> tuple[int, BudgetExceeded] | None: ...


class BudgetLayer:
    """Lets a call pass only with its upper bound reserved in every open budget, and settles what it cost.

    What a cassette replays counts as if it were live, so that a run stops where the recorded one did: at the calls
    that were refused then, and earlier under a smaller budget. A single answer (temperature 0, embeddings) that
    the run has had before is no further call: it passes, and costs nothing, as if it came from the cache. So a
    budget counts the same at any concurrency.

    A call that is made while another of the same budget is being answered (by a stand-in for a provider that asks
    models itself) never waits for that one: it is refused if the rest of the budget can't hold it.

    Args:
        trackers: gives the budgets in force for a call.
        price: gives the price of a model.
        queue: where calls wait.
        cassette: gives the cassette that is open around a call, or None.
        timeout: seconds an attempt may take; bounds what is paid by the hour.
        statistics: what calls usually take, for budgets in mode `expected`; without it they reserve bounds.
    """

    name = "budget"

    def __init__(
        self,
        trackers: Callable[[Call], Sequence[BudgetTracker]],
        price: Callable[[str], Price | None],
        queue: Queue | None = None,
        cassette: Callable[[Call], Cassette | None] = lambda call: None,
        timeout: float | None = None,
        statistics: UsageStatistics | None = None,
    ) -> None:
        self._trackers = trackers
        self._price = price
        self._queue = QUEUE if queue is None else queue
        self._cassette = cassette
        self._timeout = timeout
        self._statistics = statistics

    def __call__(self, below: Handler) -> Handler:
        """A handler that answers through `below` within budget."""

        async def gate(call: Call) -> Reply:
            trackers = self._trackers(call)
            if not trackers:
                return await below(call)
            cassette = self._cassette(call)
            if cassette is not None and cassette.repeats(call):
                return await below(call)
            held = self._reservation(call, trackers)
            try:
                if cassette is not None and not cassette.recording:
                    return await _replayed(call, held, cassette, below)
                return await self._live(call, held, below)
            except BudgetExceeded as refusal:
                if (tracker := held.refused_by) is not None:
                    tracker.note_end(f"at {call.scope}")
                    if cassette is not None and cassette.recording:
                        cassette.note_refusal(call, refusal, tracker)
                raise
            finally:
                if cassette is not None and cassette.recording:
                    _note_overshoot(call, held, cassette)

        return gate

    def _reservation(self, call: Call, trackers: Sequence[BudgetTracker]) -> Reservation:
        price = price_for(call.request, self._price)
        needs = needs_of(call.request, price, trackers, self._timeout)
        statistics = self._statistics
        usual = None if statistics is None else lambda: statistics.usual(call)
        return Reservation(trackers, needs, self._queue, call.trace, usual, _around.get())

    async def _live(self, call: Call, held: Reservation, below: Handler) -> Reply:
        reply = await _live(call, held, below)
        if self._statistics is not None:
            self._statistics.note_prompt(call, held.needs.prompt, reply)
        return reply


async def _live(call: Call, held: Reservation, below: Handler) -> Reply:
    """A call that may be sent: reserved, answered, settled."""
    await held.acquire()
    before = _around.set(held)
    try:
        reply = await below(replace(call, permit=held, output_cap=held.cap, trace=held.trace))
    except LMError as error:
        held.settle_failure(error)
        _refuse_if_cut(call, held, error)
        raise
    except BaseException as error:  # cancelled, or refused further down; it may have been sent
        if isinstance(error, SynalinksError) or call.trace is not None:
            held.settle_unfinished()
        else:
            held.settle(None)
        raise
    finally:
        _around.reset(before)
    held.settle_reply(reply)
    if held.broke is not None:
        _warn_of_breach(call, *held.broke)
    return reply


def _warn_of_breach(call: Call, tracker: BudgetTracker, spent: Amount, bound: Amount) -> None:
    """Say that a provider billed more than the request allows it to, and so broke a budget."""
    warnings.warn(
        f"the {tracker.name} was exceeded, by {tracker.overshoot}: {call.request.model!r} reported {spent} for one attempt "
        f"(at {call.scope}), where the request allows {bound} at most. Either it does not update max_tokens, or it bills "
        "for more than it was sent. No further call goes out that does not fit",
        RuntimeWarning,
        stacklevel=2,
    )


async def _replayed(call: Call, held: Reservation, cassette: Cassette, below: Handler) -> Reply:
    """A call that only the cassette can answer: nothing is ever out, so nothing waits, and the cost is known."""
    following = frozenset(tracker for tracker in held.trackers if tracker.follows(cassette))
    found = cassette.refusal(call, held.trackers)
    if found is not None:
        raise held.refuse_as_recorded(*found, following) from found[1].__cause__
    held.allow()
    try:
        reply = await below(replace(call, output_cap=held.cap))
    except LMError as error:
        held.count(held.replayed_failure(error), following)
        _refuse_if_cut(call, held, error)
        raise
    held.count(held.replayed_reply(reply.fresh or reply), following)
    return reply


def _note_overshoot(call: Call, held: Reservation, cassette: Cassette) -> None:
    """Put on a recording that a budget of mode `expected` went over its caps: a replay then follows the cassette.

    The call itself was answered, so the row refuses nothing.
    """
    for tracker in held.trackers:
        if tracker.budget.mode == "expected" and tracker.overshoot != NOTHING and not tracker.follows(cassette):
            note = BudgetExceeded(f"the {tracker.name} was exceeded by {tracker.overshoot}, in mode 'expected'")
            cassette.note_refusal(call, note, tracker)
            tracker.follow(cassette)


def _refuse_if_cut(call: Call, held: Reservation, error: LMError) -> None:
    """Tell a failure that the budget's own cap made from one that the model made."""
    tight = held.cap is not None and held.cap < OUTPUT_ALLOWANCE
    if error.kind == "length" and tight and call.request.output_limit is None:
        if (tracker := held.needs.tightest(held.trackers)) is not None:
            tracker.note_end(f"at {call.scope}")
        raise BudgetExceeded(
            f"the budget had {held.cap:,} answer tokens left for {call.request.model!r}, which cut its answer "
            "short. What was paid for is kept; run again with a larger budget, or give the model max_tokens"
        ) from error


#: Calls that wait for room, of every budget: one queue keeps first come, first served across nested ones.
QUEUE = Queue()
