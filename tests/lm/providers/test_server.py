"""Servers: addresses, keys, and handlers built late."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

import synalinks
from synalinks import errors
from synalinks.lm import providers
from synalinks.lm.core.call import Call, Request, Usage
from synalinks.lm.providers import endpoint_of, key_of, make, resolve

OLLAMA = resolve("ollama/m")[0]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for spec in providers.SPECS:
        for name in (*spec.base_env, *spec.key_env):
            monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("http://localhost:11434/", "http://localhost:11434"),
        ("HTTP://Example.COM:80/base/", "http://example.com:80/base"),
        ("example.com", "http://example.com:11434"),
        ("https://example.com", "https://example.com"),
        (":4000", "http://127.0.0.1:4000"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::1]:4000", "http://[::1]:4000"),
        ("http://user:secret@example.com", "http://example.com"),
        ("http://example.com/v1/?key=secret", "http://example.com/v1"),
        (' "127.0.0.1:4000" ', "http://127.0.0.1:4000"),
    ],
)
def test_one_spelling_per_server(given: str | None, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoint_of(OLLAMA, given) == url
    if given:
        monkeypatch.setenv("OLLAMA_HOST", given)
        assert endpoint_of(OLLAMA) == url
        assert endpoint_of(OLLAMA, "other:1") == "http://other:1"


@pytest.mark.parametrize(
    "given",
    [
        "http://host:notaport",
        "ftp://host",
        "http://u:secret@host:99999999",
        "http://a b",
        "http://u:secret@a b",
        "http://h\n.evil",
        "http://h\t.evil/v1",
        "h\r.evil:1",
        "http://h\x00",
        "http://h\u2028.evil",
        "http://h\\.evil",
        "http://h%2eevil",
        "http://<h>",
        "javascript:1",
        "http:/host/v1",
        "https:1",
        "file:/etc/passwd",
        5,
    ],
)
def test_what_is_no_address_is_refused_when_the_model_is_made(given: Any) -> None:
    for make_it in (lambda: endpoint_of(OLLAMA, given), lambda: synalinks.LanguageModel("ollama/m", api_base=given)):
        with pytest.raises(errors.ConfigurationError, match="server's URL") as caught:
            make_it()
        assert "secret" not in str(caught.value)


def test_a_provider_without_a_default_server_can_be_named_all_the_same() -> None:
    assert endpoint_of(resolve("azure/x")[0]) == "azure:"
    assert endpoint_of(resolve("scripted/x")[0]) == "scripted:"


def test_keys_come_from_the_argument_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = resolve("openai/x")[0]
    assert key_of(spec) is None
    monkeypatch.setenv("OPENAI_API_KEY", "env")
    assert key_of(spec) == "env"
    assert key_of(spec, "given") == "given"


def test_credentials_in_the_address_reach_the_server_only() -> None:
    from tests.lm.providers import wire

    seen: list = []
    transport = wire.transport(wire.Exchange("", None, 200, {}, ('{"done":true}',)), seen)
    handler = make(OLLAMA, "http://user:p%40ss@example.com", transport=transport)
    asyncio.run(handler(Call(Request("chat", "ollama/m", messages=[{"role": "user", "content": "x"}]))))
    assert seen[0].headers["authorization"] == "Basic dXNlcjpwQHNz"
    assert str(seen[0].url) == "http://example.com/api/chat"


def test_nothing_heavy_is_imported_before_the_first_call() -> None:
    code = (
        "import sys; from synalinks.lm.providers import make, resolve; "
        "import synalinks.lm.retry, synalinks.lm.rate_limit.layer, synalinks.lm.validate; "
        "make(resolve('ollama/m')[0]); "
        "print([name for name in 'httpx ollama tenacity numpy jsonschema_rs'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("model", "api_base", "own"),
    [
        ("openai/gpt-4o-mini", None, True),
        ("openai/gpt-4o-mini", "https://api.openai.com/v1/", True),
        ("openai/gpt-4o-mini", "http://127.0.0.1:8080/v1", False),
        ("openai/gpt-4o-mini", "https://gateway.example/openai/v1", False),
        ("anthropic/claude-haiku-4-5", None, True),
        ("anthropic/claude-haiku-4-5", "https://proxy.example/claude", False),
        ("groq/llama-3.3-70b-versatile", "https://api.groq.com/openai/v1", True),
        ("azure/gpt-4o-mini", "https://mine.openai.azure.com", True),
        ("ollama/llama3.2", "http://gpu:11434", True),
    ],
)
def test_published_prices_are_those_of_the_providers_own_server(model: str, api_base: str | None, own: bool) -> None:
    spec = providers.resolve(model)[0]
    assert providers.is_own_server(spec, endpoint_of(spec, api_base)) is own


def test_another_server_is_not_charged_the_prices_of_the_one_whose_names_it_uses() -> None:
    from synalinks import set_price
    from synalinks.lm.blocks import use_budget, use_provider
    from synalinks.lm.client import Client
    from synalinks.lm.pricing import pricing
    from synalinks.lm.providers.fake.scripted import ScriptedProvider

    model = "openai/gpt-4o-mini"
    request = Request("chat", model, messages=[{"role": "user", "content": "x"}], options={"max_tokens": 9})

    def cost(**settings):
        with use_provider(ScriptedProvider(["a b c"], usage=Usage(10, output_text=3))):
            return asyncio.run(Client(model, cache="off", **settings).send(request)).cost

    own, elsewhere = cost(), cost(api_base="https://gateway.example.com/v1")
    assert own is not None and own > 0
    assert elsewhere is None
    with use_budget(1), pytest.raises(errors.ConfigurationError, match="set_price"):
        cost(api_base="https://gateway.example.com/v1")
    set_price(model, input=1, output=1)
    try:
        assert cost(api_base="https://gateway.example.com/v1") == Decimal("0.000013")
    finally:
        pricing._set_by_user.clear()
