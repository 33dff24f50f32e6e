"""Every prediction gets the reward of its own sample, whatever finishes when, and whoever fails.

Each batch of a fit runs under a schedule of its own: at every point where a module would wait for a provider, it is
put in a pool, and one of those in the pool, drawn at random, goes on. Nothing sleeps.

The outputs carry the number of the sample they were made for. Inputs come in pairs of equals with different
targets, so that a reward paired by input, or by order, would be found out.
"""

from __future__ import annotations

import asyncio
import random
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synalinks
from synalinks import scope
from synalinks.errors import SampleRefused
from synalinks.lm.core.call import Call
from synalinks.optimizers import Optimizer, Step

#: Schedules (steps of fits) that a test runs at least.
SCHEDULES = {"modules": 2_000, "generators": 400}


class Ticket(synalinks.DataModel):
    """What two samples at a time have in common."""

    pair: int


class Stamp(synalinks.DataModel):
    """What is made of a ticket, for one sample and by one call of many."""

    sample: int
    turn: int


class Habit(synalinks.Trainable):
    """Something to learn."""

    hint: str = synalinks.Field(default="")


class Schedule:
    """Decides who goes on, and which samples fail where.

    Attributes:
        failing: by sample: `before` anything is recorded, `between` the modules, or `after` all of them.
        made: by variable: what was recorded in this step, as `(sample, turn)`.
        schedules: steps seen so far.
    """

    def __init__(self, seed: int, samples: int, failing: float) -> None:
        self.rng = random.Random(seed)
        stages = ("before", "between", "after")
        self.failing = {i: self.rng.choice(stages) for i in range(samples) if self.rng.random() < failing}
        self.made: dict[str, list[tuple[int, int]]] = {}
        self.schedules = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def turn(self) -> None:
        """Wait until drawn."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        if len(self._waiting) == 1:
            loop.call_soon(self._draw)
        await mine

    def _draw(self) -> None:
        found = self._waiting.pop(self.rng.randrange(len(self._waiting)))
        if not found.done():
            found.set_result(None)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._draw)

    async def some_turns(self) -> None:
        for _ in range(self.rng.randrange(4)):
            await self.turn()

    def reward(self, sample: int) -> float:
        """The reward of a sample: no two have the same, but those that fail."""
        return 0.0 if sample in self.failing else (sample + 1) / 1000


class Recorder(synalinks.Module):
    """Waits, stamps, and leaves a record as the guide to trainable variables says: without naming its sample."""

    def __init__(self, schedule: Schedule, name: str) -> None:
        super().__init__(name=name)
        self.schedule = schedule
        self.state = self.add_variable(initializer=Habit().get_json(), data_model=Habit, name="habit_" + name)

    async def call(self, inputs: Any, turn: int, training: bool = False) -> Any:
        await self.schedule.some_turns()
        stamp = Stamp(sample=scope.current().sample, turn=turn)
        if training:
            self.schedule.made.setdefault(self.state.path, []).append((stamp.sample, turn))
            self.state.get("current_predictions").append(
                {"inputs": inputs.get_json(), "outputs": stamp.get_json(), "reward": None}
            )
        await self.schedule.some_turns()
        return stamp


class Job(synalinks.Module):
    """Calls its recorders several times for each sample: one after the other, and side by side."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(name="job")
        self.schedule = schedule
        self.first = Recorder(schedule, "first")
        self.second = Recorder(schedule, "second")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        sample = scope.current().sample
        assert sample is not None
        fails = self.schedule.failing.get(sample)
        await self.schedule.some_turns()
        if fails == "before":
            return None
        for turn in range(sample % 3):
            await self.first(inputs, turn=turn)
        if fails == "between":
            return None
        async with asyncio.TaskGroup() as group:
            for turn in range(sample % 4):
                group.create_task(self.second(inputs, turn=turn))
        return None if fails == "after" else Stamp(sample=sample, turn=-1)

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Stamp)


class Witness(Optimizer):
    """Compares what the trainer assigned with what the modules recorded, step by step."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    def assign_rewards(self, variables: Sequence[Any], rewards: Any) -> Any:
        assert rewards == {sample: self.schedule.reward(sample) for sample in rewards}
        assigned = super().assign_rewards(variables, rewards)
        for variable in variables:
            made = self.schedule.made.pop(variable.path, [])
            found = [(r["outputs"]["sample"], r["outputs"]["turn"], r["reward"]) for r in assigned[variable.path]]
            wanted = [(sample, turn, self.schedule.reward(sample)) for sample, turn in made]
            assert sorted(found) == sorted(wanted)
            assert all(r["inputs"]["pair"] == r["outputs"]["sample"] // 2 for r in assigned[variable.path])
            assert variable.get("nb_visit") == len(wanted)
            assert variable.get("cumulative_reward") == pytest.approx(sum(reward for *_, reward in wanted))
            assert variable.get("current_predictions") == []
        assert self.schedule.made == {}, "nobody else recorded anything"
        self.schedule.schedules += 1
        return assigned

    async def propose(self, variable: Any, step: Step) -> dict[str, Any] | None:
        """Now and then a candidate, so that runs without training come in between."""
        learnt = "hint" if "hint" in variable.get_json() else "instructions"
        return {learnt: f"{step.epoch}.{step.step}"} if self.schedule.rng.random() < 0.3 else None


def data(samples: int) -> tuple[list[Ticket], list[Stamp]]:
    return [Ticket(pair=i // 2) for i in range(samples)], [Stamp(sample=i, turn=-1) for i in range(samples)]


def reward_in(schedule: Schedule) -> Any:
    async def reward(y_true: Any, y_pred: Any) -> float:
        await schedule.some_turns()
        assert y_true.get("sample") == y_pred.get("sample"), "a prediction met another sample's target"
        return schedule.reward(y_true.get("sample"))

    return reward


async def fit(schedule: Schedule, module: Any, samples: int, batch_size: int, seed: int) -> Any:
    inputs = synalinks.Input(data_model=Ticket)
    program = synalinks.Program(inputs=inputs, outputs=await module(inputs), name="attribution")
    program.compile(optimizer=Witness(schedule), reward=reward_in(schedule))
    x, y = data(samples)
    history = await program.fit(
        x,
        y,
        batch_size=batch_size,
        epochs=2,
        validation_split=0.0,
        verbose=0,
        seed=seed,
        minibatch_size=None,
        max_failed_share=1.0,  # whatever fails, attribution is to hold
    )
    mean = sum(schedule.reward(sample) for sample in range(samples)) / samples
    assert history.history["reward"] == pytest.approx([mean, mean])
    return program


def test_predictions_of_modules_with_state_of_their_own() -> None:
    seen = 0

    @settings(max_examples=500, deadline=None)
    @given(
        seed=st.integers(0, 2**32 - 1),
        samples=st.integers(1, 24),
        batch_size=st.integers(1, 12),
        failing=st.sampled_from([0.0, 0.2, 0.7, 1.0]),
    )
    def holds(seed: int, samples: int, batch_size: int, failing: float) -> None:
        nonlocal seen
        synalinks.clear_session(free_memory=False)
        schedule = Schedule(seed, samples, failing)
        program = asyncio.run(fit(schedule, Job(schedule), samples, batch_size, seed))
        assert schedule.schedules == 2 * -(-samples // batch_size)
        seen += schedule.schedules
        for variable in program.trainable_variables:
            for record in variable.get("predictions"):
                twins = (2 * record["inputs"]["pair"], 2 * record["inputs"]["pair"] + 1)
                assert record["reward"] in [schedule.reward(sample) for sample in twins]

    holds()
    assert seen >= SCHEDULES["modules"]


class Several(synalinks.Module):
    """Asks its two generators several times for each sample, one after the other and side by side."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(name="several")
        self.schedule = schedule
        model = synalinks.LanguageModel("scripted/attribution", concurrency=64)
        self.first = synalinks.Generator(data_model=Stamp, language_model=model, name="first")
        self.second = synalinks.Generator(data_model=Stamp, language_model=model, name="second")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        sample = scope.current().sample
        assert sample is not None
        found = await self.first(inputs)
        if found is None:
            return None
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.second(inputs)) for _ in range(1 + sample % 3)]
        return Stamp(sample=sample, turn=-1) if all(task.result() is not None for task in tasks) else None

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Stamp)


class Server:
    """A provider that answers when drawn, knows which sample it answers, and refuses the failing ones."""

    name = "drawn"

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    async def __call__(self, call: Call, /) -> Any:
        await self.schedule.some_turns()
        place = call.scope
        assert place.sample is not None and place.module is not None
        generator = place.module.rpartition("/")[2]
        if (
            self.schedule.failing.get(place.sample)
            in ({"first": ("before",), "second": ("between", "after")}[generator])
        ):
            raise SampleRefused("refused, as scripted", kind="refusal")
        if place.phase == "train":
            self.schedule.made.setdefault(f"{generator}/state_{generator}", []).append((place.sample, call.draw))
        stamp = Stamp(sample=place.sample, turn=call.draw)
        return synalinks.lm.core.call.Reply(text=stamp.model_dump_json(), finish="stop")


def test_predictions_of_generators() -> None:
    seen = 0

    @settings(max_examples=200, deadline=None)
    @given(
        seed=st.integers(0, 2**32 - 1),
        samples=st.integers(1, 16),
        batch_size=st.integers(1, 8),
        failing=st.sampled_from([0.0, 0.3, 0.9]),
    )
    def holds(seed: int, samples: int, batch_size: int, failing: float) -> None:
        nonlocal seen
        synalinks.clear_session(free_memory=False)
        schedule = Schedule(seed, samples, failing)
        with warnings.catch_warnings(), synalinks.use_provider(Server(schedule)):
            warnings.simplefilter("ignore", synalinks.LMWarning)
            asyncio.run(fit(schedule, Several(schedule), samples, batch_size, seed))
        seen += schedule.schedules

    holds()
    assert seen >= SCHEDULES["generators"]
