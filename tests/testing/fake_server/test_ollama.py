"""The stand-in server, over real HTTP and through the `ollama` client."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import ollama
import pytest

import synalinks.testing
from synalinks.errors import ConfigurationError
from synalinks.testing import ArithmeticModel, ChatRequest, Law, OllamaServer
from synalinks.testing.fake_server.ollama import main as run_command

ANSWER = {
    "type": "object",
    "properties": {"thinking": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["thinking", "answer"],
    "additionalProperties": False,
}
CERTAIN = ArithmeticModel(Law(base=1.0, ceiling=1.0, spread=0.0))


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def chat_body(text: str = "9 + 1", **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": user(text), "stream": False, **more}


@contextlib.contextmanager
def client_of(server: OllamaServer) -> Iterator[ollama.Client]:
    client = ollama.Client(host=server.url)
    try:
        yield client
    finally:
        client._client.close()


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(model=CERTAIN) as running:
        yield running


@pytest.fixture
def http(server: OllamaServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


# ---------------------------------------------------------------- through the ollama client
def test_a_structured_chat_with_counters(server: OllamaServer) -> None:
    with client_of(server) as client:
        reply = client.chat("llama3.2", user("9 + 1"), format=ANSWER, options={"temperature": 0})
    assert json.loads(reply.message.content or "") == {"thinking": "9 + 1 = 10", "answer": "10"}
    assert (reply.done, reply.done_reason, reply.model) == (True, "stop", "llama3.2")
    assert reply.prompt_eval_count == 3 + 4  # three tokens and the marks of one message
    assert reply.eval_count == 23
    parts = (reply.load_duration or 0, reply.prompt_eval_duration or 0, reply.eval_duration or 0)
    assert sum(parts) == reply.total_duration
    counts = server.requests.models["llama3.2"]
    assert (counts.calls, counts.prompt_tokens, counts.completion_tokens) == (1, 7, 23)


def test_a_stream_is_the_same_answer_in_pieces(server: OllamaServer) -> None:
    with client_of(server) as client:
        whole = client.chat("m", user("9 + 1"), format=ANSWER, options={"seed": 1})
        pieces = list(client.chat("m", user("9 + 1"), format=ANSWER, options={"seed": 1}, stream=True))
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    assert len(pieces) == (whole.eval_count or 0) + 1
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[0].eval_count is None
    assert pieces[-1].eval_count == whole.eval_count
    assert server.requests.models["m"].calls == 2


def test_embeddings(server: OllamaServer) -> None:
    with client_of(server) as client:
        both = client.embed("e", ["a cat", "a dog"])
        one = client.embed("e", "a cat", dimensions=8)
        old = client.embeddings("e", "a cat")
    assert both.embeddings[0] == old.embedding
    assert len(one.embeddings[0]) == 8
    packed = struct.pack("<384f", *both.embeddings[1])
    assert list(struct.unpack("<384f", packed)) == both.embeddings[1]
    assert both.prompt_eval_count == 8
    counts = server.requests.models["e"]
    assert (counts.calls, counts.embeds, counts.texts, counts.prompt_tokens) == (3, 3, 4, 12)


def test_tools_thinking_and_listings(server: OllamaServer) -> None:
    def calculator(expression: str) -> str:
        """Evaluates an expression.

        Args:
            expression: what to evaluate.
        """
        return expression

    with client_of(server) as client:
        call = client.chat("m", user("6 * 7"), tools=[calculator]).message.tool_calls
        assert call is not None
        assert (call[0].function.name, call[0].function.arguments) == ("calculator", {"expression": "6 * 7"})
        thought = client.chat("m", user("6 * 7"), format=ANSWER, think=True).message
        assert (thought.thinking, json.loads(thought.content or "")["answer"]) == ("6 * 7 = 42", "42")
        assert [model.model for model in client.list().models] == ["stand-in:latest"]
        assert client.ps().models[0].context_length == 4096
        assert client.show("anything").details is not None


def test_the_async_client_and_many_at_once() -> None:
    async def main(url: str) -> set[str]:
        client = ollama.AsyncClient(host=url)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.chat("m", user(f"{n} + 1"))) for n in range(80)]
        await client._client.aclose()
        return {task.result().message.content or "" for task in tasks}

    with OllamaServer(model=CERTAIN, latency=0.1) as server:
        began = time.perf_counter()
        answers = asyncio.run(main(server.url))
        seconds = time.perf_counter() - began
        assert answers == {f"{n} + 1 = {n + 1}" for n in range(80)}
        assert server.max_in_flight > 60
        assert seconds < 4.0  # one after the other it would be 8
        assert server.requests.models["m"].calls == 80


# ---------------------------------------------------------------- determinism
def test_equal_prompts_get_fresh_draws_and_the_same_ones_in_the_next_run() -> None:
    def answers(server: OllamaServer, workers: int) -> Counter[str]:
        found: Counter[str] = Counter()

        def work() -> None:
            with httpx.Client(base_url=server.url) as client:
                for _ in range(48 // workers):
                    reply = client.post("/api/chat", json=chat_body("12 * 3")).json()
                    found[reply["message"]["content"]] += 1

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    with OllamaServer() as server:
        alone = answers(server, 1)
        assert len(alone) > 2
        server.reset()
        assert answers(server, 8) == alone  # the multiset, at any concurrency
        assert answers(server, 1) != alone  # further draws


def test_seed_and_temperature_zero_fix_the_draw(http: httpx.Client) -> None:
    def answer(**options: Any) -> str:
        return str(http.post("/api/chat", json=chat_body("17 + 5", options=options)).json()["message"])

    assert len({answer(seed=3) for _ in range(5)}) == 1
    assert len({answer(temperature=0) for _ in range(5)}) == 1


def test_a_model_may_be_any_function() -> None:
    def shout(request: ChatRequest) -> str:
        return f"{request.model}:{request.last_user_text.upper()}:{request.options['seed']}"

    with OllamaServer(model=shout) as server, httpx.Client(base_url=server.url) as client:
        reply = client.post("/api/chat", json=chat_body("hi", options={"seed": 4})).json()
        assert reply["message"]["content"] == "m:HI:4"


# ---------------------------------------------------------------- the native protocol
def test_plain_routes(http: httpx.Client) -> None:
    root = http.get("/")
    assert (root.text, root.headers["content-type"]) == ("Ollama is running", "text/plain; charset=utf-8")
    assert http.head("/").status_code == 200
    assert "version" in http.get("/api/version").json()
    missing, method = http.get("/api/nosuch"), http.get("/api/chat")
    assert (missing.status_code, missing.text) == (404, "404 page not found")
    assert (method.status_code, method.text) == (405, "405 method not allowed")
    assert method.headers["content-type"] == "text/plain"


def test_header_style_and_lengths(http: httpx.Client) -> None:
    short = http.post("/api/chat", json=chat_body())
    assert [name for name, _ in short.headers.raw] == [b"Content-Type", b"Date", b"Content-Length"]
    assert short.headers["content-type"] == "application/json; charset=utf-8"
    long = http.post("/api/embed", json={"model": "m", "input": "a text of some words"})
    assert long.headers["transfer-encoding"] == "chunked"
    stream = http.post("/api/chat", json=chat_body(stream=True))
    assert stream.headers["content-type"] == "application/x-ndjson"


def test_options_that_end_an_answer(http: httpx.Client) -> None:
    cut = http.post("/api/chat", json=chat_body(options={"num_predict": 2})).json()
    assert (cut["message"]["content"], cut["done_reason"], cut["eval_count"]) == ("9 +", "length", 2)
    stopped = http.post("/api/chat", json=chat_body(options={"stop": [" ="]})).json()
    assert (stopped["message"]["content"], stopped["done_reason"]) == ("9 + 1", "stop")


def test_loading_and_unloading(http: httpx.Client, server: OllamaServer) -> None:
    body = {"model": "m", "messages": []}
    assert http.post("/api/chat", json=body).json()["done_reason"] == "load"
    assert http.post("/api/chat", json={**body, "keep_alive": 0}).json()["done_reason"] == "unload"
    assert server.requests.models == {}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "missing request body"),
        (b'{"model": ', 400, "unexpected EOF"),
        (b"{]", 400, "invalid character"),
        ({"messages": user("x")}, 400, "model is required"),
        ({"model": "m", "messages": "hi"}, 400, "json: cannot unmarshal string into Go struct field"),
        ({"model": "nosuch", "messages": user("x")}, 404, "model 'nosuch' not found"),
        ({"model": "e", "messages": user("x")}, 400, '"e" does not support chat'),
        ({**chat_body(), "think": True}, 400, '"m" does not support thinking'),
        ({**chat_body(), "tools": [{}]}, 400, '"m" does not support tools'),
        ({**chat_body(), "format": "yaml"}, 500, 'invalid format: "\\"yaml\\""; expected "json"'),
        ({**chat_body(), "format": {"type": "nosuch"}}, 400, "unrecognized type nosuch"),
        ({**chat_body(), "options": {"temperature": "hot"}}, 500, 'option "temperature" must be of type'),
        ({"model": "m", "messages": [{"role": "user", "images": ["eA=="]}]}, 400, "Multimodal data"),
        ({**chat_body("x " * 5000), "truncate": False}, 400, "exceeds the available context size (4096"),
    ],
)
def test_errors_of_chat(body: Any, status: int, error: str) -> None:
    models = {"m": ("completion",), "e": ("embedding",)}
    with OllamaServer(models=models) as server, httpx.Client(base_url=server.url) as client:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = client.post("/api/chat", content=content)
        assert reply.status_code == status
        assert error in reply.json()["error"]
        assert server.requests.statuses == {status: 1}
        assert server.requests.models == {}


def test_errors_of_embeddings() -> None:
    with (
        OllamaServer(models={"m:latest": ("completion",), "e": ("embedding",)}) as server,
        httpx.Client(base_url=server.url) as client,
    ):

        def embed(model: str, given: Any) -> tuple[int, Any]:
            reply = client.post("/api/embed", json={"model": model, "input": given})
            return reply.status_code, reply.json()

        assert embed("e:latest", "x")[0] == 200  # `e` and `e:latest` are one model
        assert embed("m", "x")[0] == 501
        assert embed("e", {"a": 1}) == (400, {"error": "invalid input type"})
        assert embed("no", "x") == (404, {"error": 'model "no" not found, try pulling it first'})
        assert embed("e", []) == (200, {"model": "e", "embeddings": []})
        listed = client.get("/api/tags").json()["models"]
        assert [one["name"] for one in listed] == ["m:latest", "e:latest"]


# ---------------------------------------------------------------- what it has seen
def test_requests_are_recorded_and_reset(http: httpx.Client, server: OllamaServer) -> None:
    http.get("/api/version")
    http.post("/api/chat", json=chat_body())
    log = server.requests
    assert (log.total, log.number, len(log)) == (2, 1, 2)
    assert (log[1].method, log[1].path, log[1].number, log[1].model) == ("POST", "/api/chat", 1, "m")
    assert log[1].body == chat_body()
    assert (log[1].status, log[1].answered, log[0].answered) == (200, True, False)
    assert log.answered == log.models["m"]
    server.reset()
    assert (server.requests.total, len(server.requests), server.max_in_flight) == (0, 0, 0)


def test_no_more_requests_are_kept_than_told() -> None:
    with OllamaServer(keep=2) as server, httpx.Client(base_url=server.url) as client:
        for _ in range(5):
            client.get("/api/version")
        assert (len(server.requests), server.requests.total) == (2, 5)


def test_a_client_that_leaves_is_not_billed() -> None:
    with OllamaServer(latency=lambda number: 0.3 if number == 1 else 0.0) as server:
        with httpx.Client(base_url=server.url, timeout=0.05) as client, pytest.raises(httpx.ReadTimeout):
            client.post("/api/chat", json=chat_body())
        with httpx.Client(base_url=server.url) as client:
            client.post("/api/chat", json=chat_body())
        assert server.requests.models["m"].calls == 1
        assert server.requests.statuses == {None: 1, 200: 1}


# ---------------------------------------------------------------- its life
def test_no_thread_socket_or_warning_is_left_behind() -> None:
    before = threading.active_count()
    with OllamaServer(latency=5.0) as server:
        with httpx.Client(base_url=server.url, timeout=0.05) as client, pytest.raises(httpx.ReadTimeout):
            client.post("/api/chat", json=chat_body())
        open_one = socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=2)
        open_one.sendall(b"GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n")
        assert open_one.recv(4096).startswith(b"HTTP/1.1 200")  # kept alive from here on
    assert threading.active_count() == before
    with open_one, contextlib.suppress(ConnectionResetError):
        assert open_one.recv(1) == b""
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    gc.collect()  # an unclosed socket or loop warns here


def test_it_can_be_started_again() -> None:
    server = OllamaServer()
    with pytest.raises(ConfigurationError, match="before it is started"):
        assert server.url
    for _ in range(2):
        with server:
            assert httpx.get(server.url).status_code == 200
            with pytest.raises(ConfigurationError, match="already runs"):
                server.start()
    server.stop()


def test_a_port_in_use_is_said_so(server: OllamaServer) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}: .*Port 0"):
        OllamaServer(port).start()


@pytest.mark.parametrize("old", [None, "http://elsewhere:1"])
def test_the_environment_is_set_and_put_back(monkeypatch: pytest.MonkeyPatch, old: str | None) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    if old is not None:
        monkeypatch.setenv("OLLAMA_HOST", old)
    with OllamaServer(env=True) as server:
        assert os.environ["OLLAMA_HOST"] == server.url
    assert os.environ.get("OLLAMA_HOST") == old


# ---------------------------------------------------------------- bytes
def exchange(server: OllamaServer, data: bytes, until: bytes) -> bytes:
    address = ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(data)
        found = b""
        while until not in found and (more := connection.recv(65536)):
            found += more
    return found


def test_requests_sent_together_are_answered_in_order(server: OllamaServer) -> None:
    one = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    two = b"GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n"
    found = exchange(server, one + two, b'"}')
    assert found.count(b"HTTP/1.1 200") == 2
    assert found.index(b"Ollama is running") < found.index(b'{"version"')


def test_what_is_no_http_is_refused(server: OllamaServer) -> None:
    assert exchange(server, b"nonsense\r\n\r\n", b"Request").startswith(b"HTTP/1.1 400")


def test_a_client_that_waits_for_continue_gets_it(server: OllamaServer) -> None:
    head = b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    assert exchange(server, head, b"100").startswith(b"HTTP/1.1 100")


# ---------------------------------------------------------------- the command
def test_the_command_prints_its_address_and_ends_on_a_signal() -> None:
    command = [sys.executable, "-W", "error", "-m", "synalinks.testing.fake_server.ollama", "--port", "0"]
    command += ["--fail-every", "2", "--fail-status", "429", "--retry-after", "1.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        url = line.split()[-1]
        assert httpx.post(url + "/api/chat", json=chat_body()).status_code == 200
        second = httpx.post(url + "/api/chat", json=chat_body())
        assert (second.status_code, second.headers["retry-after"]) == (429, "1.5")
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr.read() == ""


def test_the_command_has_slots_loading_and_the_paths_of_llama_cpp() -> None:
    command = [sys.executable, "-W", "error", "-m", "synalinks.testing.fake_server.ollama", "--port", "0"]
    command += ["--llama-cpp", "--parallel", "3", "--loading", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line.startswith("stand-in llama.cpp server at http://127.0.0.1:")
        url = line.split()[-1]
        assert httpx.get(url + "/props").json()["total_slots"] == 3
        assert httpx.post(url + "/v1/chat/completions", json=chat_body()).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0 and process.stderr.read() == ""


def test_the_command_answers_from_a_table_and_says_at_the_end_what_it_counted(tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"How many legs has a spider?": "8"}), encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "synalinks.testing.fake_server.ollama", "--port", "0"]
    command += ["--table", str(table), "--base", "0.97"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        question = {"role": "user", "content": "How many legs has a spider?"}
        body = {"model": "m", "messages": [question], "stream": False, "options": {"temperature": 0}}
        answer = httpx.post(url + "/api/chat", json=body).json()
        process.send_signal(signal.SIGTERM)
        told = process.stdout.read()
    assert "8" in answer["message"]["content"]
    counts = f"{answer['prompt_eval_count']} prompt and {answer['eval_count']} completion tokens"
    assert told == f"m: 1 answers, {counts}\n"


@pytest.mark.parametrize(("text", "says"), [("[]", "a JSON object"), ("{", "--table"), ('{"q": "eight"}', "numbers")])
def test_a_table_that_is_none_is_refused(text: str, says: str, tmp_path: Path, capsys: Any) -> None:
    table = tmp_path / "table.json"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        run_command(["--port", "0", "--table", str(table)])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_the_names_of_the_package_load_when_used() -> None:
    for name in synalinks.testing.__all__:
        assert getattr(synalinks.testing, name).__name__ == name
    code = "import sys, synalinks.testing; print('h11' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
