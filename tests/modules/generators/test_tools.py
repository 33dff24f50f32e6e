"""Tools of generators, chains of thought and models: given once or with a call, as functions or as JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.lm import Reply
from synalinks.testing import ScriptedProvider

MODEL = "ollama/m"
HELLO = synalinks.ChatMessage(role="user", content="Hello")
JSON_TOOL = {"name": "find", "description": "Find.", "parameters": {"type": "object", "properties": {}}}
CALLED = Reply(tool_calls=({"id": "1", "name": "look", "arguments": {"at": "Paris"}},), finish="tool_calls")


class Answer(synalinks.DataModel):
    answer: int


async def look(at: str) -> str:
    """Look at a place.

    Args:
        at: the place.
    """
    return at


def offered(script: ScriptedProvider) -> list[list[Any]]:
    return [[tool["name"] for tool in call.request.tools] for call in script.calls]


def test_tools_given_once_and_with_a_call() -> None:
    for made in (synalinks.Generator, synalinks.ChainOfThought):
        module = made(tools=[look], language_model=MODEL)
        with synalinks.use_provider(ScriptedProvider(["a", "b", "c"])) as script:
            asyncio.run(module(HELLO))
            asyncio.run(module(HELLO, tool_schemas=[JSON_TOOL]))
            asyncio.run(module(HELLO, tools=[synalinks.Tool(look, name="other")]))
        assert offered(script) == [["look"], ["look", "find"], ["look", "other"]]


def test_calls_of_tools_are_the_output_with_a_schema_too() -> None:
    module = synalinks.Generator(data_model=Answer, tools=[look, JSON_TOOL], language_model=MODEL)
    with synalinks.use_provider(ScriptedProvider([CALLED, {"answer": 4}])):
        called, answered = asyncio.run(module(HELLO)), asyncio.run(module(HELLO))
    assert json.loads(called.get("tool_calls")[0]["function"]["arguments"]) == {"at": "Paris"}
    assert synalinks.is_chat_message(called)
    assert answered.get_json() == {"answer": 4}


def test_a_saved_generator_has_its_tools_as_json() -> None:
    module = synalinks.Generator(tools=[look], tool_schemas=[JSON_TOOL], language_model=MODEL)
    loaded = synalinks.modules.deserialize(synalinks.modules.serialize(module))
    assert [tool["name"] for tool in loaded.tool_schemas] == ["look", "find"]
    with synalinks.use_provider(ScriptedProvider(["a", "a"])) as script:
        asyncio.run(module(HELLO))
        asyncio.run(loaded(HELLO))
    assert script.calls[0].request == script.calls[1].request


def test_a_models_tools_choice_and_hooks() -> None:
    class Seen(Hook):
        calls: list[Any] = []

        def on_call_end(self, *args: Any, **kwargs: Any) -> None:
            self.calls.append(kwargs)

    seen = Seen()
    model = synalinks.LanguageModel(MODEL, hooks=[seen])
    with synalinks.use_provider(ScriptedProvider([CALLED, "ok"])) as script:
        called = asyncio.run(model(HELLO, tools=[look], tool_schemas=[JSON_TOOL], tool_choice="required"))
        asyncio.run(model(HELLO, tool_schemas=[{"type": "function", "function": JSON_TOOL}]))
    assert called.get("tool_calls")[0]["id"] == "1"
    assert offered(script) == [["look", "find"], ["find"]]
    assert script.calls[0].request.options["tool_choice"] == "required"
    assert len(seen.calls) == 2
    with pytest.raises(ConfigurationError, match="two tools are called 'look'"):
        asyncio.run(model(HELLO, tools=[look, look]))


def test_in_a_program_tools_are_given_with_the_symbolic_call() -> None:
    async def main() -> Any:
        inputs = synalinks.Input(data_model=synalinks.ChatMessages)
        outputs = await synalinks.Generator(language_model=MODEL)(inputs, tool_schemas=[JSON_TOOL])
        program = synalinks.Program(inputs=inputs, outputs=outputs)
        return await program(synalinks.ChatMessages(messages=[HELLO]))

    with synalinks.use_provider(ScriptedProvider(["a"])) as script:
        assert asyncio.run(main()).get("content") == "a"
    assert offered(script) == [["find"]]
