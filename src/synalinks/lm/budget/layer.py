"""BudgetLayer: what an attempt may cost at most is reserved before it is sent, and what it cost is settled after it.

`settled + reserved <= cap` at every moment, whatever the concurrency, because an attempt whose upper bound does
not fit waits while others are outstanding and is refused when nothing outstanding could make room.

Why no call waits for ever: an attempt that waits here holds nothing that an outstanding one needs. It has no
reservation, and its admission (slot and turn at the rate limit) is released until there is room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace

from synalinks._base.warning import warn
from synalinks.lm.budget.answer_cap import AnswerCaps, was_cut
from synalinks.lm.budget.budget import Budget
from synalinks.lm.budget.expected import TypicalUsage, UsageStatistics
from synalinks.lm.budget.reservation import Queue, Reservation, refusal
from synalinks.lm.budget.tracker import BudgetTracker
from synalinks.lm.budget.upper_bound import Needs, needs_of
from synalinks.lm.core.amount import NOTHING, ZERO, Amount, AttemptCosts
from synalinks.lm.core.call import RESTART, Call, Handler, Recorded, Reply, Request
from synalinks.lm.core.errors import BudgetExceeded, LMError, SynalinksError
from synalinks.lm.pricing.limits import OutputLimits
from synalinks.lm.pricing.pricing import Price, price_for

__all__ = ["NOTHING", "QUEUE", "Amount", "Budget", "BudgetLayer", "BudgetTracker", "Queue", "Reservation"]


#: The attempt that is being answered where a call is made; set while a replaced provider may call models itself.
_outer: ContextVar[Reservation | None] = ContextVar("synalinks_around", default=None)


class BudgetLayer:
    """Lets an attempt pass only with its upper bound reserved in every open budget, and settles what it cost.

    What a cassette replays (`call.recorded`) is charged as it was when it was live, so that a run stops where the
    recorded one did: at the calls that were refused then, and earlier under a smaller budget.

    A call that is made while another of the same budget is being answered (by a replaced provider that calls models
    itself) never waits for that one: it is refused if the rest of the budget can't hold it.

    Args:
        trackers: gives the budgets in force for a call.
        price: gives the price of a model.
        queue: where attempts wait.
        timeout: seconds an attempt may take; bounds what is paid by the hour.
        statistics: what calls usually take; caps on answers are a few times that, and budgets in mode `expected`
            reserve it.
        limits: how long answers of each model can be.
    """

    name = "budget"

    def __init__(
        self,
        trackers: Callable[[Call], Sequence[BudgetTracker]],
        price: Callable[[str], Price | None],
        queue: Queue | None = None,
        timeout: float | None = None,
        statistics: UsageStatistics | None = None,
        limits: OutputLimits | None = None,
    ) -> None:
        self._trackers = trackers
        self._price = price
        self._queue = QUEUE if queue is None else queue
        self._timeout = timeout
        self._statistics = statistics
        self._limits = OutputLimits() if limits is None else limits

    def __call__(self, below: Handler) -> Handler:
        """A handler that sends attempts through `below` within budget."""

        async def budget(call: Call) -> Reply:
            trackers = self._trackers(call)
            if call.recorded is not None:
                return await self._replay(call, call.recorded, trackers)
            sent_to = call.source or below
            if not trackers:
                return await sent_to(call)
            try:
                return await self._send(call, trackers, sent_to)
            except BudgetExceeded as refused:
                _note_end(call, refused, trackers)
                raise
            finally:
                for tracker in trackers:
                    if tracker.budget.mode == "expected":
                        _note_overshoot(call, tracker)

        return budget

    def _needs(self, call: Call, trackers: Sequence[BudgetTracker]) -> Needs:
        return needs_of(call.request, price_for(call.request, self._price), trackers, self._timeout)

    # --- live ----------------------------------------------------------------------------------------------

    async def _send(self, call: Call, trackers: Sequence[BudgetTracker], below: Handler) -> Reply:
        """An attempt, repeated where a cap of this layer is all that was wrong with it."""
        needs = self._needs(call, trackers)
        if needs.limit is not None or not needs.limits_answer(trackers):  # it needs no cap of this layer
            outcome, _ = await self._attempt(call, needs, trackers, below)
            if isinstance(outcome, Reply):
                return outcome
            raise outcome
        usual = TypicalUsage() if self._statistics is None else self._statistics.usual(call)
        caps = AnswerCaps(call.request, needs, self._limits)
        needs = replace(needs, most=caps.first(usual))
        outcome, asked = await self._attempt(call, needs, trackers, below, caps.first)
        while (most := caps.next(asked, outcome, trackers)) is not None:
            needs = replace(needs, most=most)
            if call.admission is not None:
                await call.admission.next_turn()
            before, spent = call.trace.repeats, call.trace.repeat_costs
            call.trace.repeats, call.trace.repeat_costs = before + 1, spent + self._cost(outcome, call.request)
            try:
                outcome, asked = await self._attempt(call, needs, trackers, below, restart=True)
            except BudgetExceeded as refused:
                call.trace.repeats, call.trace.repeat_costs = before, spent  # the attempt before was the last
                if isinstance(outcome, LMError):
                    raise refused from outcome
                break  # the answer that was cut is there
        cut = was_cut(asked, outcome) and (asked.output_cap or 0) < caps.most
        if isinstance(outcome, Reply):
            return replace(outcome, capped=asked.output_cap) if cut else outcome
        if cut:
            outcome.capped = asked.output_cap
            _refuse_cut(call, outcome, needs, trackers)
        raise outcome

    def _cost(self, outcome: Reply | LMError, request: Request) -> AttemptCosts:
        if isinstance(outcome, Reply):
            return AttemptCosts.of(outcome.cost, outcome.usage.total_tokens)
        price = price_for(request, self._price)
        return outcome.last_cost(price is not None and price.is_free)

    async def _attempt(
        self,
        call: Call,
        needs: Needs,
        trackers: Sequence[BudgetTracker],
        below: Handler,
        first_cap: Callable[[TypicalUsage], int] | None = None,
        restart: bool = False,
    ) -> tuple[Reply | LMError, Call]:
        """An attempt, reserved, sent and settled: how it ended, and the call as it was sent.

        Args:
            first_cap: see `Reservation`.
            restart: whether a sink has received a part of the attempt before.
        """
        statistics = self._statistics
        usual = None if statistics is None else lambda: statistics.usual(call)
        held = Reservation(trackers, needs, self._queue, call.trace, usual, first_cap, _outer.get())
        for tracker in trackers:
            if tracker.refill is not None:
                await tracker.refill(needs)
        await held.reserve(call.admission)
        before = _outer.set(held)
        asked = call if held.cap is None else replace(call, output_cap=held.cap)
        try:
            if restart and call.sink is not None:
                call.sink(RESTART)
            reply = await below(asked)
        except LMError as error:
            if error.reply is not None:
                held.settle(spent_on(error.reply, trackers))
            else:
                held.settle(None if error.uncertain else Amount(calls=1))
            return error, asked
        except BaseException as error:  # refused further down, before it was sent; or cancelled, after it may have been
            held.settle(NOTHING if isinstance(error, SynalinksError) else None)
            raise
        finally:
            _outer.reset(before)
        if call.source is None:
            held.settle(spent_on(reply, trackers))
        else:  # what it took when it was asked for, all attempts
            held.settle(charge_of(reply, trackers, NOTHING, held.bound)[0])
        if held.broke is not None:
            _warn_of_breach(call, *held.broke, held.bound)
        if statistics is not None:
            statistics.note_prompt(call, needs.prompt, reply)
        return reply, asked

    # --- replayed --------------------------------------------------------------------------------------------

    async def _replay(self, call: Call, recorded: Recorded, trackers: Sequence[BudgetTracker]) -> Reply:
        """What a cassette answers: nothing is sent, and what it costs is known beforehand."""
        outcome = recorded.outcome
        if trackers:
            try:
                await self._charge(call, recorded, trackers)
            except BudgetExceeded as refused:
                _note_end(call, refused, trackers)
                raise
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or Reply(source="cassette")

    async def _charge(self, call: Call, recorded: Recorded, trackers: Sequence[BudgetTracker]) -> None:
        """Settle what a recorded call took.

        Raises:
            BudgetExceeded: it does not fit, or the recorded call was refused here.
        """
        outcome, needs = recorded.outcome, self._needs(call, trackers)
        following = frozenset(
            tracker for tracker in trackers if tracker.budget.mode == "expected" and tracker.key in recorded.ended
        )

        async def settle(spent: Reply | LMError) -> None:
            bound, _ = needs.bound(trackers)
            amount, uncertain = charge_of(spent, trackers, recorded.settled, bound)
            if amount != NOTHING:
                held = Reservation(trackers, amount, self._queue, call.trace, within=_outer.get(), following=following)
                await held.reserve()
                held.settle_known(uncertain)

        if isinstance(outcome, BudgetExceeded):
            if isinstance(outcome.__cause__, LMError):
                await settle(outcome.__cause__)
            tracker = trackers[recorded.refused_by]
            if tracker.refused is None:
                tracker.refused, tracker.refused_on_cassette = BudgetExceeded(*outcome.args), True
            raise outcome
        for tracker in trackers:
            if tracker.refused is not None and not tracker.refused_on_cassette:
                raise refusal(tracker, tracker.refused)
        if outcome is not None:
            await settle(recorded.fresh or outcome)
            if isinstance(outcome, LMError) and outcome.capped is not None:
                _refuse_cut(call, outcome, needs, trackers)


def _note_end(call: Call, refused: BudgetExceeded, trackers: Sequence[BudgetTracker]) -> None:
    """Tell the tracker that refused a call where that was."""
    for tracker in trackers:
        if refused.budget == tracker.to_dict():
            tracker.note_end(f"at {call.scope}")


def _note_overshoot(call: Call, tracker: BudgetTracker) -> None:
    """Note that a budget of mode `expected` is over its caps; in a replay it ends where the cassette has this note."""
    if tracker.overshoot != NOTHING:
        words = f"the {tracker.name} was exceeded by {tracker.overshoot}, in mode 'expected'"
        call.trace.exceeded += ((words, tracker.to_dict()),)


def _warn_of_breach(call: Call, tracker: BudgetTracker, spent: Amount, bound: Amount) -> None:
    """Say that a provider billed more than the request allows it to, and so broke a budget."""
    warn(
        f"the {tracker.name} was exceeded, by {tracker.overshoot}: {call.request.model!r} reported {spent} for one "
        f"attempt (at {call.scope}), where the request allows {bound} at most. Either it does not honour max_tokens, "
        "or it bills for more than it was sent. No further call goes out that does not fit",
        RuntimeWarning,
    )


def _refuse_cut(call: Call, error: LMError, needs: Needs, trackers: Sequence[BudgetTracker]) -> None:
    """End the budget whose room (`error.capped`) cut an answer short, so that it was of no use.

    Raises:
        BudgetExceeded: always.
    """
    if (tracker := needs.tightest(trackers)) is not None:
        tracker.note_end(f"at {call.scope}")
    raise BudgetExceeded(
        f"the budget had {error.capped:,} answer tokens left for {call.request.model!r}, which cut its answer "
        "short. What was paid for is kept; run again with a larger budget, or give the model max_tokens"
    ) from error


def spent_on(reply: Reply, trackers: Sequence[BudgetTracker]) -> Amount | None:
    """What one answered attempt cost; None if a count that is capped is not known."""
    tokens, cost = reply.usage.total_tokens, reply.cost
    for tracker in trackers:
        if tracker.budget.tokens is not None and tokens is None:
            return None
        if tracker.budget.usd is not None and cost is None and tracker.budget.unpriced == "raise":
            return None
    return Amount(max(cost or ZERO, ZERO), max(tokens or 0, 0), 1)  # a count below zero refills no budget


def charge_of(
    ended: Reply | LMError, trackers: Sequence[BudgetTracker], settled: Amount, bound: Amount
) -> tuple[Amount, Amount]:
    """What a recorded call cost, all its attempts; and the part of it for attempts whose cost is not known.

    Args:
        settled: what budgets settled for attempts of unknown cost when it was recorded.
        bound: of one attempt; counts for each attempt of unknown cost that was not settled then.
    """
    attempts, last, uncounted = ended.attempts, NOTHING, False
    if isinstance(ended, LMError):  # the last answer is one of those that failed
        uncounted = ended.reply is not None and spent_on(ended.reply, trackers) is None
    elif not attempts and not ended.usage.total_tokens and not ended.cost:
        return NOTHING, NOTHING
    elif (known := spent_on(ended, trackers)) is None:
        uncounted = True
    else:
        last = Amount(known.usd, known.tokens)
    unknown = _unknown_before(ended, trackers, settled.calls - uncounted) + uncounted
    if settled.calls > unknown:  # what these budgets cap is known of all attempts
        settled = NOTHING
    uncertain = settled + bound.times(unknown - settled.calls)
    return Amount(ended.failed.known_cost, ended.failed.tokens, attempts - unknown) + last + uncertain, uncertain


def _unknown_before(ended: Reply | LMError, trackers: Sequence[BudgetTracker], settled: int) -> int:
    """How many attempts, an answer of the last aside, have an unknown cost; budgets settled `settled` as such."""
    unknown, more = ended.failed.uncertain, ended.attempts - 1
    if more < 1:
        return unknown
    if settled > 0 and (not ended.failed.priced or any(tracker.budget.tokens is not None for tracker in trackers)):
        return max(unknown, min(settled, ended.attempts))  # failed answers that did not say what they cost, too
    return more if isinstance(ended, Reply) and not ended.failed.priced and not unknown else unknown


#: Calls that wait for room, of every budget: one queue keeps first come, first served across nested ones.
QUEUE = Queue()
