"""A failing provider: failures are tried again, and ledger and server agree on every attempt and every token."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from proofs.sums import outcome, solver, sums
from synalinks.callbacks import History
from synalinks.lm.blocks import use_clock
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.retry import RetryPolicy
from synalinks.testing import Fault, OllamaServer


class NoWaiting:
    """A clock that tells the time but does not wait; it remembers what it was asked to wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._ahead = 0.0

    def now(self) -> float:
        return asyncio.get_running_loop().time() + self._ahead

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._ahead += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Iterator[NoWaiting]:
    """Back-off without waiting, for models made in the test."""
    with use_clock(NoWaiting()) as found:
        yield found  # type: ignore[misc]


async def fit(**settings: Any) -> tuple[History, synalinks.Program]:
    program = await solver(**settings)
    x, y = sums(16)
    history = await program.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0, seed=7)
    return history, program


def assert_reconciled(ledger: Ledger, server: OllamaServer, model: str = "sums") -> None:
    """Attempts, answers and tokens are the server's own."""
    total, seen = ledger.total, server.requests
    assert total.attempts == seen.number
    counts = seen.models[model]
    failed_tokens = sum(entry.failed.tokens for entry in ledger)
    assert total.tokens + failed_tokens == counts.prompt_tokens + counts.completion_tokens
    broken = counts.calls - (total.calls - total.failed)
    assert broken == sum(1 for request in seen if request.answered and request.fault is not None)


#: What only the bill of a run with failures says.
RETRIED = ("attempts", "answers", "uncertain", "billed_tokens", "wasted_tokens")
FAULTS = {
    "429 that names its wait": Fault(every=5, status=429, retry_after=2),
    "500": Fault(every=4, status=500),
    "503": Fault(every=6, status=503),
    "dropped connection": Fault(every=5, drop=True),
    "dropped midway": Fault(every=5, drop=True, midway=True),
    "broken JSON": Fault(every=7, broken_json=True),
    "broken body": Fault(every=6, broken_body=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fit_through_failures_is_the_fit_without_them(tmp_path: Path, clock: NoWaiting, fault: Fault) -> None:
    """At one call at a time the answers are those of a healthy server, so history and program are, too."""
    with OllamaServer(env=True) as healthy:
        history, program = asyncio.run(fit(concurrency=1))
        wanted = outcome(history, program, tmp_path)
    with OllamaServer(faults=[fault], env=True) as failing:
        history, program = asyncio.run(fit(concurrency=1))
    struck = sum(1 for request in failing.requests if request.fault is not None)
    found = outcome(history, program, tmp_path)
    assert struck > 5
    assert (found.history, found.program) == (wanted.history, wanted.program)
    assert found.bill(*RETRIED) == wanted.bill(*RETRIED)
    assert_reconciled(history.ledger, failing)
    assert history.ledger.total.attempts == history.ledger.total.calls + struck
    assert history.failed_calls == 0
    assert healthy.requests.number + struck == failing.requests.number
    if fault.retry_after is not None:
        assert clock.waits.count(fault.retry_after) >= struck
    failed_tokens = sum(entry.failed.tokens for entry in history.ledger)
    assert (failed_tokens > 0) == fault.broken_json, "only an answer that came and was no use has tokens"


def test_everything_at_once_and_many_at_a_time(clock: NoWaiting) -> None:
    """Which call a fault strikes depends on their order; so broken answers, of which a call may get only one, are far
    apart, and there are attempts enough for any run of bad luck."""
    faults = [
        Fault(probability=0.15, status=429, retry_after=1, seed=1),
        Fault(probability=0.1, status=500, seed=2),
        Fault(probability=0.1, drop=True, seed=3),
        Fault(every=37, broken_json=True),
    ]
    with OllamaServer(faults=faults, env=True) as server:
        history, _ = asyncio.run(fit(concurrency=64, retry=25))
    assert_reconciled(history.ledger, server)
    assert history.failed_calls == 0
    assert {status for status, count in server.requests.statuses.items() if count} == {200, 429, 500, None}
    assert history.stopped_by is None


def test_what_failed_attempts_cost_is_on_the_bill(clock: NoWaiting) -> None:
    """An answer with broken JSON was paid for: its tokens are priced, and shown apart from those of answers."""
    synalinks.set_price("ollama/paid", input=1, output=3)
    with OllamaServer(faults=[Fault(every=3, broken_json=True)], env=True) as server:
        history, _ = asyncio.run(fit(model="ollama/paid", concurrency=1))
    assert_reconciled(history.ledger, server, "paid")
    counts = server.requests.models["paid"]
    million = 1_000_000
    assert history.ledger.total.billed.exact * million == counts.prompt_tokens + 3 * counts.completion_tokens


def test_the_recorded_attempts_are_replayed_without_waiting(tmp_path: Path, clock: NoWaiting) -> None:
    cassette = tmp_path / "cassette.jsonl"
    with OllamaServer(faults=[Fault(every=4, status=500)], env=True) as server, synalinks.use_cassette(cassette):
        recorded, _ = asyncio.run(fit())
    clock.waits.clear()
    with synalinks.offline(), synalinks.use_cassette(cassette, "none", strict=True):
        replayed, _ = asyncio.run(fit())
    assert clock.waits == []
    assert replayed.ledger.total.attempts == recorded.ledger.total.attempts == server.requests.number


def test_a_call_that_fails_for_good_is_a_failed_sample(clock: NoWaiting) -> None:
    """Its sample scores 0 and is counted; the others and the run go on."""
    attempts = RetryPolicy().attempts

    with (
        OllamaServer(faults=[Fault(first=attempts, status=500)], env=True) as server,
        pytest.warns(synalinks.LMWarning, match=rf"counts as None: .*after {attempts} attempts") as told,
    ):
        history, _ = asyncio.run(fit(concurrency=1))
    assert len(told) == 1
    assert history.failed_calls == 1
    [failed] = [entry for entry in history.ledger if entry.error is not None]
    assert (failed.error, failed.attempts, failed.scope.phase) == ("server", attempts, "train")
    assert_reconciled(history.ledger, server)


# --- a provider that is unavailable --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"status": 500}, {"drop": True}], ids=["500", "dropped"])
def test_a_server_that_dies_in_the_middle_stops_the_fit_and_loses_nothing(
    tmp_path: Path, clock: NoWaiting, how: dict[str, Any]
) -> None:
    """The first epoch is whole, its logs, its bill and what was learnt are kept; the second never had an answer."""
    with OllamaServer(env=True) as healthy:
        whole, _ = asyncio.run(fit(concurrency=1))
    first_epoch = whole.ledger.filter(epoch=0).total.calls
    dying = _Dying(first_epoch)

    async def main() -> tuple[synalinks.Program, str]:
        program = await solver(concurrency=1, retry=2)
        x, y = sums(16)
        with pytest.raises(synalinks.LMUnavailable) as caught:
            await program.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0, seed=7)
        return program, str(caught.value)

    with OllamaServer(faults=[dying.fault(**how)], env=True) as server, pytest.warns(synalinks.LMWarning) as told:
        program, said = asyncio.run(main())
    assert len(told) == 1, "the others are folded"
    assert "none of the 8 samples of the batch at epoch=2 step=1 phase=train" in said
    history = program.history
    assert history is not None
    assert history.epoch == [0]
    assert history.history == {name: values[:1] for name, values in whole.history.items()}
    assert_reconciled(history.ledger, server)
    before, wanted = (ledger.filter(epoch=0) for ledger in (history.ledger, whole.ledger))
    assert before.to_dicts(timings=False) == wanted.to_dicts(timings=False)
    assert history.ledger.filter(epoch=1).total.failed == 8
    [variable] = program.trainable_variables
    assert variable.get("examples"), "the best of the first epoch is in its fields"
    program.save(tmp_path / "kept.json")
    with OllamaServer(env=True):
        x, y = sums(4, first=20)
        assert asyncio.run(synalinks.Program.load(tmp_path / "kept.json").evaluate(x, y, verbose=0))["reward"] > 0
    assert healthy.requests.number == whole.ledger.total.calls


class _Dying:
    """A failure that begins after some requests and never ends."""

    def __init__(self, after: int) -> None:
        self._after = after

    def fault(self, **how: Any) -> Fault:
        after = self._after

        class Late(Fault):
            __slots__ = ()

            def applies(self, number: int, path: str) -> bool:
                return number > after

        return Late(every=1, **how)


def test_the_process_itself_goes_away(clock: NoWaiting) -> None:
    """The port closes under a running fit: the same stop, with the calls before it on the bill."""

    async def main(server: OllamaServer) -> None:
        program = await solver(concurrency=1, retry=2)

        class Stop(synalinks.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                server.stop()

        x, y = sums(8)
        with pytest.raises(synalinks.LMUnavailable, match=r"epoch=2 step=1 .*\(connection\)"):
            await program.fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=[Stop()])
        assert program.history is not None
        assert program.history.epoch == [0]
        assert program.history.ledger.filter(epoch=0).total.failed == 0
        assert program.history.ledger.filter(epoch=0).total.calls == server.requests.number

    with OllamaServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_HOST", server.url)
        with pytest.warns(synalinks.LMWarning, match="no Ollama server answers"):
            asyncio.run(main(server))
