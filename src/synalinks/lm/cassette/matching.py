"""Which row of a cassette answers a call: the rule of draws.py, and what a cassette adds to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.core.call import Call, Request
from synalinks.lm.core.draws import Draws, Place

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
        self._places: dict[str, list[Place]] = {}
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
            return found if self._draws.pick(digest, (call.place,), call.place) is not None else None
        pick = self._draws.pick(digest, self.places_of(digest, found), call.place)
        return None if pick is None else found[pick]

    def _find_single(self, digest: str, rows: Sequence[int], call: Call, budgets: Budgets) -> int | None:
        """Of a request with one answer: its place's own row, else an answer, else (replaying) a failure."""
        if len(rows) == 1 and not self.recording and not self._file.capped and not self._file.cancelled:
            return rows[0]
        own, others = self._whole_first(digest, rows, call, budgets)
        if own:
            return rows[own[0]]
        answers = (rows[number] for number in others if not self._file.row(rows[number]).failed)
        if (answer := next(answers, None)) is not None or self.recording:
            return answer
        if others:
            return rows[others[0]]
        # what was cut short for one call was shared with those in flight beside it
        cut = [index for index in rows if index in self._file.capped]
        return cut[0] if cut and _limits_answers(budgets()) else None

    def _find_whole(self, digest: str, rows: Sequence[int], call: Call, budgets: Budgets) -> int | None:
        """The rule of draws.py on a cassette where a budget cut some answers short, or some calls were cancelled."""
        own, others = self._whole_first(digest, rows, call, budgets)
        with self._lock:
            taken = self._draws.taken(digest)
            for number in (*own, *others):
                if number not in taken:
                    self._draws.take(digest, number, call.scope)
                    return rows[number]
        return None

    def _whole_first(
        self, digest: str, rows: Sequence[int], call: Call, budgets: Budgets
    ) -> tuple[list[int], list[int]]:
        """Which of a request's rows are of the call's place, and which others may answer it.

        A cancelled call's row answers its own place only. So does what a budget cut short, under a budget that limits
        answers, and for lack of a whole answer.
        """
        capped, cancelled, place = self._file.capped, self._file.cancelled, call.place
        own: list[int] = []
        cut: list[int] = []
        others: list[int] = []
        for number, other in enumerate(self.places_of(digest, rows)):
            index = rows[number]
            if index in capped:
                if other == place and _limits_answers(budgets()):
                    cut.append(number)
            elif other == place:
                own.append(number)
            elif index not in cancelled:
                others.append(number)
        return own + cut, others

    def places_of(self, digest: str, rows: Sequence[int]) -> list[Place]:
        """The places of a request's rows, each parsed once."""
        places = self._places.setdefault(digest, [])
        for index in rows[len(places) :]:
            row = self._file.row(index)
            places.append((row.scope, row.draw))
        return places


def _limits_answers(budgets: Sequence[Mapping[str, str]]) -> bool:
    """Whether one of these budgets may cut answers short."""
    return any("usd" in budget or "tokens" in budget for budget in budgets)
