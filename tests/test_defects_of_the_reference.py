"""Each defect of the reference implementation that is known, by its number in the list: ours is right."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import (
    Add,
    Answer,
    Question,
    compiled,
    data,
    fit,
    learner,
    lm,
    make,
    provider_of,
    right,
    solver,
)
from synalinks.testing import ScriptedProvider

TWO = ["yes", "no"]


def test_1_prefix_and_suffix_of_all_three_kinds_of_data_models() -> None:
    value, symbol = Answer(answer=1).to_json_data_model(), synalinks.Input(data_model=Answer)
    assert value.prefix("gold").get_json() == {"gold_answer": 1} and value.suffix("a").get_json() == {"answer_a": 1}
    assert [*symbol.prefix("gold").keys()] == ["gold_answer"] and [*symbol.suffix("a").keys()] == ["answer_a"]
    assert [*Answer.prefix("gold").keys()] == ["gold_answer"] and [*Answer.suffix("a").keys()] == ["answer_a"]


class Late(synalinks.Module):
    """Leaves evidence; the first samples of a batch come last, and every third has no answer."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)
        self.inner = synalinks.Generator(data_model=Answer, language_model=lm(), name="late_inner")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        for _ in range(20 - int(inputs.get("question").rpartition(" ")[2])):
            await asyncio.sleep(0)
        return await self.inner(inputs, training=training)

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return await self.inner.compute_output_spec(inputs)


def rewarded(program: Any) -> list[tuple[str, float]]:
    """What each recorded prediction answered, with its reward."""
    records = program.trainable_variables[0].get("predictions")
    return [(record["inputs"]["question"], record["outputs"]["answer"], record["reward"]) for record in records]


def test_2_rewards_go_to_their_predictions_in_any_order_and_past_failures() -> None:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Late(name="late")(inputs), name="late_program")

    program = compiled(make(build))

    def rule(number: int, call: Any) -> Any:
        if number % 3 == 0:
            raise synalinks.errors.SampleRefused("no")
        return {"answer": number if number % 2 else -1}

    x, y = data(9)
    with pytest.warns(synalinks.LMWarning):
        fit(program, provider_of(rule), x, y, epochs=1, batch_size=9, validation_split=0.0)
    found = rewarded(program)
    assert len(found) == 6
    assert all(reward == float(question == f"number {answer}") for question, answer, reward in found)


class Twice(synalinks.Program):
    """Calls one generator twice a sample, with the same input or with another one."""

    def __init__(self, second: str) -> None:
        super().__init__(name="twice")
        self.second = second
        self.answer = synalinks.Generator(data_model=Answer, language_model=lm(), name="twice_g")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        await self.answer(inputs, training=training)
        again = Question(question=self.second + inputs.get("question"))
        return await self.answer(again, training=training)


@pytest.mark.parametrize(("second", "kept"), [("", 4), ("again, ", 8)])
def test_3_every_prediction_of_a_module_called_twice_has_its_reward(second: str, kept: int) -> None:
    program = compiled(Twice(second))
    fit(program, provider_of(right), *data(4), epochs=2, batch_size=4, validation_split=0.0)
    state = program.trainable_variables[0]
    assert (state.get("nb_visit"), state.get("cumulative_reward")) == (8, 8.0), "each call has the reward of its sample"
    assert [reward for *_, reward in rewarded(program)] == [1.0] * kept, "one is kept of each distinct input"


def test_4_few_shot_keeps_more_than_its_first_candidate() -> None:
    program = compiled()
    fit(program, provider_of(learner), *data(12), epochs=3, batch_size=2, validation_split=0.3)
    shown = [str(one["examples"]) for one in program.trainable_variables[0].get("best_candidates")]
    assert len(set(shown)) > 2, "candidates that differ in their examples are different ones"


def test_5_omega_counts_epochs_and_writes_the_history() -> None:
    program = compiled(optimizer=synalinks.optimizers.OMEGA(language_model=lm(), algorithm="ga", merging_rate=1.0))
    numbers = itertools.count()

    def rule(call: Any) -> Any:
        properties = call.request.schema.value["properties"]
        if "answer" in properties:
            return {"answer": 1}
        return {name: f"text {next(numbers)}" for name in properties}

    fit(program, ScriptedProvider(rule), *data(6), epochs=3, batch_size=3, validation_split=0.34)
    assert program.optimizer.epochs == 3
    assert program.trainable_variables[0].get("history")


def test_6_7_no_validation_data_is_no_error_and_nothing_hidden_is_evaluated() -> None:
    phases: set[str] = set()
    provider = provider_of(lambda number, call: phases.add(str(call.scope.phase)) or {"answer": number})
    history = fit(compiled(), provider, *data(4), epochs=1, batch_size=2, validation_split=0)
    assert phases <= {"train", "candidate"} and not any(name.startswith("val_") for name in history.history)


def test_7_training_metrics_are_those_of_training_samples() -> None:
    x, y = data(8)
    y[-2:] = [Answer(answer=-5), Answer(answer=-5)]  # the validation samples are all wrong
    program = compiled(metrics=["exact_match"])
    history = fit(program, provider_of(right), x, y, epochs=1, batch_size=2, validation_split=0.25)
    assert history.history["reward"] == history.history["exact_match"] == [1.0]
    assert history.history["val_reward"] == history.history["val_exact_match"] == [0.0]


def test_8_an_input_may_enter_below_other_nodes() -> None:
    first, second = synalinks.Input(data_model=Answer), synalinks.Input(data_model=Question)
    late = asyncio.run(Add(1, name="late_add")(asyncio.run(Add(1, name="early_add")(first))))
    program = synalinks.Program(inputs=[second, first], outputs=second + late, name="depths")
    assert asyncio.run(program([Question(question="q"), Answer(answer=1)])).get_json() == {"question": "q", "answer": 3}


class Built(synalinks.Module):
    """A module with a `build` of its own."""

    async def build(self, inputs: Any) -> None:
        self.keys = list(inputs.keys())

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs


def test_9_a_build_of_ones_own_gets_the_single_data_model() -> None:
    module = Built(name="built")
    asyncio.run(module(Answer(answer=1)))
    assert module.keys == ["answer"]


def test_10_every_epoch_of_a_generator_is_whole() -> None:
    def batches() -> Any:
        x, y = data(8)
        for number in range(4):
            yield x[2 * number : 2 * number + 2], y[2 * number : 2 * number + 2]

    asked: list[tuple[Any, int]] = []

    def rule(number: int, call: Any) -> Any:
        if call.scope.phase == "train":
            asked.append((call.scope.epoch, number))
        return {"answer": number}

    fit(compiled(), provider_of(rule), x=batches, epochs=3, validation_split=0.0)
    numbers = [sorted({number for at, number in asked if at == epoch}) for epoch in sorted({at for at, _ in asked})]
    assert numbers == [[*range(8)]] * 3


def test_11_descriptions_and_arguments_are_saved(tmp_path: Path) -> None:
    inputs = synalinks.Input(data_model=Answer)
    outputs = asyncio.run(Add(5, name="five")(inputs))
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="p", description="Adds five.")
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert again.description == "Adds five." and asyncio.run(again(Answer(answer=1))).get("answer") == 6


def test_12_a_reward_for_each_output_and_weights_that_count() -> None:
    inputs = synalinks.Input(data_model=Answer)
    outputs = [asyncio.run(Add(number, name=f"add_{number}")(inputs)) for number in (0, 1)]
    program = synalinks.Program(inputs=inputs, outputs=outputs, name="p")
    program.compile(reward=[synalinks.ExactMatch(), synalinks.ExactMatch()], reward_weights=[0.25, 0.75])
    logs = asyncio.run(program.evaluate([Answer(answer=1)], [[Answer(answer=1), Answer(answer=9)]], verbose=0))
    assert logs["reward"] == 0.25


def test_13_early_stopping_as_it_comes_and_for_a_log_that_is_missing() -> None:
    stopping = synalinks.callbacks.EarlyStopping()
    fit(compiled(), provider_of(right), *data(6), epochs=3, validation_split=0.34, callbacks=[stopping])
    assert stopping.stopped_epoch == 0, "val_reward reached 1.0"
    with pytest.warns(UserWarning, match="nothing"):
        missing = [synalinks.callbacks.EarlyStopping("nothing")]
        fit(compiled(), provider_of(right), *data(4), validation_split=0.0, callbacks=missing)


class Seen(synalinks.callbacks.Callback):
    """The hooks that are called, and whether the program is known by then."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, bool]] = []

    def on_predict_begin(self, logs: Any = None) -> None:
        self.seen.append(("predict", self.program is not None))

    def on_test_begin(self, logs: Any = None) -> None:
        self.seen.append(("test", True))


def test_14_callbacks_of_predict_have_the_program() -> None:
    seen = Seen()
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(solver().predict(data(2)[0], callbacks=[seen], verbose=0))
    assert seen.seen == [("predict", True)]


class Parents(synalinks.hooks.Hook):
    """The call, and the call around it, of each module."""

    def __init__(self) -> None:
        super().__init__()
        self.around: dict[str, tuple[str, str | None]] = {}

    def on_call_begin(self, call_id: str, parent_call_id: str | None = None, *_: Any, **__: Any) -> None:
        self.around[self.module.name] = (call_id, parent_call_id)


class Family(synalinks.Module):
    """Two children, the first of which has one."""

    def __init__(self, hooks: list[Parents]) -> None:
        super().__init__(name="family", hooks=[hooks[0]])
        inner = synalinks.Identity(name="grandchild", hooks=[hooks[1]])
        self.first = synalinks.Sequential([inner], description="x", name="first", hooks=[hooks[2]])
        self.second = synalinks.Identity(name="second", hooks=[hooks[3]])

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return await self.second(await self.first(inputs))


def test_14_the_parent_of_a_sibling_is_the_parent() -> None:
    hooks = [Parents() for _ in range(4)]
    asyncio.run(Family(hooks)(Answer(answer=1)))
    found = {name: pair for hook in hooks for name, pair in hook.around.items()}
    assert found["first"][1] == found["second"][1] == found["family"][0]
    assert found["grandchild"][1] == found["first"][0]


@pytest.mark.parametrize(
    "reward",
    [
        lambda: synalinks.rewards.CosineSimilarity(embedding_model="ollama/e"),
        lambda: synalinks.rewards.LMAsJudge(language_model="ollama/m"),
    ],
)
def test_15_programs_compiled_with_these_rewards_are_saved(reward: Any, tmp_path: Path) -> None:
    program = compiled(reward=reward())
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert type(again.reward) is type(program.reward) and again.reward.get_config() == program.reward.get_config()


def test_16_values_are_serialised_and_back() -> None:
    value = Answer(answer=1).to_json_data_model(name="a")
    again = synalinks.saving.deserialize_synalinks_object(synalinks.saving.serialize_synalinks_object(value))
    assert again.get_json() == value.get_json() and again.get_schema() == value.get_schema()


def test_17_variables_of_one_name_are_updated_apart() -> None:
    class Pair(synalinks.Program):
        def __init__(self) -> None:
            super().__init__(name="pair")
            self.left = synalinks.Generator(data_model=Answer, language_model=lm(), name="left")
            self.right = synalinks.Generator(data_model=Answer, language_model=lm(), name="right")
            self.left.state.name = self.right.state.name = "state"

        async def call(self, inputs: Any, training: bool = False) -> Any:
            await self.left(inputs, training=training)
            return await self.right(inputs, training=training)

    program = compiled(Pair())
    fit(program, provider_of(learner), *data(12), epochs=3, batch_size=2, validation_split=0.3)
    tried = [len(variable.get("best_candidates")) for variable in program.trainable_variables]
    assert all(tried) and len({str(one.get("examples")) for one in program.trainable_variables}) == 2


@pytest.mark.parametrize("kind", [synalinks.Decision, synalinks.MultiDecision])
def test_18_decisions_are_saved_with_their_seed_instructions(kind: Any, tmp_path: Path) -> None:
    inputs = synalinks.Input(data_model=Question)
    made = kind(question="Is it?", labels=TWO, language_model=lm(), seed_instructions=["Think."], name="d")
    assert made.generator.state.get("seed_candidates") == [{"instructions": "Think."}]
    program = synalinks.Program(inputs=inputs, outputs=asyncio.run(made(inputs)), name="p")
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json").get_module("d")
    assert again.seed_instructions == ["Think."] and again.labels == TWO


class Notes(synalinks.Trainable):
    """A variable with a dict in it."""

    notes: dict[str, Any] = synalinks.Field(default_factory=dict, description="Notes")


@synalinks.saving.register_synalinks_serializable("Tests")
class Noted(synalinks.Module):
    """Holds notes."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)
        self.state = self.add_variable(data_model=Notes, name="notes")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs


@pytest.mark.parametrize("notes", [{}, {"a": {}}, {"a": {"b": 1}, "c": []}])
def test_18_dicts_in_variables_are_restored(notes: dict[str, Any], tmp_path: Path) -> None:
    program = synalinks.Sequential([synalinks.Input(data_model=Answer), Noted(name="n")], description="x", name="s")
    program.variables[0].update({"notes": notes})
    program.save(tmp_path / "p.json")
    assert synalinks.Program.load(tmp_path / "p.json").variables[0].get("notes") == notes


def test_metrics_begin_anew() -> None:
    program = compiled(metrics=["exact_match"])
    with synalinks.use_provider(provider_of(right)):
        asyncio.run(program.evaluate(*data(2), verbose=0))
    assert program.metrics[-1].result() == 1.0
    program.reset_metrics()
    assert program.metrics[-1].result() == 0.0
