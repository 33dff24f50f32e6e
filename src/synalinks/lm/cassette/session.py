"""The cassette: the answers of a run, and its bill, played back without network, waiting or money.

Modes carry vcrpy's names:

    none            replay only; a call that is not on the cassette is a `CassetteMiss`
    once            record if there is no file (or its first recording was cut off), else replay only
    new_episodes    replay what is there, record what is not
    all             record everything anew

A first recording that an exception ended, or kill -9, stays marked as unfinished: the next `once` goes on with it,
playing what is there. Calls that failed for lack of a server, a key or credit are then made again. A budget's end is no
such exception: it is how the run ends, and it replays. A recording anew (`all`) that was cut off is merged into the
cassette: place by place the newer row stands, and where there is none the older.

Where a recording plays a row from another place, the finished cassette has the row there: which call comes first is
luck, and the next replay must not depend on it.

Which file is written meanwhile is said in journal.py. In every case a row is in the file before its answer is used.

Which answer a call gets is said in draws.py. A single answer (temperature 0, embeddings) may be played any
number of times; only the first time counts as spent (`Reply.fresh`), as if the rest came from the cache. An
answer that a budget cut short is marked `"capped"` and is given to a call from its own place and under a
budget only. A call that a budget refused is a row too, for a replay under the same budget: which calls still
fitted depended on whose answers came first, and a replay has no such order. A failure is an answer of the
place that met it. A row is found by the digest it states; that it still is the digest of the row's request
(it was not edited) is checked when the row is played, and for all rows by `verify`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import TracebackType

from synalinks._base import warning
from synalinks.lm.cassette import MODES
from synalinks.lm.cassette.disk import warn
from synalinks.lm.cassette.embeddings import EmbeddingPlayer
from synalinks.lm.cassette.journal import merged_lines, open_for, replace_by
from synalinks.lm.cassette.matching import Budgets
from synalinks.lm.cassette.report import Bound, Report
from synalinks.lm.cassette.rows import Row, cancellation
from synalinks.lm.cassette.run import CassetteRun, recording_sink
from synalinks.lm.core.call import Call, Delta, Handler, Recorded, Reply, Request
from synalinks.lm.core.errors import BudgetExceeded, CassetteError, CassetteMiss, ConfigurationError, LMError
from synalinks.lm.core.place import Scope

#: Unplayed rows that a warning names.
_NAMED = 3
#: Seconds that the replay of a cancelled call waits to be cancelled: so many times what the recorded one took, and the
#: least on top.
PATIENCE, LEAST_PATIENCE = 2.0, 60.0


class UnplayedRowsWarning(UserWarning):
    """A strict replay left rows of its cassette unplayed."""


def _unknown(request: Request) -> Decimal | None:
    return None


class Cassette:
    """An open cassette. Opening one begins a new run: nothing is taken yet.

    Args:
        path: a `.jsonl` file, or `.jsonl.gz`; folders are made when recording.
        record_mode: `none`, `once`, `new_episodes` or `all`.
        strict: whether closing warns of unplayed rows (`UnplayedRowsWarning`).
        record_errors: whether a call that failed in the end is put on the cassette, to fail again in a replay.
        bound: the most an answer can cost in dollars, or None if unknown; prices what the cassette lacks.

    Attributes:
        path, mode: as given.
        recording: whether calls that are not on the cassette are asked and recorded.
        draws: which answers this run has taken.
        recorded: rows written by this run. played: calls answered from the cassette.

    Raises:
        ConfigurationError: no such mode.
        CassetteFormatError: the file is no cassette, is broken, or is of a newer format.
        CassetteInUse: it is being recorded elsewhere.
        CassetteError: there is no file to replay, or it can't be read or written.
    """

    def __init__(
        self,
        path: str | Path,
        record_mode: str = "none",
        *,
        strict: bool = False,
        record_errors: bool = True,
        bound: Bound = _unknown,
    ) -> None:
        if record_mode not in MODES:
            raise ConfigurationError(
                f"record_mode={record_mode!r} is none of {', '.join(map(repr, MODES))}; "
                "'none' replays only, 'once' records a cassette that is not there yet"
            )
        self.path = Path(path)
        self.mode = record_mode
        self.strict = strict
        self.closed = False
        self._file, self._guard = open_for(self.path, record_mode)
        self.recording = record_mode in ("new_episodes", "all") or (record_mode == "once" and self._file.unfinished)
        self._taken_up = self.recording and self._file.unfinished and len(self._file) > 0
        self._run = CassetteRun(
            self._file,
            self.path,
            record_mode,
            recording=self.recording,
            record_errors=record_errors,
            taken_up=self._taken_up,
            bound=bound,
        )
        self._embeddings = EmbeddingPlayer(self._run)
        self.draws = self._run.draws

    @property
    def recorded(self) -> int:
        """Rows written by this run."""
        return self._run.recorded

    @property
    def played(self) -> int:
        """Calls answered from the cassette."""
        return self._run.played

    @property
    def record_errors(self) -> bool:
        """Whether a call that failed in the end becomes a row."""
        return self._run.record_errors

    # --- the calls ---------------------------------------------------------------------------------------

    async def answer(
        self, call: Call, below: Handler, budgets: Budgets = tuple, source: Handler | None = None
    ) -> Reply:
        """The answer to a call: from the cassette, or from below and then on the cassette.

        What the cassette holds goes down to the budgets as `call.recorded`, which charge it or refuse it, and comes
        back.

        Args:
            budgets: gives names and caps of the open budgets.
            source: answers what the cassette lacks in place of all below, where that is not None.

        Raises:
            CassetteMiss: it is not on the cassette, and this mode does not record.
            CassetteFormatError: its row was edited by hand.
            LMError: the call failed; `error.source` says whether now or when it was recorded.
            BudgetExceeded: a budget refused it, now or when it was recorded.
        """
        if self.closed:
            self._must_be_open()
        run, request = self._run, call.request
        if not self.recording and run.cassette.refused and (refused := run.refusal(call, budgets)) is not None:
            return await self._give(call, refused, None, below)
        if call.stored_only:
            recorded, row = self._embeddings.stored(call, budgets)
            return await self._give(call, recorded, row, below, charged=bool(budgets()))
        index = None if request.kind == "embed" else run.find(request, call, budgets)
        if index is not None:
            row, again = run.play(index, request, call)
            if row.failed:
                outcome: Reply | LMError = run.failure(row, again)
            else:
                outcome = Reply.from_dict(row.value["reply"], "cassette", again=again)
            # its cost is charged when it is played first
            charged = (not again or (row.failed and row.capped is not None)) and bool(budgets())
            if not charged and call.sink is None and isinstance(outcome, Reply):
                return outcome
            recorded = Recorded(outcome, settled=row.settled) if charged and not again else Recorded(outcome)
            return await self._give(call, recorded, row, below, charged)
        if not self.recording:
            if budgets():  # one of them may have ended, which goes before
                await below(replace(call, recorded=Recorded(None)))
            self._run.raise_miss(call)
        return await self._record(call, below, source)

    async def _give(
        self, call: Call, recorded: Recorded, row: Row | None, below: Handler, charged: bool = True
    ) -> Reply:
        """What the cassette holds of a call, once the budgets were charged for it."""
        outcome = recorded.outcome
        if charged:
            try:
                await below(replace(call, recorded=replace(recorded, ended=self._run.ended)))
            except LMError as error:
                if error is not outcome:
                    raise
        if isinstance(outcome, Reply):
            if call.sink is not None:
                outcome.feed(call.sink)
            return outcome
        assert outcome is not None, "a row holds an outcome"
        if row is not None and isinstance(outcome, LMError):
            if call.sink is not None:
                row.feed(call.sink, outcome.reply)
            if row.cancelled:
                await self._until_cancelled(call, row, outcome)
        raise outcome

    async def _until_cancelled(self, call: Call, row: Row, outcome: LMError) -> None:
        """Wait for what cancelled the recorded call to cancel this one, too.

        Raises:
            CassetteMiss: nothing did.
        """
        call.trace.recorded = outcome
        seconds = row.value["error"].get("seconds", 0.0)
        await asyncio.sleep(PATIENCE * seconds + LEAST_PATIENCE)
        call.trace.recorded = None
        raise CassetteMiss(
            f"{self.path}, {row}: the recorded call was cancelled after {seconds:.3f} s, and nothing has cancelled "
            'this one, so there is no answer to it. Record it: delete that line and use record_mode="new_episodes"'
        )

    async def _record(self, call: Call, below: Handler, source: Handler | None) -> Reply:
        """Send a call, write its row, and only then hand out the answer."""
        heard: list[Delta] = []
        sink = None if call.sink is None else recording_sink(call.sink, heard)
        begun = asyncio.get_running_loop().time()
        asked = call if sink is None and source is None else replace(call, sink=sink, source=source)
        try:
            reply = await below(asked)
            if call.request.kind == "embed":
                self._embeddings.write(call, reply)
                self._run.answered(call)
            else:
                self._run.write(call, call.request, "reply", reply.to_dict(), reply.capped)
        except LMError as error:
            self._run.write_failure(call, error, heard)
            raise
        except BudgetExceeded as refusal:
            if refusal.budget is not None:
                self._run.write_refusal(call, refusal, refusal.budget)
            elif isinstance(refusal.__cause__, LMError):  # a budget's cap made the answer useless
                self._run.write_failure(call, refusal.__cause__, heard)
            raise
        except asyncio.CancelledError:
            if not self.closed:
                seconds = asyncio.get_running_loop().time() - begun
                self._run.write_failure(call, cancellation(call.trace), heard, seconds)
            raise
        finally:
            if call.trace.exceeded and not self.closed:
                self._run.write_exceeded(call)
        return reply

    # --- events ------------------------------------------------------------------------------------------

    def record_event(self, name: str, scope: Scope, message: str, budget: Mapping[str, str]) -> None:
        """Put on a recording that a budget ended something at a place, such as an epoch that was not begun.

        Args:
            name: of the kind of event.
            message: why, in words.
            budget: name and caps of the budget.
        """
        self._must_be_open()
        self._run.write_event(name, scope, message, budget)

    def recorded_event(self, name: str, scope: Scope, budgets: Sequence[Mapping[str, str]]) -> tuple[int, str] | None:
        """Which of `budgets` the cassette says ended something at a place, and why; None if none did."""
        self._must_be_open()
        return self._run.event(name, scope, budgets)

    def begin_at(self, epoch: int) -> None:
        """Begin at an epoch: what is on the cassette of earlier ones counts as played, nothing of later ones does."""
        self._must_be_open()
        self._run.begin_at(epoch)

    # --- what it holds, and how the run fits it ----------------------------------------------------------

    def rows(self) -> list[Row]:
        """The rows of all calls of the cassette, in the order of the file; events are none."""
        self._must_be_open()
        return list(self._file.rows())

    def unplayed(self) -> list[Row]:
        """The rows this run has neither played nor recorded. Of embeddings, one text played is enough."""
        self._must_be_open()
        return self._run.unplayed()

    def report(self) -> Report:
        """How this run fits the cassette until now: exact, moved, near and missing calls, the missing ones priced."""
        self._must_be_open()
        return self._run.report()

    def verify(self) -> list[Row]:
        """The rows whose digest is not that of their request: they were edited by hand."""
        self._must_be_open()
        return [row for row in self._file.rows() if row.request.digest != row.digest]

    def drop_unplayed(self) -> int:
        """Leave rows that were neither played nor recorded out of the cassette when it is closed; how many those are.

        For a run that has come to its end, after earlier ones that were cut off.

        Raises:
            CassetteError: this is a replay, which never changes its cassette.
        """
        self._must_be_open()
        if not self.recording:
            raise CassetteError(f"the cassette {self.path} is replayed; only a recording drops rows")
        return self._run.drop_unplayed()

    def _must_be_open(self) -> None:
        if self.closed:
            raise CassetteError(f"the cassette {self.path} is closed; use it inside its `with` block")

    # --- the end -----------------------------------------------------------------------------------------

    def close(self, *, cut: bool = False) -> None:
        """Finish: a recording is sorted by place and put in the cassette's place in one step.

        A recording that added nothing leaves the file as it was (`all` keeps the old cassette then). Closing
        twice does nothing.

        Args:
            cut: the run did not come to its end. A first recording stays unfinished; one anew is merged with the
                cassette it was to replace.

        Raises:
            CassetteError: the sorted cassette can't be written; the rows are all in the unsorted one.
        """
        if self.closed:
            return
        cut = cut or (self._taken_up and not self.played and not self.recorded)  # it has not gone on
        complains = self._taken_up and self.mode == "once" if self.recording else self.strict
        left = self._run.unplayed() if complains else []
        self.closed = True
        if cut:
            self._file.dropped |= self._run.cancelled  # by what cut the run off
        try:
            if self._guard is not None:
                replace_by(self._file, self.path, self.recorded, cut)
            else:
                self._file.close(merged_lines(self._file) if self._is_changed(cut) else None)
        finally:
            self._file.close()
            if self._guard is not None:
                self._guard.release()
        if left and not cut:
            self._complain(left)

    def _is_changed(self, cut: bool) -> bool:
        """Whether the file becomes another one: a first recording that was cut off stays unsorted."""
        file = self._file
        if not self.recording or (cut and file.unfinished):
            return False
        return bool(self.recorded or file.unfinished or file.dropped or file.homes)

    def _complain(self, left: Sequence[Row]) -> None:
        named = "; ".join(str(row) for row in left[:_NAMED]) + ("; ..." if len(left) > _NAMED else "")
        if self.recording:
            warn(
                f"{self.path}: of the recording that was cut off, {len(left)} of {len(self._file)} rows were not "
                f"played by the run that finished it: {named}. They are kept; delete these lines, or record anew with "
                'record_mode="all"'
            )
            return
        warning.warn(
            f"{len(left)} of {len(self._file)} rows of {self.path} were not played: {named}. The program "
            'makes fewer calls than it did: record again with record_mode="all", or delete these lines',
            UnplayedRowsWarning,
        )

    def __enter__(self) -> Cassette:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.strict = self.strict and error is None  # a run that broke off says enough
        self.close(cut=error is not None and not _is_an_end(error))

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{len(self._file)} rows"
        return f"<Cassette {self.path} {self.mode}: {state}, {self.played} played, {self.recorded} recorded>"


def _is_an_end(error: BaseException) -> bool:
    """Whether an exception is how the run was to end: a script that leaves with success, a budget that is spent."""
    if isinstance(error, SystemExit):
        return error.code in (None, 0)
    if isinstance(error, BaseExceptionGroup):
        return error.split(BudgetExceeded)[1] is None
    return isinstance(error, BudgetExceeded)
