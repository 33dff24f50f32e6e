"""StreamingIterator: a chat message as it is written, piece by piece, and whole at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Self

from synalinks._json import JsonObject
from synalinks.data.json_data_model import JsonDataModel
from synalinks.errors import ConfigurationError

#: Takes the pieces of a message as they come.
Give = Callable[[JsonObject], None]
#: Writes a message, piece by piece, and returns it whole; None where the call failed for good.
Write = Callable[[Give], Coroutine[object, object, JsonDataModel | None]]


class StreamingIterator(AsyncIterator[JsonObject]):
    """The pieces of a chat message while a model writes it.

    Each piece is `{"role": "assistant"}` with `content`, `reasoning_content`, or both. A piece with `"restart": True`
    says that the attempt before it failed: the pieces until then are void, and the message begins anew. `aconsume`
    gives the whole message, whether the pieces were iterated over or not.

    The call runs on by itself. Leave an iteration early with `aclose` (or `async with`): the call is cancelled, and
    budgets settle it as any cancelled call. An iterator belongs to the event loop it was made in.

    Example:
        >>> from synalinks.lm import Delta, Reply
        >>> from synalinks.testing import ScriptedProvider
        >>> async def main():
        ...     model = synalinks.LanguageModel("ollama/llama3.2")
        ...     stream = await model(synalinks.ChatMessage(role="user", content="Hello"), streaming=True)
        ...     async for piece in stream:
        ...         print(piece["content"])
        ...     print((await stream.aconsume()).get("content"))
        >>> with synalinks.use_provider(ScriptedProvider([Reply("Hi there", chunks=(Delta("Hi "), Delta("there")))])):
        ...     asyncio.run(main())
        Hi
        there
        Hi there
    """

    def __init__(self, write: Write) -> None:
        self._pieces: asyncio.Queue[JsonObject | None] = asyncio.Queue()
        self._held: list[JsonObject | None] = []
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(_written(write, self._pieces))

    @classmethod
    async def begin(cls, write: Write) -> Self | None:
        """The iterator of a message, once its first piece is there; None where the call failed before.

        Raises:
            SynalinksError: the call was refused, or is of a wrong program.
        """
        made = cls(write)
        try:
            made._held.append(await made._pieces.get())
        except asyncio.CancelledError:
            await made.aclose()
            raise
        return made if made._held[0] is not None or await made._task is not None else None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JsonObject:
        if self._ended:
            raise StopAsyncIteration
        if self._loop is not asyncio.get_running_loop():
            raise ConfigurationError(
                "a stream belongs to the event loop that it began in: iterate over it in the same asyncio.run(...)"
            )
        piece = self._held.pop() if self._held else await self._pieces.get()
        if piece is not None:
            return piece
        self._ended = True
        await self._task  # an error of the call is raised here
        raise StopAsyncIteration

    async def aconsume(self) -> JsonDataModel | None:
        """The whole message, a `ChatMessage`, when it is there; None where the call failed for good."""
        return await self._task

    async def aclose(self) -> None:
        """End the call, if it has not ended, and wait until its budget is settled."""
        self._ended = True
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        task = getattr(self, "_task", None)
        if task is not None and not task.done() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(task.cancel)

    def __repr__(self) -> str:
        return f"<StreamingIterator, {'whole' if self._task.done() else 'being written'}>"


async def _written(write: Write, pieces: asyncio.Queue[JsonObject | None]) -> JsonDataModel | None:
    """The message; its pieces are put into a queue, and None after the last."""
    try:
        return await write(pieces.put_nowait)
    finally:
        pieces.put_nowait(None)
