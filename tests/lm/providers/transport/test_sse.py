"""Server-sent events, however a server or the network cuts them."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from synalinks.lm.providers.transport.sse import events


class _Bytes(httpx.AsyncByteStream):
    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = data, step

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        for at in range(0, len(self._data), self._step):
            yield self._data[at : at + self._step]


def read(data: bytes, step: int) -> list[str]:
    async def main() -> list[str]:
        return [text async for text in events(httpx.Response(200, stream=_Bytes(data, step)))]

    return asyncio.run(main())


@pytest.mark.parametrize("step", [1, 2, 5, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_and_chunks(step: int, end: bytes) -> None:
    lines = [b": OPENROUTER PROCESSING", b"", b"event: ping", b"id: 7", b"data: {1}", b"", b"data:a", b"data:  b", b"",
             b"", b"retry: 3", b"data: [DONE]", b""]  # fmt: skip
    assert read(end.join(lines) + end, step) == ["{1}", "a\n b", "[DONE]"]


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_characters_that_only_look_like_the_end_of_a_line(step: int) -> None:
    text = "data: \u2028 \u0085 \x0b \x1c ü 😄\n\n"
    assert read(text.encode(), step) == [text[6:-2]]


def test_the_last_blank_line_may_be_missing() -> None:
    assert read(b"data: a\n\ndata: b", 1000) == ["a", "b"]
    assert read(b"data: a\n\ndata: b\n", 1000) == ["a", "b"]
    assert read(b"", 1000) == []
