"""Retries: what is tried again, how long apart, and what failed attempts cost. All in virtual time."""

from __future__ import annotations

import asyncio
import random
import time
from decimal import Decimal

import pytest
from tests.lm.virtual import LoopClock
from tests.lm.virtual import run_still as run

from synalinks import errors
from synalinks.lm.attempt import AttemptLayer
from synalinks.lm.core.call import Call, Handler, Recorded, Reply, Request, Trace, Usage, schema_of, stack
from synalinks.lm.core.rate_limit import Quota, RateLimitStatus
from synalinks.lm.rate_limit.account import Account, Limits
from synalinks.lm.rate_limit.layer import RateLimitLayer
from synalinks.lm.retry import RetryLayer, RetryPolicy
from synalinks.lm.validate import ValidateLayer

CALL = Call(Request("chat", "ollama/m", messages=[{"role": "user", "content": "x"}]))
PAID = Reply(text="ok", cost=Decimal("0.01"), billed=Decimal("0.01"), usage=Usage(input_fresh=3, output_text=4))

DEFAULT = RetryPolicy()


class FakeProvider:
    """Answers from a list of outcomes and notes when each attempt was made."""

    def __init__(self, *outcomes, seconds: float = 0.0) -> None:
        self.outcomes = list(outcomes)
        self.seconds = seconds
        self.at: list[float] = []

    async def __call__(self, call: Call, /) -> Reply:
        self.at.append(LoopClock().now())
        await asyncio.sleep(self.seconds)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def layer(provider: Handler, policy: RetryPolicy = DEFAULT, account: Account | None = None, **more) -> Handler:
    clock = LoopClock()
    account = account or Account(Limits(), clock)
    return RetryLayer(policy, account, clock, random.Random(0), **more)(AttemptLayer(policy.timeout, account)(provider))


def outcome(provider: FakeProvider, policy: RetryPolicy = DEFAULT, call: Call = CALL, **more):
    async def main():
        try:
            return await layer(provider, policy, **more)(call)
        except errors.SynalinksError as error:
            return error

    return run(main())


def test_a_first_success_is_handed_up_as_it_is() -> None:
    reply = outcome(FakeProvider(PAID, seconds=2.0))
    assert reply is PAID
    assert (reply.attempts, reply.failed.cost, reply.billed) == (1, Decimal(0), Decimal("0.01"))


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectionFailed("x"),
        errors.CallTimeout("x"),
        errors.RateLimited("x", status=429),
        errors.ServerError("x", status=503),
        errors.BadReply("x"),
    ],
)
def test_what_may_go_away_is_tried_again(error: errors.LMError) -> None:
    reply = outcome(FakeProvider(error, PAID))
    assert reply.attempts == 2


@pytest.mark.parametrize(
    "error",
    [
        errors.RequestError("x", status=400),
        errors.AuthenticationError("x"),
        errors.ModelNotFound("x"),
        errors.QuotaExhausted("x"),
        errors.SampleRefused("x", kind="length"),
        errors.CassetteMiss("x"),
        errors.BudgetExceeded("x"),
        errors.OfflineError("x"),
        errors.ConfigurationError("x"),
    ],
)
def test_what_will_not_go_away_is_not(error: errors.SynalinksError) -> None:
    provider = FakeProvider(error, PAID)
    assert outcome(provider) is error
    assert len(provider.at) == 1


def test_attempts_are_bounded_and_the_last_error_tells() -> None:
    provider = FakeProvider(*(errors.ServerError(f"down {i}", status=500) for i in range(9)))
    error = outcome(provider, RetryPolicy(attempts=3))
    assert len(provider.at) == 3
    assert error.attempts == 3
    assert str(error) == "down 2 (after 3 attempts)"
    assert error.failed.cost == 0


def test_waits_grow_with_jitter_of_at_most_half_and_are_capped() -> None:
    provider = FakeProvider(*(errors.ServerError("x") for _ in range(8)), PAID)
    outcome(provider, RetryPolicy(attempts=9, first_wait=1.0, max_wait=8.0))
    waits = [later - earlier for earlier, later in zip(provider.at, provider.at[1:], strict=False)]
    for wait, longest in zip(waits, [1, 2, 4, 8, 8, 8, 8, 8], strict=True):
        assert longest / 2 - 0.05 <= wait <= longest + 0.05
    assert len({round(wait, 2) for wait in waits[3:]}) > 1


def test_retry_after_is_honoured() -> None:
    provider = FakeProvider(errors.RateLimited("x", retry_after=17.0), PAID)
    outcome(provider)
    assert provider.at[1] - provider.at[0] == pytest.approx(17.0, abs=0.1)


def test_a_longer_wait_than_allowed_is_an_error_that_says_so() -> None:
    provider = FakeProvider(errors.RateLimited("busy", retry_after=3600.0), PAID)
    error = outcome(provider)
    assert len(provider.at) == 1
    assert "requires a wait of 3600 s" in str(error) and "max_wait (60 s)" in str(error)


def test_broken_answers_have_their_own_bound_and_are_paid_for() -> None:
    bad = [errors.BadReply("bad", reply=PAID) for _ in range(9)]
    provider = FakeProvider(*bad)
    error = outcome(provider)
    assert len(provider.at) == 2
    assert (error.failed.cost, error.failed.tokens, error.attempts) == (Decimal("0.02"), 14, 2)


def test_broken_answers_do_not_use_up_other_attempts() -> None:
    provider = FakeProvider(errors.ServerError("x"), errors.BadReply("x", reply=PAID), errors.ServerError("x"), PAID)
    reply = outcome(provider)
    assert reply.attempts == 4
    assert (reply.failed.cost, reply.failed.tokens) == (Decimal("0.01"), 7)
    assert reply.billed == Decimal("0.02")
    assert reply.as_if == Decimal("0.02")


def test_an_attempt_that_may_have_been_billed_makes_the_cost_unknown() -> None:
    reply = outcome(FakeProvider(errors.CallTimeout("x", uncertain=True), PAID))
    assert reply.failed.cost is None and reply.billed is None


def test_unless_the_model_is_free() -> None:
    reply = outcome(FakeProvider(errors.CallTimeout("x", uncertain=True), PAID), free=lambda model: model == "ollama/m")
    assert reply.failed.cost == 0


def test_an_answer_of_unknown_price_stays_unknown() -> None:
    error = outcome(FakeProvider(errors.SampleRefused("x", reply=Reply(text="cut"))))
    assert error.failed.cost is None


def test_an_attempt_is_cut_off_at_its_time_limit() -> None:
    provider = FakeProvider(PAID, PAID, seconds=100.0)
    error = outcome(provider, RetryPolicy(timeout=10.0, attempts=2))
    assert isinstance(error, errors.CallTimeout)
    assert error.uncertain and error.failed.cost is None and error.attempts == 2
    assert "within 10 s" in str(error)
    assert 20 <= provider.at[-1] - provider.at[0] + 10 <= 21


def test_a_timeout_error_of_somebody_else_is_a_bug_and_passes() -> None:
    with pytest.raises(TimeoutError):
        outcome(FakeProvider(TimeoutError("theirs"), PAID))


def test_one_429_slows_every_caller_of_the_account() -> None:
    async def main() -> None:
        clock = LoopClock()
        account = Account(Limits(), clock)
        first = FakeProvider(errors.RateLimited("x", retry_after=30.0), PAID)
        second = FakeProvider(errors.ServerError("x"), PAID)
        start = clock.now()
        async with asyncio.TaskGroup() as group:
            group.create_task(layer(first, account=account)(CALL))
            group.create_task(layer(second, account=account)(CALL))
        assert min(first.at[1], second.at[1]) - start == pytest.approx(30.0, abs=0.1)
        assert abs(first.at[1] - second.at[1]) == pytest.approx(0.1, abs=0.05), "one by one, not all at once"

    run(main())


def test_a_budget_that_ends_in_between_says_what_was_spent() -> None:
    provider = FakeProvider(errors.BadReply("bad", reply=PAID), errors.BudgetExceeded("no more"), PAID)
    error = outcome(provider)
    assert isinstance(error, errors.BudgetExceeded)
    assert len(provider.at) == 2
    assert isinstance(error.__cause__, errors.BadReply)
    assert (error.__cause__.failed.cost, error.__cause__.attempts) == (Decimal("0.01"), 1)


def test_an_answer_that_a_budget_cut_short_counts_among_the_attempts() -> None:
    cut = errors.BudgetExceeded("too little was left")
    cut.__cause__ = errors.SampleRefused("cut", kind="length", reply=PAID)
    error = outcome(FakeProvider(errors.BadReply("bad", reply=PAID), cut))
    assert isinstance(error, errors.BudgetExceeded)
    assert isinstance(error.__cause__, errors.SampleRefused)
    assert (error.__cause__.failed.cost, error.__cause__.attempts) == (Decimal("0.02"), 2)


def test_what_a_cassette_answers_is_the_outcome_of_all_attempts() -> None:
    failure = errors.RateLimited("recorded", retry_after=50.0)
    provider = FakeProvider(failure)
    call = Call(CALL.request, recorded=Recorded(failure))
    assert outcome(provider, call=call) is failure
    assert len(provider.at) == 1


def test_cancellation_passes_at_once_in_an_attempt_and_between_two() -> None:
    async def main() -> None:
        for provider in (
            FakeProvider(PAID, seconds=1000.0),
            FakeProvider(errors.RateLimited("x", retry_after=50.0), PAID),
        ):
            task = asyncio.create_task(layer(provider)(CALL))
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(provider.at) == 1

    run(main())


def test_a_ten_minute_storm_of_429s_takes_no_time() -> None:
    storm = (errors.RateLimited("x", retry_after=60.0) for _ in range(10))
    provider = FakeProvider(*storm, PAID)
    assert outcome(provider, RetryPolicy(attempts=11)).attempts == 11
    assert provider.at[-1] - provider.at[0] == pytest.approx(600, abs=1)


def storm(seconds: float, callers: int) -> tuple[list[tuple[str, float, bool]], list[Reply]]:
    """Callers at a server that refuses everything for so long: who asked when and was answered, and the replies."""

    async def main() -> tuple[list[tuple[str, float, bool]], list[Reply]]:
        clock = LoopClock()
        began = clock.now()
        asked: list[tuple[str, float, bool]] = []

        async def server(call: Call, /) -> Reply:
            await asyncio.sleep(0.5)
            now = clock.now() - began
            asked.append((call.request.messages[0]["content"], now, now >= seconds))
            if now < seconds:
                raise errors.RateLimited("too many", status=429, retry_after=20.0)
            return PAID

        account = Account(Limits(concurrency=8), clock)
        retry = RetryLayer(RetryPolicy(attempts=40), account, clock, random.Random(0))
        handler = stack(server, RateLimitLayer(account), retry, AttemptLayer(600.0, account))
        requests = [Request("chat", "ollama/m", messages=[{"role": "user", "content": str(i)}]) for i in range(callers)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(handler(Call(request))) for request in requests]
        return asked, [task.result() for task in tasks]

    return run(main())


def test_a_ten_minute_storm_over_many_callers_runs_in_milliseconds_and_always_the_same() -> None:
    begun = time.perf_counter()
    asked, replies = storm(600.0, 40)
    spent = time.perf_counter() - begun
    assert spent < 30.0, "seconds of real time, for ten minutes; about 0.1 on an idle machine"
    assert all(reply is PAID or reply.text == "ok" for reply in replies)
    refused = [at for _, at, answered in asked if not answered]
    assert len(refused) <= 8 * 30, "no slot asked more often than the server allowed"
    times = [at for _, at, _ in asked]
    assert 600.0 < times[-1] < 680.0
    again, _ = storm(600.0, 40)
    assert again == asked, "who asked when, to the last digit"


@pytest.mark.parametrize("outcome_of_it", [PAID, errors.ServerError("x"), errors.BadReply("x", reply=PAID)])
def test_what_the_provider_says_of_its_limits_reaches_the_account(outcome_of_it) -> None:
    async def main() -> None:
        clock = LoopClock()
        account = Account(Limits(), clock)
        trace = Trace()

        async def provider(call: Call, /) -> Reply:
            assert call.trace is not None
            call.trace.rate_limit_status = RateLimitStatus(quotas=(Quota("requests", 60, 0, 60.0, 60.0),))
            if isinstance(outcome_of_it, Exception):
                raise outcome_of_it
            return outcome_of_it

        policy = RetryPolicy(attempts=1)
        handler = layer(provider, policy, account)
        try:
            await handler(Call(CALL.request, trace=trace))
        except errors.LMError:
            assert outcome_of_it is not PAID
        assert trace.rate_limit_status is None
        before = clock.now()
        await account.admit(CALL.request)
        assert clock.now() - before == pytest.approx(1.0, abs=0.05)

    run(main())


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"bad_reply_attempts": 0},
        {"max_wait": -1},
        {"timeout": 0},
        {"first_wait": -1},
        *(
            {name: wrong}
            for name in ("attempts", "bad_reply_attempts", "max_wait", "first_wait", "timeout")
            for wrong in (True, "3", float("nan"))
        ),
    ],
)
def test_policies_that_cannot_be_meant(wrong: dict) -> None:
    with pytest.raises(errors.ConfigurationError):
        RetryPolicy(**wrong)


def test_a_broken_answer_is_followed_by_a_request_that_says_what_was_wrong() -> None:
    schema = schema_of({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    asked = Request("chat", "ollama/m", messages=[{"role": "user", "content": "x"}], schema=schema)
    sent: list[Request] = []

    async def provider(call: Call, /) -> Reply:
        sent.append(call.request)
        return Reply(text=['{"n": "one"}', " ", '{"n": 1}'][len(sent) - 1], finish="stop")

    policy = RetryPolicy(bad_reply_attempts=3)
    reply = run(layer(ValidateLayer()(provider), policy)(Call(asked)))
    assert (reply.text, reply.attempts) == ('{"n": 1}', 3)
    assert sent[0] is asked and [request.schema for request in sent] == [schema] * 3
    assert [message["role"] for message in sent[1].messages] == ["user", "assistant", "user"]
    assert sent[1].messages[1]["content"] == '{"n": "one"}' and "integer" in sent[1].messages[2]["content"]
    assert [message["role"] for message in sent[2].messages] == ["user", "user"], "an empty answer is not repeated"
    assert "the answer is empty" in sent[2].messages[1]["content"]
    assert len({request.digest for request in sent}) == 3, "so that another answer may come at temperature 0"


def refusal() -> errors.ConnectionFailed:
    error = errors.ConnectionFailed("nobody listens")
    error.refused = True
    return error


def test_a_refused_connection_is_told_at_once_where_nothing_ever_answered():
    provider = FakeProvider(refusal(), PAID)
    assert isinstance(outcome(provider), errors.ConnectionFailed)
    assert len(provider.at) == 1


def test_a_server_that_answered_before_may_be_starting_anew():
    account = Account(Limits(), LoopClock())
    provider = FakeProvider(PAID, refusal(), PAID)

    async def main():
        calls = layer(provider, account=account)
        return [await calls(CALL), await calls(CALL)]

    first, second = run(main())
    assert (first.attempts, second.attempts) == (1, 2)
