"""Streams: pieces as they come, whole at the end; recorded, replayed, cached, cut off, and settled."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.data import StreamingIterator
from synalinks.errors import BudgetExceeded, ConfigurationError, ServerError
from synalinks.lm import Delta, Reply
from synalinks.lm.core.call import Call, Usage
from synalinks.testing import ScriptedProvider

HELLO = synalinks.ChatMessage(role="user", content="Hello")
PIECES = Reply("Hi there", reasoning="Hm.", chunks=(Delta("", "Hm."), Delta("Hi "), Delta("there")))
WANTED = [
    {"role": "assistant", "reasoning_content": "Hm."},
    {"role": "assistant", "content": "Hi "},
    {"role": "assistant", "content": "there"},
]


def model(**more: Any) -> synalinks.LanguageModel:
    return synalinks.LanguageModel("ollama/m", **{"retry": 1, **more})


async def read(stream: Any) -> tuple[list[Any], Any]:
    pieces = [piece async for piece in stream]
    whole = await stream.aconsume()
    return pieces, None if whole is None else whole.get_json()


async def streamed(asked: synalinks.LanguageModel | None = None) -> tuple[list[Any], Any]:
    return await read(await (asked or model())(HELLO, streaming=True))


def test_pieces_and_the_whole_message() -> None:
    with synalinks.use_provider(ScriptedProvider([PIECES])), synalinks.use_ledger() as ledger:
        pieces, whole = asyncio.run(streamed())
    assert pieces == WANTED
    assert whole == {"role": "assistant", "content": "Hi there", "reasoning_content": "Hm."}
    assert len(ledger) == 1


def test_the_whole_message_needs_no_iteration_and_tool_calls_are_in_it() -> None:
    calls = Reply(tool_calls=({"id": "1", "name": "look", "arguments": {"city": "Paris"}},))

    async def main() -> Any:
        stream = await model()(HELLO, streaming=True, tools=[{"name": "look", "parameters": {}}])
        return (await stream.aconsume()).get_json(), [piece async for piece in stream]

    with synalinks.use_provider(ScriptedProvider([calls])):
        whole, pieces = asyncio.run(main())
    assert whole["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"city":"Paris"}'}
    assert pieces == []


def test_a_cassette_and_the_cache_give_the_same_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cassette.jsonl"
    with synalinks.use_provider(ScriptedProvider([PIECES])), synalinks.use_cassette(path):
        asyncio.run(streamed())
    with synalinks.use_cassette(path, record_mode="none"):
        assert asyncio.run(streamed())[0] == WANTED
    server = OneServer("ollama/m")
    monkeypatch.setenv("SYNALINKS_CACHE", "on")

    async def cached() -> Any:
        async with server.running() as url:
            asked = synalinks.LanguageModel("ollama/m", api_base=url, cache_dir=tmp_path / "cache", temperature=0)
            server.go_on.set()
            return [await streamed(asked) for _ in range(2)]

    first, second = asyncio.run(cached())
    assert first == second
    assert server.requests == 1


def test_with_a_schema_there_are_no_pieces() -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}}
    with synalinks.use_provider(ScriptedProvider([{"answer": 4}])):
        found = asyncio.run(model()(HELLO, schema=schema, streaming=True))
    assert found.get_json() == {"answer": 4}


class Breaking:
    """Gives a part of an answer and fails, so many times; then answers."""

    def __init__(self, times: int) -> None:
        self.times = times

    async def __call__(self, call: Call) -> Reply:
        assert call.sink is not None
        self.times -= 1
        if self.times >= 0:
            call.sink(Delta("Hel"))
            raise ServerError("broke off")
        PIECES.feed(call.sink)
        return PIECES


def test_another_attempt_begins_anew() -> None:
    restart = {"role": "assistant", "content": "", "restart": True}
    policy = {"retry": 2, "retry_max_wait": 0.0}
    with synalinks.use_provider(Breaking(1)):
        pieces, whole = asyncio.run(streamed(model(**policy)))
    assert pieces == [{"role": "assistant", "content": "Hel"}, restart, *WANTED]
    assert whole["content"] == "Hi there"
    with synalinks.use_provider(Breaking(1)):
        pieces, whole = asyncio.run(streamed(model(fallback=model())))
    assert pieces == [{"role": "assistant", "content": "Hel"}, restart, *WANTED]


def test_a_call_that_fails_is_none_or_raises_as_without_streaming() -> None:
    with synalinks.use_provider(ScriptedProvider([ServerError("down")])), pytest.warns(synalinks.LMWarning):
        assert asyncio.run(model()(HELLO, streaming=True)) is None
    with synalinks.use_provider(ScriptedProvider([ServerError("down")])), pytest.raises(ServerError):
        asyncio.run(model(on_error="raise")(HELLO, streaming=True))
    with synalinks.use_provider(Breaking(9)), pytest.warns(synalinks.LMWarning):
        pieces, whole = asyncio.run(streamed())
    assert pieces == [{"role": "assistant", "content": "Hel"}]
    assert whole is None
    with synalinks.use_provider(Breaking(9)), pytest.raises(ServerError):
        asyncio.run(streamed(model(on_error="raise")))
    with (
        synalinks.use_budget(synalinks.Budget(calls=0)),
        synalinks.use_provider(ScriptedProvider(["x"])),
        pytest.raises(BudgetExceeded),
    ):
        asyncio.run(streamed())
    assert asyncio.run(model()(None, streaming=True)) is None


class Stalling:
    """Gives one piece, and then nothing."""

    cancelled = False

    async def __call__(self, call: Call) -> Reply:
        assert call.sink is not None
        call.sink(Delta("Hi "))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return Reply("never", usage=Usage(input_fresh=1, output_text=1))


@pytest.mark.parametrize("how", ["aclose", "async with", "dropped", "task"])
def test_a_stream_that_is_left_is_cancelled_and_settled(how: str) -> None:
    provider = Stalling()

    async def whole(stream: StreamingIterator) -> None:
        await stream.aconsume()

    async def leave() -> None:
        stream = await model(max_tokens=50)(HELLO, streaming=True)
        if how == "async with":
            async with stream:
                async for _ in stream:
                    break
        elif how == "task":
            task = asyncio.create_task(whole(stream))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait((task,))
        else:
            async for piece in stream:
                assert piece["content"] == "Hi "
                break
            if how == "aclose":
                await stream.aclose()
                assert [piece async for piece in stream] == []
        del stream
        gc.collect()
        while not provider.cancelled:
            await asyncio.sleep(0)

    with (
        synalinks.use_provider(provider),
        synalinks.use_ledger() as ledger,
        synalinks.use_budget(synalinks.Budget(tokens=10_000)) as budget,
    ):
        asyncio.run(leave())
    (entry,) = ledger
    assert (entry.error, entry.failed.uncertain) == ("cancelled", 1)
    assert budget.settled.calls == 1
    assert budget.settled.tokens >= 50  # its bound: nobody says what the server will bill
    assert budget.settled.tokens + budget.left.tokens == 10_000


def test_a_stream_belongs_to_its_loop() -> None:
    with synalinks.use_provider(ScriptedProvider([PIECES])):
        stream = asyncio.run(model()(HELLO, streaming=True))
    assert isinstance(stream, StreamingIterator)
    with pytest.raises(ConfigurationError, match="in the same asyncio.run"):
        asyncio.run(read(stream))


# --- programs ----------------------------------------------------------------------------------------------


async def program_of(*, twice: bool = False, **more: Any) -> synalinks.Program:
    inputs = synalinks.Input(data_model=synalinks.ChatMessages)
    outputs = await synalinks.Generator(language_model="ollama/m", streaming=True, **more)(inputs)
    if twice:
        outputs = await synalinks.Generator(language_model="ollama/m")(outputs)
    return synalinks.Program(inputs=inputs, outputs=outputs)


def chat() -> synalinks.ChatMessages:
    return synalinks.ChatMessages(messages=[HELLO])


def test_a_program_returns_the_stream_of_its_last_module() -> None:
    async def main() -> Any:
        return await read(await (await program_of())(chat()))

    with synalinks.use_provider(ScriptedProvider([PIECES])) as script:
        assert asyncio.run(main())[0] == WANTED
    assert script.calls[0].scope.module is not None


@pytest.mark.parametrize("more", [{"twice": True}, {"return_inputs": True}])
def test_what_another_module_reads_is_a_whole_message(more: dict[str, Any]) -> None:
    async def main() -> Any:
        return await (await program_of(**more))(chat())

    with synalinks.use_provider(ScriptedProvider([PIECES, "Bye"])) as script:
        found = asyncio.run(main()).get_json()
    assert found["content"] == ("Bye" if more.get("twice") else "Hi there")
    if more.get("twice"):
        assert script.calls[1].request.messages[-1]["content"] == "Hi there"


def test_in_training_and_evaluation_it_is_a_message_with_its_times() -> None:
    async def main() -> Any:
        program = await program_of()
        metric = synalinks.metrics.AvgTimeToFirstToken()
        program.compile(reward=synalinks.rewards.ExactMatch(in_mask=["content"]), metrics=[metric])
        logs = await program.evaluate(
            [chat()], [synalinks.ChatMessage(role="assistant", content="Hi there")], verbose=0
        )
        told = await program.predict([chat()], verbose=0)
        trained = await program(chat(), training=True)
        return logs, told, trained, program

    with synalinks.use_provider(ScriptedProvider(lambda call: PIECES)):
        logs, told, trained, program = asyncio.run(main())
    assert logs["reward"] == 1.0
    assert "avg_time_to_first_token" in logs
    assert told[0].get("content") == trained.get("content") == "Hi there"
    (variable,) = program.trainable_variables
    assert variable.get("current_predictions")[-1]["outputs"]["content"] == "Hi there"


def test_an_agent_streams_its_last_answer() -> None:
    def look() -> str:
        """Look."""
        return "sun"

    agent = synalinks.FunctionCallingAgent(tools=[look], language_model="ollama/m", streaming=True)
    call = Reply(tool_calls=({"id": "1", "name": "look", "arguments": {}},))

    async def main() -> Any:
        return await read(await agent(chat()))

    with synalinks.use_provider(ScriptedProvider([call, "done", PIECES])):
        assert asyncio.run(main())[0] == WANTED


# --- real servers, in each dialect -------------------------------------------------------------------------


def _anthropic(kind: str, **more: Any) -> str:
    return f"data: {json.dumps({'type': kind, **more})}\n\n"


_BLOCK = {"type": "text", "text": ""}
STREAMS = {
    "openai/m": (
        'data: {"choices":[{"delta":{"role":"assistant","content":"Hi "}}]}\n\n',
        'data: {"choices":[{"delta":{"content":"there"},"finish_reason":"stop"}]}\n\n'
        'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
    ),
    "anthropic/m": (
        _anthropic("message_start", message={"usage": {"input_tokens": 3}})
        + _anthropic("content_block_start", index=0, content_block=_BLOCK)
        + _anthropic("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi "}),
        _anthropic("content_block_delta", index=0, delta={"type": "text_delta", "text": "there"})
        + _anthropic("content_block_stop", index=0)
        + _anthropic("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 2})
        + _anthropic("message_stop"),
    ),
    "gemini/m": (
        'data: {"candidates":[{"content":{"parts":[{"text":"Hi "}]}}]}\n\n',
        'data: {"candidates":[{"content":{"parts":[{"text":"there"}]},"finishReason":"STOP"}],'
        '"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}\n\n',
    ),
    "ollama/m": (
        '{"message":{"content":"Hi "},"done":false}\n',
        '{"message":{"content":"there"},"done":false}\n'
        '{"message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}\n',
    ),
}


class OneServer:
    """Writes the first piece of an answer at once, and the rest when it may go on."""

    def __init__(self, asked: str) -> None:
        self.first, self.rest = STREAMS[asked]
        self.kind = "application/x-ndjson" if asked.startswith("ollama") else "text/event-stream"
        self.go_on = asyncio.Event()
        self.gone = asyncio.Event()
        self.requests = 0
        self.body: dict[str, Any] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        self.body = json.loads(await reader.readexactly(length))
        self.requests += 1
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {self.kind}\r\nConnection: close\r\n\r\n{self.first}".encode())
        await writer.drain()
        waits = [asyncio.create_task(self.go_on.wait()), asyncio.create_task(reader.read())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if waits[1].done():
            self.gone.set()
        for wait in waits:
            wait.cancel()
        writer.write(self.rest.encode())
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


@pytest.mark.parametrize("asked", STREAMS)
def test_pieces_come_while_the_server_writes(asked: str) -> None:
    async def main() -> None:
        server = OneServer(asked)
        async with server.running() as url:
            language_model = synalinks.LanguageModel(asked, api_base=url, api_key="k", caching=False)
            stream = await language_model(HELLO, streaming=True)
            assert (await anext(stream))["content"] == "Hi "
            assert not server.go_on.is_set()
            server.go_on.set()
            assert [piece["content"] async for piece in stream] == ["there"]
            assert (await stream.aconsume()).get("content") == "Hi there"
            assert language_model.last_call_tokens == 5

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("asked", STREAMS)
def test_a_server_notices_that_a_stream_was_left(asked: str) -> None:
    async def main() -> None:
        server = OneServer(asked)
        async with server.running() as url:
            language_model = synalinks.LanguageModel(asked, api_base=url, api_key="k", caching=False)
            async with await language_model(HELLO, streaming=True) as stream:
                assert (await anext(stream))["content"] == "Hi "
            await server.gone.wait()

    asyncio.run(asyncio.wait_for(main(), 30))
