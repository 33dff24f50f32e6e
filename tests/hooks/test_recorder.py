"""Tests of records of calls: what is written, where, and for whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synalinks
from programs_under_test import MODEL, Answer, Question, compiled, data, solver
from synalinks import backend, config
from synalinks.errors import ConfigurationError
from synalinks.hooks import EVERYWHERE, Recorder, stop_everywhere, trace_context
from synalinks.testing import ScriptedProvider


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the calls of every model are written to, within the test."""
    synalinks.record_traces(tmp_path)
    yield tmp_path
    stop_everywhere(Recorder)


def lines(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """By folder: the records."""
    return {
        str(file.parent.relative_to(folder)): [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        for file in sorted(folder.rglob("*.jsonl"))
    }


async def program(name: str = "prog", **options: Any) -> synalinks.Program:
    inputs = synalinks.Input(data_model=Question)
    model = synalinks.LanguageModel(model=MODEL, name="lm", **options)
    outputs = await synalinks.Generator(data_model=Answer, language_model=model, name="gen")(inputs)
    return synalinks.Program(inputs=inputs, outputs=outputs, name=name)


def test_a_call_in_a_program(folder: Path) -> None:
    async def main() -> None:
        made = await program()
        with synalinks.use_provider(ScriptedProvider(['{"answer": 4}'] * 2)):
            await made(Question(question="2 + 2?"))
            await made(Question(question="2 + 2?"))

    asyncio.run(main())
    ((place, records),) = lines(folder).items()
    assert place == "prog/gen" and next(folder.rglob("*.jsonl")).name.startswith("gen_")
    first, second = records
    assert (first["program"], first["module"], first["parent_call_id"][:4]) == ("prog", "gen", "gen-")
    assert [message["role"] for message in first["messages"]] == ["system", "user", "assistant"]
    assert first["messages"][-1]["content"] == '{"answer":4}' and first["outputs"] == {"answer": 4}
    assert first["usage"]["total_tokens"] > 0 and first["cost"] == 0.0 and first["duration"] >= 0.0
    assert first["inputs_hash"] == second["inputs_hash"] and first["config_hash"] == second["config_hash"]
    assert first["call_id"] != second["call_id"] and "exception" not in first and "context" not in first


def test_samples_side_by_side_have_their_own_usage(folder: Path) -> None:
    async def main() -> None:
        made = await program("trained")
        questions = [Question(question=f"{'long ' * n}?") for n in (1, 40)]
        model = synalinks.testing.TableModel({one.question: 1 for one in questions})
        with synalinks.testing.OllamaServer(env=True, model=model):
            array = np.empty(2, dtype=object)
            array[:] = questions
            await made.predict(array, batch_size=2, verbose=0)

    asyncio.run(main())
    ((place, records),) = lines(folder).items()
    assert place == "trained/gen"
    by_size = sorted(records, key=lambda one: len(one["messages"][1]["content"]))
    assert by_size[0]["usage"]["prompt_tokens"] < by_size[1]["usage"]["prompt_tokens"]


def test_a_model_called_alone_and_tools_in_openais_form(folder: Path) -> None:
    chat = synalinks.ChatMessages(
        messages=[
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "tool_calls": [
                {"id": "1", "function": {"name": "look", "arguments": {"city": "Bonn"}}}]},
            {"role": "tool", "tool_call_id": "1", "content": {"degrees": 5}},
        ]
    )  # fmt: skip

    async def main() -> None:
        with synalinks.use_provider(ScriptedProvider(["5 degrees"])):
            await synalinks.LanguageModel(model=MODEL, name="a/b c")(chat)

    asyncio.run(main())
    ((place, (record,)),) = lines(folder).items()
    assert place == "a_b_c", "a name is no path"
    _, called, told, said = record["messages"]
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"city": "Bonn"}
    assert json.loads(told["content"]) == {"degrees": 5}
    assert said == {"role": "assistant", "content": "5 degrees"} and record["parent_call_id"] is None


def test_a_call_that_fails(folder: Path) -> None:
    async def main() -> None:
        made = await program(retry=1, on_error="none")
        with synalinks.use_provider(ScriptedProvider(["no json"] * 5)), pytest.warns(synalinks.LMWarning):
            assert await made(Question(question="?")) is None

    asyncio.run(main())
    ((_, (record,)),) = lines(folder).items()
    assert record["outputs"] is record["usage"] is record["cost"] is None
    assert "JSON" in record["exception"] and [one["role"] for one in record["messages"]] == ["system", "user"]


def test_for_whom(folder: Path) -> None:
    async def main() -> None:
        model = synalinks.LanguageModel(model=MODEL, name="lm")
        chat = synalinks.ChatMessages(messages=[{"role": "user", "content": "hi"}])

        async def request(user: str) -> None:
            with trace_context(user_id=user, metadata={"n": 1}), trace_context(session_id="s", tags={"a": "b"}):
                await asyncio.sleep(0)
                await model(chat)

        with synalinks.use_provider(ScriptedProvider(["hello"] * 2)):
            await asyncio.wait([asyncio.ensure_future(request(user)) for user in ("ann", "bob")])

    asyncio.run(main())
    records = lines(folder)["lm"]
    assert sorted(one["context"]["user_id"] for one in records) == ["ann", "bob"]
    assert records[0]["context"] | {"user_id": ""} == {
        "user_id": "", "session_id": "s", "metadata": {"n": "1"}, "tags": {"a": "b"},
    }  # fmt: skip


def test_a_models_own_recorder(tmp_path: Path) -> None:
    async def main() -> None:
        made = await program(hooks=[Recorder(tmp_path / "own")])
        with synalinks.use_provider(ScriptedProvider(['{"answer": 4}'])):
            await made(Question(question="2 + 2?"))

    asyncio.run(main())
    assert list(lines(tmp_path / "own")) == ["prog/gen"]


def test_the_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_HOME", str(tmp_path / "home"))
    assert not synalinks.is_trace_recording_enabled() and config.trace_recording_dir() == str(tmp_path / "home")
    try:
        backend.record_traces()
        assert synalinks.is_trace_recording_enabled() and backend.trace_recording_dir() == str(tmp_path / "home")
        config.record_traces(tmp_path)
        assert config.trace_recording_dir() == str(tmp_path) and list(EVERYWHERE) == [Recorder]
    finally:
        stop_everywhere(Recorder)


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    async def main() -> None:
        model = synalinks.LanguageModel(model=MODEL, name="lm", hooks=[Recorder(tmp_path / "file")])
        with synalinks.use_provider(ScriptedProvider(["hello"])):
            await model(synalinks.ChatMessages(messages=[{"role": "user", "content": "hi"}]))

    with pytest.raises(ConfigurationError, match="Recorder can't write"):
        asyncio.run(main())


def test_a_streamed_answer_is_written_when_it_has_ended(folder: Path) -> None:
    async def main() -> None:
        with synalinks.use_provider(ScriptedProvider(["hello there"])):
            model = synalinks.LanguageModel(model=MODEL, name="lm")
            pieces = await model(synalinks.ChatMessages(messages=[{"role": "user", "content": "hi"}]), streaming=True)
            assert [piece["content"] async for piece in pieces] == ["hello there"]

    asyncio.run(main())
    ((_, (record,)),) = lines(folder).items()
    assert record["messages"][-1] == {"role": "assistant", "content": "hello there"} and record["usage"]["total_tokens"]


@pytest.mark.parametrize("given", [{"tags": ["part"]}, {"metadata": "part"}])
def test_tags_and_metadata_of_a_context_are_dicts(given: dict[str, Any]) -> None:
    with (
        pytest.raises(ConfigurationError, match=f"{next(iter(given))}=...\\) takes a dict of names and values"),
        synalinks.trace_context(**given),
    ):
        pass


def test_calls_side_by_side_in_one_place_have_their_own_tokens(folder: Path) -> None:
    async def answer(call: Any) -> Any:
        number = int(call.request.messages[-1]["content"])
        for _ in range(9 - number):  # the last one ends first
            await asyncio.sleep(0)
        return synalinks.lm.Reply(text=str(number), usage=synalinks.lm.Usage(input_fresh=number, output_text=0))

    model = synalinks.LanguageModel(model=MODEL, name="lm", concurrency=9)

    async def main() -> None:
        asked = [synalinks.ChatMessage(role="user", content=str(n)) for n in range(1, 9)]
        await asyncio.gather(*(model(synalinks.ChatMessages(messages=[one])) for one in asked))

    with synalinks.use_provider(ScriptedProvider(answer)):
        asyncio.run(main())
    (records,) = lines(folder).values()
    assert len(records) == 8
    for record in records:
        assert str(record["usage"]["prompt_tokens"]) == record["messages"][-1]["content"]


def test_an_estimate_leaves_no_records(folder: Path) -> None:
    asyncio.run(compiled(solver()).estimate(*data(4)))
    assert lines(folder) == {}
