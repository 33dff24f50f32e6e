"""The catalog: providers and models before they are called."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

import synalinks
from synalinks import embedding_models, language_models
from synalinks.errors import AuthenticationError, ConnectionFailed, OfflineError, UnknownModelError
from synalinks.lm import Spec, providers, register_provider
from synalinks.lm.catalog import model_info, provider_info, supported_models, supported_providers
from synalinks.testing import OllamaServer


def test_providers_of_each_kind() -> None:
    chat, embed = supported_providers("chat"), supported_providers("embed")
    assert {"ollama", "openai", "anthropic", "gemini"} <= set(chat)
    assert "anthropic" not in embed and "openai" in embed
    assert "scripted" not in supported_providers()
    assert language_models.supported_providers() == chat
    assert embedding_models.supported_providers() == embed
    assert {*chat, *embed} == set(supported_providers())


def test_a_provider_is_described_and_a_misspelt_one_has_a_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    info = provider_info("openai")
    assert (info["endpoint"], info["key_env"], info["has_key"]) == (
        "https://api.openai.com/v1",
        ["OPENAI_API_KEY"],
        False,
    )
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert provider_info("openai/gpt-4o")["has_key"]
    assert provider_info("ollama_chat") == provider_info("ollama")
    assert provider_info("ollama")["local"]
    with pytest.raises(UnknownModelError, match="Did you mean 'anthropic'"):
        provider_info("antropic")
    with pytest.raises(UnknownModelError, match="There are: ollama"):
        asyncio.run(supported_models("nobody"))


def test_a_model_is_described() -> None:
    info = model_info("openai/gpt-4o")
    assert info["mode"] == "chat"
    assert info["input_cost_per_token"] == 2.5e-6
    assert (info["supports_tools"], info["supports_streaming"], info["supports_reasoning"]) == (True, True, False)
    assert model_info("openai/text-embedding-3-small")["mode"] == "embedding"
    assert model_info("openai/text-embedding-3-small")["supports_tools"] is False
    free = model_info("ollama/any")
    assert (free["input_cost_per_token"], free["max_output_tokens"], free["supports_reasoning"]) == (0.0, None, None)
    model = synalinks.LanguageModel("openai/gpt-4o")
    assert model.model_info == info
    assert model.provider_info == provider_info("openai")
    assert model.supports_tools and model.supports_structured_output and model.supports_streaming
    assert model.supports_reasoning is False
    assert model.supports_vision is None
    with pytest.raises(UnknownModelError):
        model_info("nobody/x")


def test_the_models_of_a_hosted_provider_without_a_key_are_those_with_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    chat = asyncio.run(language_models.supported_models("openai"))
    embed = asyncio.run(embedding_models.supported_models("openai"))
    assert "openai/gpt-4o" in chat and "openai/text-embedding-3-small" in embed
    assert not set(chat) & set(embed)
    assert chat == sorted(chat)


def test_a_local_server_lists_its_models() -> None:
    with OllamaServer(models=["llama3.2", "all-minilm"]) as server:
        assert asyncio.run(supported_models("ollama", server.url)) == [
            "ollama/all-minilm:latest",
            "ollama/llama3.2:latest",
        ]
        assert asyncio.run(language_models.supported_models("ollama", api_base=server.url)) == [
            "ollama/llama3.2:latest"
        ]
        assert asyncio.run(embedding_models.supported_models("ollama", server.url)) == ["ollama/all-minilm:latest"]
        with synalinks.lm.offline(), pytest.raises(OfflineError):
            asyncio.run(supported_models("ollama", server.url))
    with pytest.raises(ConnectionFailed):
        asyncio.run(supported_models("ollama", server.url))


LISTS: dict[str, tuple[str, Any, list[str]]] = {
    "openai": (
        "/v1/models",
        {"data": [{"id": "gpt-4o"}, {"id": "text-embedding-3-small"}]},
        ["openai/gpt-4o", "openai/text-embedding-3-small"],
    ),
    "anthropic": ("/v1/models", {"data": [{"id": "claude-opus-4-5"}]}, ["anthropic/claude-opus-4-5"]),
    "gemini": ("/v1beta/models", {"models": [{"name": "models/gemini-2.5-pro"}]}, ["gemini/gemini-2.5-pro"]),
}


@pytest.mark.parametrize("provider", LISTS)
def test_each_dialects_list(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, body, wanted = LISTS[provider]
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        status = 200 if "k3y-k3y-k3y" in " ".join(request.headers.values()) else 401
        return httpx.Response(status, content=json.dumps(body if status == 200 else {"error": {"message": "no"}}))

    make = providers.make
    transport = httpx.MockTransport(answer)
    monkeypatch.setattr("synalinks.lm.catalog.make", lambda spec, base: make(spec, base, transport=transport))
    for name in provider_info(provider)["key_env"]:
        monkeypatch.setenv(name, "k3y-k3y-k3y")
    found = asyncio.run(supported_models(provider))
    assert seen[0].url.path == path
    assert found == wanted
    for name in provider_info(provider)["key_env"]:
        monkeypatch.setenv(name, "another-k3y")
    with pytest.raises(AuthenticationError):
        asyncio.run(supported_models(provider))


def test_a_provider_of_ones_own_has_no_list() -> None:
    def build(endpoint: str, **settings: object) -> Any:
        async def answer(call: Any) -> Any:
            raise AssertionError

        return answer

    register_provider(Spec("catalogued", build, "http://127.0.0.1:9", local=True))
    assert asyncio.run(supported_models("catalogued")) == []
    assert model_info("catalogued/x")["supports_tools"] is None
