"""Tests of branches: which run, with what input, what comes out, in graphs, nested, trained, saved."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Add, Answer, Question
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call
from synalinks.lm.providers.fake.scripted import ScriptedProvider, prompt_of

LABELS = ["easy", "hard"]
VALUE = Question(question="2 + 2?")


def answering(choice: Any, key: str = "choice") -> ScriptedProvider:
    """A provider that decides, and answers 1 to easy questions and 2 to hard ones."""

    def answer(call: Call) -> Any:
        fields = call.request.schema.value["properties"]  # type: ignore[union-attr]
        if key in fields:
            return {"thinking": "", key: choice}
        return {"answer": 1 if "E!" in prompt_of(call.request) else 2}

    return ScriptedProvider(answer)


def generator(instructions: str) -> synalinks.Generator:
    return synalinks.Generator(data_model=Answer, language_model=MODEL, instructions=instructions)


def branch(**more: Any) -> synalinks.Branch:
    two = [generator("E!"), generator("H!")]
    arguments = {"question": "How hard?", "labels": LABELS, "branches": two, "language_model": MODEL}
    return synalinks.Branch(**{**arguments, **more})


def run(module: Any, choice: Any, value: Any = VALUE, key: str = "choice") -> tuple[list[Any], ScriptedProvider]:
    provider = answering(choice, key)
    with synalinks.use_provider(provider):
        found = asyncio.run(module(value))
    return [one and one.get_json() for one in found], provider


def test_the_chosen_branch_runs_and_the_others_give_none() -> None:
    module = branch(return_decision=False)
    for choice, wanted in (("easy", [{"answer": 1}, None]), ("hard", [None, {"answer": 2}])):
        outputs, provider = run(module, choice)
        assert outputs == wanted and len(provider.calls) == 2


def test_the_decision_is_injected_and_returned_as_asked_for() -> None:
    outputs, provider = run(branch(), "easy")
    assert outputs == [{"thinking": "", "choice": "easy", "answer": 1}, None]
    assert '"choice":"easy"' in prompt_of(provider.calls[1].request)
    outputs, provider = run(branch(inject_decision=False, return_decision=False), "easy")
    assert outputs == [{"answer": 1}, None]
    assert '"choice":"easy"' not in prompt_of(provider.calls[1].request)


def test_the_branches_of_a_chat_get_the_decision_in_their_prompt() -> None:
    chat = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="2 + 2?")])
    outputs, provider = run(branch(return_decision=False), "hard", chat)
    assert outputs == [None, {"answer": 2}]
    system, decision, user = provider.calls[1].request.messages
    assert (system["role"], user["content"]) == ("system", "2 + 2?") and '"choice":"hard"' in decision["content"]


def test_none_makes_no_call_and_a_failed_decision_takes_no_branch() -> None:
    outputs, provider = run(branch(), "easy", None)
    assert outputs == [None, None] and provider.calls == []
    refusing = ScriptedProvider([synalinks.errors.SampleRefused("no")])
    with synalinks.use_provider(refusing), pytest.warns(synalinks.LMWarning):
        assert asyncio.run(branch()(VALUE)) == (None, None)


def test_a_failed_branch_is_none_without_its_decision() -> None:
    script = [{"thinking": "", "choice": "easy"}, synalinks.errors.SampleRefused("no")]
    with synalinks.use_provider(ScriptedProvider(script)), pytest.warns(synalinks.LMWarning):
        assert asyncio.run(branch()(VALUE)) == (None, None)


def test_several_branches_run_where_several_labels_are_chosen() -> None:
    module = branch(decision_type=synalinks.MultiDecision, return_decision=False, inline=False)
    assert run(module, ["hard", "easy"], key="choices")[0] == [{"answer": 1}, {"answer": 2}]
    assert run(module, ["hard"], key="choices")[0] == [None, {"answer": 2}]
    assert run(module, [], key="choices")[0] == [None, None]
    assert module.decision.inline is False


def test_wrong_branches_and_arguments_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"2 labels \['easy', 'hard'\] and 1 branches"):
        branch(branches=[generator("E!")])
    for wrong in (None, [generator("E!"), None], [generator("E!"), "hard"]):
        with pytest.raises(ConfigurationError, match="is a list of modules"):
            branch(branches=wrong)
    with pytest.raises(ConfigurationError, match=r"Branch\(inlin=...\)"):
        branch(decision_type=synalinks.MultiDecision, inlin=False)
    with pytest.raises(ConfigurationError, match="at least two labels"):
        branch(labels=["easy"], branches=[generator("E!")])


def test_a_branch_with_several_outputs_is_refused_when_the_graph_is_built() -> None:
    start = synalinks.Input(data_model=Question)
    two = synalinks.Program(inputs=start, outputs=[start, start], name="two")
    with pytest.raises(ConfigurationError, match=r"the branch 'hard' \(two\) has several outputs"):
        asyncio.run(branch(branches=[generator("E!"), two])(synalinks.Input(data_model=Question)))


def program(**more: Any) -> synalinks.Program:
    async def build() -> Any:
        start = synalinks.Input(data_model=Question, name="start")
        easy, hard = await branch(name="branch", return_decision=False, **more)(start)
        return synalinks.Program(inputs=start, outputs=easy | hard, name="program")

    return asyncio.run(build())


def value_of(module: Any, choice: Any) -> Any:
    with synalinks.use_provider(answering(choice)):
        return asyncio.run(module(VALUE)).get_json()


def test_a_program_merges_its_branches() -> None:
    merged = program()
    assert value_of(merged, "easy") == {"answer": 1} and value_of(merged, "hard") == {"answer": 2}
    assert len(merged.trainable_variables) == 3


def test_the_symbols_have_the_schemas_of_the_values() -> None:
    start = synalinks.Input(data_model=Question)
    module = branch()
    easy, hard = asyncio.run(module(start))
    assert list(easy.keys()) == list(hard.keys()) == ["thinking", "choice", "answer"]
    with synalinks.use_provider(answering("hard")):
        found = asyncio.run(module(VALUE))[1]
    assert found.get_schema() == hard.get_schema()


def test_branches_of_programs_and_of_branches() -> None:
    inner = program()
    outer = branch(branches=[inner, Add(number=40)], inject_decision=False, return_decision=False)
    assert run(outer, "easy")[0] == [{"answer": 1}, None]
    nested = branch(branches=[generator("E!"), synalinks.Identity()], return_decision=False, inject_decision=False)
    assert run(nested, "hard")[0] == [None, VALUE.get_json()]


def test_a_program_with_a_branch_is_saved_with_its_state(tmp_path: Path) -> None:
    saved = program(seed_instructions=["Seed."], temperature=0.5)
    for number, variable in enumerate(saved.trainable_variables):
        variable.update({"instructions": f"{'E!' if number == 1 else ''}{number}"})
    saved.save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json")
    assert loaded.get_state_tree() == saved.get_state_tree()
    assert value_of(loaded, "easy") == {"answer": 1} and value_of(loaded, "hard") == {"answer": 2}
    module = loaded.get_module("branch")
    assert module.get_config() == saved.get_module("branch").get_config()
    assert module.decision.generator.options == {"temperature": 0.5}


def test_the_type_of_the_decision_is_saved(tmp_path: Path) -> None:
    program(decision_type=synalinks.MultiDecision).save(tmp_path / "p.json")
    loaded = synalinks.Program.load(tmp_path / "p.json").get_module("branch")
    assert type(loaded.decision) is synalinks.MultiDecision


def test_each_sample_trains_the_branch_it_took() -> None:
    """The reward of a sample belongs to the prediction of its own branch, in whatever order samples end."""

    def answer(call: Call) -> Any:
        prompt = prompt_of(call.request)
        if "choice" in call.request.schema.value["properties"]:  # type: ignore[union-attr]
            return {"thinking": "", "choice": "easy" if "small" in prompt.rpartition("<input>")[2] else "hard"}
        taught = "<examples>" in prompt or "1?" in prompt
        return {"answer": 1 if "E!" in prompt and taught else 2}

    trained = program()
    trained.compile(optimizer=synalinks.RandomFewShot(nb_max_examples=2), reward=synalinks.ExactMatch())
    x = [Question(question=f"{'small' if n % 2 else 'large'} {n}?") for n in range(30)]
    y = [Answer(answer=1 if n % 2 else 3) for n in range(30)]  # all large ones are answered wrongly
    with synalinks.use_provider(ScriptedProvider(answer)):
        asyncio.run(trained.fit(x, y, epochs=4, batch_size=4, validation_split=0.2, verbose=0, seed=1))
    for variable in trained.trainable_variables:
        for example in variable.get("examples"):
            assert "small" in example["inputs"]["question"], variable.name
    assert any(variable.get("examples") for variable in trained.trainable_variables)


def test_a_program_with_a_branch_replays(tmp_path: Path) -> None:
    recorded = program()
    with synalinks.use_cassette(tmp_path / "c.jsonl"):
        first = value_of(recorded, "hard")
    with synalinks.use_cassette(tmp_path / "c.jsonl", record_mode="none"), synalinks.offline():
        assert asyncio.run(recorded(VALUE)).get_json() == first


def test_a_recording_plays_at_any_batch_size(tmp_path: Path) -> None:
    """Branches that run side by side, of many samples: each call has its own place, so its own answer."""
    numbers = iter(range(1000))

    def answer(call: Call) -> Any:
        fields = call.request.schema.value["properties"]  # type: ignore[union-attr]
        if "choices" in fields:
            return {"thinking": "", "choices": LABELS if next(numbers) % 2 else ["hard"]}
        return {"answer": next(numbers)}

    async def build() -> Any:
        start = synalinks.Input(data_model=Question)
        outputs = await branch(decision_type=synalinks.MultiDecision, inject_decision=False, return_decision=False)(
            start
        )
        return synalinks.Program(inputs=start, outputs=await synalinks.Or()(outputs))

    program = asyncio.run(build())
    x = [Question(question="the same") for _ in range(8)]
    with synalinks.use_cassette(tmp_path / "c.jsonl"), synalinks.use_provider(ScriptedProvider(answer)):
        recorded = [one.get_json() for one in asyncio.run(program.predict(x, batch_size=8, verbose=0))]
    assert len({str(one) for one in recorded}) > 4
    for size in (1, 3, 8):
        with synalinks.use_cassette(tmp_path / "c.jsonl", record_mode="none"), synalinks.offline():
            played = asyncio.run(program.predict(x, batch_size=size, verbose=0))
        assert [one.get_json() for one in played] == recorded
