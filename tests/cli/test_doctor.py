"""`synalinks doctor`: what it finds, what it says is needed, and what it never says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.helpers import call
from synalinks.lm.cache.layer import encode
from synalinks.lm.cache.store import DATABASE, DiskStore
from synalinks.lm.core.call import Reply
from synalinks.lm.providers import SPECS
from synalinks.scope import NOWHERE
from synalinks.testing import OllamaServer

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
    assert done.output.endswith("\nNeeded:\n  - get the model with `ollama pull qwen3:8b`\n")


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
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{listening.getsockname()[1]}")

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        done = call("doctor")
        thread.join()
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
