"""`synalinks doctor`: what it finds, what it says is needed, and what it never says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.helpers import answering, call
from synalinks.cli.doctor import servers
from synalinks.errors import AuthenticationError
from synalinks.lm.cache.disk_store import DATABASE, DiskStore
from synalinks.lm.cache.entry import encode
from synalinks.lm.core.call import Reply
from synalinks.lm.providers import SPECS
from synalinks.scope import NOWHERE
from synalinks.testing import Capacity, LlamaCppServer, OllamaServer

SECRET = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, no server named, an empty cache of the test's own."""
    for spec in SPECS:
        for name in (*spec.key_env, *spec.base_env):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("SYNALINKS_CACHE", raising=False)
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{_closed_port()}")
    monkeypatch.setattr(servers, "USUAL", ())


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def server(bare: None) -> Iterator[OllamaServer]:
    with OllamaServer(models=["llama3.2:latest", "nomic-embed-text:latest"], env=True) as running:
        yield running


def test_a_server_that_answers_is_shown_with_its_models(server: OllamaServer) -> None:
    done = call("doctor")
    assert done.exit_code == 0
    assert f"{server.url}: answers, version " in done.output
    assert "2 models: llama3.2:latest, nomic-embed-text:latest" in done.output
    assert done.output.endswith("\nReady: live calls can be made.\n")
    assert "Python 3." in done.output and "httpx " in done.output


def test_without_server_or_key_it_says_how_to_get_one() -> None:
    done = call("doctor")
    assert done.exit_code == 1
    assert "no answer" in done.output
    needed = done.output.partition("\nNeeded:\n")[2]
    assert "`ollama serve`" in needed and "OLLAMA_API_BASE" in needed and "key of a hosted provider" in needed


def test_a_model_named_must_be_there(server: OllamaServer) -> None:
    assert call("doctor", "--model", "ollama/llama3.2").output.endswith("\nReady: ollama/llama3.2.\n")
    done = call("doctor", "--model", "ollama/llama3.2", "--model", "ollama/qwen3:8b")
    assert done.exit_code == 1
    assert "qwen3:8b is not there" in done.output
    needed = done.output.partition("\nNeeded:\n")[2]
    assert needed.startswith("  - get the model with `ollama pull qwen3:8b` (about 4.9 GB), or with `synalinks doctor ")
    assert needed.endswith(" --model ollama/qwen3:8b --pull`\n")


def test_a_model_without_its_server_needs_both() -> None:
    done = call("doctor", "--model", "ollama/qwen3:8b")
    assert done.exit_code == 1
    assert "`ollama serve`" in done.output and "`ollama pull qwen3:8b`" in done.output
    done = call("doctor", "--model", "vllm/some/model")
    assert done.exit_code == 1 and "`vllm serve some/model`" in done.output
    assert "ollama serve" not in done.output


def test_keys_are_set_or_not_and_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = call("doctor", "--model", "anthropic/claude")
    assert missing.exit_code == 1 and missing.output.endswith("\nNeeded:\n  - set ANTHROPIC_API_KEY\n")
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    monkeypatch.setenv("OLLAMA_HOST", f"http://user:{SECRET}@127.0.0.1:{_closed_port()}")
    for words in ((), ("--model", "anthropic/claude")):
        done = call("doctor", *words)
        assert done.exit_code == 0
        assert "ANTHROPIC_API_KEY is set" in done.output
        assert SECRET not in done.output
    assert "OPENAI_API_KEY" in done.output.partition("not set")[2]


def test_a_deployment_needs_its_server_named() -> None:
    done = call("doctor", "--model", "azure/gpt")
    assert done.exit_code == 1
    assert "set AZURE_API_KEY" in done.output and "set AZURE_API_BASE to the URL" in done.output


def test_an_unknown_provider_is_an_error_that_names_the_known_ones() -> None:
    done = call("doctor", "--model", "olama/m")
    assert done.exit_code == 1 and "Did you mean 'ollama'?" in done.output


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"]
)
def test_another_kind_of_server_is_told_apart(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    with answering(answer) as (address, _):
        monkeypatch.setenv("OLLAMA_HOST", address)
        done = call("doctor")
    assert done.exit_code == 1 and "another kind of server" in done.output


def test_the_cache_is_described(server: OllamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "healthy, and empty" in call("doctor").output
    assert not (tmp_path / "cache").exists(), "looking made a folder"
    store = DiskStore(tmp_path / "cache")
    store.add("a", encode("ollama/m", (NOWHERE, 0), Reply("yes")))
    store.close()
    lines = [line.split() for line in call("doctor").output.splitlines()]
    assert ["entries", "1"] in lines and ["state", "healthy"] in lines
    assert ["path", str(tmp_path / "cache")] in lines
    assert any(line[:1] == ["size"] and line[2] == "kB" for line in lines)
    monkeypatch.setenv("SYNALINKS_CACHE", "off")
    assert "switched off by SYNALINKS_CACHE" in call("doctor").output


def test_a_cache_that_cannot_be_used_is_a_finding(
    server: OllamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / DATABASE).write_bytes(b"this is no database" * 1000)
    done = call("doctor")
    assert done.exit_code == 1 and "damaged (file is not a database)" in done.output
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "file" / "cache"))
    done = call("doctor")
    assert done.exit_code == 1 and "SYNALINKS_CACHE_DIR" in done.output.partition("Needed:")[2]


def test_usual_ports_are_looked_at_and_silent_ones_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with LlamaCppServer(capacity=Capacity(parallel=4)) as one, OllamaServer(models=["qwen3"]) as two:
        closed = f"http://127.0.0.1:{_closed_port()}/v1"
        usual = (("hosted_vllm", closed), ("llama_cpp", f"{one.url}/v1"), ("openai", f"{two.url}/v1"))
        monkeypatch.setattr(servers, "USUAL", usual)
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        done = call("doctor")
        assert done.exit_code == 0 and closed not in done.output
        assert f"{one.url}/v1: answers, 4 slots; call llama_cpp/MODEL with this api_base" in done.output
        assert f"{two.url}/v1: answers; call openai/MODEL with this api_base" in done.output
        assert "1 model: qwen3:latest" in done.output
        assert len(done.output.splitlines()) <= 24, "one screen"
        assert one.requests.total == 2 and two.requests.total == 1
        two.reset()
        call("doctor", "--model", "ollama/x")
        assert two.requests.total == 0, "named models are looked for where they are"


def test_a_key_does_not_go_to_what_listens_at_a_usual_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with answering(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n") as (address, received):
        monkeypatch.setattr(servers, "USUAL", (("openai", f"{address}/v1"),))
        done = call("doctor")
    assert received and SECRET.encode() not in received[0] and address not in done.output


def test_a_variable_that_names_a_server_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer(models=["qwen3"]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        done = call("doctor")
        assert done.exit_code == 0
        assert f"openai        {server.url}/v1: answers" in done.output and "; call openai/MODEL\n" in done.output
        assert "OPENAI_API_KEY" not in done.output, "it needs none"
        done = call("doctor", "--model", "openai/qwen3", "--model", "openai/other")
        assert done.exit_code == 1 and "qwen3:latest: there" in done.output
        assert "start the server with the model other" in done.output
    done = call("doctor")
    assert f"start the server at {server.url}/v1, or unset OPENAI_BASE_URL" in done.output


def test_what_is_said_of_a_model_is_shown(server: OllamaServer) -> None:
    facts = servers.Facts("qwen3:8b", 5_200_000_000, "8.2B", "Q4_K_M", 40_960)
    assert str(facts) == "qwen3:8b (8.2B, Q4_K_M, 5.2 GB, context 40,960)"
    assert str(servers.Facts("m")) == "m"
    assert "llama3.2:latest: there" in call("doctor", "--model", "ollama/llama3.2").output


def test_keys_are_sent_to_their_providers_only_where_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def listed(provider: str, api_base: str | None) -> list[str] | None:
        asked.append(provider)
        if provider == "groq":
            raise AuthenticationError("https://api.groq.com answered 401: Invalid API Key", status=401)
        return None if provider == "mistral" else ["a", "b"]

    monkeypatch.setattr("synalinks.cli.doctor.command.listed_models", listed)
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.setenv(name, SECRET)
    assert call("doctor").exit_code == 0 and asked == []
    done = call("doctor", "--check-keys")
    assert done.exit_code == 0 and asked == ["openai", "groq", "mistral"]
    assert "OPENAI_API_KEY is set, and works: 2 models" in done.output
    assert "GROQ_API_KEY is set; it does not work: https://api.groq.com answered 401" in done.output
    assert "MISTRAL_API_KEY is set; its provider has no list" in done.output
    assert "For what is not:" in done.output and "set another key in GROQ_API_KEY" in done.output
    assert call("doctor", "--check-keys", "--model", "groq/m").exit_code == 1


def test_a_key_is_checked_at_each_of_several_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, own = "https://one.example/v1", "https://other.example/v1", "http://127.0.0.1:9/v1"

    async def listed(provider: str, api_base: str | None) -> list[str] | None:
        if api_base == other:
            raise AuthenticationError(f"{other} answered 401", status=401)
        assert api_base == one
        return ["a"]

    monkeypatch.setattr("synalinks.cli.doctor.command.listed_models", listed)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_API_BASE", f"{own},{one},{other}")
    assert "OPENAI_API_KEY is set, for 2 servers" in call("doctor").output, "one of this machine needs no key"
    done = call("doctor", "--check-keys", "--model", "openai/m")
    assert f"OPENAI_API_KEY is set ({one}), and works: 1 model" in done.output
    assert f"OPENAI_API_KEY is set ({other}); it does not work: {other} answered 401" in done.output
    assert done.exit_code == 1 and done.output.count("set another key in OPENAI_API_KEY") == 1


def test_each_of_several_servers_that_a_variable_names_is_looked_at(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OllamaServer(models=["qwen3:8b"]) as other:
        monkeypatch.setenv("OLLAMA_HOST", f"{server.url},{other.url}")
        done = call("doctor")
        assert f"{server.url}: answers" in done.output and f"{other.url}: answers" in done.output
        assert "qwen3:8b is not there" in call("doctor", "--model", "ollama/qwen3:8b").output, "the first lacks it"
