"""What the tests of cassettes share: requests, a provider that can be steered, and a way to run calls."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from synalinks.errors import SynalinksError
from synalinks.lm.cache.per_text import PerTextLayer
from synalinks.lm.cassette.layer import CassetteLayer
from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Delta, Handler, Reply, Request, Sink, Stack, Usage, stack
from synalinks.scope import Scope

MODEL = "fake/m"


def chat(text: str, temperature: float = 0.7, model: str = MODEL) -> Request:
    return Request("chat", model, messages=[{"role": "user", "content": text}], options={"temperature": temperature})


def embed(*texts: str, model: str = "fake/e") -> Request:
    return Request("embed", model, texts=texts)


def at(request: Request, draw: int = 0, sink: Sink | None = None, **place: Any) -> Call:
    return Call(request, Scope(**place), draw, sink)


def vector(text: str) -> bytes:
    """Three float32 numbers that no decimal notation of 6 digits would keep."""
    return struct.pack("<3f", len(text) / 3, 0.1, float(sum(text.encode())) ** 0.5)


class Provider:
    """Answers `<request> #<how many so far>`; embeds with `vector`; keeps what it was asked."""

    def __init__(self, fail: Callable[[Call], Exception | None] = lambda call: None) -> None:
        self.asked: list[Call] = []
        self.fail = fail
        self.may_answer: asyncio.Event | None = None

    async def __call__(self, call: Call, /) -> Reply:
        self.asked.append(call)
        count = len(self.asked)
        if self.may_answer is not None:
            await self.may_answer.wait()
        if (error := self.fail(call)) is not None:
            raise error
        request = call.request
        if request.kind == "embed":
            size = sum(len(text) for text in request.texts)
            return Reply(
                vectors=tuple(map(vector, request.texts)),
                usage=Usage(input_fresh=size),
                cost=Decimal("0.00001") * size,
                billed=Decimal("0.00001") * size,
                model="e-2026",
            )
        return Reply(
            text=f"{request.messages[0]['content']} #{count} {call.scope}/{call.draw}",
            usage=Usage(input_fresh=7, output_text=3),
            cost=Decimal("0.0123"),
            billed=Decimal("0.0123"),
            seconds=0.5,
            finish="stop",
            chunks=(Delta("a"), Delta("b", "why")),
        )


def over(cassette: Cassette | None, provider: Handler) -> Stack:
    """The layers that answer from a cassette, over a provider."""
    return stack(provider, PerTextLayer(lambda call: cassette is not None), CassetteLayer(lambda call: cassette))


def play(cassette: Cassette | None, calls: Iterable[Call], provider: Any = None) -> list[Reply | SynalinksError]:
    """The outcomes of calls made one after the other."""
    handler = over(cassette, provider or Provider())

    async def main() -> list[Reply | SynalinksError]:
        outcomes: list[Reply | SynalinksError] = []
        for call in calls:
            try:
                outcomes.append(await handler(call))
            except SynalinksError as error:
                outcomes.append(error)
        return outcomes

    return asyncio.run(main())


def ask(cassette: Cassette | None, call: Call, provider: Any = None) -> Reply:
    """The reply to one call."""
    (outcome,) = play(cassette, [call], provider)
    if isinstance(outcome, SynalinksError):
        raise outcome
    return outcome


def record(path: Path, calls: Iterable[Call], provider: Any = None, mode: str = "once") -> list[Any]:
    """Make calls with a cassette open for recording, and close it."""
    with Cassette(path, mode) as cassette:
        return play(cassette, calls, provider)
