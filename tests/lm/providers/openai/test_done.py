"""The end of a stream, as servers write it."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.lm.providers import wire

from synalinks import errors
from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.providers import make, resolve

HELLO = Request("chat", "openai/m", messages=[{"role": "user", "content": "x"}])


def streamed(ending: str) -> Reply:
    event = "data: " + json.dumps({"choices": [{"delta": {"content": "4"}}]}) + "\n\n"
    transport = wire.answering(200, event + ending, {"content-type": "text/event-stream"})
    handler = make(resolve("openai/m")[0], api_key="a-key-of-tests", transport=transport)
    return asyncio.run(handler(Call(HELLO, sink=lambda delta: None)))


@pytest.mark.parametrize("ending", ["data: [DONE]\n\n", "data: [DONE] \n\n", "data:[DONE]\r\n\r\n", "data: [DONE]"])
def test_done_with_or_without_a_blank(ending: str) -> None:
    assert streamed(ending).text == "4"


def test_without_an_end_the_stream_broke_off() -> None:
    with pytest.raises(errors.ConnectionFailed, match="before the answer was whole"):
        streamed("")
