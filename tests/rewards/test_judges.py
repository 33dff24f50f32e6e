"""Tests of judges: what they see, their scale, what a failed judgement is worth, and saving."""

from __future__ import annotations

import asyncio
import json
from enum import Enum
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, data, fit, make, phases, right, solver
from synalinks import rewards
from synalinks.data import Rating
from synalinks.errors import ConfigurationError
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of
from synalinks.rewards import LMAsJudge, ProgramAsJudge

JUDGE = "ollama/judge"


def judge(**options: Any) -> LMAsJudge:
    return LMAsJudge(**{"language_model": synalinks.LanguageModel(JUDGE, retry=1), **options})


def score(reward: Any, y_true: Any, y_pred: Any, *answers: Any) -> tuple[float, ScriptedProvider]:
    provider = ScriptedProvider(list(answers))
    with synalinks.use_provider(provider):
        return asyncio.run(reward(y_true, y_pred)), provider


def test_the_judge_sees_the_target_as_gold_and_then_the_prediction() -> None:
    value, provider = score(judge(), Answer(answer=4), Answer(answer=5), {"critique": "off by one", "reward": 0.9})
    assert value == 0.9
    prompt = prompt_of(provider.calls[0].request)
    assert '"gold_answer":4,"answer":5' in prompt.replace(" ", "")
    schema = provider.calls[0].request.schema
    assert schema is not None and schema.value["properties"]["reward"]["enum"] == [n / 10 for n in range(11)]


def test_without_a_target_it_judges_the_prediction_alone() -> None:
    value, provider = score(judge(), None, Answer(answer=5), {"critique": "", "reward": 0.3})
    assert value == 0.3 and '"gold_' not in prompt_of(provider.calls[0].request)


@pytest.mark.parametrize(("scale", "said", "worth"), [(Rating, 1, 0.0), ("rating", 4, 0.75), ("Rating20", 20, 1.0)])
def test_a_scale_is_mapped_to_zero_to_one(scale: Any, said: int, worth: float) -> None:
    answer = {"critique": "so", "reward": said}
    assert score(judge(score_type=scale), Answer(answer=1), Answer(answer=1), answer)[0] == worth
    with pytest.raises(ConfigurationError, match="no score scale"):
        judge(score_type="stars")


def test_nothing_to_judge_scores_zero_without_a_call() -> None:
    class Loose(synalinks.DataModel):
        """May be empty."""

        answer: int | None = None

    for nothing in (None, Loose()):
        value, provider = score(judge(), Answer(answer=1), nothing)
        assert (value, provider.calls) == (0.0, [])


def test_a_failed_judgement_scores_zero_with_one_warning() -> None:
    with pytest.warns(synalinks.LMWarning) as told:
        assert score(judge(), Answer(answer=1), Answer(answer=1), {"critique": "", "reward": 7})[0] == 0.0
    assert len(told) == 1 and "ollama/judge: a call failed for good" in str(told[0].message)


def test_what_the_judge_is_told_is_the_users_to_say() -> None:
    example = ({"gold_answer": 1, "answer": 2}, {"critique": "wrong", "reward": 0.0})
    made = judge(instructions="Be lenient.", examples=[example], in_mask=["answer"])
    _, provider = score(made, Answer(answer=1), Answer(answer=1), {"critique": "", "reward": 1.0})
    prompt = prompt_of(provider.calls[0].request)
    assert "Be lenient." in prompt and "wrong" in prompt


def test_calls_of_a_judge_are_of_phase_reward_and_train_nothing_of_it() -> None:
    program = solver()
    program.compile(optimizer=synalinks.RandomFewShot(), reward=judge())

    def answer(call: Any) -> Any:
        if call.request.model == JUDGE:
            seen = json.loads(prompt_of(call.request).rpartition("<input>\n")[2].partition("\n")[0])
            return {"critique": "c", "reward": 1.0 if seen["gold_answer"] == seen["answer"] else 0.0}
        return right(int(prompt_of(call.request).rpartition("number ")[2].partition('"')[0]), call)

    provider = ScriptedProvider(answer)
    history = fit(program, provider, *data(6), batch_size=2, validation_split=0.5)
    assert history.history["val_reward"] == [1.0]
    assert phases(provider)["reward"] == sum(call.request.model == JUDGE for call in provider.calls) > 0
    assert len(program.trainable_variables) == 1 and len(judge().critic.trainable_variables) == 0


def test_names_and_saving() -> None:
    synalinks.set_default_language_model(JUDGE)
    named = rewards.get("lm_as_judge")
    assert isinstance(named, LMAsJudge)
    assert score(named, Answer(answer=1), Answer(answer=1), {"critique": "", "reward": 0.5})[0] == 0.5
    made = judge(
        score_type="fine_score", instructions="Be fair.", prompt_template="{{ instructions }}", name="fair",
        examples=[({"answer": 1}, {"critique": "", "reward": 1.0})], in_mask=["answer"],
    )  # fmt: skip
    again = rewards.get(json.loads(json.dumps(rewards.serialize(made))))
    assert type(again) is LMAsJudge and again.get_config() == made.get_config()
    assert again.critic.get_config() == made.critic.get_config()


def test_a_program_compiled_with_a_judge_is_saved_and_loaded(tmp_path: Any) -> None:
    program = solver()
    program.compile(optimizer=synalinks.RandomFewShot(), reward=judge(score_type=Rating))
    program.save(tmp_path / "p.json")
    again = synalinks.Program.load(tmp_path / "p.json")
    assert again.reward.get_config() == program.reward.get_config()


class Verdict(synalinks.DataModel):
    """What a judge finds."""

    reward: float = synalinks.Field(description="How good it is")


@synalinks.saving.register_synalinks_serializable(package="tests_of_judges")
class Closeness(synalinks.Module):
    """Full marks for the right answer, half of them for one off."""

    async def call(self, inputs: Any, training: bool = False) -> Any:
        gold, found = inputs
        if gold is None:
            return None
        far = abs(gold.get("answer") - found.get("answer"))
        return Verdict(reward=max(0.0, 1 - far / 2))

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Verdict)


def judging_program() -> Any:
    async def build() -> synalinks.Program:
        inputs = [synalinks.Input(data_model=Answer, name="gold"), synalinks.Input(data_model=Answer, name="found")]
        return synalinks.Program(inputs=inputs, outputs=await Closeness(name="near")(inputs), name="judges")

    return make(build)


def test_a_program_of_target_and_prediction_judges() -> None:
    made = ProgramAsJudge(judging_program())
    assert made.name == "program_as_judge"
    for found, worth in ((4, 1.0), (5, 0.5), (9, 0.0)):
        assert asyncio.run(made(Answer(answer=4), Answer(answer=found))) == worth
    assert asyncio.run(made(Answer(answer=4), None)) == 0.0
    with pytest.warns(synalinks.LMWarning, match="program_as_judge"):
        assert asyncio.run(made(None, Answer(answer=4))) == 0.0


def test_a_judging_program_is_saved_with_the_reward() -> None:
    made = ProgramAsJudge(judging_program(), name="near")
    again = rewards.get(json.loads(json.dumps(rewards.serialize(made))))
    assert again.name == "near" and asyncio.run(again(Answer(answer=4), Answer(answer=5))) == 0.5


class Strictness(synalinks.Trainable):
    """How strict a judge is."""

    strictness: float = synalinks.Field(default=0.5, description="From 0 to 1")


@synalinks.saving.register_synalinks_serializable(package="tests_of_judges")
class Strict(synalinks.Module):
    """A judge that can be trained."""

    def __init__(self, late: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.late = late
        if not late:
            self.make()

    def make(self) -> None:
        self.state = self.add_variable(data_model=Strictness, name=f"strictness_{self.name}")

    async def build(self, inputs: Any) -> None:
        if self.late:
            self.make()

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return Verdict(reward=1.0 - self.state.get("strictness"))

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> Any:
        return synalinks.SymbolicDataModel(data_model=Verdict)


@synalinks.saving.register_synalinks_serializable(package="tests_of_judges")
class Lazy(synalinks.Program):
    """Has no variables before its first call."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)
        self.judge = Strict(late=True)

    async def call(self, inputs: Any, training: bool = False) -> Any:
        return await self.judge(inputs)


def graph_of_strict() -> Any:
    async def build() -> synalinks.Program:
        inputs = [synalinks.Input(data_model=Answer), synalinks.Input(data_model=Answer)]
        return synalinks.Program(inputs=inputs, outputs=await Strict()(inputs))

    return make(build)


@pytest.mark.parametrize("kind", [graph_of_strict, Lazy, Strict])
def test_what_a_judge_has_learnt_is_saved_with_the_program_that_it_judges(kind: Any, tmp_path: Any) -> None:
    made = ProgramAsJudge(kind())
    pair = Answer(answer=1), Answer(answer=1)
    assert asyncio.run(made(*pair)) == 0.5
    made.program.variables[0].assign({**made.program.variables[0].get_json(), "strictness": 0.25})
    assert asyncio.run(made(*pair)) == 0.75
    program = solver()
    program.compile(reward=made)
    program.save(tmp_path / "p.json")
    for _ in range(2):  # names that the session counts up don't matter
        again = synalinks.Program.load(tmp_path / "p.json")
        again.save(tmp_path / "q.json")  # before its first call
        assert asyncio.run(again.reward(*pair)) == 0.75
        assert asyncio.run(synalinks.Program.load(tmp_path / "q.json").reward(*pair)) == 0.75
    config = rewards.serialize(made)
    config["config"]["variables"] *= 2
    with pytest.raises(ConfigurationError, match="saved with 2 variables, and its program has"):
        asyncio.run(rewards.get(config)(*pair))


def test_what_cannot_judge_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a program of two inputs, got 3"):
        ProgramAsJudge(3)

    class Silent(Closeness):
        """Gives an answer, but no reward."""

        async def call(self, inputs: Any, training: bool = False) -> Any:
            return Answer(answer=1)

    with pytest.raises(ConfigurationError, match=r"answers with \['answer'\]; it must have a field `reward`"):
        asyncio.run(ProgramAsJudge(Silent())(Answer(answer=1), Answer(answer=1)))


class Stars(Enum):
    """Not one of ours."""

    ONE, TWO = 1, 2


def test_a_scale_of_ones_own_works() -> None:
    answer = {"critique": "", "reward": 2}
    assert score(judge(score_type=Stars), Answer(answer=1), Answer(answer=1), answer)[0] == 1.0
