"""PerTextLayer: embeddings are looked up text by text; only those that are not stored are fetched, in one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from synalinks._concurrency import LoopLocal
from synalinks.lm.core.call import Call, Handler, Reply, Request
from synalinks.lm.core.shares import joined

_Key = tuple[str, Hashable, str]


class PerTextLayer:
    """Splits an embedding call into what is stored below and one batch of the rest, each distinct text once.

    A first call with `stored_only` gives the vectors that the cache or the cassette has, and an empty one for each
    other text. A text that another call is fetching at the moment is waited for, and not asked for twice.

    Args:
        stores: whether anything below stores answers; without it calls pass as they are.
        ambient: what must be equal besides the text for two calls to share a vector, such as the open cassette.
    """

    name = "per_text"

    def __init__(self, stores: Callable[[Call], bool], ambient: Callable[[Call], Hashable] = lambda call: None) -> None:
        self._stores = stores
        self._ambient = ambient
        self._fetching: LoopLocal[dict[_Key, asyncio.Event]] = LoopLocal(dict)

    def __call__(self, below: Handler) -> Handler:
        """The layer over `below`."""

        async def per_text(call: Call) -> Reply:
            request = call.request
            if request.kind != "embed" or not self._stores(call):
                return await below(call)
            texts = tuple(dict.fromkeys(request.texts))
            whole = request if len(texts) == len(request.texts) else request.with_texts(texts)
            stored, missing = await self._look_up(replace(call, request=whole, stored_only=True), below)
            if not missing:
                return _spread(stored, whole, request)
            if len(missing) == len(texts):
                return _spread(await self._fetch(replace(call, request=whole), whole, below), whole, request)
            live = await self._fetch(replace(call, request=whole.with_texts(missing)), whole, below)
            return _spread(joined(stored, live, missing, whole.texts), whole, request)

        return per_text

    async def _look_up(self, call: Call, below: Handler) -> tuple[Reply, list[str]]:
        """The vectors that are stored, and the texts without one; texts on their way are waited for."""
        fetching = self._fetching.get()
        while True:
            stored = await below(call)
            missing = [text for text, vector in zip(call.request.texts, stored.vectors, strict=True) if not vector]
            on_their_way = (fetching.get(key) for key in self._keys(call, missing)) if fetching else ()
            event = next((event for event in on_their_way if event is not None), None)
            if event is None:
                return stored, missing
            await event.wait()

    async def _fetch(self, call: Call, whole: Request, below: Handler) -> Reply:
        """The vectors of texts that are not stored, as a part of the request for `whole`."""
        fetching, event = self._fetching.get(), asyncio.Event()
        keys = self._keys(call, call.request.texts)
        fetching.update(dict.fromkeys(keys, event))
        try:
            return await below(replace(call, whole=whole))
        finally:
            for key in keys:
                del fetching[key]
            event.set()

    def _keys(self, call: Call, texts: Sequence[str]) -> list[_Key]:
        base, ambient = call.request.with_texts(()).digest, self._ambient(call)
        return [(base, ambient, text) for text in texts]


def _spread(reply: Reply, whole: Request, request: Request) -> Reply:
    """The reply for distinct texts as the reply for the request's, which may repeat some."""
    if whole is request:
        return reply
    by_text = dict(zip(whole.texts, reply.vectors, strict=True))
    return replace(reply, vectors=tuple(by_text[text] for text in request.texts))
