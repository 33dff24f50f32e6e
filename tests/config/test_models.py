"""Tests of default models, and of the session's server and key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import synalinks
from synalinks import config
from synalinks.errors import ConfigurationError
from synalinks.session import isolated_settings

OPENAI = "openai/gpt-4o-mini"


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with isolated_settings():
        yield


def key_of(model: Any) -> str:
    return str(model.client.servers[0].key)


def test_defaults_are_instances_of_names() -> None:
    synalinks.set_default_embedding_model("ollama/nomic-embed-text")
    found = synalinks.default_embedding_model()
    assert isinstance(found, synalinks.EmbeddingModel)
    assert found.model == "ollama/nomic-embed-text"
    synalinks.set_default_embedding_model(None)
    assert synalinks.default_embedding_model() is None


def test_models_made_after_set_api_base_go_there(monkeypatch: pytest.MonkeyPatch) -> None:
    before = synalinks.LanguageModel("ollama/x")
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    synalinks.set_api_base("http://127.0.0.1:8000")
    assert config.api_base() == "http://127.0.0.1:8000"
    model = synalinks.LanguageModel("ollama/x")
    assert model.client.endpoint == "http://127.0.0.1:8000"
    assert synalinks.EmbeddingModel("ollama/x").client.endpoint == "http://127.0.0.1:8000"
    assert synalinks.LanguageModel("ollama/x", api_base="http://127.0.0.1:9").client.endpoint == "http://127.0.0.1:9"
    assert before.client.endpoint != "http://127.0.0.1:8000"
    assert model.get_config()["api_base"] is None
    synalinks.set_api_base(None)
    assert config.api_base() is None
    assert synalinks.LanguageModel("ollama/x").client.endpoint == "http://127.0.0.1:1"


def test_models_made_after_set_api_key_have_it_and_save_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-environment")
    config.set_api_key("of-the-session")
    assert config.api_key() == "of-the-session"
    model = synalinks.LanguageModel(OPENAI)
    assert key_of(model) == "of-the-session"
    assert "of-the-session" not in repr(model.get_config())
    assert key_of(synalinks.LanguageModel(OPENAI, api_key="own")) == "own"
    assert key_of(synalinks.LanguageModel(OPENAI, api_key_env="OPENAI_API_KEY")) == "of-the-environment"
    config.set_api_key(None)
    assert config.api_key() is None
    assert key_of(synalinks.LanguageModel(OPENAI)) == "of-the-environment"


def test_a_file_that_names_a_server_does_not_get_the_sessions_key() -> None:
    saved = synalinks.LanguageModel(OPENAI, api_base="https://elsewhere.example/v1").get_config()
    config.set_api_key("of-the-session")
    assert key_of(synalinks.LanguageModel.from_config(saved)) == ""
    assert key_of(synalinks.LanguageModel.from_config({**saved, "api_base": None})) == "of-the-session"


@pytest.mark.parametrize("bad", ["", "  ", 3])
def test_what_is_no_server_and_no_key_is_refused(bad: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"set_api_base\(.*give the URL of a server"):
        synalinks.set_api_base(bad)
    with pytest.raises(ConfigurationError, match=r"a key is a text") as caught:
        config.set_api_key(bad)
    assert repr(bad) not in str(caught.value)
