"""Settings that a module was made with: read on it, and set on it, as on the generators it is made around."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.lm import Call
from synalinks.testing import ScriptedProvider


class Query(synalinks.DataModel):
    query: str


class Answer(synalinks.DataModel):
    answer: str


async def add(first: int, second: int) -> int:
    """Add two numbers.

    Args:
        first: one number.
        second: the other one.
    """
    return first + second


def branch(**settings: Any) -> synalinks.Branch:
    return synalinks.Branch(
        question="Hard?", labels=["yes", "no"], branches=[synalinks.Identity(), synalinks.Identity()], **settings
    )


MADE: dict[str, Callable[..., Any]] = {
    "generator": lambda **settings: synalinks.Generator(data_model=Answer, **settings),
    "chain_of_thought": lambda **settings: synalinks.ChainOfThought(data_model=Answer, **settings),
    "self_critique": synalinks.SelfCritique,
    "decision": lambda **settings: synalinks.Decision(question="Hard?", labels=["yes", "no"], **settings),
    "multi_decision": lambda **settings: synalinks.MultiDecision(question="Hard?", labels=["yes", "no"], **settings),
    "branch": branch,
    "action": lambda **settings: synalinks.Action(tool=add, **settings),
    "agent": lambda **settings: synalinks.FunctionCallingAgent(data_model=Answer, tools=[add], **settings),
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_settings_are_attributes_and_what_is_set_there_is_saved(made: Callable[..., Any]) -> None:
    model = synalinks.LanguageModel("ollama/any")
    module = made(language_model=model, temperature=0.5, max_tokens=900, use_inputs_schema=True, examples=[])
    assert module.language_model is model
    assert (module.temperature, module.max_tokens, module.top_p, module.use_inputs_schema) == (0.5, 900, None, True)
    module.temperature, module.top_p, module.max_tokens = 0.7, 0.9, None
    loaded = synalinks.modules.deserialize(synalinks.modules.serialize(module), {"add": add})
    assert (loaded.temperature, loaded.top_p, loaded.max_tokens) == (0.7, 0.9, None)
    assert loaded.use_inputs_schema is True
    with pytest.raises(ConfigurationError, match="reasoning_effort='huge'; write one of"):
        module.reasoning_effort = "huge"


def test_what_is_set_on_a_module_is_what_its_next_call_sends() -> None:
    sent: list[Call] = []

    def reply(call: Call) -> dict[str, str]:
        sent.append(call)
        return {"thinking": "none", "answer": "4"}

    thinker = synalinks.ChainOfThought(data_model=Answer, language_model="ollama/one", temperature=0.5)
    thinker.temperature = 0.7
    thinker.language_model = synalinks.LanguageModel("ollama/other")
    thinker.prompt_template = "Do it: {{ instructions }}"
    with synalinks.use_provider(ScriptedProvider(reply)):
        asyncio.run(thinker(Query(query="2 + 2")))
    request = sent[0].request
    assert (request.model, request.options["temperature"]) == ("ollama/other", 0.7)
    assert request.messages[0]["content"].startswith("Do it: ")


def test_an_agent_made_with_the_name_of_a_model_has_one_model() -> None:
    agent = synalinks.FunctionCallingAgent(tools=[add], language_model="ollama/any")
    assert agent.tool_calls_generator.language_model is agent.final_generator.language_model


def test_settings_of_a_model_are_read_only_attributes() -> None:
    model = synalinks.LanguageModel("ollama/any", timeout=30, retry=2, api_base="http://127.0.0.1:1")
    assert (model.timeout, model.retry, model.retry_max_wait, model.api_base) == (30, 2, 60, "http://127.0.0.1:1")
    with pytest.raises(AttributeError, match=r"make another one: LanguageModel\(\.\.\., timeout=\.\.\.\)"):
        model.timeout = 5
    assert synalinks.EmbeddingModel(model="ollama/any", caching=False).caching is False


def test_outputs_with_their_inputs_are_named_for_the_generator() -> None:
    generator = synalinks.Generator(data_model=Answer, language_model="ollama/any", return_inputs=True, name="solver")
    with synalinks.use_provider(ScriptedProvider([{"answer": "4"}])):
        found = asyncio.run(generator(Query(query="2 + 2")))
    assert found is not None and found.name == "with_inputs_solver"
    assert found.get_json() == {"query": "2 + 2", "answer": "4"}


def test_schemas_of_modules_are_json_schemas() -> None:
    for made in ("generator", "chain_of_thought", "agent"):
        assert MADE[made](language_model="ollama/any").schema == Answer.get_schema()
    assert synalinks.Lambda(lambda inputs: inputs, data_model=Answer).schema == Answer.get_schema()
    assert synalinks.Generator(language_model="ollama/any").schema is None


class Plain(synalinks.Module):
    """A module whose `call` is no coroutine."""

    def call(self, inputs: Any, training: bool = False) -> Any:  # type: ignore[override]
        return Answer(answer=inputs.get("query")) if isinstance(inputs, synalinks.JsonDataModel) else inputs


class Watch(synalinks.hooks.Hook):
    """Does nothing, so that calls go by way of hooks."""


@pytest.mark.parametrize("hooks", [None, [Watch()]], ids=["plain", "hooked"])
def test_call_may_be_a_plain_function(hooks: list[synalinks.hooks.Hook] | None) -> None:
    found = asyncio.run(Plain(hooks=hooks)(Query(query="4")))
    assert found.get_json() == {"answer": "4"}
