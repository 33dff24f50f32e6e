"""The scripted provider: lists, mappings, functions, errors, and names."""

from __future__ import annotations

import asyncio
import re
import struct

import pytest
from tests.lm.virtual import LoopClock, run

from synalinks import errors
from synalinks.lm.core.call import Call, Delta, Reply, Request, Usage
from synalinks.lm.providers import make, resolve
from synalinks.lm.providers.fake.scripted import ScriptedProvider, register_script


def call(text: str = "What is 2+2?", model: str = "scripted/m", **more) -> Call:
    return Call(Request("chat", model, messages=[{"role": "user", "content": text}]), **more)


def ask(provider, asked: Call | None = None) -> Reply:
    return asyncio.run(provider(asked or call()))


def test_a_list_in_order_and_its_end() -> None:
    provider = ScriptedProvider(["one", {"answer": 2}, Reply(text="three", finish="length")])
    assert [ask(provider).text for _ in range(3)] == ["one", '{"answer":2}', "three"]
    with pytest.raises(errors.ConfigurationError, match=r"script of 3 answers is used up.*2\+2"):
        ask(provider)
    assert len(provider.calls) == 4


def test_a_mapping_by_substring_or_pattern() -> None:
    provider = ScriptedProvider({"2+2": "4", re.compile(r"\d\*\d"): "product"})
    assert ask(provider).text == "4"
    assert ask(provider, call("3*3")).text == "product"
    with pytest.raises(errors.ConfigurationError, match=r"no key of the script .*'2\+2'.*something else"):
        ask(provider, call("something else"))


def test_functions_sync_and_async() -> None:
    async def slowly(asked: Call) -> str:
        await asyncio.sleep(0)
        return asked.request.messages[0]["content"].upper()

    assert ask(ScriptedProvider(slowly), call("x")).text == "X"
    assert ask(ScriptedProvider(lambda asked: {"n": len(asked.request.messages)})).text == '{"n":1}'


def test_errors_are_raised_afresh() -> None:
    error = errors.RateLimited("slow", retry_after=3.0)
    provider = ScriptedProvider({"": error})
    for _ in range(2):
        with pytest.raises(errors.RateLimited) as caught:
            ask(provider)
        assert caught.value is not error
        assert (str(caught.value), caught.value.retry_after) == ("slow", 3.0)
    with pytest.raises(errors.ServerError):
        ask(ScriptedProvider([errors.ServerError]))
    with pytest.raises(KeyError):
        ask(ScriptedProvider([KeyError("bug")]))


def test_usage_is_given_or_estimated_and_said_so() -> None:
    assert ask(ScriptedProvider(["x" * 40])).usage == Usage(3, output_text=10, raw={"estimated": True})
    given = Usage(input_fresh=7, output_text=8)
    assert ask(ScriptedProvider(["x"], usage=given)).usage == given


def test_embeddings() -> None:
    provider = ScriptedProvider(lambda asked: [[float(len(text))] for text in asked.request.texts])
    reply = ask(provider, Call(Request("embed", "scripted/m", texts=["a", "bcd"])))
    assert reply.vectors == (struct.pack("<f", 1), struct.pack("<f", 3))


def test_latency_waits_on_the_clock_given() -> None:
    async def main() -> None:
        clock = LoopClock()
        started = clock.now()
        await ScriptedProvider(["x"], latency=lambda asked: 30.0, clock=clock)(call())
        assert clock.now() - started == pytest.approx(30, abs=0.1)

    run(main())


def test_a_sink_is_fed() -> None:
    pieces: list[Delta] = []
    ask(ScriptedProvider(["text"]), call(sink=pieces.append))
    assert pieces == [Delta("text")]


def test_a_registered_script_answers_its_name() -> None:
    script = register_script("demo", ["hello"])
    handler = make(resolve("scripted/demo")[0])
    assert ask(handler, call(model="scripted/demo")).text == "hello"
    assert len(script.calls) == 1
    with pytest.raises(errors.UnknownModelError, match=r"no script is registered as 'nosuch'.*register_script"):
        ask(handler, call(model="scripted/nosuch"))


@pytest.mark.parametrize("wrong", [[3], [None], [["not", "vectors"]]])
def test_answers_that_are_none(wrong: list) -> None:
    with pytest.raises(errors.ConfigurationError, match="a scripted answer is"):
        ask(ScriptedProvider(wrong))


def test_a_bare_string_is_not_a_list_of_letters() -> None:
    with pytest.raises(errors.ConfigurationError, match=r"write \[text\]"):
        ScriptedProvider("hello")
