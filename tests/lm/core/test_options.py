"""Options: unknown names are errors, extra_body reaches every dialect, and no limit or key is smuggled in by it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.lm.providers import wire

import synalinks
from synalinks.errors import ConfigurationError
from synalinks.lm import Call, Client, Request, Spec, register_provider
from synalinks.lm.core.options import CHAT_OPTIONS, EMBED_OPTIONS, check_options
from synalinks.lm.providers import make, registry, resolve

CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("temprature", "'temperature'"),
        ("maxtokens", "'max_tokens'"),
        ("top_K", "'top_k'"),
        ("numctx", "'num_ctx'"),
        ("cachng", "'caching'"),
        ("fall_back", "'fallback'"),
        ("zzzzzz", None),
    ],
)
def test_an_unknown_option_is_an_error_that_names_the_nearest(name: str, near: str | None) -> None:
    with pytest.raises(ConfigurationError, match="extra_body") as caught:
        synalinks.LanguageModel("ollama/m", **{name: 1})
    assert (near or "'zzzzzz'") in str(caught.value) and ("Did you mean" in str(caught.value)) is (near is not None)


def test_unknown_options_of_calls_and_of_embeddings() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'temperature'"):
        asyncio.run(synalinks.LanguageModel("ollama/m")(CHAT, temprature=1))
    with pytest.raises(ConfigurationError, match="Did you mean 'dimensions'"):
        synalinks.EmbeddingModel("ollama/m", dimension=3)
    with pytest.raises(ConfigurationError, match="Did you mean 'dimensions'"):
        asyncio.run(synalinks.EmbeddingModel("ollama/m").embed(["x"], {"dimension": 3}))


def test_unknown_options_of_requests_without_a_model() -> None:
    request = Request("chat", "ollama/m", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(ConfigurationError, match="Did you mean 'temperature'"):
        asyncio.run(Client("ollama/m").send(request.with_options(temprature=1)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make_it", "near"),
    [
        (lambda: synalinks.Generator(temprature=1), "'temperature'"),
        (lambda: synalinks.ChainOfThought(temprature=1), "'temperature'"),
        (lambda: synalinks.SelfCritique(temprature=1), "'temperature'"),
        (lambda: synalinks.rewards.RewardFunctionWrapper(lambda y_true, y_pred, slack=0: 1.0, slak=1), "'slack'"),
        (lambda: synalinks.datasets.JSONLDataset("x.jsonl", batchsize=2), "'batch_size'"),
        (lambda: synalinks.datasets.CSVDataset("x.csv", repeat_=2), "'repeat'"),
        (lambda: synalinks.metrics.MeanMetricWrapper(lambda y_true, y_pred: 1.0, in_msk=["a"]), "'in_mask'"),
        (lambda: synalinks.callbacks.CallbackList([], add_histroy=True, epochs=1), "'add_history'"),
        (lambda: synalinks.hooks.HookList([], add_loger=False, epochs=1), "'add_logger'"),
        (lambda: synalinks.saving.deserialize_synalinks_object({}, custm_objects={}), "'custom_objects'"),
        (lambda: synalinks.datasets.HuggingFaceDataset("json", spilt="train"), "'split'"),
        (lambda: synalinks.datasets.HuggingFaceDataset("json", input_templat="{{ x }}"), "'input_template'"),
    ],
)
def test_unknown_keywords_of_everything_else(make_it: Any, near: str) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean") as caught:
        make_it()
    assert near in str(caught.value)


def test_a_provider_of_ones_own_names_its_options() -> None:
    register_provider(Spec("own", lambda endpoint, **_: None, local=True, options=frozenset({"sharpness"})))  # type: ignore[arg-type,return-value]
    try:
        assert synalinks.LanguageModel("own/m", sharpness=3).default_kwargs == {"sharpness": 3}
        with pytest.raises(ConfigurationError, match="'sharpness'"):
            synalinks.LanguageModel("own/m", sharpnes=3)
    finally:
        del registry._registry.by_prefix["own"]


BODIES = {
    "ollama": '{"done":true,"message":{"content":"x"}}',
    "openai": '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}',
    "anthropic": '{"content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{}}',
    "gemini": '{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}',
}
CHATS = ["ollama", "openai", "openrouter", "groq", "deepseek", "mistral", "together_ai", "xai", "hosted_vllm"]


@pytest.mark.parametrize("prefix", [*CHATS, "llama_cpp", "anthropic", "gemini"])
def test_extra_body_is_sent_at_the_top_level_by_every_dialect(prefix: str) -> None:
    seen: list[Any] = []
    body = BODIES.get(prefix, BODIES["openai"])
    transport = wire.transport(wire.Exchange("", None, 200, {}, (body,)), seen)
    request = Request(
        "chat",
        f"{prefix}/m",
        messages=[{"role": "user", "content": "x"}],
        options={"temperature": 0.5, "extra_body": {"brand_new": {"a": 1}}},
    )
    asyncio.run(make(resolve(f"{prefix}/m")[0], api_key="k", transport=transport)(Call(request)))
    sent = json.loads(seen[0].content)
    assert sent["brand_new"] == {"a": 1} and "extra_body" not in json.dumps(sent)


@pytest.mark.parametrize("prefix", ["ollama", "openai", "gemini"])
def test_and_with_embeddings(prefix: str) -> None:
    seen: list[Any] = []
    bodies = {
        "ollama": '{"embeddings":[[1.0]]}',
        "openai": '{"data":[{"index":0,"embedding":[1.0]}]}',
        "gemini": '{"embeddings":[{"values":[1.0]}]}',
    }
    transport = wire.transport(wire.Exchange("", None, 200, {}, (bodies[prefix],)), seen)
    request = Request("embed", f"{prefix}/m", texts=["x"], options={"extra_body": {"brand_new": 1}})
    asyncio.run(make(resolve(f"{prefix}/m")[0], api_key="k", transport=transport)(Call(request)))
    sent = json.loads(seen[0].content)
    assert sent["brand_new"] == 1 and "extra_body" not in json.dumps(sent)


@pytest.mark.parametrize("field", ["max_tokens", "messages", "model", "stream", "generationConfig", "options", "tools"])
def test_extra_body_does_not_replace_what_the_library_fills_in(field: str) -> None:
    """A limit of tokens raised there would not be seen by a budget."""
    with pytest.raises(ConfigurationError, match="fills in this field itself"):
        check_options("m", {"extra_body": {field: 1}}, "chat")
    with pytest.raises(ConfigurationError, match="give a dict"):
        check_options("m", {"extra_body": [field]}, "chat")


def test_a_schema_among_the_options_may_have_a_property_called_key() -> None:
    schema = {"type": "object", "properties": {"key": {"type": "string"}, "token": {"type": "string"}}}
    assert check_options("m", {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}, "chat")


def test_the_tables_have_no_name_of_a_secret() -> None:
    from synalinks.lm.core.options import SECRET_NAMES

    assert not {name.replace("_", "").lower() for name in CHAT_OPTIONS | EMBED_OPTIONS} & SECRET_NAMES
