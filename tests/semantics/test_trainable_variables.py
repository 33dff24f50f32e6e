"""The contract between a module with trainable state and the optimizers, as in the guide to trainable variables."""

from __future__ import annotations

import asyncio
import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import synalinks
from guides.test_trainable_variables import PIRATE, Greeting, Name, Personalize, greeter
from omega_under_test import OmegaProvider, omega
from programs_under_test import Answer, Question, Speaker, compiled, data, fit, make, provider_of, right
from synalinks.data import BOOKKEEPING, Variable
from synalinks.errors import ConfigurationError
from synalinks.optimizers import Optimizer, Step

NAMES = ["Ada", "Bob", "Cyd", "Dan", "Eve", "Fay", "Gus", "Hal"]
#: Only a warm persona says what is wanted.
WARM = "A warm friend."


def greetings() -> tuple[list[Name], list[Greeting]]:
    return [Name(name=n) for n in NAMES], [Greeting(greeting=f"[{WARM}] hello {n}") for n in NAMES]


def state(program: Any) -> Any:
    return program.trainable_variables[0].get_json()


def test_the_nine_fields_come_first_and_in_their_order() -> None:
    assert BOOKKEEPING == (
        "examples", "current_predictions", "predictions", "seed_candidates", "candidates", "best_candidates", "history",
        "nb_visit", "cumulative_reward",
    )  # fmt: skip
    value = state(asyncio.run(greeter()))
    assert tuple(value) == (*BOOKKEEPING, "persona")
    assert [value[name] for name in BOOKKEEPING] == [[], [], [], [], [], [], [], 0, 0.0]


class Watching(Optimizer):
    """Notes what the variable holds at each point of the guide's diagram."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def note(self, where: str, variable: Variable) -> None:
        self.seen.append((where, copy.deepcopy(dict(variable.get_json()))))

    async def on_train_begin(self, trainable_variables: Any) -> None:
        await super().on_train_begin(trainable_variables)
        self.note("train begins", trainable_variables[0])

    async def on_batch_begin(self, step: int, epoch: int, trainable_variables: Any) -> None:
        await super().on_batch_begin(step, epoch, trainable_variables)
        self.note("batch begins", trainable_variables[0])

    def assign_rewards(self, variables: Any, rewards: Mapping[int, float]) -> Any:
        self.note("forward done", variables[0])
        found = super().assign_rewards(variables, rewards)
        self.note("rewards assigned", variables[0])
        return found

    async def propose(self, variable: Variable, step: Step) -> Mapping[str, Any] | None:
        self.note("propose", variable)
        return {"persona": WARM}

    async def on_batch_end(self, step: int, epoch: int, trainable_variables: Any) -> None:
        await super().on_batch_end(step, epoch, trainable_variables)
        self.note("batch ends", trainable_variables[0])

    async def on_epoch_end(self, epoch: int, trainable_variables: Any) -> None:
        await super().on_epoch_end(epoch, trainable_variables)
        self.note("epoch ends", trainable_variables[0])


def test_the_state_goes_through_the_steps_of_the_diagram() -> None:
    program, optimizer = asyncio.run(greeter()), Watching()
    program.compile(optimizer=optimizer, reward="exact_match")
    x, y = greetings()
    y[0] = Greeting(greeting=f"[{PIRATE}] hello Ada")
    asyncio.run(
        program.fit(x, y, batch_size=4, validation_split=0.5, minibatch_size=None, shuffle=False, verbose=0, epochs=2)
    )
    assert [where for where, _ in optimizer.seen] == [
        "train begins",
        *["batch begins", "forward done", "rewards assigned", "propose", "batch ends", "epoch ends"] * 2,
    ]
    begins, batch, forward, assigned, propose, ended, epoch = (value for _, value in optimizer.seen[:7])
    assert begins["seed_candidates"] == [{"persona": PIRATE, "examples": []}] and begins["candidates"] == []
    assert (batch["persona"], batch["nb_visit"], batch["current_predictions"]) == (PIRATE, 0, [])
    assert [record["reward"] for record in forward["current_predictions"]] == [None] * 4
    assert (assigned["nb_visit"], assigned["cumulative_reward"], assigned["current_predictions"]) == (4, 1.0, [])
    rewards = {record["inputs"]["name"]: record["reward"] for record in assigned["predictions"]}
    assert rewards == {"Ada": 1.0, "Bob": 0.0, "Cyd": 0.0, "Dan": 0.0}
    assert propose["persona"] == PIRATE, "the parent is in the fields while a child is made"
    assert ended["persona"] == WARM, "the best candidate is left in them"
    assert {candidate["persona"] for candidate in ended["candidates"]} == {PIRATE, WARM}
    assert ended["best_candidates"] == [] and epoch["candidates"] == []
    assert [candidate["persona"] for candidate in epoch["best_candidates"]] == [WARM, PIRATE]
    assert [candidate["persona"] for candidate in epoch["history"]] == [WARM]
    assert optimizer.seen[7][1]["persona"] == WARM, "the next epoch starts from it"


@pytest.mark.parametrize("kind", ["RandomFewShot", "OMEGA"])
def test_both_optimizers_train_the_module_of_the_guide(kind: str) -> None:
    """OMEGA finds another persona; RandomFewShot collects examples and leaves the persona alone. The counter counts."""
    program = asyncio.run(greeter())
    search = omega() if kind == "OMEGA" else synalinks.RandomFewShot()
    program.compile(optimizer=search, reward="exact_match")
    x, y = greetings()
    if kind == "RandomFewShot":
        y[:4] = [Greeting(greeting=f"[{PIRATE}] hello {name}") for name in NAMES[:4]]
    history = fit(
        program, OmegaProvider(lambda call: {"thinking": "", "persona": WARM}), x, y, batch_size=2, epochs=2,
        validation_split=0.5,
    )  # fmt: skip
    value = state(program)
    if kind == "OMEGA":
        assert (value["persona"], history.history["val_reward"]) == (WARM, [1.0, 1.0])
    else:
        assert value["persona"] == PIRATE
        shown = [record["inputs"]["name"] for c in value["best_candidates"] for record in c["examples"]]
        assert shown and set(shown) <= set(NAMES[:4])
    module = program.get_module(name="personalize")
    assert isinstance(module, Personalize) and module.stats.get("count") >= 2 * 8, (
        "what is not trainable is not reverted"
    )


def test_a_module_is_locked_by_its_first_call_and_training_sees_one_set_of_variables() -> None:
    program = asyncio.run(greeter())
    module = program.get_module(name="personalize")
    before = [variable.path for variable in program.trainable_variables]
    with pytest.raises(ConfigurationError, match=r"fixed once it has been called. Create variables in __init__"):
        module.add_variable(data_model=Name, initializer={}, name="late")
    program.compile(optimizer=synalinks.RandomFewShot(), reward="exact_match")
    asyncio.run(program.fit(*greetings(), validation_split=0, verbose=0))
    assert [variable.path for variable in program.trainable_variables] == before


def test_what_does_not_derive_from_trainable_is_not_trained_and_nobody_complains() -> None:
    class Plain(synalinks.DataModel):
        count: int = synalinks.Field(default=0)

    class Counter(synalinks.Module):
        def __init__(self) -> None:
            super().__init__(name="counter")
            self.state = self.add_variable(data_model=Plain, trainable=True, name="plain")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module = Counter()
    assert (module.trainable_variables, module.non_trainable_variables) == ([], [module.state])
    assert not module.state.trainable


# --- how evidence is left --------------------------------------------------------------------------------------------

Leave = Callable[[Variable, dict[str, Any]], None]


def left_by(leave: Leave | None) -> Any:
    """The state after a fit of a module that leaves its evidence in some way."""

    class Own(Speaker):
        async def call(self, inputs: Any, training: bool = False) -> Any:
            await asyncio.sleep(0)
            answer = Answer(answer=8)
            if training and leave is not None:
                leave(self.state, {"inputs": inputs.get_json(), "outputs": answer.get_json(), "reward": None})
            return answer

    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Own(name="own")(inputs), name="p")

    program = compiled(make(build))
    fit(program, provider_of(right), *data(12), batch_size=12, validation_split=0)
    return state(program)


def append(variable: Variable, record: dict[str, Any]) -> None:
    variable.get("current_predictions").append(record)


def extend(variable: Variable, record: dict[str, Any]) -> None:
    variable.get("current_predictions").extend([record])


def add(variable: Variable, record: dict[str, Any]) -> None:
    predictions = variable.get("current_predictions")
    predictions += [record]


def insert(variable: Variable, record: dict[str, Any]) -> None:
    variable.get("current_predictions").insert(0, record)


def replace(variable: Variable, record: dict[str, Any]) -> None:
    variable.update({"current_predictions": [*variable.get("current_predictions"), record]})


@pytest.mark.parametrize("leave", [append, extend, add, insert])
def test_records_are_rewarded_however_they_are_added_to_the_list(leave: Leave) -> None:
    value = left_by(leave)
    rewards = {record["inputs"]["question"]: record["reward"] for record in value["predictions"]}
    assert rewards == {f"number {n}": float(n == 8) for n in range(12)} and value["nb_visit"] == 12


def test_a_list_that_was_replaced_has_lost_its_samples_and_that_is_said() -> None:
    with pytest.warns(UserWarning, match=r"predictions of own/persona_own belong to no sample.*do not replace it"):
        value = left_by(replace)
    assert (value["nb_visit"], value["predictions"]) == (0, [])


def test_a_module_that_leaves_nothing_looks_unvisited_and_gets_no_proposal() -> None:
    value = left_by(None)
    assert (value["nb_visit"], value["predictions"], value["candidates"]) == (0, [], [])
