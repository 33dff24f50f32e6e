"""Attempts under budgets, whole stack, virtual time: what is sent, what is settled, what a replay makes of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from lm.virtual import LoopClock, run
from synalinks import scope
from synalinks.errors import BadReply, BudgetExceeded, LMError, ServerError
from synalinks.lm import Budget, Client, Limits, Request, RetryPolicy, Usage, use_budget, use_cassette, use_ledger
from synalinks.lm.core.call import Call, Reply
from synalinks.lm.pricing.pricing import set_price
from synalinks.lm.runtime import use_clock, use_provider

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
    assert sent and max(sent) <= 1.0
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

    with pytest.raises(CassetteMiss, match=r"was cancelled after 2\.\d+ s, and nothing has cancelled this one"):
        run(main())


def test_a_recording_that_goes_on_sends_what_was_cancelled_anew(tmp_path: Path) -> None:
    path = tmp_path / "cassette.jsonl"
    played(path, "once", [4, 5], 2, Budget(calls=9))

    async def main() -> str:
        with use_provider(Faulty()), use_cassette(path, "new_episodes"), scope.enter(sample=4):
            return (await Client(MODEL).send(request(4))).text

    assert run(main()) == "answer 4"
    assert len(path.read_bytes().splitlines()) == 3
