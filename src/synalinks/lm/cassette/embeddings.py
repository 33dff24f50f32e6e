"""Embeddings on a cassette: the vectors that it holds of a request, text by text."""

from __future__ import annotations

from dataclasses import replace

from synalinks.lm.cassette.matching import Budgets
from synalinks.lm.cassette.rows import Row
from synalinks.lm.cassette.run import CassetteRun
from synalinks.lm.cassette.texts import Parts, TakenTexts, TextIndex, embedding_to_dict, key_of, vectors_of
from synalinks.lm.core.amount import NOTHING
from synalinks.lm.core.call import Call, Recorded, Reply
from synalinks.lm.core.errors import BadReply


class EmbeddingPlayer:
    """Looks up the texts of embedding calls on the cassette of a run, and writes batches of those that it lacks."""

    def __init__(self, run: CassetteRun) -> None:
        self._run = run
        self._texts = TextIndex(run.cassette)
        self._had = TakenTexts()

    def stored(self, call: Call, budgets: Budgets) -> tuple[Recorded, Row | None]:
        """What the cassette has of a call: vectors, each text once, or the failure that is recorded of it, and its row.

        Raises:
            CassetteFormatError: a row was edited by hand.
        """
        request = call.request
        index = self._run.find(request, call, budgets)
        if index is not None:
            row, again = self._run.play(index, request, call)
            if row.failed:
                return Recorded(self._run.failure(row, again), settled=NOTHING if again else row.settled), row
            return self._of_one(index, row), row
        known = self._texts.of(request.with_texts(()).digest)
        used: dict[int, list[int]] = {}
        spots = [known.get(key_of(text)) for text in request.texts]
        for spot in spots:
            if spot is not None:
                used.setdefault(spot[0], []).append(spot[1])
        rows = self._run.play_texts(used)
        if None not in spots:
            self._run.count_texts_played()
            self._run.answered(call)
        whole, fresh = Parts(), Parts()
        for number, row in rows.items():
            new, first = self._had.take(number, used[number])
            whole.add(row, used[number], attempts=first)
            if new:
                fresh.add(row, new, attempts=first)
        return Recorded(whole.reply(request.texts), fresh.reply(()), fresh.settled), None

    def _of_one(self, index: int, row: Row) -> Recorded:
        """The whole of one row."""
        reply = Reply.from_dict(row.value["reply"], "cassette", vectors_of(row.value["reply"]))
        positions = range(len(reply.vectors))
        new, first = self._had.take(index, positions)
        if first:
            return Recorded(reply, settled=row.settled)
        fresh = Parts()
        if new:
            fresh.add(row, new, attempts=False)
        return Recorded(replace(reply, attempts=0, failed=replace(reply.failed, uncertain=0)), fresh.reply(()))

    def write(self, call: Call, reply: Reply) -> None:
        """Put a batch of texts on the cassette.

        Raises:
            BadReply: there is not one vector per text.
        """
        request = call.request
        if len(reply.vectors) != len(request.texts):
            got = len(reply.vectors)
            raise BadReply(f"{request.model} gave {got} vectors for {len(request.texts)} texts", reply=reply)
        index = self._run.write(call, request, "reply", embedding_to_dict(request.texts, reply))
        self._texts.add(request.with_texts(()).digest, request.texts, index)
        self._had.take(index, range(len(request.texts)))
