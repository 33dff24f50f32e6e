"""The Anthropic dialect against a real llama.cpp server, which speaks it too; live."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.lm.providers import llama_server

from synalinks import errors
from synalinks.lm.core.call import Call, Delta, Handler, Reply, Request
from synalinks.lm.providers import make, resolve

pytestmark = pytest.mark.live
ASKED = Request(
    "chat",
    "anthropic/tiny-gsm",
    messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Add 2 and 1"}],
    options={"max_tokens": 12, "temperature": 0},
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with llama_server.running("--api-key", llama_server.KEY) as address:
        yield address


def provider(address: str, key: str = llama_server.KEY) -> Handler:
    return make(resolve("anthropic/m")[0], address, api_key=key)


def test_a_stream_is_the_same_answer_in_pieces(server: str) -> None:
    pieces: list[Delta] = []

    async def main() -> tuple[Reply, Reply]:
        handler = provider(server)
        return await handler(Call(ASKED)), await handler(Call(ASKED, sink=pieces.append))

    whole, streamed = asyncio.run(main())
    assert streamed.text == whole.text == "".join(piece.text for piece in pieces)
    assert streamed.chunks == tuple(pieces) and len(pieces) > 3
    assert (whole.finish, streamed.finish) == ("length", "length")
    assert whole.usage.output_tokens == streamed.usage.output_tokens == 12
    assert whole.usage.input_tokens == streamed.usage.input_tokens
    assert whole.model == streamed.model == "tiny-gsm"


def test_a_wrong_key(server: str) -> None:
    with pytest.raises(errors.AuthenticationError) as caught:
        asyncio.run(provider(server, "sk-ant-another-key-of-mine")(Call(ASKED)))
    assert "sk-ant-another" not in str(caught.value)
