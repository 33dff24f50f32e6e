"""FunctionCallingAgent: the loop, its limit, its forms of answers, and the turn by turn mode."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.lm import Reply
from synalinks.lm.core.errors import ServerError
from synalinks.modules.tools.running import LOST_RESULT
from synalinks.saving import register_synalinks_serializable
from synalinks.testing import ScriptedProvider

MODEL = "ollama/m"


class Query(synalinks.DataModel):
    query: str


class Answer(synalinks.DataModel):
    answer: float


@register_synalinks_serializable(package="agents")
async def calculate(expression: str) -> dict[str, Any]:
    """Calculate a sum.

    Args:
        expression: numbers and `+`.
    """
    return {"result": sum(map(float, expression.split("+")))}


def calls(*expressions: str, **more: Any) -> Reply:
    made = [
        {"id": f"call_{i}", "name": "calculate", "arguments": {"expression": expression}}
        for i, expression in enumerate(expressions)
    ]
    return Reply(tool_calls=tuple(made), **more)


def agent(**more: Any) -> synalinks.FunctionCallingAgent:
    return synalinks.FunctionCallingAgent(**{"tools": [calculate], "language_model": MODEL, "name": "agent", **more})


def ask(module: Any, inputs: Any, *answers: Any) -> tuple[Any, ScriptedProvider]:
    with synalinks.use_provider(ScriptedProvider(list(answers))) as script:
        return asyncio.run(module(inputs)), script


def roles(messages: Any) -> list[str]:
    return [message["role"] for message in messages]


def test_the_loop_ends_with_an_answer_behind_the_conversation() -> None:
    found, script = ask(agent(data_model=Answer), Query(query="2+3?"), calls("2+3", "1+1"), "done", {"answer": 5})
    assert found.get_json()["answer"] == 5
    assert roles(found.get("messages")) == ["assistant", "tool", "tool"]
    assert [message["content"] for message in found.get("messages")[1:]] == [{"result": 5.0}, {"result": 2.0}]
    assert [roles(call.request.messages) for call in script.calls] == [
        ["system", "user"],
        ["system", "user", "assistant", "tool", "tool"],
        ["system", "user", "assistant", "tool", "tool"],
    ]
    assert [len(call.request.tools) for call in script.calls] == [1, 1, 0]
    assert script.calls[0].request.messages[1]["content"] == '<input>\n{"query":"2+3?"}\n</input>\n<output>\n'
    assert [call.scope.module for call in script.calls] == [
        "agent/tool_calls_generator_agent",
        "agent/tool_calls_generator_agent",
        "agent/final_generator_agent",
    ]


def test_a_conversation_goes_on_and_one_message_is_one() -> None:
    talk = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="2+3?")])
    found, _ = ask(agent(), talk, calls("2+3"), "done", "It is 5.")
    assert roles(found.get("messages")) == ["user", "assistant", "tool", "assistant"]
    assert found.get("messages")[-1]["content"] == "It is 5."
    found, _ = ask(agent(), synalinks.ChatMessage(role="user", content="Hello"), "hi", "Hi!")
    assert [message["content"] for message in found.get("messages")] == ["Hello", "Hi!"]
    found, _ = ask(agent(return_inputs_with_trajectory=False), talk, calls("2+3"), "done", "It is 5.")
    assert [message["content"] for message in found.get("messages")] == ["It is 5."]
    found, _ = ask(agent(data_model=Answer, return_inputs_with_trajectory=False), talk, "done", {"answer": 5})
    assert found.get_json() == {"answer": 5}


def test_after_the_last_turn_the_answer_is_made_of_what_there_is() -> None:
    found, script = ask(
        agent(data_model=Answer, max_iterations=2), Query(query="?"), calls("1"), calls("2"), {"answer": 3}
    )
    assert len(script.calls) == 3
    assert len(found.get("messages")) == 4


def test_none_and_calls_that_fail_for_good() -> None:
    assert asyncio.run(agent()(None)) is None
    model = synalinks.LanguageModel(MODEL, retry=1)
    with pytest.warns(synalinks.LMWarning):
        found, _ = ask(agent(language_model=model), Query(query="?"), ServerError("down"), "Sorry.")
    assert found.get("messages")[-1]["content"] == "Sorry."
    with pytest.warns(synalinks.LMWarning):
        found, _ = ask(agent(language_model=model), Query(query="?"), ServerError("down"), ServerError("down"))
    assert found is None


def test_turn_by_turn_the_program_decides_what_is_called() -> None:
    module = agent(autonomous=False)
    talk = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="2+3?")])
    found, _ = ask(module, talk, calls("2+2"))
    message = found.get("messages")[-1]
    assert message["tool_calls"][0]["function"]["name"] == "calculate"
    message["tool_calls"][0]["function"]["arguments"] = '{"expression": "2+3"}'  # as a user put it right
    talk.messages.append(message)
    found, _ = ask(module, talk, calls("5+1"))
    assert roles(found.get("messages")) == ["user", "assistant", "tool", "assistant"]
    assert found.get("messages")[2]["content"] == {"result": 5.0}
    found, script = ask(module, found, "done", "It is 6.")
    assert found.get("messages")[-1]["content"] == "It is 6."
    talk.messages.append(message)  # a program that keeps no results: what was called before is not called again
    _, script = ask(module, talk, "done", "It is 5.")
    assert [m["content"] for m in script.calls[0].request.messages if m["role"] == "tool"] == [
        LOST_RESULT,
        '{"result":5.0}',
    ]


def test_turn_by_turn_without_the_conversation_it_is_what_was_added() -> None:
    module = agent(autonomous=False, return_inputs_with_trajectory=False)
    talk = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="2+3?")])
    found, _ = ask(module, talk, calls("2+3"))
    talk.messages.extend(synalinks.ChatMessages(**found.get_json()).messages)
    found, _ = ask(module, talk, "done", "It is 5.")
    assert roles(found.get("messages")) == ["tool", "assistant"]


def test_turn_by_turn_takes_conversations_only() -> None:
    with pytest.raises(ConfigurationError, match="takes a conversation"):
        asyncio.run(agent(autonomous=False)(synalinks.Input(data_model=Query)))
    with pytest.raises(ConfigurationError, match="takes a conversation"):
        asyncio.run(agent(autonomous=False)(Query(query="?")))


def test_an_agent_without_tools_has_one_turn_and_answers() -> None:
    without = synalinks.FunctionCallingAgent(data_model=Answer, language_model="ollama/any")
    script = ScriptedProvider(["Let me think.", {"answer": 4}])
    with synalinks.use_provider(script):
        answer = asyncio.run(without(Query(query="2 + 2?")))
    assert answer["answer"] == 4 and not any(call.request.tools for call in script.calls)


class Odd(synalinks.DataModel):
    messages: int


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"tools": [calculate, synalinks.Tool(calculate)]}, "two tools are called 'calculate'"),
        ({"tools": [synalinks.Tool(calculate, name="_hidden")]}, "may not begin with '_'"),
        ({"tools": [{"name": "x", "parameters": {}}]}, "runs its tools"),
        ({"max_iterations": 0}, "a whole number from 1"),
        ({"workdir": "no such folder"}, "is not a directory"),
        ({"skills": "no such folder"}, "is not a directory"),
    ],
)
def test_mistakes_are_told_at_construction(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        agent(**more)
    with pytest.raises(ConfigurationError, match="no list of chat messages"):
        asyncio.run(agent()(Odd(messages=1)))


def test_in_a_program_saved_loaded_and_trained(tmp_path: Path) -> None:
    async def build() -> synalinks.Program:
        inputs = synalinks.Input(data_model=Query)
        outputs = await agent(
            data_model=Answer, use_chain_of_thought=True, temperature=0.5, return_inputs_with_trajectory=False
        )(inputs)
        assert list(outputs.keys()) == ["answer"]
        return synalinks.Program(inputs=inputs, outputs=outputs, name="program")

    program = asyncio.run(build())
    assert [variable.name for variable in program.trainable_variables] == [
        "state_generator_tool_calls_generator_agent",
        "state_final_generator_agent",
    ]
    program.save(tmp_path / "program.json")
    loaded = synalinks.Program.load(tmp_path / "program.json")
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "program.json").read_bytes()
    script = [calls("2+3"), "done", {"answer": 5}]
    found, provider = ask(loaded, Query(query="2+3?"), *script)
    assert found.get_json() == {"answer": 5}
    assert provider.calls[0].request.options["temperature"] == 0.5
    assert agent().clone().tools["calculate"].func is calculate

    def answer(call: Any) -> Any:
        if call.request.schema is not None:
            return {"answer": 5}
        return calls("2+3") if call.request.messages[-1]["role"] == "user" else "done"

    loaded.compile(optimizer="random_few_shot", reward="exact_match")
    data, targets = [Query(query=f"{n}") for n in range(4)], [Answer(answer=5)] * 4
    with synalinks.use_provider(ScriptedProvider(answer)) as script_:
        history = asyncio.run(loaded.fit(data, targets, epochs=2, verbose=0, validation_split=0.25))
    assert history.history["val_reward"] == [1.0, 1.0]
    shown = {call.scope.module for call in script_.calls if "<examples>" in call.request.messages[0]["content"]}
    assert shown  # predictions were recorded under their samples, and are worked examples of later prompts


def test_replayed_from_a_cassette_at_another_order(tmp_path: Path) -> None:
    path = tmp_path / "cassette.jsonl"

    def answer(call: Any) -> Any:
        return calls("2+3", "1+1") if call.request.messages[-1]["role"] == "user" else "5"

    module = agent(language_model=synalinks.LanguageModel(MODEL, caching=False))

    async def both() -> list[Any]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(module(Query(query=text))) for text in ("a", "b")]
        return [task.result().get_json() for task in tasks]

    with synalinks.use_provider(ScriptedProvider(answer)), synalinks.use_cassette(path):
        recorded = asyncio.run(both())
    with synalinks.use_cassette(path, record_mode="none"):
        assert asyncio.run(both()) == recorded


def test_a_working_directory_and_skills_are_shown(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("Answer in French.", encoding="utf-8")
    skill = tmp_path / "skills" / "sums"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: sums\ndescription: >\n  How to add\n  numbers.\n---\nCarry the one.\n")
    (skill / "more.txt").write_text("More.")
    module = agent(tools=None, workdir=tmp_path, skills=tmp_path / "skills")
    read = Reply(tool_calls=({"id": "1", "name": "read_skill", "arguments": {"skill": "sums"}},))
    found, script = ask(module, Query(query="?"), read, "done", "ok")
    system = script.calls[0].request.messages[0]["content"]
    assert "<agents_md>\nAnswer in French.\n</agents_md>" in system
    assert "<name>sums</name>\n<description>How to add numbers.</description>" in system
    assert found.get("messages")[1]["content"]["content"].endswith("Carry the one.\n")
    reader = module.tools["read_skill"]
    assert asyncio.run(reader(skill="sums", file="more.txt")).get("content") == "More."
    for wrong in ({"skill": "sums", "file": "../../AGENTS.md"}, {"skill": "other"}, {"skill": "sums", "file": "x"}):
        with pytest.raises(ValueError, match=r"has no file|there is no skill"):
            asyncio.run(reader(**wrong))
    assert module.clone().tools.keys() == {"read_skill"}


def test_in_an_estimate_no_tool_runs() -> None:
    ran: list[int] = []

    async def send(number: int) -> int:
        """Send a mail.

        Args:
            number: of the mail.
        """
        ran.append(number)
        return number

    async def main() -> Any:
        inputs = synalinks.Input(data_model=Query)
        outputs = await agent(tools=[send], data_model=Answer, return_inputs_with_trajectory=False)(inputs)
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        program.compile(optimizer="random_few_shot", reward="exact_match")
        data = [Query(query=f"{n}") for n in range(4)]
        return await program.estimate(data, [Answer(answer=1)] * 4, epochs=1)

    forecast = asyncio.run(main())
    assert forecast.calls.expected > 8  # more than a call a sample: turns and answers
    assert ran == []


def test_the_template_without_context_is_that_of_generators() -> None:
    _, script = ask(agent(instructions="Be brief."), Query(query="?"), "done", "ok")
    prompts = {call.request.messages[0]["content"].strip() for call in script.calls}
    assert prompts == {"<instructions>\nBe brief.\n</instructions>"}
