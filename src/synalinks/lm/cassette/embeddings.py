"""Embeddings under a cassette: looked up text by text, and only what is missing is asked for."""

from __future__ import annotations

from asyncio import Event
from collections.abc import Sequence
from dataclasses import replace

from synalinks._concurrency import LoopLocal
from synalinks.errors import BadReply, LMError
from synalinks.lm.cassette.run import CassetteRun
from synalinks.lm.cassette.texts import Had, Parts, TextIndex, embedding_to_dict, key_of, spread, vectors_of
from synalinks.lm.core.call import Call, Handler, Reply, Request


class EmbeddingPlayer:
    """Answers embedding calls of a run, from its cassette where it has the texts, else from below."""

    def __init__(self, run: CassetteRun) -> None:
        self._run = run
        self._texts = TextIndex(run.cassette)
        self._had = Had()
        self._asked: LoopLocal[dict[tuple[str, bytes], Event]] = LoopLocal(dict)

    def repeats(self, request: Request) -> bool:
        """Whether the run has had the vectors of all these texts."""
        known = self._texts.of(request.with_texts(()).digest)
        spots = [known.get(key_of(text)) for text in request.texts]
        return all(spot is not None and self._had.all_of({spot[0]: [spot[1]]}) for spot in spots)

    async def answer(self, call: Call, below: Handler) -> Reply:
        """Vectors, text by text: from the cassette where it has them, the rest asked for in one call.

        Raises:
            CassetteMiss, CassetteFormatError, LMError: as `Cassette.answer`.
        """
        request = call.request
        texts = tuple(dict.fromkeys(request.texts))
        whole = request if len(texts) == len(request.texts) else request.with_texts(texts)
        index = self._run.find(whole, call)
        if index is not None:
            row = self._run.play(index, whole, call)
            reply = Reply.from_dict(row["reply"], "cassette", vectors_of(row["reply"]))
            fresh = self._had.fresh({index: range(len(texts))}, {index: row})
            return spread(replace(reply, fresh=fresh), texts, request)
        once = call if whole is request else replace(call, request=whole)
        reply = await self._of_several(once, below)
        self._run.answered(once)
        return spread(reply, texts, request)

    async def _of_several(self, call: Call, below: Handler) -> Reply:
        """The reply to a request, each of its texts once, that is no row as a whole."""
        texts, base = call.request.texts, call.request.with_texts(()).digest
        asked = self._asked.get()
        live: Reply | None = None
        known = self._texts.of(base)
        while missing := [text for text in texts if key_of(text) not in known]:
            under_way = [event for text in missing if (event := asked.get((base, key_of(text))))]
            if under_way:  # another call is asking for one of these texts
                if call.permit is not None:  # or that call may wait for what this one has reserved
                    call.permit.step_aside()
                await under_way[0].wait()
                if call.permit is not None:
                    await call.permit.come_back()
                continue
            live = await self._ask(call, below, missing, base)
            if len(missing) == len(texts):
                return live
        reply = self._assemble([known[key_of(text)] for text in texts], call.request)
        if live is None:
            self._run.count_texts_played()
            return reply
        return replace(reply, source=live.source, billed=live.billed, seconds=live.seconds, fresh=live)

    async def _ask(self, call: Call, below: Handler, missing: Sequence[str], base: str) -> Reply:
        """Ask for texts that the cassette lacks; a failure is recorded as that of the whole request."""
        if not self._run.recording:
            self._run.lack(call)
        asked, event = self._asked.get(), Event()
        keys = [(base, key_of(text)) for text in missing]
        asked.update(dict.fromkeys(keys, event))
        part = call.request.with_texts(missing)
        try:
            reply = await below(replace(call, request=part))
            if len(reply.vectors) != len(missing):
                got = len(reply.vectors)
                raise BadReply(f"{part.model} gave {got} vectors for {len(missing)} texts", reply=reply)
            index = self._run.write(call, part, "reply", embedding_to_dict(missing, reply))
        except LMError as error:
            self._run.write_failure(call, error)
            raise
        finally:
            for key in keys:
                asked.pop(key, None)
            event.set()
        self._texts.add(base, missing, index)
        self._had.take(index, len(missing))
        return reply

    def _assemble(self, spots: Sequence[tuple[int, int]], request: Request) -> Reply:
        """The reply whose texts stand in several rows, or are some of one row's."""
        used: dict[int, list[int]] = {}
        for index, position in spots:
            used.setdefault(index, []).append(position)
        values = self._run.play_texts(used)
        parts = Parts()
        for index, value in values.items():
            parts.add(value, used[index])
        return replace(parts.reply(request.texts), fresh=self._had.fresh(used, values))
