"""What the validate layer lets pass, and what it says of the rest."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from synalinks import errors
from synalinks.lm.core.call import Call, Check, Reply, Request, Schema
from synalinks.lm.validate import ValidateLayer

SCHEMA = Schema(
    {
        "type": "object",
        "properties": {"answer": {"type": "number"}},
        "required": ["answer"],
        "additionalProperties": False,
    }
)
MESSAGES = [{"role": "user", "content": "x"}]


def check(reply: Reply, schema: Schema | None = SCHEMA, accepts: Check | None = None, **more) -> Reply:
    async def provider(call: Call, /) -> Reply:
        return reply

    request = Request("chat", "ollama/m", messages=MESSAGES, schema=schema, **more)
    return asyncio.run(ValidateLayer()(provider)(Call(request, check=accepts)))


def even(value: dict[str, int]) -> dict[str, int]:
    """What a validator of a class does: refuses, or gives what it made."""
    if value["answer"] % 2:
        raise ValueError("odd")
    return {**value, "seen": True}


AROUND = [
    "{}",
    "```json\n{}\n```",
    "Here it is: {}",
    "{}\nI hope that helps.",
    " {} ",
    "[{}]",
    "{} and again {}",
    "<answer>{}</answer>",
]


@pytest.mark.parametrize("around", AROUND)
def test_the_class_is_asked_whatever_stands_around_an_answer(around: str) -> None:
    right = check(Reply(text=around.replace("{}", '{"answer": 4}'), finish="stop"), accepts=even)
    assert right.take_value() == (True, {"answer": 4, "seen": True})
    with pytest.raises(errors.BadReply, match="the answer is refused: odd") as caught:
        check(Reply(text=around.replace("{}", '{"answer": 5}'), finish="stop"), accepts=even)
    assert caught.value.problem == "the answer is refused: odd"


def test_of_several_answers_the_one_that_the_class_takes_counts() -> None:
    assert json.loads(check(Reply(text='First {"answer": 5}, no: {"answer": 4}'), accepts=even).text) == {"answer": 4}
    for text in ('{"answer": 2} {"answer": 4}', '{"answer": 5} {"answer": 7}'):
        with pytest.raises(errors.BadReply, match="not JSON"):
            check(Reply(text=text), accepts=even)


@pytest.mark.parametrize(
    "text",
    [
        "```a\n" * 100_000,
        "```\n" * 100_000 + "x",
        '"' + '\\"' * 100_000,
        '"' + '\\"' * 100_000 + "\\",
        ("," + " " * 500) * 1_000,
        '{"' * 100_000,
        '{"a":1}' * 50_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_answer_takes_no_time(text: str) -> None:
    begun = time.thread_time()
    with pytest.raises(errors.BadReply):
        check(Reply(text=text, finish="stop"))
    assert time.thread_time() - begun < 2


def test_an_answer_that_obeys_its_schema_passes_unchanged() -> None:
    reply = Reply(text='{"answer": 4}', finish="stop")
    assert check(reply) is reply


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"answer": "four"}', '"four" is not of type "number" \\(at answer\\)'),
        ("{}", '"answer" is a required property'),
        ("the answer is 4", "not JSON.*the answer is 4"),
        ('{"answer": NaN}', "not JSON"),
        ("", "empty"),
    ],
)
def test_broken_answers(text: str, words: str) -> None:
    reply = Reply(text=text, finish="stop")
    with pytest.raises(errors.BadReply, match=words) as caught:
        check(reply)
    assert caught.value.reply is reply


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"answer": 4}\n```',
        'Here it is:\n\n```\n{"answer": 4}\n```\nIs there more?',
        'The answer is {"answer": 4}.',
        'I count {1, 2} and so:\n{"answer": 4}',
        '{"answer": 4,}',
        '"{\\"answer\\": 4}"',
        '{"answer": 4}\n\nBecause 2 + 2 = {4}.',
        '{"answer": 4} and again {"answer": 4}',
        '{"answer":4}\n\nFinal: {"answer": 4}',
        '{"answer": 4}\n```json\n{"answer": 4,}\n```',
    ],
)
def test_what_stands_around_an_answer_is_removed(text: str) -> None:
    assert json.loads(check(Reply(text=text, finish="stop")).text) == {"answer": 4}


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": 3} or {"answer": 4}',
        '{"result": {"answer": 4}',
        '```json\n{"answer": 3}\n```\n```json\n{"answer": 4}\n```',
        "{" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_an_answer_that_is_not_the_only_one_or_only_a_part_is_none(text: str) -> None:
    with pytest.raises(errors.BadReply):
        check(Reply(text=text, finish="stop"))


def test_an_answer_that_was_cut_is_not_looked_for_in_its_beginning() -> None:
    with pytest.raises(errors.SampleRefused):
        check(Reply(text='[{"answer": 4}, {"ans', finish="length"))


def test_commas_in_strings_stay() -> None:
    schema = Schema({"type": "object", "properties": {"say": {"type": "string"}}, "required": ["say"]})
    assert json.loads(check(Reply(text='{"say": "a,}",}', finish="stop"), schema).text) == {"say": "a,}"}


def test_only_the_start_of_a_long_answer_is_quoted() -> None:
    with pytest.raises(errors.BadReply) as caught:
        check(Reply(text="x" * 10_000))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(("schema", "text"), [(SCHEMA, '{"answer": 4'), (SCHEMA, ""), (None, "")])
def test_an_answer_cut_at_the_limit_is_a_refused_sample(schema: Schema | None, text: str) -> None:
    with pytest.raises(errors.SampleRefused, match=r"max_tokens=12") as caught:
        check(Reply(text=text, finish="length"), schema, options={"max_tokens": 12})
    assert caught.value.kind == "length"
    assert caught.value.reply is not None


def test_a_cut_answer_that_can_be_used_passes() -> None:
    assert check(Reply(text="once upon a", finish="length"), None).text
    assert check(Reply(text='{"answer": 4}', finish="length")).text


def test_refusals_and_filters() -> None:
    with pytest.raises(errors.SampleRefused, match="I can't") as caught:
        check(Reply(refusal="I can't help with that", finish="stop"))
    assert caught.value.kind == "refusal"
    with pytest.raises(errors.SampleRefused) as caught:
        check(Reply(text="par", finish="content_filter"), None)
    assert caught.value.kind == "content_filter"


def test_an_empty_free_text_is_bad_unless_tools_are_called() -> None:
    with pytest.raises(errors.BadReply, match="empty"):
        check(Reply(text=" \n", finish="stop"), None)
    calls = ({"id": "1", "name": "f", "arguments": {}},)
    assert check(Reply(tool_calls=calls, finish="tool_calls"), None).tool_calls


def embed(*vectors: bytes) -> Reply:
    async def provider(call: Call, /) -> Reply:
        return Reply(vectors=vectors)

    return asyncio.run(ValidateLayer()(provider)(Call(Request("embed", "ollama/m", texts=["a", "b"]))))


def test_vectors_match_the_texts() -> None:
    assert embed(b"\0" * 8, b"\0" * 8).vectors
    with pytest.raises(errors.BadReply, match="2 texts got 1 vectors"):
        embed(b"\0" * 8)
    with pytest.raises(errors.BadReply, match="got 2, 3 float32"):
        embed(b"\0" * 8, b"\0" * 12)
    with pytest.raises(errors.BadReply, match="one length"):
        embed(b"", b"")
