"""The retry layer: what may succeed on another try is tried again, and no failed attempt goes uncounted."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from synalinks._base.numbers import is_number, is_whole
from synalinks._concurrency import Clock, SystemClock
from synalinks.lm.core.amount import NO_COSTS, AttemptCosts
from synalinks.lm.core.call import RESTART, Call, Handler, Reply, Request, Trace
from synalinks.lm.core.errors import (
    CONTEXT_LENGTH,
    OVER_BUDGET,
    BadReply,
    BudgetExceeded,
    ConfigurationError,
    ConnectionFailed,
    LMError,
    RateLimited,
)
from synalinks.lm.rate_limit.account import Account

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from synalinks.lm.rate_limit.hosts import Hosts


#: How a message about a broken answer begins.
CORRECTION = "That can't be used"
#: Tokens of a message beside those of its text, at most.
A_MESSAGE = 16
#: Seconds beyond the end of a budget that a wait lasts, so that it is over whatever the clock rounds.
AFTER_THE_END = 0.001


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, how long apart and for how long a call is tried.

    Example:
        >>> from synalinks.lm import Client, RetryPolicy
        >>> client = Client("ollama/any", retry=RetryPolicy(attempts=2, timeout=30.0))
        >>> RetryPolicy(attempts=0)
        Traceback (most recent call last):
        ConfigurationError: attempts (of a model: retry=) and bad_reply_attempts count the first ...; got 0 and 2

    Attributes:
        attempts: attempts in all, the first included.
        max_wait: longest wait between two attempts, in seconds. A longer one that a
            provider demands is not waited for: the call fails, and the error names it.
        timeout: seconds an attempt may take, waiting in the server's queue included; None for no limit.
        bad_reply_attempts: attempts in all that may end in an answer that breaks its schema; empty answers are not
            counted.
        first_wait: seconds before the second attempt; doubled from one attempt to the next, less a jitter
            of up to half (0.5 s and doubling are what the OpenAI client does).

    Raises:
        ConfigurationError: a bound that is no number or leaves no first attempt, or a negative time.
    """

    attempts: int = 5
    max_wait: float = 60.0
    timeout: float | None = 600.0
    bad_reply_attempts: int = 2
    first_wait: float = 0.5

    def __post_init__(self) -> None:
        if not all(is_whole(count) and count >= 1 for count in (self.attempts, self.bad_reply_attempts)):
            raise ConfigurationError(
                "attempts (of a model: retry=) and bad_reply_attempts count the first attempt, so the least is 1; "
                f"got {self.attempts!r} and {self.bad_reply_attempts!r}"
            )
        if not all(is_number(wait) and wait >= 0 for wait in (self.max_wait, self.first_wait)):
            raise ConfigurationError(f"waits are seconds, 0 or more; got {self.max_wait!r} and {self.first_wait!r}")
        if self.timeout is not None and not (is_number(self.timeout) and self.timeout > 0):
            raise ConfigurationError(f"timeout must be positive seconds or None, got {self.timeout!r}")


class RetryLayer:
    """Tries again after connection errors, timeouts, 408, 409, 425, 429, 5xx and broken answers.

    One caller's 429 slows all callers of the account. What failed attempts cost is carried to the final reply, or the
    final error. Each attempt passes through the budgets below. What a cassette answers is the outcome of all attempts,
    and is handed up as it is.

    A refused connection is not tried again where no call of the account was ever answered: no server is there.

    Where there are several servers, the next attempt goes to another one at once, and only waits when there is none
    left; a connection that could not be made is then no attempt. A pause that one demands is of that one.

    Where a correction of a broken answer is too long for the model's context window, the call ends as that one.

    Between two attempts a sink gets a `Delta` with `restart`: what it received until then is void, and the next attempt
    is fed from its start. The reply holds the last attempt only.

    Args:
        policy: the bounds.
        account: is slowed down by a 429; admits further attempts. Or those of several servers.
        clock: waits between attempts.
        rng: jitter.
        free: whether a model's tokens cost nothing, so that an attempt that may or may not
            have been billed costs 0 instead of an unknown sum.
        seconds_left: gives the seconds after which a budget lets a call out no more; no wait is longer. None without
            such an end.
    """

    name = "retry"

    def __init__(
        self,
        policy: RetryPolicy,
        account: Account | Hosts,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        free: Callable[[str], bool] | None = None,
        seconds_left: Callable[[Call], float | None] = lambda call: None,
    ) -> None:
        self._policy = policy
        self._account = account
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()
        self._free = free or _never_free
        self._seconds_left = seconds_left

    def __call__(self, below: Handler) -> Handler:
        async def retry(call: Call) -> Reply:
            try:
                reply = await below(call)
                return _with_failed(reply, 1, NO_COSTS, call.trace) if call.trace.repeats and call.live else reply
            except LMError as error:  # tenacity costs 30 us, so it is only called once something failed
                if not call.live:  # the outcome of all attempts
                    raise
                return await self._retry(below, call, error)
            except BudgetExceeded as refused:
                cut = refused.__cause__
                if isinstance(cut, LMError) and call.live:  # a budget's cap cut the answer of this attempt short
                    tries = self._tries(call, cut)
                    tries.count(call, cut)
                    tries.final_error(cut)
                raise

        return retry

    async def _retry(self, attempt: Handler, call: Call, first: LMError) -> Reply:
        from tenacity import AsyncRetrying, retry_if_exception  # used after failures only

        tries = self._tries(call, first)
        retrying = AsyncRetrying(
            stop=tries.were_enough,
            wait=tries.wait,
            retry=retry_if_exception(tries.worth_another),
            before_sleep=tries.slow_the_account,
            sleep=partial(self._sleep, call),
            reraise=True,
        )
        try:
            reply: Reply = await retrying(tries.next, attempt, call)
        except LMError as error:
            raise tries.final_error(error) from error.__cause__
        return _with_failed(reply, tries.attempts, tries.failed, call.trace)

    async def _sleep(self, call: Call, seconds: float) -> None:
        """Wait before the next attempt, but not beyond the end of a budget, which then refuses that attempt."""
        left = self._seconds_left(call)
        await self._clock.sleep(seconds if left is None else min(seconds, left + AFTER_THE_END))

    def _tries(self, call: Call, first: LMError) -> _Tries:
        return _Tries(self._policy, self._account, self._rng, self._free(call.request.model), call, first)


def _corrected(request: Request, broken: BadReply) -> Request:
    """The request with the broken answer and what is wrong with it: another request, so that another answer may come at
    temperature 0 too. It is sent in place of the call's own, which the answer is stored and recorded under."""
    text = "" if broken.reply is None else broken.reply.text
    answer = [{"role": "assistant", "content": text}] if text.strip() else []
    wrong = f"{CORRECTION}: {broken.problem}. Give the whole answer again, corrected."
    return request.with_messages([*request.messages, *answer, {"role": "user", "content": wrong}])


def _growth(request: Request, longer: Request) -> int:
    """Tokens that messages at the end of a request add, at most: their bytes, and a few for each."""
    added = longer.messages[len(request.messages) :]
    return sum(len(str(message["content"]).encode()) + A_MESSAGE for message in added)


def _with_failed(reply: Reply, attempts: int, failed: AttemptCosts, trace: Trace) -> Reply:
    """The reply with the number of attempts, those included that a budget repeated, and what the failed ones cost."""
    reply = replace(reply, attempts=attempts + trace.repeats, failed=failed + trace.repeat_costs)
    return replace(reply, billed=reply.as_if)


def _never_free(model: str) -> bool:
    return False


class _Tries:
    """The attempts of one call after its first has failed: their number, what they cost, when to stop.

    The first call of `next` raises the error of the attempt already made, so that tenacity counts from
    that attempt and one set of rules applies to all.
    """

    __slots__ = (
        "_account", "_call", "_free", "_moves", "_not_sent", "_policy", "_rng", "attempts", "bad", "failed", "final",
        "last",
    )  # fmt: skip

    def __init__(
        self, policy: RetryPolicy, account: Account | Hosts, rng: random.Random, free: bool, call: Call, first: LMError
    ) -> None:
        self._policy, self._account, self._rng, self._free, self._call = policy, account, rng, free, call
        self._moves = False
        self._not_sent = 0
        self.attempts = 0
        self.bad = 0
        self.failed = NO_COSTS
        self.last = first
        self.final = False

    async def next(self, attempt: Handler, call: Call) -> Reply:
        """One attempt, admitted by the account; after a broken answer its request says what was wrong."""
        if self.attempts == 0:
            self.count(call, self.last)
            raise self.last
        broken = self.last if isinstance(self.last, BadReply) and self.last.problem is not None else None
        if broken is not None:
            corrected = _corrected(call.request, broken)
            call = replace(call, request=corrected, longer=_growth(call.request, corrected))
        await (self._account.of(call).admit(call.request) if call.admission is None else call.admission.next_turn())
        if call.sink is not None:
            call.sink(RESTART)
        try:
            reply = await attempt(call)
        except LMError as error:
            self.count(call, error)
            if broken is not None and error.kind == CONTEXT_LENGTH:  # the call's own request is not too long
                self.final = True
                broken.args = (f"{broken}; the correction is too long for the model's context window",)
                raise broken from error
            raise
        except BudgetExceeded as refused:  # its cause carries what was spent until here to the ledger
            if isinstance(refused.__cause__, LMError):  # the budget's cap cut the answer of this attempt short
                self.count(call, refused.__cause__)
            raise refused from self.final_error(self.last)
        self.attempts += 1
        return reply

    def count(self, call: Call, error: LMError) -> None:
        """Add a failed attempt."""
        self.last = error
        self._moves = self._account.moves(call, error)
        self._not_sent += self._moves and isinstance(error, ConnectionFailed) and error.unreachable
        self.attempts += error.kind != OVER_BUDGET  # which was not sent
        self.failed += error.last_cost(self._free)
        self.bad += isinstance(error, BadReply) and not error.is_empty

    def worth_another(self, error: BaseException) -> bool:
        """Whether trying again may help."""
        if self.final or not isinstance(error, LMError) or not error.retryable:
            return False
        if self._moves:
            return True
        if self._too_long(error):
            return False
        if isinstance(error, ConnectionFailed) and error.refused and not self._account.answered:
            return False  # no server was ever there; one that was may be starting anew
        return not isinstance(error, BadReply) or error.is_empty or self.bad < self._policy.bad_reply_attempts

    def _too_long(self, error: LMError) -> bool:
        return error.retry_after is not None and error.retry_after > self._policy.max_wait

    def were_enough(self, state: RetryCallState) -> bool:
        """Whether no further attempt is allowed."""
        return state.attempt_number - self._not_sent >= self._policy.attempts

    def wait(self, state: RetryCallState) -> float:
        """Seconds before the next attempt: none where it goes to another server."""
        return 0.0 if self._moves else self._pause()

    def _pause(self) -> float:
        """Seconds that a server is left alone: those of its Retry-After, else exponential with jitter."""
        if self.last.retry_after is not None:
            return self.last.retry_after
        longest = min(self._policy.max_wait, self._policy.first_wait * 2.0 ** (self.attempts - 1))
        return longest * (1 - self._rng.random() / 2)

    def slow_the_account(self, state: RetryCallState) -> None:
        """Delay all calls of the account as long as this one, after a 429 or a Retry-After."""
        if isinstance(self.last, RateLimited) or self.last.retry_after is not None:
            self._account.of(self._call).slow_down(self._pause() if self._moves else state.upcoming_sleep)

    def final_error(self, error: LMError) -> LMError:
        """The final error, with the number of attempts and what they cost."""
        trace = self._call.trace
        error.attempts = self.attempts + trace.repeats
        error.failed = self.failed + trace.repeat_costs
        message = str(error) + self._account.others_said(self._call)
        if error.retryable and self._too_long(error):
            message += (
                f"; the provider requires a wait of {error.retry_after:g} s, longer than max_wait "
                f"({self._policy.max_wait:g} s), so it was not tried again"
            )
        if error.attempts > 1:
            message += f" (after {error.attempts} attempts)"
        error.args = (message, *error.args[1:])
        return error
