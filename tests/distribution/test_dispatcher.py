"""A run on workers is the run of one process: history, program, bill and cassette, whatever is lost on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

import synalinks
from distribution.local_workers import Local, LocalLink, no_ray
from programs_under_test import MODEL, Question, compiled, data, lm, provider_of, right, solver
from proofs import sums
from synalinks.distribution.dispatcher import Link
from synalinks.distribution.messages import Asked, Attempted, CallSample, FromWorker
from synalinks.errors import BudgetExceeded, ConfigurationError, Interrupted, WorkerLost
from synalinks.lm import Budget
from synalinks.lm.providers.fake.scripted import ScriptedProvider
from synalinks.modules import LMWarning
from synalinks.testing import ArithmeticModel, ChatRequest, OllamaServer

__all__ = ["no_ray"]
pytestmark = pytest.mark.usefixtures("no_ray")


class Steady(sums.Shuffled):
    """Answers in an order drawn at random; a request that comes again gets the same answer, whoever was first."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._asked = Nothing()


class Nothing(dict[str, int]):
    """Keeps no value."""

    def __setitem__(self, key: str, value: int) -> None:
        pass


def steady(request: ChatRequest) -> Any:
    """The rule of a server that gives a request that comes again the same answer."""
    return ArithmeticModel().reply(dataclasses.replace(request, asked=0))


def trained(folder: Path, distribution: Local | None, **options: Any) -> sums.Outcome:
    """The outcome of a fit, its answers in an order drawn at random."""
    folder.mkdir(exist_ok=True)
    with synalinks.use_provider(Steady(3)), synalinks.use_distribution(distribution):
        return asyncio.run(sums.train(folder, **options))


def same(one: sums.Outcome, other: sums.Outcome) -> bool:
    return (one.history, one.program, one.bill()) == (other.history, other.program, other.bill())


# --- the same as in one process ----------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [sums.solver, sums.chain])
def test_history_program_and_bill_are_those_of_one_process(tmp_path: Path, build: sums.Builder) -> None:
    local = Local(3)
    there = trained(tmp_path / "there", local, build=build)
    assert same(there, trained(tmp_path / "here", None, build=build))
    assert len({name for name, _ in local.jobs}) == 3
    assert len(local.asked) == len(there.ledger)


@pytest.mark.parametrize("recorded_there", [True, False])
def test_a_cassette_is_the_same_file_and_replays_the_other_way_round(tmp_path: Path, recorded_there: bool) -> None:
    files = {}
    for there in (True, False):
        files[there] = tmp_path / f"{there}.jsonl"
        with synalinks.use_cassette(files[there]):
            trained(tmp_path / "out", Local(3) if there else None, build=sums.chain)
    first, second = (_without_seconds(path) for path in files.values())
    assert first == second
    with synalinks.use_cassette(files[recorded_there], "none", strict=True):
        replayed = asyncio.run(_train_on(tmp_path, None if recorded_there else Local(2)))
    assert {row["source"] for row in replayed.ledger} == {"cassette"}
    assert same(replayed, asyncio.run(_replayed(files[recorded_there], tmp_path)))


async def _train_on(folder: Path, distribution: Local | None) -> sums.Outcome:
    with synalinks.use_distribution(distribution):
        return await sums.train(folder, build=sums.chain)


async def _replayed(cassette: Path, folder: Path) -> sums.Outcome:
    with synalinks.use_cassette(cassette, "none"):
        return await sums.train(folder, build=sums.chain)


def _without_seconds(path: Path) -> list[str]:
    """The rows without the times that answers took."""
    times = r',?"(seconds|machine_seconds|loading|first_token)":[0-9.e-]+'
    return [re.sub(times, "", line) for line in path.read_text().split("\n")]


def test_evaluate_and_predict_take_a_distribution() -> None:
    program, (x, y), local = compiled(), data(5), Local(2)
    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(program.evaluate(x, y, verbose=0, distribution=local)) == {"reward": 1.0}
        found = asyncio.run(program.predict(x, batch_size=5, verbose=0, distribution=local))
    assert [one.get("answer") for one in found] == [0, 1, 2, 3, 4]
    assert len(local.asked) == 10


def test_variables_are_sent_when_they_change_once_to_each_worker(tmp_path: Path) -> None:
    local = Local(2)
    trained(tmp_path, local)
    first, second = ([version for version, _, _ in link.versions] for link in local.links)
    assert first == second == list(range(1, len(first) + 1))
    values = [values for _, _, values in local.links[0].versions]
    assert all(one != other for one, other in itertools.pairwise(values))
    forwards = {(job.scope.epoch, job.scope.get("step"), job.scope.phase) for _, job in local.jobs}
    assert 0 < len(first) <= len(forwards)


def test_a_request_at_temperature_0_is_shared_between_workers() -> None:
    program = compiled(solver(lm(temperature=0)))
    provider = provider_of(right)
    x = [Question(question="number 4")] * 6
    with synalinks.use_provider(provider):
        found = asyncio.run(program.predict(x, batch_size=6, verbose=0, distribution=Local(3)))
    assert [one.get("answer") for one in found] == [4] * 6
    assert len(provider.calls) == 1


def test_an_estimate_is_made_in_this_process(tmp_path: Path) -> None:
    program, (x, y), local = compiled(), data(5), Local(2)
    forecast = asyncio.run(program.estimate(x, y, distribution=local))
    assert forecast.calls.high > 0 and not local.links


def test_what_is_no_distribution_is_refused() -> None:
    program, (x, y) = compiled(), data(2)
    with pytest.raises(ConfigurationError, match=r"distribution='ray': give a distribution such as"):
        asyncio.run(program.evaluate(x, y, verbose=0, distribution="ray"))


# --- budgets, failures, warnings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [1, 7, 20])
def test_a_budget_of_calls_holds_over_all_workers(tmp_path: Path, calls: int) -> None:
    with synalinks.use_budget(Budget(calls=calls)) as there:
        outcome = trained(tmp_path / "there", Local(3))
    with synalinks.use_budget(Budget(calls=calls)) as here:
        other = trained(tmp_path / "here", None)
    assert there.settled.calls == here.settled.calls == calls == sum(row["attempts"] for row in outcome.ledger)
    assert (outcome.history, outcome.program) == (other.history, other.program)


def test_an_error_of_the_stack_reaches_the_caller_as_it_is() -> None:
    program, (x, _) = compiled(), data(3)
    with (
        synalinks.use_provider(provider_of(right)),
        synalinks.use_budget(Budget(calls=1)) as tracker,
        pytest.raises(BudgetExceeded) as caught,
    ):
        asyncio.run(program.predict(x, batch_size=3, verbose=0, distribution=Local(2)))
    assert caught.value.budget == tracker.to_dict() or str(tracker.budget.calls) in str(caught.value)
    assert tracker.refused is not None and tracker.settled.calls == 1


class Broken(synalinks.Module):
    """Has a bug."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs.get("question") + 1

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Question)


def test_a_bug_of_the_program_is_raised_with_where_it_was_in_the_worker() -> None:
    async def main() -> None:
        inputs = synalinks.Input(data_model=Question)
        program = synalinks.Program(inputs=inputs, outputs=await Broken()(inputs))
        await program.predict(data(2)[0], batch_size=2, verbose=0, distribution=Local(2))

    with pytest.raises(TypeError, match="can only concatenate str") as caught:
        asyncio.run(main())
    assert "In a worker:" in caught.value.__notes__[0] and 'inputs.get("question") + 1' in caught.value.__notes__[0]


def test_failed_calls_are_one_warning_of_a_kind() -> None:
    program, (x, _) = compiled(), data(4)
    failing = ScriptedProvider(lambda call: (_ for _ in ()).throw(synalinks.errors.SampleRefused("no room")))
    with synalinks.use_provider(failing), pytest.warns(LMWarning) as caught:
        found = asyncio.run(program.predict(x, batch_size=4, verbose=0, distribution=Local(2)))
    assert list(found) == [None] * 4
    assert len(caught) == 2 and "3 more calls failed like this" in str(caught[1].message)


class Warns(synalinks.Module):
    """Warns and hands on."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        if inputs is not None:
            warnings.warn("odd input", UserWarning, stacklevel=1)
        return inputs


# --- workers that are lost ---------------------------------------------------------------------------------------


class Killer:
    """Kills the worker that sends the nth message of a kind."""

    def __init__(self, kind: type, *numbers: int) -> None:
        self._kind, self._numbers, self._count = kind, numbers, 0
        self.tasks: list[asyncio.Task[None]] = []

    def __call__(self, link: LocalLink, message: FromWorker) -> None:
        if isinstance(message, self._kind):
            self._count += 1
            if self._count in self._numbers:
                link.dead.set()
                self.tasks.append(asyncio.ensure_future(link.kill()))


@pytest.mark.parametrize("kind", [Asked, Attempted])
@pytest.mark.parametrize("number", [1, 9])
def test_the_samples_of_a_lost_worker_are_called_by_another(tmp_path: Path, kind: type, number: int) -> None:
    """Over HTTP, so that workers send attempts: what was answered is not asked for again."""
    killer = Killer(kind, number)
    outcomes = []
    for distribution in (Local(2, on_message=killer), None):
        with OllamaServer(env=True, model=steady) as server, synalinks.use_distribution(distribution):
            outcomes.append(asyncio.run(sums.train(tmp_path, build=sums.chain)))
            if distribution is None:
                expected = server.requests.number
    assert killer.tasks
    there, here = outcomes
    assert (there.history, there.program) == (here.history, here.program)
    assert len(there.ledger) == len(here.ledger) == expected
    lost = sum(row["attempts"] for row in there.ledger) - len(there.ledger)
    assert lost <= 8  # attempts that were out at the lost worker


def test_what_an_attempt_of_a_lost_worker_cost_is_uncertain(tmp_path: Path) -> None:
    with (
        OllamaServer(env=True, model=steady),
        synalinks.use_budget(Budget(calls=500)) as tracker,
        synalinks.use_distribution(Local(2, on_message=Killer(Attempted, 3))),
    ):
        outcome = asyncio.run(sums.train(tmp_path))
    assert tracker.uncertain.calls > 0
    assert tracker.settled.calls == sum(row["attempts"] for row in outcome.ledger)


class Late(Local):
    """Loses all workers at once, and has others only when calls that were out have been tried again."""

    def __init__(self) -> None:
        super().__init__(2, on_message=self._lose_all)
        self._lost = False

    def _lose_all(self, link: LocalLink, message: FromWorker) -> None:
        if isinstance(message, Attempted) and not self._lost:
            self._lost = True
            for one in self.links:
                one.dead.set()

    async def _replaced(self, link: Link) -> Link:
        await asyncio.sleep(1.0)  # longer than from one attempt to the next
        return await super()._replaced(link)


def test_calls_wait_for_new_workers_where_all_are_lost_at_once() -> None:
    with OllamaServer(env=True, model=lambda asked: '{"answer": 1}') as server:
        program, (x, _) = compiled(solver(lm(retry=2))), data(6)
        found = asyncio.run(program.predict(x, batch_size=6, verbose=0, distribution=Late()))
    assert [one.get("answer") for one in found] == [1] * 6
    assert 6 < server.requests.number <= 12


def test_a_sample_that_ends_worker_after_worker_ends_the_run() -> None:
    program, (x, _) = compiled(), data(1)
    with (
        synalinks.use_provider(provider_of(right)),
        pytest.raises(WorkerLost, match="3 workers ended one after the other while they had this sample"),
    ):
        asyncio.run(program.predict(x, verbose=0, distribution=Local(2, on_message=Killer(Asked, 1, 2, 3))))


def test_a_run_ends_when_no_worker_is_left() -> None:
    program, (x, _) = compiled(), data(4)
    local = Local(1, on_message=Killer(Asked, 1), replaces=False)
    with synalinks.use_provider(provider_of(right)), pytest.raises(WorkerLost, match="no other worker"):
        asyncio.run(program.predict(x, batch_size=4, verbose=0, distribution=local))


# --- the end of a run --------------------------------------------------------------------------------------------


def test_stop_training_ends_after_the_step(tmp_path: Path) -> None:
    class Stop(synalinks.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.program.stop_training = True

    program, (x, y), local = compiled(), data(6), Local(2)
    with synalinks.use_provider(provider_of(right)):
        history = asyncio.run(
            program.fit(x, y, epochs=3, verbose=0, callbacks=[Stop()], distribution=local, validation_split=0.0)
        )
    assert history.stopped_by == "callback"
    assert sum(isinstance(job, CallSample) and job.training for _, job in local.jobs) == 1


def test_after_an_interrupt_no_call_is_sent_and_those_sent_are_awaited() -> None:
    program, (x, _) = compiled(), data(6)
    answered: list[int] = []

    async def slow(call: Any) -> Any:
        from synalinks.lm.run import current_run

        if len(answered) == 0:
            current_run().request_stop()
        await asyncio.sleep(0.01)
        answered.append(1)
        return synalinks.lm.Reply('{"answer": 1}', finish="stop")

    try:
        with synalinks.use_provider(slow), pytest.raises(Interrupted):
            asyncio.run(program.predict(x, batch_size=6, verbose=0, distribution=Local(2)))
    finally:
        synalinks.lm.current_run().withdraw_stop()
    assert len([row for row in program.run_ledger.to_dicts() if row["error"] is None]) == len(answered)


def test_a_cancelled_run_cancels_its_calls() -> None:
    program, (x, _) = compiled(), data(4)
    cancelled: list[int] = []

    async def never(call: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def main() -> None:
        async with asyncio.timeout(0.5):
            await program.predict(x, batch_size=4, verbose=0, distribution=Local(2))

    with synalinks.use_provider(never), pytest.raises(TimeoutError):
        asyncio.run(main())
    assert len(cancelled) == 4


# --- what workers can't have -------------------------------------------------------------------------------------


class Unpicklable(synalinks.Module):
    """Holds what can't be pickled."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.counter = (number for number in range(3))

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs


def test_a_program_that_cant_be_pickled_names_the_part() -> None:
    async def main() -> None:
        inputs = synalinks.Input(data_model=Question)
        program = synalinks.Program(inputs=inputs, outputs=await Unpicklable(name="odd")(inputs), name="holder")
        await program.predict(data(1)[0], verbose=0, distribution=Local(1))

    with pytest.raises(ConfigurationError, match=r"holder can't be sent to workers: .*counter, of type generator"):
        asyncio.run(main())


class OwnBudget(synalinks.Module):
    """Opens a budget around its own call."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.model = synalinks.LanguageModel(MODEL)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        if inputs is None:
            return None
        with synalinks.use_budget(Budget(calls=1)):
            await self.model(synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="?")]))
        return inputs

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Question)


def test_a_budget_that_the_program_opens_itself_is_an_error_and_not_ignored() -> None:
    async def main() -> None:
        inputs = synalinks.Input(data_model=Question)
        program = synalinks.Program(inputs=inputs, outputs=await OwnBudget()(inputs))
        await program.predict(data(1)[0], verbose=0, distribution=Local(1))

    with pytest.raises(ConfigurationError, match="in a use_budget block of the program itself"):
        asyncio.run(main())


class Adds(synalinks.Module):
    """Adds half a reward."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        self.add_reward(0.5)
        return inputs


def test_rewards_that_modules_add_in_a_worker_count() -> None:
    async def evaluate() -> dict[str, float]:
        inputs = synalinks.Input(data_model=Question)
        program = synalinks.Program(inputs=inputs, outputs=await Adds()(inputs), name="adds")
        program.compile(reward="exact_match")
        return await program.evaluate(x := data(3)[0], x, verbose=0, distribution=Local(2))

    assert asyncio.run(evaluate()) == {"reward": 0.75}
