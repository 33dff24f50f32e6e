"""Which row of a cassette answers a call: the rule of draws.py, and what a cassette adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from threading import Lock

from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.core.call import Call, Request
from synalinks.lm.core.draws import Draws, Places

#: Gives names and caps of the open budgets.
Budgets = Callable[[], Sequence[Mapping[str, str]]]


class Matcher:
    """Finds rows, and takes them for this run.

    Args:
        cassette: the rows.
        draws: which of them this run has taken.

    Attributes:
        recording: whether what is not on the cassette will be asked.
    """

    def __init__(self, cassette: CassetteFile, draws: Draws, recording: bool) -> None:
        self._file = cassette
        self._draws = draws
        self.recording = recording
        self._places: dict[str, Places] = {}
        self._lock = Lock()  # calls may come from several threads, each with its event loop

    def find(self, request: Request, call: Call, budgets: Budgets) -> int | None:
        """The number of the row that answers a call, now taken; None if there is none."""
        digest = request.digest
        found = self._file.by_digest.get(digest)
        if found is None:
            return None
        if request.single_answer:
            return self._find_single(digest, [found] if isinstance(found, int) else found, call, budgets)
        if self._file.capped or self._file.cancelled:
            return self._find_whole(digest, [found] if isinstance(found, int) else found, call, budgets)
        if isinstance(found, int):  # whatever its place, this is the one answer there is
            return found if self._draws.take(digest, 0, call.scope) else None
        pick = self._draws.pick(digest, self.places_of(digest, found), call.place)
        return None if pick is None else found[pick]

    def _find_single(self, digest: str, rows: Sequence[int], call: Call, budgets: Budgets) -> int | None:
        """Of a request with one answer: its place's own row, else an answer, else (replaying) a failure."""
        if len(rows) == 1 and not self.recording and not self._file.capped and not self._file.cancelled:
            return rows[0]
        own = next(self._own(digest, rows, call, budgets), None)
        if own is not None:
            return rows[own]
        others = [rows[number] for number in self._others(digest, rows, call)]
        answer = next((index for index in others if not self._file.row(index).failed), None)
        if answer is not None or self.recording:
            return answer
        if others:
            return others[0]
        # what was cut short for one call was shared with those in flight beside it
        cut = [index for index in rows if index in self._file.capped]
        return cut[0] if cut and _limits_answers(budgets()) else None

    def _find_whole(self, digest: str, rows: Sequence[int], call: Call, budgets: Budgets) -> int | None:
        """The rule of draws.py on a cassette where a budget cut some answers short, or some calls were cancelled."""
        others = self._others(digest, rows, call, self._draws.first_free(digest))
        for number in chain(self._own(digest, rows, call, budgets), others):
            if self._draws.take(digest, number, call.scope):
                return rows[number]
        return None

    def _own(self, digest: str, rows: Sequence[int], call: Call, budgets: Budgets) -> Iterator[int]:
        """The rows of the call's own place: whole answers, and under a budget that limits answers those that one cut
        short."""
        own, capped = self.places_of(digest, rows).numbers_at(call.place), self._file.capped
        yield from (number for number in own if rows[number] not in capped)
        for number in own:
            if rows[number] in capped and _limits_answers(budgets()):
                yield number

    def _others(self, digest: str, rows: Sequence[int], call: Call, first: int = 0) -> Iterator[int]:
        """The rows of other places that may answer a call. What a budget cut short, and a cancelled call, answer calls
        from their own place only."""
        only_there = (self._file.capped, self._file.cancelled)
        own = self.places_of(digest, rows).numbers_at(call.place)
        for number in range(first, len(rows)):
            if number not in own and not any(rows[number] in some for some in only_there):
                yield number

    def places_of(self, digest: str, rows: Sequence[int]) -> Places:
        """The places of a request's rows, each parsed once."""
        with self._lock:
            places = self._places.setdefault(digest, Places())
            for index in rows[len(places) :]:
                row = self._file.row(index)
                places.append((row.scope, row.draw))
        return places


def _limits_answers(budgets: Sequence[Mapping[str, str]]) -> bool:
    """Whether one of these budgets may cut answers short."""
    return any("usd" in budget or "tokens" in budget for budget in budgets)
