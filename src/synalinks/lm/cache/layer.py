"""CacheLayer: answers on disk, so that a call that was answered before is neither sent nor billed again.

What an entry is stands in `entry.py`; which of the answers to a request a call gets is the rule of `draws.py`. A call
that finds no answer takes a lease before it is sent, so that processes that share a store fetch an answer once
(`leases.py`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple

from synalinks import _json
from synalinks._base.warning import warn
from synalinks.lm.cache.entry import Entry, decode, encode, key_prefix
from synalinks.lm.cache.leases import Leases, at_once
from synalinks.lm.cache.store import MANY, Store, StoreBusy
from synalinks.lm.core.call import ZERO, Call, Handler, Reply, Request
from synalinks.lm.core.draws import Draws
from synalinks.lm.core.errors import BadReply
from synalinks.lm.core.shares import apportion_money, apportion_usage, joined, sum_money, sum_usage, weights_of

Mode = Literal["use", "refresh"]
_warned: set[str] = set()


class Gap(NamedTuple):
    """What was found in place of an answer for a call.

    Attributes:
        broken: numbers of entries that can't be read.
        free: the first number without an entry.
        others: by their numbers, answers given at other places that the run has not taken.
    """

    broken: list[int]
    free: int
    others: dict[int, Entry]


class CacheLayer:
    """Answers calls from a store, and stores what had to be asked for.

    Args:
        store: gives the store, or None where there is none.
        endpoint: URL of the server, without credentials; one model name at two servers is two models.
        draws: gives the answers that the run of a call has taken.
        mode: `use`, or `refresh`: answers of earlier runs are not read but replaced.
        shares: whether a call may wait, or go on waiting, for an answer that another process is fetching.
    """

    name = "cache"

    def __init__(
        self,
        store: Callable[[], Store | None],
        endpoint: str,
        draws: Callable[[Call], Draws],
        mode: Mode = "use",
        shares: Callable[[Call], bool] = lambda call: False,
    ) -> None:
        self._store = store
        self._endpoint = endpoint
        self._draws = draws
        self._refresh = mode == "refresh"
        self._shares: Callable[[Call], bool] = (lambda call: False) if self._refresh else shares

    def __call__(self, below: Handler) -> Handler:
        """The layer over `below`."""

        async def cache(call: Call) -> Reply:
            store = self._store()
            if store is None:
                return await below(call)
            request = call.request
            if call.stored_only:
                return await self._stored(store, call)
            if request.kind == "embed":
                return await self._vectors(store, call, below)
            prefix = key_prefix(request, self._endpoint)
            find = self._single if request.single_answer else self._one_of_many
            found = await find(store, call, prefix)
            return found if isinstance(found, Reply) else await self._missing(store, call, prefix, found, find, below)

        return cache

    async def _single(self, store: Store, call: Call, prefix: str) -> Reply | Gap:
        """The one answer of a request that has only one: entry 0, whatever its place."""
        data = None
        if not self._refresh or self._draws(call).has_taken(prefix, 0):
            data = await _get(store, prefix + "0")
            if data is not None and (entry := _read(data)) is not None:
                return _hit(entry, call)
        return Gap([] if data is None else [0], 0, {})

    async def _one_of_many(self, store: Store, call: Call, prefix: str) -> Reply | Gap:
        """The answer that was given at the call's own place."""
        draws, place = self._draws(call), call.place
        # An answer that this run has taken can't be this call's: it need not be read. So a script that is
        # run again reads one entry a call, however many answers a request has.
        broken: list[int] = []
        others: dict[int, Entry] = {}
        for index in itertools.count(draws.first_free(prefix)):
            if draws.has_taken(prefix, index):
                continue
            data = None if self._refresh else await _get(store, f"{prefix}{index}")
            if data is None:
                break
            entry = _read(data)
            if entry is None:
                broken.append(index)
            elif entry.place == place and draws.take(prefix, index):
                return _hit(entry, call)
            else:
                others[index] = entry
        return Gap(broken, index, others)

    async def _missing(
        self,
        store: Store,
        call: Call,
        prefix: str,
        gap: Gap,
        find: Callable[[Store, Call, str], Awaitable[Reply | Gap]],
        below: Handler,
    ) -> Reply:
        """The answer that another process is fetching, one given at another place, or a new one, which is stored.

        The lease is of the call's place, where a request has many answers: two runs of one script get one answer each
        way, and other places are other draws.
        """
        draws = self._draws(call)
        async with Leases(store) as leases:
            while self._shares(call):
                held = await leases.take([prefix + ("0" if call.request.single_answer else _words(call))])
                found = await find(store, call, prefix)
                if isinstance(found, Reply):
                    return found
                gap = found
                if held:
                    break
                await leases.wait()
            for number, entry in gap.others.items():
                if draws.take(prefix, number):
                    return _hit(entry, call)
            reply = await below(call)
            if _cacheable(call.request, reply):
                await self._keep(store, call, prefix, gap, reply)
                await leases.release(answered=True)
            return reply

    async def _keep(self, store: Store, call: Call, prefix: str, gap: Gap, reply: Reply) -> None:
        """Store an answer under a number of its own, or under 0 where there is one only."""
        draws = self._draws(call)
        value = encode(call.request.model, call.place, reply)
        if not call.request.single_answer:
            await self._append(store, draws, prefix, value, gap.broken, gap.free)
            return
        await _add(store, prefix + "0", value, self._refresh or bool(gap.broken))
        if self._refresh:
            draws.take(prefix, 0)

    async def _append(
        self, store: Store, draws: Draws, prefix: str, value: bytes, broken: Sequence[int], free: int
    ) -> None:
        """Store an answer in place of one that can't be read, or under the first free number from `free` on.

        It is this run's own from then on. In refresh mode every answer that this run didn't give counts as
        free.
        """
        for index in itertools.chain(broken, itertools.count(free)):
            if not draws.take(prefix, index):  # before waiting, or another call might take it in the meantime
                continue  # another call of this run was faster
            if await _add(store, prefix + str(index), value, self._refresh or index in broken):
                return
            draws.give_back(prefix, index)  # another run was faster

    async def _stored(self, store: Store, call: Call) -> Reply:
        """The stored vectors of a request, an empty one for each text that has none, and the bill of the others."""
        request, draws = call.request, self._draws(call)
        prefixes = [self._prefix(request, text) for text in request.texts]
        if self._refresh:  # only what this run stored
            prefixes = [prefix if draws.has_taken(prefix, 0) else "" for prefix in prefixes]
        values = await at_once(store.get_many, [prefix + "0" for prefix in prefixes if prefix])
        found = iter(values)
        data = [next(found) if prefix else None for prefix in prefixes]
        entries = [None if value is None else _read(value) for value in data]
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

    async def _vectors(self, store: Store, call: Call, below: Handler) -> Reply:
        """The vectors of texts that were not stored a moment ago: those that another process fetches are waited for.

        The leases of all texts are taken, or none is kept: one batch is sent, with what is still missing then.
        """
        if not self._shares(call):
            return await self._batch(store, call, below)
        texts = call.request.texts
        keys = {text: self._prefix(call.request, text) + "0" for text in texts}
        async with Leases(store) as leases:
            while True:
                taken = await leases.take(keys.values())
                stored = await self._stored(store, call)
                missing = [text for text, vector in zip(texts, stored.vectors, strict=True) if not vector]
                if all(keys[text] in taken for text in missing) or not self._shares(call):
                    break
                await leases.release()
                await leases.wait()
            if len(missing) == len(texts):
                return await self._batch(store, call, below)
            if not missing:
                return stored
            live = await self._batch(store, replace(call, request=call.request.with_texts(tuple(missing))), below)
            return joined(stored, live, missing, texts)

    async def _batch(self, store: Store, call: Call, below: Handler) -> Reply:
        """The vectors of texts: asked for in one batch, and stored text by text."""
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

    def _prefix(self, request: Request, text: str) -> str:
        alone = request if len(request.texts) == 1 else request.with_texts((text,))
        return key_prefix(alone, self._endpoint)


async def _get(store: Store, key: str) -> bytes | None:
    try:
        return store.get(key, wait=False)
    except StoreBusy:
        return await asyncio.to_thread(store.get, key)


async def _add(store: Store, key: str, value: bytes, replaces: bool) -> bool:
    return await at_once(partial(store.add, key, value, replace=replaces))


async def _add_all(store: Store, values: Sequence[tuple[str, bytes]], refresh: bool) -> None:
    """Store entries under the number 0 of their prefixes; what is there stays, unless it can't be read."""

    def work(*, wait: bool = True) -> None:
        if not wait and len(values) >= MANY:
            raise StoreBusy
        for prefix, value in values:
            key = prefix + "0"
            if (
                not store.add(key, value, replace=refresh, wait=wait)
                and decode(store.get(key, wait=wait) or b"") is None
            ):
                store.add(key, value, replace=True, wait=wait)

    await at_once(work)


def _read(data: bytes) -> Entry | None:
    """The entry, or None, said once in a process, if it can't be read."""
    entry = decode(data)
    if entry is None and "unreadable" not in _warned:
        _warned.add("unreadable")
        warn(
            "an entry of the answer cache can't be read and is asked for again; others may follow silently",
            RuntimeWarning,
        )
    return entry


def _words(call: Call) -> str:
    """The place of a call, the same in every process."""
    scope, draw = call.place
    return f"{_json.canonical(scope.to_dict()).decode()} {draw}"


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
