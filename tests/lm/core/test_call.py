"""Requests and their digests, usage, replies on their way to a cassette and back, calls, and stacks."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synalinks.errors import ConfigurationError
from synalinks.lm import AttemptCosts
from synalinks.lm.core.call import (
    USAGE_BUCKETS,
    Call,
    Delta,
    Handler,
    Reply,
    Request,
    Schema,
    Trace,
    Usage,
    schema_of,
    stack,
)  # fmt: skip
from synalinks.scope import Scope

SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}, "required": ["b"]}


def chat(text: str = "hi", **more: Any) -> Request:
    return Request("chat", "ollama/m", messages=[{"role": "user", "content": text}], **more)


def test_a_digest_is_of_what_is_asked_and_of_nothing_else() -> None:
    same = [chat(options={"temperature": 0.1, "seed": 1}), chat(options={"seed": 1, "temperature": 0.1})]
    assert same[0].digest == same[1].digest
    assert same[0] == same[1]
    assert hash(same[0]) == hash(same[1])
    others = [
        chat(), chat("ho"), chat(options={"seed": 2}), chat(schema=Schema(SCHEMA)), chat(tools=[{"name": "f"}]),
        Request("chat", "ollama/n", messages=[{"role": "user", "content": "hi"}]),
        Request("embed", "ollama/m", texts=["hi"]),
    ]  # fmt: skip
    assert len({request.digest for request in others}) == len(others)


def test_a_digest_is_the_same_for_ever() -> None:
    """Cassettes and caches are found by it: whoever changes this makes every one of them worthless."""
    assert chat(options={"temperature": 0}).canonical == (
        b'{"format":1,"kind":"chat","messages":[{"content":"hi","role":"user"}],"model":"ollama/m",'
        b'"options":{"temperature":0}}'
    )
    assert chat(options={"temperature": 0}).digest == "31c6a912eb659e4854c09cffc65a6effcd6ca30fad3174c92a4d5d1f3b70ce73"


def test_the_order_of_a_schemas_properties_is_part_of_what_is_asked() -> None:
    turned = {**SCHEMA, "properties": dict(reversed(SCHEMA["properties"].items()))}  # type: ignore[attr-defined]
    assert chat(schema=Schema(SCHEMA)).digest != chat(schema=Schema(turned)).digest
    shuffled = dict(reversed(SCHEMA.items()))
    assert chat(schema=Schema(SCHEMA)).digest == chat(schema=Schema(shuffled)).digest


def test_nan_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="NaN"):
        _ = chat(options={"temperature": float("nan")}).digest


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(content=st.text(max_size=20), options=st.dictionaries(st.text(min_size=1, max_size=8), json_values, max_size=4))
def test_a_request_survives_a_cassette(content: str, options: dict[str, Any]) -> None:
    request = chat(content, options=options, schema=Schema(SCHEMA), tools=[{"name": "f", "parameters": {}}])
    again = Request.from_dict(request.to_dict())
    assert again == request
    assert again.to_dict() == request.to_dict()


def test_embeddings_and_temperature_nought_have_one_answer() -> None:
    assert Request("embed", "m/e", texts=["x"]).single_answer
    assert chat(options={"temperature": 0}).single_answer
    assert chat(options={"temperature": 0.0}).single_answer
    assert not chat().single_answer
    assert not chat(options={"temperature": 0.1}).single_answer


def test_a_request_is_changed_by_making_another() -> None:
    request = Request("embed", "m/e", texts=["x", "y"], options={"dimensions": 3})
    assert request.with_texts(["y"]).to_dict() == {
        "kind": "embed",
        "model": "m/e",
        "texts": ["y"],
        "options": {"dimensions": 3},
    }
    assert chat(options={"a": 1}).with_options(b=2).options == {"a": 1, "b": 2}
    assert "2 texts" in repr(request)


def test_schemas_that_are_written_alike_are_compiled_once() -> None:
    assert schema_of(SCHEMA) is schema_of(dict(SCHEMA))
    assert schema_of(SCHEMA).validator is schema_of(SCHEMA).validator
    assert schema_of(SCHEMA).problem({"b": "x"}) is None
    assert "a" in str(schema_of(SCHEMA).problem({"b": "x", "a": "y"}))
    with pytest.raises(ConfigurationError, match="not a valid JSON schema"):
        _ = Schema({"type": "nonsense"}).validator


@given(st.dictionaries(st.sampled_from(USAGE_BUCKETS), st.integers(0, 10**9)))
def test_totals_are_sums_of_buckets_and_unknown_is_not_nought(counts: dict[str, int]) -> None:
    usage = Usage(**counts)
    ins = [count for name, count in counts.items() if name.startswith("input")]
    outs = [count for name, count in counts.items() if name.startswith("output")]
    assert usage.input_tokens == (sum(ins) if ins else None)
    assert usage.output_tokens == (sum(outs) if outs else None)
    assert usage.total_tokens == (sum(ins) + sum(outs) if counts else None)
    assert Usage.from_dict(usage.to_dict()) == usage


def test_a_reply_survives_a_cassette_but_not_its_bill() -> None:
    reply = Reply(
        text="x", reasoning="why", tool_calls=({"id": "1", "name": "f", "arguments": {}},), finish="stop", refusal="no",
        usage=Usage(1, output_text=2, raw={"n": 3}), cost=Decimal("0.10"), billed=Decimal("0.30"), model="m-1",
        seconds=0.25, attempts=3, failed=AttemptCosts(tokens=4, uncertain=1, priced=False),
        chunks=(Delta("x"), Delta("", "why")), extra={"k": 1},
    )  # fmt: skip
    again = Reply.from_dict(reply.to_dict(), "cassette")
    assert again.to_dict() == reply.to_dict()
    assert (again.billed, again.source, again.as_if) == (Decimal(0), "cassette", None)
    assert again.cost == Decimal("0.10")
    assert again.failed.uncertain == 1


def test_a_sink_gets_the_pieces_or_the_whole() -> None:
    heard: list[Delta] = []
    Reply(text="ab", chunks=(Delta("a"), Delta("b"))).feed(heard.append)
    Reply(text="ab", reasoning="r").feed(heard.append)
    Reply().feed(heard.append)
    assert heard == [Delta("a"), Delta("b"), Delta("ab", "r")]


@pytest.mark.parametrize(
    ("options", "cap", "limit", "cut"),
    [({}, None, None, False), ({}, 5, 5, True), ({"max_tokens": 3}, None, 3, False), ({"max_tokens": 3}, 5, 3, False),
     ({"max_tokens": 9}, 5, 5, True), ({"num_predict": 9, "max_tokens": 4}, None, 4, False)],
)  # fmt: skip
def test_the_limit_of_an_answer(options: dict[str, Any], cap: int | None, limit: int | None, cut: bool) -> None:
    call = Call(chat(options=options), output_cap=cap)
    assert call.output_limit == limit
    assert call.cut_by_budget("length") is cut
    assert not call.cut_by_budget("stop")
    assert call.request.options == options, "what is left of a budget is not part of what is asked"


def test_traces_add_up() -> None:
    one, two = Trace(), Trace()
    one.sent, one.spent = 1, AttemptCosts(Decimal("0.1"), 3)
    two.sent, two.spent = 2, AttemptCosts(uncertain=1, priced=False)
    one.add(two)
    assert (one.sent, one.spent) == (3, AttemptCosts(Decimal("0.1"), 3, 1, priced=False))
    assert one.spent.cost is None


def test_layers_are_composed_outermost_first_and_print_so() -> None:
    order: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, below: Handler) -> Handler:
            async def handle(call: Call) -> Reply:
                order.append(self.name)
                return await below(call)

            return handle

    async def bottom(call: Call) -> Reply:
        order.append("bottom")
        return Reply(text="x")

    composed = stack(bottom, Named("meter"), Named("cache"))
    assert asyncio.run(_ask(composed)).text == "x"
    assert order == ["meter", "cache", "bottom"]
    assert repr(composed) == "Stack(meter > cache > bottom)"
    assert Call(chat(), Scope(epoch=1), 2).place == (Scope(epoch=1), 2)


async def _ask(handler: Handler) -> Reply:
    return await handler(Call(chat()))
