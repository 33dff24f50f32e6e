"""Attempts under budgets, whole stack, virtual time: what is sent, what is settled, what a replay makes of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lm.virtual import LoopClock
from lm.virtual import run_still as run
from synalinks import scope
from synalinks.errors import BadReply, BudgetExceeded, ConnectionFailed, LMError, ServerError
from synalinks.lm import Budget, Client, Limits, Request, RetryPolicy, Usage, use_budget, use_cassette, use_ledger
from synalinks.lm.blocks import use_clock, use_provider
from synalinks.lm.core.amount import Amount
from synalinks.lm.core.call import Call, Reply, schema_of
from synalinks.lm.pricing.pricing import set_price

MODEL = "ollama/attempts"
TIMEOUT = 5.0


def request(number: int) -> Request:
    messages = [{"role": "user", "content": f"question {number}"}]
    return Request("chat", MODEL, messages=messages, options={"max_tokens": 200, "temperature": 0.5})


@pytest.mark.parametrize("limits", [Limits(concurrency=1), Limits(rpm=60), Limits(concurrency=2, rpm=90)])
def test_nothing_is_sent_after_a_time_cap(limits: Limits) -> None:
    """Needs the cap to be looked at after all waiting: for a slot, for the rates, between attempts."""

    async def main() -> tuple[list[float], set[str]]:
        begun, sent = LoopClock().now(), []

        async def provider(call: Call) -> Reply:
            sent.append(LoopClock().now() - begun)
            number = len(sent)
            await asyncio.sleep(0.3)
            if number % 3 == 0:
                raise ServerError("busy")
            return Reply(text="ok", usage=Usage(1, output_text=1), finish="stop")

        client = Client(MODEL, limits=limits)

        async def ask(number: int) -> str:
            try:
                await client.send(request(number))
            except BudgetExceeded as refused:
                assert "time cap of 1 s has passed" in str(refused)
                return "refused"
            return "ok"

        with use_provider(provider), use_budget(Budget(seconds=1)):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(ask(number)) for number in range(30)]
        return sent, {task.result() for task in tasks}

    with use_clock(LoopClock()):
        sent, outcomes = run(main())
    assert sent and max(sent) <= 1.001, "the budget is opened a moment after the clock is read"
    assert outcomes == {"ok", "refused"}, sent


class Faulty:
    """A provider with one fixed answer to each question: good, bad at first, late, or later than the time-out."""

    def __init__(self) -> None:
        self.sent: dict[str, int] = {}

    async def __call__(self, call: Call) -> Reply:
        text = call.request.messages[0]["content"]
        number, attempt = int(text.split()[1]), self.sent.get(text, 0)
        self.sent[text] = attempt + 1
        rng = random.Random(number)
        usage = Usage(20, output_text=rng.randrange(5, 150))
        await asyncio.sleep(rng.random())
        kind = number % 8
        if kind == 1 and attempt == 0:
            raise BadReply("torn", reply=Reply(text="{", usage=usage))
        if kind == 2 and attempt == 0:
            await asyncio.sleep(1000)  # one attempt is lost, the next is answered
        if kind == 3:
            await asyncio.sleep(1000)  # all are lost
        if kind == 4:
            await asyncio.sleep(3)  # the caller has no patience
        return Reply(text=f"answer {number}", usage=usage, finish="stop")


def outcome(client: Client, number: int) -> Any:
    async def ask() -> str:
        with scope.enter(sample=number):
            try:
                async with asyncio.timeout(2 if number % 8 == 4 else None):
                    return (await client.send(request(number))).text
            except BudgetExceeded:
                return "refused"
            except TimeoutError:
                return "cancelled"
            except LMError as error:
                return error.kind

    return ask()


def played(path: Path, mode: str, order: Iterable[int], width: int, budget: Budget, attempts: int = 2) -> Any:
    """Outcomes, ledger and what was settled, of questions asked in an order, so many at once."""

    async def main() -> Any:
        policy = RetryPolicy(attempts=attempts, timeout=TIMEOUT, first_wait=0.1)
        client, slots = Client(MODEL, retry=policy, limits=Limits(concurrency=64)), asyncio.Semaphore(width)

        async def ask(number: int) -> tuple[int, str]:
            async with slots:
                return number, await outcome(client, number)

        provider = Faulty()
        with use_provider(provider), use_cassette(path, mode) as cassette, use_ledger() as ledger:  # type: ignore[arg-type]
            with use_budget(budget, name="budget of the test") as tracker:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(ask(number)) for number in order]
            assert cassette.unplayed() == []
        entries = sorted((entry.to_dict(timings=False) for entry in ledger), key=lambda entry: entry["sample"])
        for entry in entries:  # what is of the run, and not of the calls
            for name in ("source", "billed", "answers", "billed_tokens"):
                del entry[name]
        assert tracker.reserved == tracker.in_flight
        return dict(sorted(task.result() for task in tasks)), entries, tracker.settled, sum(provider.sent.values())

    set_price(MODEL, input=1, output=10)
    with use_clock(LoopClock()):
        return run(main())


@pytest.mark.parametrize("mode", ["hard", "expected"])
@pytest.mark.parametrize("tokens", [1_000_000, 9_000])
def test_a_run_with_lost_and_cancelled_attempts_replays_to_the_same_bill(
    tmp_path: Path, mode: Any, tokens: int
) -> None:
    path, budget = tmp_path / "cassette.jsonl", Budget(tokens=tokens, mode=mode)
    outcomes, entries, settled, sent = played(path, "once", range(64), 8, budget)
    assert {"cancelled", "timeout"} <= set(outcomes.values())
    assert ("refused" in outcomes.values()) is (tokens == 9_000)
    assert sent > 20
    rng = random.Random(0)
    for width in (1, 8, 64):
        for order in (range(64), range(63, -1, -1), rng.sample(range(64), 64)):
            again = played(path, "none", order, width, budget)
            assert again == (outcomes, entries, settled, 0)


def test_a_replay_gives_the_recorded_outcome_whatever_its_retries(tmp_path: Path) -> None:
    path, budget = tmp_path / "cassette.jsonl", Budget(tokens=1_000_000)
    recorded = played(path, "once", range(24), 8, budget, attempts=3)
    assert played(path, "none", range(24), 8, budget, attempts=1) == (*recorded[:3], 0)


def test_a_replayed_call_that_nothing_cancels_is_a_miss(tmp_path: Path) -> None:
    """Needs a bound on the wait: a program that no longer cancels the call would wait for ever."""
    from synalinks.errors import CassetteMiss

    path = tmp_path / "cassette.jsonl"
    played(path, "once", [4], 1, Budget(calls=9))

    async def main() -> None:
        with use_cassette(path, "none"), scope.enter(sample=4):
            await Client(MODEL).send(request(4))

    with pytest.raises(CassetteMiss, match=r"was cancelled after \d+\.\d+ s, and nothing has cancelled this one"):
        run(main())


def test_a_recording_that_goes_on_sends_what_was_cancelled_anew(tmp_path: Path) -> None:
    path = tmp_path / "cassette.jsonl"
    played(path, "once", [4, 5], 2, Budget(calls=9))

    async def main() -> str:
        with use_provider(Faulty()), use_cassette(path, "new_episodes"), scope.enter(sample=4):
            return (await Client(MODEL).send(request(4))).text

    assert run(main()) == "answer 4"
    assert len(path.read_bytes().splitlines()) == 3


SCHEMA = schema_of({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
NO_JSON = Reply(text="no json", finish="stop", usage=Usage(1000, output_text=1000))
UNCOUNTED = Reply(text="no json", finish="stop")
ANSWER = Reply(text='{"a":"b"}', finish="stop", usage=Usage(100, output_text=10))

NO_JSON_COST, ANSWER_COST = Decimal("0.011"), Decimal("0.0002")


def dropped() -> ConnectionFailed:
    return ConnectionFailed("dropped", uncertain=True)


def billed(
    path: Path, mode: Any, budget: Budget | None, attempts: Iterable[Reply | LMError] = (), limit: int | None = 1000
) -> Any:
    """What a budget settles for one call, what of it is uncertain, and the sums of the ledger."""

    async def main() -> Any:
        script = iter(list(attempts))

        async def provider(call: Call) -> Reply:
            if call.request.output_limit is None:  # a model that fills what the budget leaves it
                return Reply(text='{"a":"tr', finish="length", usage=Usage(40, output_text=call.output_cap))
            attempt = next(script)
            if isinstance(attempt, LMError):
                raise attempt
            return attempt

        client = Client(MODEL, cache="off", retry=RetryPolicy(attempts=3, first_wait=0, bad_reply_attempts=3))
        options = {} if limit is None else {"max_tokens": limit}
        asked = Request("chat", MODEL, messages=[{"role": "user", "content": "x"}], schema=SCHEMA, options=options)
        within = contextlib.nullcontext() if budget is None else use_budget(budget)
        with use_provider(provider), use_cassette(path, mode), within as tracker, use_ledger() as ledger:
            try:
                await client.send(asked)
                ended = "answered"
            except (LMError, BudgetExceeded) as error:
                ended = type(error).__name__
        total = ledger.total
        sums = (ended, total.as_if, total.failed_cost, total.failed_tokens, total.attempts)
        return sums, None if tracker is None else (tracker.settled, tracker.uncertain)

    set_price(MODEL, input=1, output=10)
    with use_clock(LoopClock()):
        return run(main())


def test_an_answer_that_the_budget_cut_on_the_first_attempt_is_charged_in_a_replay(tmp_path: Path) -> None:
    path, budget = tmp_path / "cassette.jsonl", Budget(usd="0.02")
    (ended, as_if, failed, tokens, attempts), (settled, uncertain) = recorded = billed(path, "all", budget, limit=None)
    assert ended == "BudgetExceeded" and settled.usd > 0 and uncertain == Amount()
    assert (as_if.known, failed.known, tokens, attempts) == (settled.usd, settled.usd, settled.tokens, 2), (
        "once more with all that is left"
    )
    assert billed(path, "none", budget, limit=None) == recorded


@pytest.mark.parametrize(
    "attempts",
    [
        (NO_JSON, dropped(), dropped()),
        (dropped(), NO_JSON, dropped()),
        (NO_JSON, dropped(), ANSWER),
        (UNCOUNTED, NO_JSON, ANSWER),
        (UNCOUNTED, UNCOUNTED, NO_JSON),
        (UNCOUNTED, NO_JSON, UNCOUNTED),
    ],
)
@pytest.mark.parametrize("budget", [Budget(usd=1), Budget(tokens=100_000), Budget(usd=1, tokens=100_000)])
def test_a_replay_settles_known_and_uncertain_attempts_as_they_were(
    tmp_path: Path, attempts: tuple[Reply | LMError, ...], budget: Budget
) -> None:
    path = tmp_path / "cassette.jsonl"
    (_, as_if, failed, _, _), (settled, uncertain) = recorded = billed(path, "all", budget, attempts)
    known = NO_JSON_COST * attempts.count(NO_JSON)
    assert failed.unknown == 1 and failed.known == known and as_if.known == known
    assert uncertain.calls == 3 - attempts.count(NO_JSON) - attempts.count(ANSWER)
    assert settled.usd - uncertain.usd == known + ANSWER_COST * attempts.count(ANSWER)
    assert billed(path, "none", budget) == recorded


def test_known_attempts_of_a_run_without_a_budget_are_charged_in_a_replay_with_one(tmp_path: Path) -> None:
    path = tmp_path / "cassette.jsonl"
    sums, _ = billed(path, "all", None, (NO_JSON, dropped(), dropped()))
    replayed, (settled, uncertain) = billed(path, "none", Budget(usd=1))
    assert replayed == sums
    assert settled - uncertain == Amount(NO_JSON_COST, 2000, 1) and uncertain.calls == 2


def test_a_cassette_without_the_known_part_still_replays(tmp_path: Path) -> None:
    path, budget = tmp_path / "cassette.jsonl", Budget(usd=1)
    _, (settled, uncertain) = billed(path, "all", budget, (NO_JSON, dropped(), dropped()))
    text = path.read_text()
    path.write_text(text.replace(f'"wasted_known":"{NO_JSON_COST}",', ""))
    assert path.read_text() != text
    _, old = billed(path, "none", budget)
    assert old == (settled - Amount(NO_JSON_COST), uncertain)
