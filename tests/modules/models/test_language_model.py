"""Tests of language and embedding models: asking, identity, counters, settings."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question, lm
from synalinks._concurrency import run_sync
from synalinks.errors import ConfigurationError, RequestError, SampleRefused, ServerError, UnknownModelError
from synalinks.lm.core.call import Reply, Usage
from synalinks.lm.providers.fake.scripted import ScriptedProvider

CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])


def ask(model: Any, provider: Any, *args: Any, **options: Any) -> Any:
    with synalinks.use_provider(provider):
        return asyncio.run(model(*args, **options))


def test_asked_with_messages_it_gives_a_message_or_an_instance_of_a_schema() -> None:
    model = lm()
    plain = ask(model, ScriptedProvider(["hello"]), CHAT)
    assert (plain.get("role"), plain.get("content")) == ("assistant", "hello")
    structured = ask(model, ScriptedProvider([{"answer": 1}]), CHAT, schema=Answer.get_schema())
    assert structured.get_json() == {"answer": 1}
    assert ask(model, ScriptedProvider([]), None) is None
    with pytest.raises(ConfigurationError, match="needs a role"):
        ask(model, ScriptedProvider([]), Question(question="hi"))


def test_pieces_of_an_answer_go_to_the_sink() -> None:
    pieces: list[Any] = []
    ask(lm(), ScriptedProvider(["hello"]), CHAT, sink=pieces.append)
    assert "".join(piece.text for piece in pieces) == "hello"


def test_identifiers() -> None:
    model = lm()
    get = synalinks.LanguageModel.get
    assert get(model) is model and get(MODEL).model == MODEL and get(None) is None
    assert (
        get({"class_name": "LanguageModel", "module": "synalinks.modules", "config": {"model": MODEL}}).model == MODEL
    )
    synalinks.set_default_language_model(model)
    assert get(None) is model
    with pytest.raises(ConfigurationError, match="not a LanguageModel"):
        get(3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ConfigurationError, "ollama/llama3.2"),
        ({"model": "nobody/x"}, UnknownModelError, "nobody"),
        ({"model": MODEL, "on_error": "x"}, ConfigurationError, "on_error"),
        ({"model": MODEL, "caching": "x"}, ConfigurationError, "caching"),
        ({"model": MODEL, "retry": 0}, ConfigurationError, "1"),
    ],
)
def test_settings_that_cannot_be_right(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        synalinks.LanguageModel(**options)


def test_a_misspelt_argument_of_a_call_has_its_neighbour_named() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'tool_schemas'"):
        asyncio.run(lm()(CHAT, tool_schema=[]))


def test_an_empty_answer_is_tried_as_often_as_the_program_says() -> None:
    model = synalinks.LanguageModel(MODEL, retry=3, retry_max_wait=0.0)
    empty = ScriptedProvider(["", "  ", "hello"])
    assert ask(model, empty, CHAT).get("content") == "hello"
    empty = ScriptedProvider(lambda call: "")
    with pytest.warns(synalinks.LMWarning, match="after 3 attempts"):
        assert ask(model, empty, CHAT) is None
    assert len(empty.calls) == 3


def test_counters_are_views_of_the_ledger() -> None:
    model, other = lm(), lm()
    provider = ScriptedProvider(lambda call: "hello", usage=Usage(input_fresh=3, output_text=2))
    assert (model.cumulated_calls, model.last_call_tokens, model.last_call_cost) == (0, None, None)
    for _ in range(2):
        ask(model, provider, CHAT)
    assert (model.cumulated_calls, other.cumulated_calls) == (2, 0)
    assert (model.cumulated_prompt_tokens, model.cumulated_completion_tokens, model.cumulated_tokens) == (6, 4, 10)
    assert (model.last_call_tokens, model.cumulated_cost, model.last_call_cost) == (5, Decimal(0), Decimal(0))
    with pytest.warns(synalinks.LMWarning):
        ask(model, ScriptedProvider(lambda call: ServerError), CHAT)
    assert model.failed_calls == 1
    with pytest.raises(AttributeError):
        model.cumulated_calls = 0  # type: ignore[misc]


@pytest.mark.parametrize("how", ["awaited", "in a program", "in tasks", "on a thread"])
def test_the_warning_of_a_failed_call_names_a_line_of_the_users(how: str) -> None:
    broken = ScriptedProvider(lambda call: ServerError("down"))
    model = lm()

    async def main() -> None:
        if how == "awaited":
            await model(CHAT)
        elif how == "in tasks":
            async with asyncio.TaskGroup() as group:
                group.create_task(model(CHAT))
        elif how == "on a thread":
            assert run_sync(model(CHAT)) is None
        else:
            inputs = synalinks.Input(data_model=synalinks.ChatMessages)
            outputs = await synalinks.Generator(language_model=model)(inputs)
            await synalinks.Program(inputs=inputs, outputs=outputs)(CHAT)

    with synalinks.use_provider(broken), pytest.warns(synalinks.LMWarning) as warned:
        asyncio.run(main())
    (told,) = warned
    if how == "on a thread":  # nothing of the user's is on its stack
        assert told.filename.endswith("folding.py")
    else:
        assert told.filename == __file__
    assert "down" in str(told.message) and "(at " in str(told.message)


def test_configs_make_the_same_model_and_hold_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    made = lm(timeout=9.0, temperature=0.5, fallback="ollama/second", rpm=10, on_error="raise", name="m")
    config = made.get_config()
    again = synalinks.LanguageModel.from_config(config)
    assert again.get_config() == config and again.fallback is not None and again.fallback.model == "ollama/second"
    assert "sk-secret" not in repr(config)
    assert repr(made).startswith(f"<LanguageModel {MODEL} at http")


def test_an_embedding_model_gives_a_vector_a_text() -> None:
    model = synalinks.EmbeddingModel(model="ollama/embed", retry=1)
    vectors = {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    provider = ScriptedProvider(lambda call: [vectors[text] for text in call.request.texts])

    class Texts(synalinks.DataModel):
        """Texts."""

        texts: list[str]

    found = ask(model, provider, Texts(texts=["a", "b"]))
    assert found.get("embeddings") == [[1.0, 0.0], [0.0, 1.0]]
    with pytest.warns(synalinks.LMWarning):
        assert ask(model, ScriptedProvider(lambda call: ServerError), Texts(texts=["c"])) is None


def test_the_fallback_is_asked_when_the_provider_fails_and_not_when_the_program_is_wrong() -> None:
    asked: list[str] = []

    def answer(call: Any) -> Any:
        asked.append(call.request.model)
        if call.request.model == MODEL:
            return (
                ServerError("busy") if call.request.messages[-1]["content"] == "hi" else RequestError("no such option")
            )
        return "from the second"

    model = synalinks.LanguageModel(MODEL, retry=1, fallback="ollama/second")
    assert ask(model, ScriptedProvider(answer), CHAT).get("content") == "from the second"
    assert asked == [MODEL, "ollama/second"]
    wrong = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="ho")])
    with pytest.raises(RequestError):
        ask(model, ScriptedProvider(answer), wrong)
    assert asked[2:] == [MODEL]


def test_on_error_raise() -> None:
    model = synalinks.LanguageModel(MODEL, retry=1, on_error="raise")
    with pytest.raises(ServerError):
        ask(model, ScriptedProvider([ServerError("busy")]), CHAT)


def test_on_error_raise_holds_for_the_fallbacks_too() -> None:
    """Needs the first model's word: the fallbacks' own is to give None."""
    model = synalinks.LanguageModel(
        MODEL, retry=1, on_error="raise", fallback=synalinks.LanguageModel("ollama/b", retry=1, fallback="ollama/c")
    )
    failures = [ServerError("busy"), ServerError("busy"), SampleRefused("refused", kind="content_filter")]
    with pytest.raises(SampleRefused, match="refused"):
        ask(model, ScriptedProvider(failures), CHAT)


def test_a_model_that_calls_tools_gives_a_message_even_where_a_schema_was_given() -> None:
    calls = ({"id": "1", "name": "look", "arguments": {"at": "ü"}},)
    reply = Reply(tool_calls=calls, finish="tool_calls", reasoning="let me see")
    found = ask(lm(), ScriptedProvider([reply]), CHAT, schema=Answer.get_schema(), tools=[{"name": "look"}])
    assert found.get("tool_calls")[0]["function"] == {"name": "look", "arguments": '{"at":"ü"}'}
    assert found.get("reasoning_content") == "let me see"


def test_a_stop_and_a_budget_go_through() -> None:
    """Neither is a failed call: no warning, no None."""
    with synalinks.use_budget(synalinks.Budget(calls=0)), pytest.raises(synalinks.BudgetExceeded):
        ask(lm(), ScriptedProvider(["x"]), CHAT)


def test_a_budget_s_cap_reaches_the_provider() -> None:
    with synalinks.use_budget(synalinks.Budget(tokens=200)):
        found = ask(lm(), ScriptedProvider(["word " * 500]), CHAT)
    assert 0 < len(found.get("content")) < 4 * 200


def test_the_address_is_that_given_or_that_of_a_server_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    local = synalinks.LanguageModel("ollama/llama3.2")
    assert local.api_base == "http://127.0.0.1:11434" and local.get_config()["api_base"] is None
    assert synalinks.LanguageModel("ollama/llama3.2", api_base="http://gpu:1").api_base == "http://gpu:1"
    assert synalinks.LanguageModel("openai/gpt-4o-mini").api_base is None
    with pytest.raises(AttributeError, match="api_base of a LanguageModel is set when it is made"):
        local.api_base = "http://elsewhere"
