"""Tests of each optimizer on programs and data from which there is little or nothing to learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import synalinks
from omega_under_test import embedder, is_proposal, proposer, speaker, vector_of
from programs_under_test import Answer, Question, compiled, data, fit, has_examples, lm, make, number_of, solver
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call
from synalinks.optimizers import Optimizer
from synalinks.optimizers.racing import PromptRacing
from synalinks.testing import ScriptedProvider

FEW_SHOT, OMEGA, RACING = "random_few_shot", "omega", "prompt_racing"
OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    FEW_SHOT: synalinks.RandomFewShot,
    OMEGA: lambda: synalinks.OMEGA(language_model=proposer(), embedding_model=embedder()),
    RACING: lambda: PromptRacing(language_model=proposer()),
}
CALLS = 120
each = pytest.mark.parametrize("name", OPTIMIZERS)


class Model(ScriptedProvider):
    """The program's model by a rule, an embedding model, and a proposer that never says the same twice."""

    def __init__(self, rule: Callable[[Call], Any]) -> None:
        self.proposals: list[Call] = []

        def answer(call: Call) -> Any:
            if call.request.kind == "embed":
                return [vector_of(text) for text in call.request.texts]
            if not is_proposal(call):
                return rule(call)
            self.proposals.append(call)
            assert call.request.schema is not None
            text = f"Attempt {len(self.proposals)} at it."
            names = call.request.schema.value["properties"]
            return {name: ["be brief", text] if name == "rules" else text for name in names}

        super().__init__(answer)


def right(call: Call) -> Any:
    return {"answer": number_of(call)}


def wrong(call: Call) -> Any:
    return {"answer": -1}


def even(call: Call) -> Any:
    """Right about even numbers; with examples or a proposal in the prompt, about all."""
    told = has_examples(call) or "Attempt" in str(call.request.messages[0]["content"])
    return {"answer": number_of(call) if told or number_of(call) % 2 == 0 else -1}


def train(program: Any, model: Model, x: Any = None, y: Any = None, modules: int = 1, **options: Any) -> Any:
    """Train on twenty samples, unless others are given.

    Args:
        modules: that call the model in a pass of the program.
    """
    if x is None:
        x, y = data(20)
    settings = {"validation_split": 0.2, "epochs": 3, "batch_size": 4, "calls": CALLS, **options}
    history = fit(program, model, x, y, **settings)
    assert history.epoch and history.stopped_by in (None, "calls")
    assert sum(call.request.kind == "chat" for call in model.calls) <= CALLS * modules
    return history


def of(name: str, program: Any = None, **options: Any) -> Any:
    return compiled(program, optimizer=OPTIMIZERS[name](), **options)


class Bare(synalinks.Trainable):
    """State with examples alone."""


class Hinted(Bare):
    """State with a text that changes nothing."""

    hint: str = "none"


class Recaller(synalinks.Module):
    """Right about even numbers, and about all with examples; its predictions can become examples of `Bare` only."""

    def __init__(self, schema: type[Bare]) -> None:
        super().__init__()
        self.leaves = schema is Bare
        self.state = self.add_variable(initializer=schema().get_json(), data_model=schema, name=f"bare_{self.name}")

    async def call(self, inputs: Any, training: bool = False) -> Any:
        if inputs is None:
            return None
        number = int(inputs.get("question").rpartition(" ")[2])
        answer = Answer(answer=number if self.state.get("examples") or number % 2 == 0 else -1)
        if training and self.leaves:
            self.state.get("current_predictions").append(
                {"inputs": inputs.get_json(), "outputs": answer.get_json(), "reward": None}
            )
        return answer

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Answer)


def recaller(schema: type[Bare] = Bare, before: Any = None) -> Any:
    """A program of a recaller, which another module may come before."""

    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        seen = inputs if before is None else await before(inputs) & inputs
        return synalinks.Program(inputs=inputs, outputs=await Recaller(schema)(seen))

    return make(build)


@each
def test_no_instruction_variable(name: str) -> None:
    """Examples are learnt without a proposal; an optimizer that learns none says so before the first call."""
    program, model = of(name, recaller()), Model(right)
    if name == OMEGA:
        with pytest.raises(ConfigurationError, match="no field to rewrite in recaller/bare_recaller"):
            train(program, model)
        assert model.calls == []
        return
    history = train(program, model)
    assert model.proposals == [] and program.trainable_variables[0].get("examples")
    assert history.history["val_reward"][-1] == 1.0


@each
def test_no_text_in_one_of_two_variables(name: str) -> None:
    """No proposal is paid for the variable that has nothing to be rewritten."""
    first = synalinks.Generator(data_model=Answer, language_model=lm(), name="first")
    program, model = of(name, recaller(before=first)), Model(right)
    train(program, model)
    assert all("instructions" in call.request.schema.value["properties"] for call in model.proposals)
    assert model.proposals or name != OMEGA  # the others learn examples for both, and are done


@each
def test_no_demonstrations_possible(name: str) -> None:
    """A module that leaves no predictions, and targets that are not its outputs."""

    class Verdict(synalinks.DataModel):
        """Another form of the answer."""

        verdict: bool

    async def judge(y_true: Any, y_pred: Any) -> float:
        return float((y_pred.get("answer") >= 0) == y_true.get("verdict"))

    program, model = of(name, recaller(Hinted), reward=judge), Model(right)
    history = train(program, model, data(20)[0], [Verdict(verdict=True)] * 20)
    assert program.trainable_variables[0].get("examples") == [] and history.history["val_reward"][-1] == 0.5


@each
@pytest.mark.parametrize("split", [0.0, 0.2])
def test_one_sample(name: str, split: float) -> None:
    """There is none left for a validation; where the sample is right or wrong, that is what is measured."""
    for rule, reward in ((right, 1.0), (wrong, 0.0)):
        history = train(of(name), Model(rule), *data(1), validation_split=split)
        assert history.history.keys() == {"reward"} and history.history["reward"][-1] == reward


@each
def test_all_right_from_the_start(name: str) -> None:
    program, model = of(name, solver(instructions="Solve.")), Model(right)
    history = train(program, model, *data(60))
    assert history.history["val_reward"][-1] == 1.0
    if name == RACING:
        assert len(model.calls) == 16 + 12 and model.proposals == []
        assert program.trainable_variables[0].get("instructions") == "Solve."


@each
def test_all_wrong(name: str) -> None:
    program = of(name, solver(instructions="Solve."))
    history = train(program, Model(wrong))
    variable = program.trainable_variables[0]
    assert history.history["val_reward"][-1] == 0.0 and variable.get("examples") == []
    if name != OMEGA:
        assert variable.get("instructions") == "Solve."


@each
def test_rewards_in_between(name: str) -> None:
    """0.3 for an answer that is wrong, 0.6 for one that is right: neither is a whole reward."""

    async def part(y_true: Any, y_pred: Any) -> float:
        return 0.6 if y_pred.get("answer") == y_true.get("answer") else 0.3

    program = of(name, reward=part)
    history = train(program, Model(even))
    assert history.history["val_reward"][-1] == pytest.approx(0.6)
    assert all(0.3 <= saved["reward"] <= 0.6 for saved in program.trainable_variables[0].get("best_candidates"))


@each
def test_labels_absent_with_a_judge_as_reward(name: str) -> None:
    async def judge(y_true: Any, y_pred: Any) -> float:
        assert y_true is None
        return float(y_pred.get("answer") >= 0)

    program = of(name, reward=judge)
    history = train(program, Model(even), data(20)[0], None)
    assert history.history["val_reward"][-1] == 1.0
    assert all(example["outputs"]["answer"] >= 0 for example in program.trainable_variables[0].get("examples"))


@each
def test_a_variable_of_a_custom_schema(name: str) -> None:
    """A proposal has the variable's own fields, in their own types."""
    program, model = speaker(OPTIMIZERS[name]()), Model(right)
    history = train(program, model)
    rules = program.trainable_variables[0].get("rules")
    assert len(rules) == (1 if name == FEW_SHOT else 2)
    assert history.history["val_reward"][-1] == 0.25 * len(rules)
    assert all({"tone", "rules"} <= call.request.schema.value["properties"].keys() for call in model.proposals)


@each
def test_a_frozen_module(name: str) -> None:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        first = await synalinks.Generator(
            data_model=Answer, language_model=lm(), instructions="Guess.", trainable=False, name="frozen"
        )(inputs)
        second = await synalinks.Generator(data_model=Answer, language_model=lm(), name="free")(inputs & first)
        return synalinks.Program(inputs=inputs, outputs=second)

    program = of(name, make(build))
    (frozen,) = [module for module in program.modules if module.name == "frozen"]
    before = frozen.state.get_json()
    history = train(program, Model(even), modules=2)
    assert history.history["val_reward"][-1] == 1.0 and frozen.state.get_json() == before
    with pytest.raises(ConfigurationError, match="no trainable variables"):
        train(of(name, solver(trainable=False)), Model(even))
