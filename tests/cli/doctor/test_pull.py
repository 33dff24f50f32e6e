"""`synalinks doctor --pull`: a model that is missing is fetched, with its progress, or it is said why not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cli.helpers import answering, call
from synalinks.cli.doctor import pull as pulling
from synalinks.cli.doctor import servers
from synalinks.testing import OllamaServer


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNALINKS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
    monkeypatch.delenv("OLLAMA_API_KEY", raising=False)
    monkeypatch.setattr(servers, "USUAL", ())


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(models=["llama3.2"], library={"qwen3:8b": 5_200_000_000}, env=True) as running:
        yield running


def paths(server: OllamaServer) -> list[str]:
    return [record.path for record in server.requests]


def test_a_missing_model_is_pulled(server: OllamaServer) -> None:
    done = call("doctor", "--model", "ollama/qwen3:8b", "--pull")
    assert done.exit_code == 0, done.output
    assert f"pulling qwen3:8b to {server.url}" in done.output
    assert "qwen3:8b (5.2 GB): there" in done.output and done.output.endswith("\nReady: ollama/qwen3:8b.\n")
    assert paths(server).count("/api/pull") == 1


def test_one_that_is_there_is_not(server: OllamaServer) -> None:
    assert call("doctor", "--model", "ollama/llama3.2", "--pull").exit_code == 0
    assert "/api/pull" not in paths(server)


def test_one_that_no_library_has_says_so(server: OllamaServer) -> None:
    done = call("doctor", "--model", "ollama/nosuch", "--pull")
    assert done.exit_code == 1
    assert "nosuch could not be pulled: pull model manifest: file does not exist" in done.output


def test_it_needs_a_model() -> None:
    done = call("doctor", "--pull")
    assert done.exit_code == 2 and "--model ollama/NAME --pull" in done.output


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nno json\n", "not JSON"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"status": "pulling"}', "before the model was whole"),
        (b"", "disconnected"),
    ],
)
def test_a_server_that_breaks_off_is_a_reason(answer: bytes, reason: str) -> None:
    with answering(answer) as (address, _):
        said = pulling.pull(address, "m", None)
    assert said is not None and reason in said


def test_bars_show_each_file_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    bars: dict[str, object] = {}
    with pulling._progress() as progress:
        for done in (None, 2, 8):
            pulling._show(progress, bars, {"digest": "sha256:0123456789abcdef", "total": 8, "completed": done})
        pulling._show(progress, bars, {"status": "verifying sha256 digest"})
        (task,) = progress.tasks
    assert (task.description, task.completed, task.total) == ("0123456789ab", 8, 8)


@pytest.mark.parametrize("width", [40, 59, 60, 80, 200])
def test_a_bar_is_one_line_at_any_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with pulling._progress() as progress:
        pulling._show(progress, {}, {"digest": "sha256:0123456789abcdef", "total": 52 * 10**8, "completed": 10**9})
        console = Console(width=width, file=io.StringIO())
        console.print(progress.get_renderable())
    (line,) = console.file.getvalue().splitlines()
    assert "0123456789ab" in line and "1.0/5.2 GB" in line and "-:--:--" in line
