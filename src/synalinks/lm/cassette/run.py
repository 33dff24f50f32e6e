"""One run over a cassette: which rows it has taken, played and written, and what it lacked."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from synalinks import _json
from synalinks.lm.cassette import mismatch as miss
from synalinks.lm.cassette.file import CassetteFile
from synalinks.lm.cassette.matching import Budgets, Matcher
from synalinks.lm.cassette.media import keep
from synalinks.lm.cassette.report import Bound, Report, Tally
from synalinks.lm.cassette.rows import (
    CANCELLED,
    Row,
    encode,
    encode_event,
    error_from_dict,
    error_to_dict,
    event_of,
    recorded_refusal,
    refusal_to_dict,
)
from synalinks.lm.core.call import Call, Delta, Recorded, Request, Sink
from synalinks.lm.core.draws import Draws, Place
from synalinks.lm.core.errors import BudgetExceeded, CassetteFormatError, LMError
from synalinks.lm.core.place import Scope, place_of
from synalinks.lm.core.reply import SECONDS_DIGITS


def recording_sink(sink: Sink, heard: list[Delta]) -> Sink:
    """A sink that also keeps what it is given of the last attempt."""

    def both(delta: Delta) -> None:
        if delta.restart:
            heard.clear()
        else:
            heard.append(delta)
        sink(delta)

    return both


class CassetteRun:
    """What a run does with the rows of a cassette. Calls may come from several threads, each with its event loop.

    Args:
        cassette: the rows, open for writing if `recording`.
        path, mode: of the cassette, for messages.
        recording: whether what is not on the cassette is asked and written.
        record_errors: whether a call that failed in the end becomes a row.
        taken_up: whether this goes on with a recording that was cut off. Its failures that another try may
            mend, such as those of a dead server, are then asked again.
        bound: the most an answer can cost.

    Attributes:
        draws: which answers this run has taken.
        played: calls answered from the cassette. recorded: calls written.
        cancelled: numbers of the rows of calls that were cancelled in this run.
    """

    def __init__(
        self,
        cassette: CassetteFile,
        path: Path,
        mode: str,
        *,
        recording: bool,
        record_errors: bool,
        taken_up: bool,
        bound: Bound,
    ) -> None:
        self.cassette, self.path, self.mode = cassette, path, mode
        self.recording, self.record_errors = recording, record_errors
        self.draws = Draws()
        self.played = self.recorded = 0
        self._marks = bytearray(len(cassette))  # per row: 1 if played or written by this run
        self._matcher = Matcher(cassette, self.draws, recording)
        #: Gives the number of the row that answers a request, now taken; None if there is none.
        self.find = self._matcher.find
        self._tally = Tally()
        self._bound = bound
        self._mutex = threading.Lock()
        self._again: dict[tuple[str, Place], int] = {}  # failures that are asked again, by request and place
        self.cancelled: set[int] = set()
        self._exceeded: set[str] = set()
        self._ended: frozenset[str] | None = None
        if cassette.unfinished or (recording and cassette.cancelled):
            self._sort_out_failures(again=taken_up)

    def _sort_out_failures(self, *, again: bool) -> None:
        """Take failures of a recording that was cut off out of the way: those that a later row stands for, and with
        `again` all that may go better now, such as calls to a server that was down. A recording sends anew what was
        cancelled."""
        kept = (index for index in range(len(self.cassette)) if index not in self.cassette.events)
        rows = [(index, row) for index in kept if not (row := self.cassette.row(index)).refused]
        last = {(row.digest, (row.scope, row.draw)): index for index, row in rows}
        for index, row in rows:
            key = row.digest, (row.scope, row.draw)
            asked_anew = again or (row.cancelled and self.recording)
            if not row.provider_unavailable or (index == last[key] and not asked_anew):
                continue
            self.cassette.hide(index, row.digest)
            if index == last[key]:
                self._again[key] = index
            else:
                self._drop(index)

    def answered(self, call: Call) -> None:
        """Note that a call has its answer: a failure at its place, of the run that was cut off, is no more."""
        if self._again:
            self._settle((call.whole or call.request).digest, call.place)

    def _settle(self, digest: str, place: Place) -> None:
        if (index := self._again.pop((digest, place), None)) is not None:
            self._drop(index)

    def _drop(self, index: int) -> None:
        self.cassette.dropped.add(index)
        self._marks[index] = 1

    def drop_unplayed(self) -> int:
        """Leave unplayed rows of earlier recordings out of the finished cassette; how many rows that is."""
        left = [index for index, mark in enumerate(self._marks) if not mark and index not in self.cassette.events]
        for index in left:
            self._drop(index)
        return len(left)

    # --- playing -----------------------------------------------------------------------------------------

    def play(self, index: int, request: Request, call: Call) -> tuple[Row, bool]:
        """A row that answers `request`, marked as played, and whether it was played or written before in this run.

        On a recording, the finished cassette has the row at the place that it answered: the next run that calls as this
        one did must get it there, in whatever order its calls come.

        Raises:
            CassetteFormatError: the row was edited by hand.
        """
        row = self.cassette.row(index)
        if row.value["request"] != request.to_dict(copied=False):
            self.refuse_edited(row)
        again, self._marks[index] = bool(self._marks[index]), 1
        self.played += 1
        if self._again:
            self._settle(request.digest, call.place)
        if not request.single_answer and (row.draw != call.draw or row.scope != call.scope):
            self._tally.moved += 1
            if self.recording:
                self.cassette.homes[index] = call.place
        else:
            self._tally.exact += 1
        return row, again

    def failure(self, row: Row, again: bool) -> LMError:
        """The failure that a row holds; it costs nothing where the row was played before."""
        error = error_from_dict(row.value["error"])
        if again:
            error = error.shared("cassette")
        error.capped = row.capped
        error.add_note(
            f"This failure was replayed from line {row.line} of {self.path}. To ask again, delete that "
            'line and use record_mode="new_episodes", or use record_mode="all"'
        )
        return error

    def play_texts(self, used: Iterable[int]) -> dict[int, Row]:
        """Embedding rows of which some texts are used, marked as played."""
        rows: dict[int, Row] = {}
        for index in sorted(used):
            row = self.cassette.row(index)
            self.refuse_edited(row)
            self._marks[index] = 1
            rows[index] = row
        return rows

    def count_texts_played(self) -> None:
        """Count a call whose texts were all on the cassette."""
        self.played += 1
        self._tally.exact += 1

    def refuse_edited(self, row: Row) -> None:
        """Check that a row's digest is that of its request.

        Raises:
            CassetteFormatError: it is not.
        """
        if row.request.digest != row.digest:
            raise CassetteFormatError(
                f"{self.path}, {row}: its request was edited by hand: its digest is of another one. "
                f'Restore the line, or put "digest":"{row.request.digest}" there, or record it again'
            )

    def raise_miss(self, call: Call) -> NoReturn:
        """Count a call that is not on the cassette, and say what is nearest to it.

        Raises:
            CassetteMiss: always.
        """
        answers = len(_several(self.cassette.by_digest.get(call.request.digest, [])))
        nearest = None if answers else miss.nearest(call, self._answers())
        with self._mutex:
            self._tally.missed(call.request, near=bool(answers) or miss.is_near(call.request, nearest))
        raise miss.report(
            call,
            nearest,
            cassette=self.path,
            mode=self.mode,
            answers=answers,
            unfinished=self.cassette.unfinished,
            so_far=str(self.report()),
        )

    # --- writing -----------------------------------------------------------------------------------------

    def write(
        self, call: Call, request: Request, outcome: str, value: dict[str, Any], capped: int | None = None
    ) -> int:
        """Put an answer or a failure on the cassette, as taken by this run; the number of its row."""
        line = encode(call, request, outcome, value, capped)
        if request.written is not request.messages:
            keep(self.path, request.media)
        with self._mutex:
            digest = request.digest
            cancelled = value.get("kind") == CANCELLED
            embed = request.kind == "embed"
            index, answers = self.cassette.append(
                line, digest, embed=embed, capped=capped is not None, cancelled=cancelled
            )
            if cancelled:
                self.cancelled.add(index)
            self._marks.append(1)
            self.recorded += 1
            self.draws.take(digest, answers - 1, call.scope)
        if self._again:
            self._settle(digest, call.place)
        return index

    def write_failure(
        self, call: Call, error: LMError, heard: Sequence[Delta] = (), seconds: float | None = None
    ) -> None:
        """Put a failure on the cassette, if failures are recorded; with what its stream had given until then.

        Args:
            seconds: after which a cancelled call was cancelled.
        """
        if self.record_errors:
            value = error_to_dict(error)
            if seconds is not None:
                value["seconds"] = round(seconds, SECONDS_DIGITS)
            if heard:
                value["heard"] = [[delta.text, delta.reasoning] for delta in heard]
            self.write(call, call.whole or call.request, "error", value, error.capped)

    def write_refusal(self, call: Call, refusal: BudgetExceeded, budget: Mapping[str, str]) -> None:
        """Put on the cassette that a budget refused a call, with what the call had spent until then."""
        request = call.whole or call.request
        line = encode(call, request, "refused", refusal_to_dict(refusal, budget))
        if request.written is not request.messages:
            keep(self.path, request.media)
        with self._mutex:
            self.cassette.append(line, request.digest, embed=request.kind == "embed", refused=True)
            self._marks.append(1)
            self.recorded += 1

    def write_event(self, name: str, scope: Scope, message: str, budget: Mapping[str, str]) -> None:
        """Put on the cassette that a budget ended something at a place, or was exceeded there."""
        with self._mutex:
            self.cassette.append(encode_event(name, scope, message, budget))
            self._marks.append(1)

    def write_exceeded(self, call: Call) -> None:
        """Write which budgets a call exceeded, each budget once: in a replay they end where it has the event."""
        for message, budget in call.trace.exceeded:
            if (key := _key(budget)) not in self._exceeded:
                self._exceeded.add(key)
                self.write_event("budget/exceeded", call.scope, message, budget)

    def refusal(self, call: Call, budgets: Budgets) -> Recorded | None:
        """Which of the open budgets refused this call when the cassette was recorded, and how; None if none did."""
        digest = call.request.digest
        if not (refused := self.cassette.refused.get(digest)):
            return None
        answers = _several(self.cassette.by_digest.get(digest, []))
        if self._matcher.places_of(digest, answers).numbers_at(call.place):
            return None  # answered later, in a run with a larger budget
        anywhere = call.request.single_answer and not answers
        return recorded_refusal(map(self.cassette.row, refused), call, budgets(), anywhere)

    def event(self, name: str, scope: Scope, budgets: Sequence[Mapping[str, str]]) -> tuple[int, str] | None:
        """Which of `budgets` ended something at a place of the recorded run, and the words for it; None if none did."""
        for value in map(self.cassette.value, self.cassette.events):
            event = event_of(value)
            if event is None or event["name"] != name or place_of(value["scope"]) != scope:
                continue
            if event["budget"] in budgets:
                return budgets.index(event["budget"]), event["message"]
        return None

    @property
    def ended(self) -> frozenset[str]:
        """Budgets of mode `expected` that refused a recorded call, or were exceeded; a replay ends them there only."""
        if self.recording:
            return frozenset()
        if self._ended is None:
            refused = (index for rows in self.cassette.refused.values() for index in rows)
            found = [self.cassette.value(index)["refused"]["budget"] for index in refused]
            found += [event_of(self.cassette.value(index))["budget"] for index in self.cassette.events]  # type: ignore[index]
            self._ended = frozenset(_key(budget) for budget in found if "mode" in budget)
        return self._ended

    # --- looking back ------------------------------------------------------------------------------------

    def begin_at(self, first: int) -> None:
        """Begin where the outermost label of places becomes `first`: rows of earlier places count as played."""
        by_digest = {digest: _several(rows) for digest, rows in self.cassette.by_digest.items()}
        places = {digest: self._matcher.places_of(digest, rows) for digest, rows in by_digest.items()}
        self.draws.begin_at(first, places)
        for digest, rows in by_digest.items():
            for index, (at, _) in zip(rows, places[digest], strict=True):
                if at.is_before(first):
                    self._marks[index] = 1

    def unplayed(self) -> list[Row]:
        """The rows this run has neither played nor written; a refusal is nothing to play."""
        left = (index for index, mark in enumerate(self._marks) if not mark and index not in self.cassette.events)
        return [row for row in map(self.cassette.row, left) if not row.refused]

    def report(self) -> Report:
        """How the run fits its cassette until now."""
        left = len(self.unplayed())
        with self._mutex:
            return self._tally.report(self._answers(), self._bound, recorded=self.recorded, unplayed=left)

    def _answers(self) -> Iterator[Row]:
        return (row for row in self.cassette.rows() if not row.refused)


def _key(budget: Mapping[str, str]) -> str:
    """A budget as text, to be compared."""
    return _json.canonical(budget).decode()


def _several(rows: int | list[int]) -> list[int]:
    """The rows of a request; the index keeps a bare number where there is one only."""
    return [rows] if isinstance(rows, int) else rows
