"""A key goes only where its owner sends it, and is written down nowhere."""

from __future__ import annotations

import asyncio
import json
import traceback
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.lm.providers import wire

import synalinks
from synalinks.errors import AuthenticationError, ConfigurationError, LMError
from synalinks.lm import Call, Reply, Request, Spec, register_provider
from synalinks.lm.providers import Credentials, key_of, make, registry, resolve, saved_base

SECRET = "sk-thisisasecretofthetests00"
OTHER = "sk-anothersecretofthetests11"
HELLO = Request("chat", "openai/m", messages=[{"role": "user", "content": "x"}])


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for spec in registry.SPECS:
        for name in (*spec.base_env, *spec.key_env):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("AZURE_API_KEY", SECRET)
    monkeypatch.setenv("OLLAMA_API_KEY", SECRET)
    monkeypatch.setenv("MY_KEY", OTHER)


#: model, api_base, whether the address came from a file, the environment's address, whether the key is sent.
WHERE = [
    ("openai/m", None, False, None, True),
    ("openai/m", None, True, None, True),
    ("openai/m", "https://gateway.example/v1", False, None, True),
    ("openai/m", "https://gateway.example/v1", True, None, False),
    ("openai/m", "https://gateway.example/v1", True, "https://gateway.example/v1", True),
    ("openai/m", "https://gateway.example/v1", True, "https://other.example/v1", False),
    ("openai/m", "https://gateway.example:8443/v1", True, "https://gateway.example/v1", False),
    ("openai/m", None, True, "https://gateway.example/v1", True),
    ("openai/m", "https://api.openai.com/v1", True, None, True),
    ("openai/m", "https://api.openai.com:443/v2", True, None, True),
    ("openai/m", "http://api.openai.com/v1", True, None, False),  # in the clear
    ("openai/m", "https://api.openai.com.evil.example/v1", True, None, False),
    ("openai/m", "https://api.openai.com@evil.example/v1", True, None, False),
    ("openai/m", "https://evil.example/?x=https://api.openai.com", True, None, False),
    ("azure/m", "https://theirs.openai.azure.com", False, None, True),
    ("azure/m", "https://theirs.openai.azure.com", True, None, False),  # anybody may have a resource there
    ("ollama/m", "http://localhost:11434", True, None, True),
    ("ollama/m", "http://evil.example:11434", True, None, False),
    ("ollama/m", "http://second.example:11434", True, "http://first.example,http://second.example:11434", True),
]


@pytest.mark.parametrize(("model", "api_base", "from_file", "named", "sent"), WHERE)
def test_where_a_key_from_the_environment_goes(
    model: str, api_base: str | None, from_file: bool, named: str | None, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = resolve(model)[0]
    if named:
        monkeypatch.setenv(spec.base_env[0], named)
    assert (key_of(spec, credentials=Credentials(from_file=from_file), api_base=api_base) == SECRET) is sent


def test_a_named_variable_holds_the_key_in_place_of_the_providers_own() -> None:
    spec = resolve("openai/m")[0]
    assert key_of(spec, credentials=Credentials(api_key_env="MY_KEY")) == OTHER
    assert key_of(spec, credentials=Credentials(api_key_env="NOT_SET")) is None
    assert key_of(spec, credentials=Credentials(api_key="given", api_key_env="MY_KEY")) == "given"


def test_a_file_does_not_choose_which_secret_is_sent() -> None:
    spec = resolve("openai/m")[0]
    assert key_of(spec, credentials=Credentials(api_key_env="MY_KEY", from_file=True)) is None
    assert key_of(spec, credentials=Credentials(api_key_env="OPENAI_API_KEY", from_file=True)) == SECRET


def call(api_base: str | None, credentials: Credentials) -> Any:
    """What the server saw of one call."""
    seen: list[Any] = []
    body = '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}'
    transport = wire.transport(wire.Exchange("", None, 200, {}, (body,)), seen)
    asyncio.run(make(resolve("openai/m")[0], api_base, credentials=credentials, transport=transport)(Call(HELLO)))
    return seen[0]


def test_a_call_to_a_files_address_carries_no_key() -> None:
    sent = call("https://gateway.example/v1", Credentials(from_file=True))
    assert SECRET not in str(sent.headers) and "authorization" not in sent.headers
    assert call("https://gateway.example/v1", Credentials()).headers["authorization"] == f"Bearer {SECRET}"


def test_credentials_and_the_query_string_of_an_address_are_sent() -> None:
    sent = call("https://u:p%40ss@gateway.example/v1?key=abc&api-version=7", Credentials())
    assert sent.headers["authorization"] == "Basic dTpwQHNz"
    assert str(sent.url) == "https://gateway.example/v1/chat/completions?key=abc&api-version=7"


def test_an_api_version_in_the_address_of_azure_replaces_the_default() -> None:
    seen: list[Any] = []
    body = '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}'
    transport = wire.transport(wire.Exchange("", None, 200, {}, (body,)), seen)
    handler = make(resolve("azure/m")[0], "https://mine.openai.azure.com?api-version=2099-01-01", transport=transport)
    asyncio.run(handler(Call(HELLO)))
    assert str(seen[0].url).count("api-version") == 1 and str(seen[0].url).endswith("api-version=2099-01-01")


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (Credentials(from_file=True), "came from a file"),
        (Credentials(api_key_env="MY_KEY", from_file=True), "does not choose which secret"),
        (Credentials(api_key_env="NOT_SET"), "NOT_SET .* is not set"),
    ],
)
def test_a_refusal_says_why_no_key_was_sent(credentials: Credentials, words: str) -> None:
    transport = wire.transport(wire.Exchange("", None, 401, {}, ('{"error":{"message":"who are you"}}',)))
    handler = make(resolve("openai/m")[0], "https://gateway.example/v1", credentials=credentials, transport=transport)
    with pytest.raises(AuthenticationError, match=words):
        asyncio.run(handler(Call(HELLO)))


@pytest.mark.parametrize("fails", [False, True], ids=["echoed", "unreachable"])
@pytest.mark.parametrize(
    "address",
    [
        "https://gateway.example/v1?key=sUpErSecret99&x=1",
        "https://gateway.example/v1?api-version=1&sig=sUpEr%53ecret99",
        "https://user:sUpErSecret99@gateway.example/v1",
        "https://user:sUpEr%2FSecret99@gateway.example/v1",
    ],
)
def test_what_a_server_repeats_of_an_address_or_a_header_is_not_shown(address: str, fails: bool) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        said = f"{request.url} {dict(request.headers)}"
        if fails:
            raise httpx.ConnectError(said)
        return httpx.Response(401, json={"error": {"message": said}})

    handler = make(resolve("openai/m")[0], address, api_key=OTHER, transport=httpx.MockTransport(answer))
    with pytest.raises(LMError) as caught:
        asyncio.run(handler(Call(HELLO)))
    said = str(caught.value)
    assert "<secret>" in said
    assert not any(part in said for part in ("sUpEr", OTHER, b64encode(b"user:sUpEr").decode()[:12]))


@pytest.mark.parametrize(
    "address",
    [
        "http://user:PASSWORD/x@host/v1",
        "http://user:PASSWORD?x@host/v1",
        "http://user:PASSWORD#x@host/v1",
        "http://user:12/PASSWORD@host/v1",
        "http://user:12?PASSWORD@host/v1",
        "http://user:12#PASSWORD@host/v1",
        "user:PASSWORD/x@host:80",
        "//user:PASSWORD@host/v1",
        "http://user:PASSWORD@host:no/v1",
        "http://user:PASSWORD@[::1/v1",
        "http://host/v1#key=PASSWORD",
        "http://host/v1?a=b#PASSWORD",
    ],
)
def test_an_address_whose_password_is_not_escaped_is_refused_without_it(address: str) -> None:
    with pytest.raises(ConfigurationError, match="not a server's URL") as caught:
        synalinks.LanguageModel("openai/m", api_base=address)
    assert "PASSWORD" not in "".join(traceback.format_exception(caught.value)).replace(repr(address), "")


@pytest.mark.parametrize(
    ("given", "saved"),
    [
        (None, None),
        ("https://a.example/v1", "https://a.example/v1"),
        ("https://user:password@a.example/v1", "https://a.example/v1"),
        ("https://a.example/v1?key=abc&sig=1", "https://a.example/v1"),
        ("https://a.example/v1?api-version=7&code=abc#part", "https://a.example/v1?api-version=7"),
        ("user:password@a.example:8000", "a.example:8000"),
        (
            ["https://user:password@a.example/v1", "https://b.example/v1?key=abc"],
            ["https://a.example/v1", "https://b.example/v1"],
        ),
    ],
)
def test_what_is_saved_of_an_address(given: str | list[str] | None, saved: str | list[str] | None) -> None:
    assert saved_base(given) == saved


@pytest.mark.parametrize("model", ["openai/m", "anthropic/m", "gemini/m", "cohere/m", "ollama/m", "openai/responses/m"])
def test_a_traceback_that_shows_local_variables_shows_no_key(model: str) -> None:
    """As those of error trackers and of `pytest --showlocals` do."""
    lone = synalinks.LanguageModel(model, api_base="http://127.0.0.1:1", api_key=OTHER, on_error="raise", retry=1)
    with pytest.raises(LMError) as caught:
        asyncio.run(lone(CHAT))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    said = "".join(shown.format())
    assert "connect" in said and OTHER not in said and SECRET not in said


# ------------------------------------------------------------------------------------------------ models and files
class Keys:
    """A provider that notes which key it is built with."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str | None]] = []

    def build(self, endpoint: str, *, api_key: str | None = None, **settings: Any) -> Any:
        self.got.append((endpoint, api_key))

        async def answer(call: Call, /) -> Reply:
            return Reply(text="hello")

        return answer


@pytest.fixture
def keys() -> Iterator[Keys]:
    noted = Keys()
    register_provider(Spec("noted", noted.build, "https://noted.example", key_env=("OPENAI_API_KEY",), local=True))
    yield noted
    del registry._registry.by_prefix["noted"]


CHAT = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="hi")])
EVIL = "https://evil.example"


async def _program(**settings: Any) -> synalinks.Program:
    model = synalinks.LanguageModel("noted/m", **settings)
    inputs = synalinks.Input(data_model=synalinks.ChatMessages)
    outputs = await synalinks.Generator(language_model=model)(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs)


def _saved(path: Path, **settings: Any) -> Path:
    program = asyncio.run(_program(**settings))
    program.save(path)
    return path


def test_a_loaded_program_sends_no_key_to_an_address_of_its_own(keys: Keys, tmp_path: Path) -> None:
    path = _saved(tmp_path / "p.json", api_base=EVIL)
    asyncio.run(asyncio.wait_for(synalinks.Program.load(path)(CHAT), 10))
    assert keys.got == [(EVIL, None)]


def test_of_several_servers_each_gets_the_key_or_does_not(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "https://noted.example"
    path = _saved(tmp_path / "p.json", api_base=[EVIL, own])
    program = synalinks.Program.load(path)

    async def both() -> None:
        await asyncio.gather(program(CHAT), program(synalinks.ChatMessages(messages=[])))

    asyncio.run(both())
    assert sorted(keys.got) == [(EVIL, None), (own, SECRET)]
    keys.got.clear()
    model = synalinks.LanguageModel("noted/m", api_base=[EVIL, own], api_key=OTHER)
    assert [server.key for server in model.client.servers] == [OTHER, OTHER], "the program named both"
    assert OTHER not in repr(model.get_config())


@pytest.mark.parametrize("how", ["get", "deserialize", "from_config", "loaded then cloned"])
def test_nor_does_a_model_from_a_config(keys: Keys, how: str) -> None:
    saved = synalinks.saving.serialize_synalinks_object(synalinks.LanguageModel("noted/m", api_base=EVIL))
    saved = json.loads(json.dumps(saved))
    if how == "get":
        model = synalinks.LanguageModel.get(saved)
    elif how == "from_config":
        model = synalinks.LanguageModel.from_config(saved["config"])
    else:
        model = synalinks.saving.deserialize_synalinks_object(saved)
    if how == "loaded then cloned":
        model = model.clone()
    asyncio.run(model(CHAT))
    assert keys.got == [(EVIL, None)]


def test_a_model_made_by_the_program_and_its_clone_send_it_where_the_program_says(keys: Keys) -> None:
    model = synalinks.LanguageModel("noted/m", api_base=EVIL)
    asyncio.run(model(CHAT))
    asyncio.run(model.clone()(CHAT))
    assert keys.got == [(EVIL, SECRET)] * 2


def test_a_key_given_to_a_model_is_used_by_it_and_its_clone_and_written_down_nowhere(
    keys: Keys, tmp_path: Path
) -> None:
    path, cassette = tmp_path / "p.json", tmp_path / "c.jsonl"
    program = asyncio.run(_program(api_key=OTHER))
    model = program.modules[-1].language_model if hasattr(program, "modules") else None
    with synalinks.use_cassette(cassette):
        asyncio.run(program(CHAT))
    program.save(path)
    generator = program.get_module(index=-1)
    model = generator.language_model
    clone = model.clone()
    asyncio.run(clone(CHAT))
    assert [key for _, key in keys.got] == [OTHER, OTHER]
    written = path.read_text(encoding="utf-8") + cassette.read_text(encoding="utf-8")
    shown = f"{model!r} {model.client!r} {model.get_config()} {clone!r} {program!r} {generator!r}"
    assert OTHER not in written + shown


def test_the_name_of_a_variable_is_saved_and_its_value_is_not(keys: Keys) -> None:
    config = synalinks.LanguageModel("noted/m", api_key_env="MY_KEY").get_config()
    assert config["api_key_env"] == "MY_KEY" and OTHER not in str(config)


def test_what_an_address_holds_of_secrets_is_not_saved_or_printed(keys: Keys) -> None:
    model = synalinks.LanguageModel("noted/m", api_base="https://user:hunter2@a.example/v1?key=hunter3")
    assert "hunter" not in f"{model!r} {model.client!r} {model.get_config()}"


def test_the_cache_directory_of_a_file_is_not_followed(keys: Keys, tmp_path: Path) -> None:
    config = synalinks.LanguageModel("noted/m", cache_dir=tmp_path / "theirs").get_config()
    config["cache_dir"] = str(tmp_path / "theirs")
    again = synalinks.LanguageModel.from_config(config)
    assert again.get_config().get("cache_dir") is None
    asyncio.run(again(CHAT))
    assert not (tmp_path / "theirs").exists()


NESTED = [
    {"extra_body": {"api_key": "x"}},
    {"extra_body": {"provider": {"headers": {"Authorization": "x"}}}},
    {"extra_body": {"list": [{"Api-Key": "x"}]}},
    {"extra_body": {"note": f"use {SECRET}"}},
    {"metadata": {"token": "x"}},
    {"metadata": {"Proxy-Authorization": "x"}},
    {"mcp_servers": [{"url": "https://mcp.example", "authorization_token": "x"}]},
    {"extra_body": {"Authorization ": "x"}},
    {"extra_body": {"aws_secret_access_key": "x"}},
    {"extra_body": {"properties": {"api_key": "x"}}},
]


@pytest.mark.parametrize("options", NESTED)
def test_no_key_is_nested_in_the_options(options: dict[str, Any]) -> None:
    """Options are kept on cassettes, in the cache and in saved programs."""
    with pytest.raises(ConfigurationError, match="api_key=") as caught:
        synalinks.LanguageModel("openai/m", **options)
    assert SECRET not in str(caught.value)
    with pytest.raises(ConfigurationError, match="api_key="):
        asyncio.run(synalinks.LanguageModel("openai/m")(CHAT, **options))
