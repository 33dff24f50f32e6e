"""Tests of PromptRacing: it learns instructions and examples, and comes to no harm from bad proposals or bad data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import Answer, Persona, Question, Speaker, compiled, data, fit, lm, number_of, readable, solver
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import prompt_of
from synalinks.optimizers.racing import PromptRacing
from synalinks.testing import ScriptedProvider

SHOWN = Path(__file__).parent / "prompts.txt"
RULES = ("Add one.", "Mind the sign.", "Read it twice.")


class Pupil:
    """A model that needs rules in its instructions, and examples; it proposes one more rule at a time.

    Args:
        proposals: in place of the next rule, in turn.
    """

    def __init__(self, proposals: tuple[str, ...] = (), examples: int = 4) -> None:
        self.proposals, self.examples, self.asked = list(proposals), examples, 0
        self.prompts: list[str] = []

    def __call__(self, call: Call) -> Any:
        prompt = prompt_of(call.request)
        if "current_variable" not in prompt:
            return self.answer(number_of(call), prompt)
        self.prompts.append(prompt)
        self.asked += 1
        current = prompt.rpartition('"current_variable"')[2]
        if self.proposals:
            text = self.proposals[self.asked % len(self.proposals)]
        else:
            has = [rule for rule in RULES if rule in current]
            missing = [rule for rule in RULES if rule not in has]
            new = missing[self.asked % len(missing)] if missing else ""
            text = " ".join(["Solve.", *has, new]).strip()
        return {"thinking": "A rule was missing.", "instructions": text}

    def answer(self, number: int, prompt: str) -> Any:
        has = sum(rule in prompt for rule in RULES)
        shown = min(prompt.count("<example>"), self.examples)
        good = (0.1 + 0.9 * has / len(RULES)) * (0.2 + 0.8 * shown / self.examples if self.examples else 1.0)
        return {"answer": number if (number * 37 % 100) / 100 < good else -1}


def racing(program: Any = None, **options: Any) -> Any:
    return compiled(program, optimizer=PromptRacing(language_model=lm()), **options)


def train(program: Any, pupil: Any, count: int = 60, **options: Any) -> Any:
    settings = {"validation_split": 0.2, "calls": 400, **options}
    return fit(program, ScriptedProvider(pupil), *data(count), **settings)


def test_it_learns_instructions_and_examples_where_both_are_needed() -> None:
    program, pupil = racing(), Pupil()
    history = train(program, pupil)
    variable = program.trainable_variables[0]
    assert all(rule in variable.get("instructions") for rule in RULES)
    assert len(variable.get("examples")) == 12
    assert history.history["val_reward"][-1] > 0.9
    assert {entry["outcome"] for entry in history.candidates} >= {"examples: kept", "child: kept"}


def test_examples_are_training_samples_with_their_labels_never_validation_samples() -> None:
    program = racing()
    train(program, Pupil())
    shown = program.trainable_variables[0].get("examples")
    numbers = [int(example["inputs"]["question"].split()[1]) for example in shown]
    assert [example["outputs"] for example in shown] == [{"answer": number} for number in numbers]
    assert max(numbers) < 48  # the last fifth is the validation's


def test_all_right_from_the_start_costs_one_small_race() -> None:
    provider = ScriptedProvider(lambda call: {"answer": number_of(call)})
    program = racing()
    before = program.trainable_variables[0].get("instructions")
    history = fit(program, provider, *data(60), validation_split=0.2, calls=400)
    assert len(provider.calls) == 16 + 12 and history.history["val_reward"] == [1.0]
    assert program.trainable_variables[0].get("instructions") == before


@pytest.mark.parametrize(
    "proposals",
    [
        ("",),
        (", ",),
        ("Solve.",),
        ("word " * 40,),
        ("x " * 3000,),
        ("Lorem ipsum dolor sit amet.", "Qwx zzk."),
        ("A.",),
    ],
)
def test_a_proposal_that_is_empty_garbage_or_a_repetition_never_ends_in_the_program(proposals: tuple[str, ...]) -> None:
    class Spoilt(Pupil):
        def answer(self, number: int, prompt: str) -> Any:
            return {"answer": number if "Solve." in prompt and number % 3 else -1}

    program = racing(solver(instructions="Solve."))
    train(program, Spoilt(proposals))
    assert program.trainable_variables[0].get("instructions") == "Solve."


def test_what_is_refused_is_not_raced() -> None:
    provider = ScriptedProvider(Pupil((", ",)))
    program = racing(solver(instructions="Solve."))
    history = fit(program, provider, *data(60), validation_split=0.2, calls=200)
    assert "refused: instructions is empty" in {entry["outcome"] for entry in history.candidates}
    assert not any(call for call in provider.calls if '"instructions": ", "' in prompt_of(call.request))


def test_a_proposer_that_fails_is_no_end() -> None:
    class Broken(Pupil):
        def __call__(self, call: Call) -> Any:
            if "current_variable" in prompt_of(call.request):
                raise synalinks.errors.ServerError("busy")
            return super().__call__(call)

    program = racing()
    with pytest.warns(UserWarning):
        history = train(program, Broken())
    assert history.stopped_by is None and len(program.trainable_variables[0].get("examples")) > 0


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_handful_of_samples(count: int) -> None:
    program = racing()
    history = train(program, Pupil(), count, validation_split=0.0, calls=100)
    assert history.epoch and history.stopped_by is None


def test_all_wrong_leaves_the_program_as_it_was() -> None:
    program = racing()
    before = program.trainable_variables[0].get_json()["instructions"]
    provider = ScriptedProvider(
        lambda call: (
            {"thinking": "?", "instructions": f"Attempt {len(provider.calls)}."}
            if "current_variable" in prompt_of(call.request)
            else {"answer": -1}
        )
    )
    fit(program, provider, *data(40), validation_split=0.2, calls=200)
    variable = program.trainable_variables[0]
    assert (variable.get("instructions"), variable.get("examples")) == (before, [])


def test_rewards_in_between() -> None:
    async def near(y_true: Any, y_pred: Any) -> float:
        return 0.5 + 0.01 * min(10, len(y_pred.get("answer")))

    class Words(synalinks.DataModel):
        answer: str

    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        outputs = await synalinks.Generator(data_model=Words, language_model=lm(), instructions="Solve.")(inputs)
        return synalinks.Program(inputs=inputs, outputs=outputs)

    def rule(call: Call) -> Any:
        prompt = prompt_of(call.request)
        if "current_variable" in prompt:
            return {"thinking": "?", "instructions": "Solve at length, with every word."}
        return {"answer": "a" * (9 if "at length" in prompt else 3)}

    program = compiled(asyncio.run(build()), optimizer=PromptRacing(lm(), nb_examples=0), reward=near)
    fit(program, ScriptedProvider(rule), data(30)[0], None, validation_split=0.2, calls=150)
    assert program.trainable_variables[0].get("instructions") == "Solve at length, with every word."


def test_without_labels_examples_are_own_answers_that_the_judge_liked() -> None:
    async def judge(y_true: Any, y_pred: Any) -> float:
        return float(y_pred.get("answer") % 2 == 0)

    class Guess(Pupil):
        def answer(self, number: int, prompt: str) -> Any:
            return {"answer": number - number % 2 if "<examples>" in prompt else number}

    program = racing(reward=judge)
    fit(program, ScriptedProvider(Guess(("Other words.",))), data(60)[0], None, validation_split=0.2, calls=200)
    shown = program.trainable_variables[0].get("examples")
    assert shown and all(example["outputs"]["answer"] % 2 == 0 for example in shown)


def test_a_variable_of_a_custom_schema() -> None:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        return synalinks.Program(inputs=inputs, outputs=await Speaker("abc")(inputs))

    provider = ScriptedProvider(lambda call: {"thinking": "?", "persona": "x" * (len(provider.calls) % 9)})
    program = compiled(asyncio.run(build()), optimizer=PromptRacing(lm()))
    x, _ = data(30)
    fit(program, provider, x, [Answer(answer=7)] * 30, validation_split=0.2, calls=200)
    assert len(program.trainable_variables[0].get("persona")) == 7 and issubclass(Persona, synalinks.Trainable)


def test_a_frozen_module_is_left_alone() -> None:
    async def build() -> Any:
        inputs = synalinks.Input(data_model=Question)
        first = await synalinks.Generator(data_model=Answer, language_model=lm(), trainable=False, name="frozen")(
            inputs
        )
        return synalinks.Program(inputs=inputs, outputs=await synalinks.Generator(
            data_model=Answer, language_model=lm(), name="free")(first & inputs))  # fmt: skip

    program = racing(asyncio.run(build()))
    train(program, lambda call: Pupil()(call) if "current_variable" in prompt_of(call.request) else {"answer": 1})
    frozen = next(module for module in program.modules if module.name == "frozen")
    assert frozen.state.get("examples") == []


def test_no_language_model_is_an_error_before_the_first_call() -> None:
    program, provider = compiled(optimizer="prompt_racing"), ScriptedProvider(Pupil())
    with pytest.raises(ConfigurationError, match="no language model"):
        fit(program, provider, *data(8))
    assert provider.calls == []


def test_saved_and_named() -> None:
    optimizer = PromptRacing(lm(), nb_examples=3, instructions="Be kind.", temperature=0.1, use_chain_of_thought=False)
    again = synalinks.optimizers.deserialize(synalinks.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert isinstance(synalinks.optimizers.get("prompt_racing"), PromptRacing)


@pytest.mark.parametrize("options", [{"nb_examples": -1}, {"temperature": -0.5}])
def test_wrong_arguments(options: Mapping[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        PromptRacing(**options)


def test_the_prompts_as_text() -> None:
    """Where a prompt is changed on purpose, look at it, and write it into the file by `SHOWN.write_text(text)`."""
    pupil = Pupil()
    train(racing(solver(instructions="Solve.")), pupil, calls=200)
    merge = next(prompt for prompt in pupil.prompts if "other_variable" in prompt)
    text = "\n".join([readable(pupil.prompts[-1]), "-" * 80, readable(merge), ""])
    assert text == SHOWN.read_text(encoding="utf-8")


def test_what_was_tried_and_lost_is_shown_with_its_reward() -> None:
    pupil = Pupil(("Think.", "Look twice.", "Be bold."))
    history = train(racing(solver(instructions="Solve.")), pupil, calls=200)
    lost = [one["changed"] for one in history.candidates if one["outcome"] == "child: lost"]
    (path,) = lost[0]
    shown = json.loads(readable(pupil.prompts[-1]).rpartition("<input>\n")[2].partition("\n</input>")[0])
    versions = [one["variable"] for one in shown["earlier_versions"]]
    assert lost[0][path] in versions and all(0 <= one["reward"] <= 1 for one in shown["earlier_versions"])


def test_replayed_byte_for_byte_and_cut_off_to_the_same_program(tmp_path: Path) -> None:
    class CrashError(Exception):
        pass

    def run(crash: int | None = None, **options: Any) -> tuple[str, Any]:
        synalinks.clear_session()
        program, pupil = racing(), Pupil()
        made = 0

        def rule(call: Call) -> Any:
            nonlocal made
            made += 1
            if made == crash:
                raise CrashError
            return pupil(call)

        history = train(program, rule, **options)
        return json.dumps([v.get_json() for v in program.trainable_variables]), history.history

    whole = run()
    with synalinks.use_cassette(tmp_path / "race.jsonl"):
        assert run() == whole
    with synalinks.offline(), synalinks.use_cassette(tmp_path / "race.jsonl", record_mode="none", strict=True):
        assert run() == whole
    for crash in (40, 95, 140):
        folder = tmp_path / str(crash)
        with pytest.raises(CrashError):
            run(crash, resume=folder)
        assert run(resume=folder) == whole


@pytest.mark.parametrize("calls", [90, 150, 250])
def test_the_end_result_has_beaten_the_start_on_shared_cases_by_what_was_set_apart(calls: int) -> None:
    program = racing()
    history = train(program, Pupil(), 120, calls=calls)
    variable = program.trainable_variables[0]
    changed = variable.get("examples") or variable.get("instructions") != variable.get("seed_candidates")[0]
    assert changed and history.candidates[-1]["outcome"] != "did not beat the start"
    assert variable.get("best_candidates")[0]["reward_count"] >= 7
