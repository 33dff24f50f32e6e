"""CacheLayer: answers on disk, so that a call that was answered before is neither sent nor billed again.

An entry is one answer to one request at one endpoint. The answers to a request are entries 0, 1, 2, ...,
each with the place it was given at; which of them a call gets is the rule of `draws.py`. Embeddings are kept
per text. On disk an entry is

    4 bytes   `ENTRY_FORMAT`
    4 bytes   length of the head, unsigned, little-endian
    head      zlib-compressed canonical JSON: model, scope, draw, reply, bytes of vector
    rest      embeddings only: the vector, little-endian float32

An entry keeps the cost it was stored with, as a cassette does: what the answer cost when it was fetched, unknown if it
was unknown. A price that is set later is for calls made later, and does not change what a hit, or a call that
shares one, cost as if live. `refresh` makes a new call, at the new price.

No key, header or host with credentials stands above HTTP, so none can get in here.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from synalinks import _json
from synalinks.lm.cache.store import Store, StoreBusy
from synalinks.lm.core.call import ZERO, Call, Handler, Reply, Request
from synalinks.lm.core.draws import Draws, Place
from synalinks.lm.core.errors import BadReply
from synalinks.lm.core.place import Scope
from synalinks.lm.core.shares import apportion_money, apportion_usage, sum_money, sum_usage, weights_of

#: Begins every entry. Change the last byte when entries change, and no old one is read.
ENTRY_FORMAT = b"SYL1"
#: From so many embeddings on they are stored on a thread: a commit takes about 0.1 ms.
MANY = 16

Mode = Literal["use", "refresh"]
_HEAD = struct.Struct("<4sI")
#: What JSON of another shape can raise on its way to a `Reply`, down to a cost that is no number.
_UNREADABLE = (struct.error, zlib.error, ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
_warned: set[str] = set()


class Entry(NamedTuple):
    """An answer as it was stored."""

    place: Place
    reply: Reply
    vector: bytes
    model: str


def key_prefix(request: Request, endpoint: str) -> str:
    """The keys of a request's answers at an endpoint, less the number of the answer."""
    return f"{request.digest} {endpoint} "


def encode(model: str, place: Place, reply: Reply, vector: bytes = b"") -> bytes:
    """The bytes of an entry."""
    scope, draw = place
    value = {"draw": draw, "model": model, "reply": reply.to_dict(), "scope": scope.to_dict()}
    value["vector"] = len(vector)
    head = zlib.compress(_json.canonical(value), 1)
    return _HEAD.pack(ENTRY_FORMAT, len(head)) + head + vector


def decode(data: bytes) -> Entry | None:
    """The entry that `encode` wrote, or None if these bytes are no such thing."""
    try:
        version, size = _HEAD.unpack_from(data)
        if version != ENTRY_FORMAT:
            return None
        end = _HEAD.size + size
        head = _json.loads(zlib.decompress(data[_HEAD.size : end]))
        vector = data[end:]
        if head["vector"] != len(vector):
            return None
        place = (Scope(**head["scope"]), head["draw"])
        return Entry(place, Reply.from_dict(head["reply"], "cache"), vector, head["model"])
    except _UNREADABLE:
        return None


class CacheLayer:
    """Answers calls from a store, and stores what had to be asked for.

    Args:
        store: gives the store, or None where there is none.
        endpoint: URL of the server, without credentials; one model name at two servers is two models.
        draws: gives the answers that the run of a call has taken.
        bypass: whether a call passes by the cache, as while a cassette is open.
        mode: `use`, or `refresh`: answers of earlier runs are not read but replaced.
    """

    name = "cache"

    def __init__(
        self,
        store: Callable[[], Store | None],
        endpoint: str,
        draws: Callable[[Call], Draws],
        bypass: Callable[[Call], bool],
        mode: Mode = "use",
    ) -> None:
        self._store = store
        self._endpoint = endpoint
        self._draws = draws
        self._bypass = bypass
        self._refresh = mode == "refresh"

    def __call__(self, below: Handler) -> Handler:
        """The layer over `below`."""

        async def cache(call: Call) -> Reply:
            if self._bypass(call):
                return await below(call)
            store = self._store()
            if store is None:
                return await below(call)
            request = call.request
            if call.stored_only:
                return await self._stored(store, call)
            if request.kind == "embed":
                return await self._fetched(store, call, below)
            prefix = key_prefix(request, self._endpoint)
            if request.single_answer:
                return await self._single(store, call, prefix, below)
            return await self._one_of_many(store, call, prefix, below)

        return cache

    async def _single(self, store: Store, call: Call, prefix: str, below: Handler) -> Reply:
        """The one answer of a request that has only one: entry 0, whatever its place."""
        draws = self._draws(call)
        data = None
        if not self._refresh or 0 in draws.taken(prefix):
            data = await _get(store, prefix + "0")
            if data is not None and (entry := _read(data)) is not None:
                return _hit(entry, call)
        reply = await below(call)
        if _cacheable(call.request, reply):
            value = encode(call.request.model, call.place, reply)
            await _add(store, prefix + "0", value, self._refresh or data is not None)
            if self._refresh:
                draws.take(prefix, 0)
        return reply

    async def _one_of_many(self, store: Store, call: Call, prefix: str, below: Handler) -> Reply:
        """The answer that the rule of `draws.py` gives this call, or a new one, which joins the others."""
        draws, place = self._draws(call), call.place
        # An answer that this run has taken can't be this call's: it need not be read. So a script that is
        # run again reads one entry a call, however many answers a request has.
        taken = draws.taken(prefix)
        others: dict[int, Entry] = {}
        broken: list[int] = []
        for index in itertools.count():
            if index in taken:
                continue
            data = None if self._refresh else await _get(store, f"{prefix}{index}")
            if data is None:
                break
            entry = _read(data)
            if entry is None:
                broken.append(index)
            elif entry.place == place and _take(draws, prefix, index):
                return _hit(entry, call)
            else:
                others[index] = entry
        for number, entry in others.items():
            if _take(draws, prefix, number):
                return _hit(entry, call)
        reply = await below(call)
        if _cacheable(call.request, reply):
            value = encode(call.request.model, place, reply)
            await self._append(store, draws, prefix, value, broken, index)
        return reply

    async def _append(
        self, store: Store, draws: Draws, prefix: str, value: bytes, broken: Sequence[int], free: int
    ) -> None:
        """Store an answer in place of one that can't be read, or under the first free number from `free` on.

        It is this run's own from then on. In refresh mode every answer that this run didn't give counts as
        free.
        """
        for index in itertools.chain(broken, itertools.count(free)):
            replaces = self._refresh or index in broken
            if replaces and index in draws.taken(prefix):
                continue  # another call of this run was faster
            key = prefix + str(index)
            try:
                stored = store.add(key, value, replace=replaces, wait=False)
            except StoreBusy:
                # Marked before waiting, or another call of this run might take it in the meantime.
                draws.take(prefix, index)
                stored = await asyncio.to_thread(store.add, key, value, replace=replaces)
            if stored:
                draws.take(prefix, index)
                return

    async def _stored(self, store: Store, call: Call) -> Reply:
        """The stored vectors of a request, an empty one for each text that has none, and the bill of the others."""
        request, draws = call.request, self._draws(call)
        entries = [await self._entry(store, draws, self._prefix(request, text)) for text in request.texts]
        known = [entry for entry in entries if entry is not None]
        first = known[0].reply if known else Reply()
        return Reply(
            vectors=tuple(b"" if entry is None else entry.vector for entry in entries),
            usage=sum_usage(entry.reply.usage for entry in known),
            cost=sum_money(entry.reply.cost for entry in known),
            billed=ZERO,
            source="cache",
            model=first.model,
            finish=first.finish,
            attempts=0,
        )

    async def _fetched(self, store: Store, call: Call, below: Handler) -> Reply:
        """The vectors of texts that are not stored: asked for in one batch, and stored text by text."""
        request, draws = call.request, self._draws(call)
        reply = await below(call)
        values = [
            (self._prefix(request, text), encode(request.model, call.place, share, vector))
            for text, share, vector in zip(request.texts, _divided(reply, request.texts), reply.vectors, strict=True)
        ]
        await _add_all(store, values, self._refresh)
        if self._refresh:
            for prefix, _ in values:
                draws.take(prefix, 0)
        return reply

    async def _entry(self, store: Store, draws: Draws, prefix: str) -> Entry | None:
        """The one entry of a request that has a single answer; in refresh mode only what this run stored."""
        if self._refresh and 0 not in draws.taken(prefix):
            return None
        data = await _get(store, prefix + "0")
        return None if data is None else _read(data)

    def _prefix(self, request: Request, text: str) -> str:
        alone = request if len(request.texts) == 1 else request.with_texts((text,))
        return key_prefix(alone, self._endpoint)


async def _get(store: Store, key: str) -> bytes | None:
    try:
        return store.get(key, wait=False)
    except StoreBusy:
        return await asyncio.to_thread(store.get, key)


async def _add(store: Store, key: str, value: bytes, replaces: bool) -> bool:
    try:
        return store.add(key, value, replace=replaces, wait=False)
    except StoreBusy:
        return await asyncio.to_thread(store.add, key, value, replace=replaces)


async def _add_all(store: Store, values: Sequence[tuple[str, bytes]], refresh: bool) -> None:
    """Store entries under the number 0 of their prefixes; what is there stays, unless it can't be read."""

    def work(wait: bool) -> None:
        for prefix, value in values:
            key = prefix + "0"
            if (
                not store.add(key, value, replace=refresh, wait=wait)
                and decode(store.get(key, wait=wait) or b"") is None
            ):
                store.add(key, value, replace=True, wait=wait)

    try:
        if len(values) >= MANY:
            raise StoreBusy
        work(wait=False)
    except StoreBusy:
        await asyncio.to_thread(work, True)


def _read(data: bytes) -> Entry | None:
    """The entry, or None, said once in a process, if it can't be read."""
    entry = decode(data)
    if entry is None and "unreadable" not in _warned:
        _warned.add("unreadable")
        warnings.warn(
            "an entry of the answer cache can't be read and is asked for again; others may follow silently",
            RuntimeWarning,
            stacklevel=2,
        )
    return entry


def _take(draws: Draws, prefix: str, index: int) -> bool:
    """Take an answer for this run, unless another call took it while this one was reading."""
    if index in draws.taken(prefix):
        return False
    draws.take(prefix, index)
    return True


def _hit(entry: Entry, call: Call) -> Reply:
    if call.sink is not None:
        entry.reply.feed(call.sink)
    return entry.reply


def _cacheable(request: Request, reply: Reply) -> bool:
    """Whether this is an answer to the request as it was made, not to one with a lower limit."""
    return reply.finish != "length" or request.output_limit is not None


def _divided(reply: Reply, texts: Sequence[str]) -> list[Reply]:
    """Each text's share of a batch, by UTF-8 length; tokens and cost sum to the whole.

    Raises:
        BadReply: there is not one vector per text.
    """
    if len(reply.vectors) != len(texts):
        raise BadReply(
            f"asked {reply.model or 'the model'} for {len(texts)} embeddings and got {len(reply.vectors)}; "
            "the server's answer is not usable",
            reply=reply,
        )
    weights = weights_of(texts)
    return [
        Reply(model=reply.model, finish=reply.finish, usage=usage, cost=cost)
        for usage, cost in zip(apportion_usage(reply.usage, weights), apportion_money(reply.cost, weights), strict=True)
    ]
