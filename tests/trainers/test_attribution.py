"""The proof that predictions and rewards belong to samples: whatever finishes first, fails or is not taken."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import Answer, Question, Speaker, compiled, data, fit, lm, make, number_of, provider_of, solver
from synalinks.data import Variable
from synalinks.errors import ServerError
from synalinks.lm.core.call import Call
from synalinks.optimizers import Optimizer


class Watch(Optimizer):
    """Proposes nothing and keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, int, float]] = []

    async def propose(self, variable: Variable, step: Any) -> None:
        for record in step.records:
            self.seen.append((variable.name, int(record["inputs"]["question"].rpartition(" ")[2]), record["reward"]))


def disorderly(seed: int, failing: float = 0.0) -> Any:
    """Answers a third of the questions rightly, in an order of its own, and fails some."""
    rng = random.Random(seed)

    async def answer(number: int, call: Call) -> Any:
        for _ in range(rng.randrange(12)):
            await asyncio.sleep(0)
        if rng.random() < failing:
            raise ServerError("down")
        return {"answer": number if number % 3 == 0 else -1}

    return answer


@pytest.mark.parametrize("failing", [0.0, 0.4])
@pytest.mark.filterwarnings("ignore::synalinks.LMWarning")
def test_every_prediction_gets_its_own_reward_in_random_schedules(failing: float) -> None:
    program, model = compiled(optimizer=Watch()), lm()
    program.get_module("solver_generator").language_model = model
    x, y = data(12)
    missing = 0
    for seed in range(60):
        program.optimizer.seen.clear()
        fit(program, provider_of(disorderly(seed, failing)), x, y, batch_size=12, validation_split=0, seed=seed)
        seen = program.optimizer.seen
        missing += 12 - len(seen)
        assert len({number for _, number, _ in seen}) == len(seen)
        for _, number, reward in seen:
            assert reward == (1.0 if number % 3 == 0 else 0.0)
        kept = program.trainable_variables[0].get("predictions")
        for record in kept:
            assert record["reward"] == float(
                record["outputs"]["answer"] == int(record["inputs"]["question"].split()[-1])
            )
    assert (missing > 100) is (failing > 0)


def test_a_module_called_twice_per_sample_has_both_records_rewarded() -> None:
    generator = synalinks.Generator(data_model=Answer, language_model=lm(), name="g")

    class Twice(synalinks.Program):
        """Asks, then asks about the next number."""

        def __init__(self) -> None:
            super().__init__(name="twice")
            self.generator = generator

        async def call(self, inputs: Any, training: bool = False) -> Any:
            first = await self.generator(inputs)
            if first is None:
                return None
            return await self.generator(Question(question=f"number {number_in(inputs) + 100}"))

    def number_in(inputs: Any) -> int:
        return int(inputs.get("question").rpartition(" ")[2])

    async def answer(number: int, call: Call) -> Any:
        for _ in range(7 - number % 7):
            await asyncio.sleep(0)
        return {"answer": number if number % 2 == 0 else -1}

    program = compiled(Twice(), optimizer=Watch())
    x, _ = data(6)
    y = [Answer(answer=n + 100) for n in range(6)]
    fit(program, provider_of(answer), x, y, batch_size=6, validation_split=0)
    assert sorted(program.optimizer.seen) == sorted(
        ("state_g", number, float(n % 2 == 0)) for n in range(6) for number in (n, n + 100)
    )
    program.compile(optimizer=synalinks.RandomFewShot(), reward=synalinks.ExactMatch())
    fit(
        program, provider_of(answer), x, y, batch_size=6, validation_split=0, epochs=2
    )  # a reward of None would be NaN here


def test_a_branch_not_taken_shifts_nobody_elses_reward() -> None:
    class Route(synalinks.Module):
        """Passes on even or odd questions only."""

        def __init__(self, rest: int, name: str | None = None) -> None:
            super().__init__(name=name)
            self.rest = rest

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return inputs if int(inputs.get("question").rpartition(" ")[2]) % 2 == self.rest else None

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Question)

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        branches = []
        for rest, name in enumerate(("even", "odd")):
            routed = await Route(rest, name=f"route_{name}")(inputs)
            branches.append(await synalinks.Generator(data_model=Answer, language_model=lm(), name=name)(routed))
        return synalinks.Program(inputs=inputs, outputs=branches[0] | branches[1], name="p")

    class WatchBoth(Watch):
        async def propose(self, variable: Variable, step: Any) -> None:
            await super().propose(variable, step)

        def assign_rewards(self, variables: Any, rewards: Any) -> Any:
            found = super().assign_rewards(variables, rewards)
            for path, records in found.items():
                for record in records:
                    number = int(record["inputs"]["question"].rpartition(" ")[2])
                    everything.append((path, number, record["reward"]))
            return found

    everything: list[tuple[str, int, float]] = []
    program = make(build)
    x, y = data(9)
    fit(compiled(program, optimizer=WatchBoth()), provider_of(disorderly(3)), x, y, batch_size=9, validation_split=0)
    assert sorted(everything) == sorted(
        (("even/state_even", "odd/state_odd")[n % 2], n, float(n % 3 == 0)) for n in range(9)
    )


def test_a_variable_in_a_branch_never_taken_keeps_no_other_from_learning() -> None:
    class Never(synalinks.Module):
        """Lets nothing pass."""

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return None

        async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
            return synalinks.SymbolicDataModel(data_model=Question)

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        dead = await Speaker(name="dead")(await Never()(inputs))
        alive = await synalinks.Generator(data_model=Answer, language_model=lm(), name="g")(inputs)
        return synalinks.Program(inputs=inputs, outputs=alive | dead, name="p")

    def rule(number: int, call: Call) -> Any:
        return {"answer": number if "<examples>" in str(call.request.messages[0]["content"]) or number % 2 == 0 else -1}

    program = compiled(make(build))
    x, y = data(10)
    fit(program, provider_of(rule), x, y, epochs=2)
    assert program.get_variable("state_g").get("examples")
    assert program.get_variable("persona_dead").get("predictions") == []


def test_samples_keep_their_index_whatever_the_order_and_the_batch() -> None:
    provider = provider_of(disorderly(1))
    x, y = data(10)
    fit(compiled(), provider, x, y, batch_size=3, epochs=2, validation_split=0.3)
    for call in provider.calls:
        assert call.scope.sample == number_of(call)
        assert (call.scope.step is None) is (call.scope.phase == "validation")


def test_predictions_come_in_the_order_of_the_examples() -> None:
    program = solver()
    x, _ = data(20)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        order = [int(i) for i in rng.permutation(20)]
        with synalinks.use_provider(provider_of(disorderly(seed))):
            found = asyncio.run(program.predict([x[i] for i in order], batch_size=7, verbose=0))
        assert [value.get("answer") for value in found] == [n if n % 3 == 0 else -1 for n in order]
