"""The tape: the answers of a run, and its bill, played back without network, waiting or money.

Modes carry vcrpy's names:

    none            replay only; a call that is not on the tape is a `CassetteMiss`
    once            record if there is no file (or its first recording was cut off), else replay only
    new_episodes    replay what is there, record what is not
    all             record everything anew

`once` and `new_episodes` append to the file itself. `all`, where a tape exists, gathers its rows in
`<path>.recording` and replaces the tape when closed; if that never happens, the next opening merges the
rows into the tape. In every case a row is in the file before its answer is used.

Which answer a call gets is said in draws.py. A single answer (temperature 0, embeddings) may be played any
number of times; only the first time counts as spent (`Reply.fresh`), as if the rest came from the cache. An
answer that a budget cut short is marked `"capped"` and is given to a call from its own place and under a
budget only. A call that a budget refused is a row too, for a replay under the same budget: which calls still
fitted depended on whose answers came first, and a replay has no such order. A failure is an answer of the
place that met it. A row is found by the digest it states; that it still is the digest of the row's request
(nobody edited it) is checked when the row is played, and for all rows by `verify`.
"""

from __future__ import annotations

import threading
import warnings
from asyncio import Event
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn, Protocol, get_args

from synalinks._concurrency import LoopLocal
from synalinks.errors import (
    BadReply,
    BudgetExceeded,
    CassetteError,
    CassetteFormatError,
    ConfigurationError,
    LMError,
)
from synalinks.lm import miss
from synalinks.lm.draws import Draws
from synalinks.lm.tape_disk import Lock, rewrite, warn
from synalinks.lm.tape_file import TapeFile, recover
from synalinks.lm.tape_match import Matcher
from synalinks.lm.tape_rows import (
    Row,
    encode,
    error_from_dict,
    error_to_dict,
    recorded_refusal,
    refusal_to_dict,
)
from synalinks.lm.tape_texts import (
    Had,
    Parts,
    TextIndex,
    embedding_to_dict,
    key_of,
    spread,
    vectors_of,
)
from synalinks.lm.types import NOTHING_FRESH, ZERO, Call, Handler, Reply, Request

RecordMode = Literal["none", "once", "new_episodes", "all"]
MODES: tuple[str, ...] = get_args(RecordMode)
#: Unplayed rows that a warning names.
_NAMED = 3


class Described(Protocol):
    """A budget as a tape sees it."""

    def to_dict(self) -> dict[str, str]: ...


class UnplayedRowsWarning(UserWarning):
    """A strict replay left rows of its tape unplayed."""


class Cassette:
    """An open tape. Opening one begins a new run: nothing is taken yet.

    Args:
        path: a `.jsonl` file, or `.jsonl.gz`; folders are made when recording.
        record_mode: `none`, `once`, `new_episodes` or `all`.
        strict: whether closing warns of rows nobody played (`UnplayedRowsWarning`).
        record_errors: whether a call that failed in the end is put on the tape, to fail again in a replay.

    Attributes:
        path, mode: as given.
        recording: whether calls that are not on the tape are asked and recorded.
        draws: which answers this run has taken.
        recorded: rows written by this run. played: calls answered from the tape.

    Raises:
        ConfigurationError: no such mode.
        CassetteFormatError: the file is no tape, is broken, or is of a newer format.
        CassetteInUse: somebody else is recording it.
        CassetteError: there is no file to replay, or it can't be read or written.
    """

    def __init__(
        self, path: str | Path, record_mode: str = "none", *, strict: bool = False, record_errors: bool = True
    ) -> None:
        if record_mode not in MODES:
            raise ConfigurationError(
                f"record_mode={record_mode!r} is none of {', '.join(map(repr, MODES))}; "
                "'none' replays only, 'once' records a tape that is not there yet"
            )
        self.path = Path(path)
        self.mode = record_mode
        self.strict = strict
        self.record_errors = record_errors
        self.draws = Draws()
        self.recorded = self.played = 0
        self.closed = False
        self._guard: Lock | None = None  # of the tape that `all` will replace
        self._tape = self._open()
        self.recording = record_mode in ("new_episodes", "all") or (record_mode == "once" and self._tape.unfinished)
        self._marks = bytearray(len(self._tape))  # per row: 1 if played or recorded by this run
        self._matcher = Matcher(self._tape, self.draws, self.recording)
        self._texts = TextIndex(self._tape)
        self._had = Had()
        self._asked: LoopLocal[dict[tuple[str, bytes], Event]] = LoopLocal(dict)
        self._mutex = threading.Lock()

    def _open(self) -> TapeFile:
        path, mode = self.path, self.mode
        journal = path.with_name(path.name + ".recording")
        recover(path, journal)
        if not path.exists():
            if mode == "none":
                raise CassetteError(
                    f'there is no tape {path} to replay. Record it: record_mode="once", or --record-mode once'
                )
            return TapeFile.create(path)
        if mode == "all":
            TapeFile(path).close()  # only a tape is ever replaced, not any file a typing error may name
            self._guard = Lock(path)
            try:
                return TapeFile.create(journal)
            except CassetteError:
                self._guard.release()
                raise
        tape = TapeFile(path, write=mode == "new_episodes")
        if mode == "once" and tape.unfinished:
            tape.close()
            tape = TapeFile(path, write=True)
            warn(f"{path}: its first recording was cut off after {len(tape)} calls and is taken up again")
        return tape

    async def answer(self, call: Call, below: Handler) -> Reply:
        """The answer to a call: from the tape, or from below and then on the tape.

        Raises:
            CassetteMiss: it is not on the tape, and this mode does not record.
            CassetteFormatError: its row was edited by hand.
            LMError: the call failed; `error.source` says whether now or when it was recorded.
        """
        self._must_be_open()
        if call.request.kind == "embed":
            return await self._answer_embedding(call, below)
        index = self._matcher.find(call.request, call)
        if index is None:
            return await self._ask(call, below)
        again = self._marks[index]
        reply = Reply.from_dict(self._play(index, call.request)["reply"], "cassette")
        if again:
            reply = replace(reply, fresh=NOTHING_FRESH, wasted=ZERO, wasted_tokens=0)
        if call.sink is not None:
            reply.feed(call.sink)
        return reply

    def repeats(self, call: Call) -> bool:
        """Whether this call asks for a single answer that the run has had."""
        request = call.request
        if self.closed or not request.single_answer:
            return False
        if request.kind == "embed":
            known = self._texts.of(request.with_texts(()).digest)
            spots = [known.get(key_of(text)) for text in request.texts]
            return all(spot is not None and self._had.all_of({spot[0]: [spot[1]]}) for spot in spots)
        index = self._matcher.find(request, call)
        return index is not None and bool(self._marks[index])

    def _play(self, index: int, request: Request) -> Any:
        """The JSON of a row that answers `request`, marked as played; a failure is raised."""
        row = self._tape.value(index)
        if row["request"] != request.to_dict():
            self._refuse_edited(self._tape.row(index))
        self._marks[index] = 1
        self.played += 1
        if "error" in row:
            error = error_from_dict(row["error"])
            error.add_note(
                f"This failure was replayed from line {index + 2} of {self.path}. To ask again, delete that "
                'line and use record_mode="new_episodes", or use record_mode="all"'
            )
            raise error
        return row

    def _refuse_edited(self, row: Row) -> None:
        if row.request.digest != row.digest:
            raise CassetteFormatError(
                f"{self.path}, {row}: its request was edited by hand: its digest is of another one. "
                f'Restore the line, or put "digest":"{row.request.digest}" there, or record it again'
            )

    async def _ask(self, call: Call, below: Handler) -> Reply:
        """Ask below, write the row, and only then hand out the answer."""
        if not self.recording:
            self._miss(call)
        try:
            reply = await below(call)
        except LMError as error:
            if self.record_errors:
                cut = call.cut_by_budget(error.kind)
                self._write(call, call.request, "error", error_to_dict(error), call.output_cap if cut else None)
            raise
        cut = call.cut_by_budget(reply.finish)
        self._write(call, call.request, "reply", reply.to_dict(), call.output_cap if cut else None)
        return reply

    def _write(
        self, call: Call, request: Request, outcome: str, value: dict[str, Any], capped: int | None = None
    ) -> int:
        with self._mutex:  # answers may come in on several threads, each with its event loop
            digest = request.digest
            line = encode(request, call.scope, call.draw, outcome, value, capped)
            index = self._tape.append(line, digest, request.kind == "embed", capped=capped is not None)
            self._marks.append(1)
            self.recorded += 1
            rows = self._tape.by_digest[digest]
            self.draws.take(digest, 0 if isinstance(rows, int) else len(rows) - 1)
        return index

    def _miss(self, call: Call) -> NoReturn:
        rows = self._tape.by_digest.get(call.request.digest)
        answers = 0 if rows is None else 1 if isinstance(rows, int) else len(rows)
        others = (row for row in self._tape.rows() if not row.refused)
        raise miss.report(call, others, tape=self.path, mode=self.mode, answers=answers)

    def note_refusal(self, call: Call, refusal: BudgetExceeded, budget: Described) -> None:
        """Put on a recording that a budget refused a call, with what the call had spent until then, if that was
        between two attempts."""
        line = encode(call.request, call.scope, call.draw, "refused", refusal_to_dict(refusal, budget.to_dict()))
        with self._mutex:
            self._tape.append(line, call.request.digest, call.request.kind == "embed", refused=True)
            self._marks.append(1)
            self.recorded += 1

    def refusal(self, call: Call, budgets: Sequence[Described]) -> tuple[int, BudgetExceeded] | None:
        """Which of `budgets` refused this call when the tape was recorded, and how; None if none did."""
        digest = call.request.digest
        refused = self._tape.refused.get(digest)
        if refused is None:
            return None
        rows = self._tape.by_digest.get(digest, [])
        if call.place in self._matcher.places_of(digest, [rows] if isinstance(rows, int) else rows):
            return None  # answered later, in a run with a larger budget
        return recorded_refusal(map(self._tape.row, refused), call, [budget.to_dict() for budget in budgets])

    async def _answer_embedding(self, call: Call, below: Handler) -> Reply:
        """Vectors, text by text: from the tape where it has them, the rest asked for in one call."""
        request = call.request
        texts = tuple(dict.fromkeys(request.texts))
        whole = request if len(texts) == len(request.texts) else request.with_texts(texts)
        index = self._matcher.find(whole, call)
        if index is not None:
            row = self._play(index, whole)
            reply = Reply.from_dict(row["reply"], "cassette", vectors_of(row["reply"]))
            fresh = self._had.fresh({index: range(len(texts))}, {index: row})
            return spread(replace(reply, fresh=fresh), texts, request)
        base = request.with_texts(()).digest
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
            live = await self._ask_texts(call, below, whole, missing, base)
            if len(missing) == len(texts):
                return spread(live, texts, request)
        reply = self._assemble([known[key_of(text)] for text in texts], request)
        if live is None:
            self.played += 1
            return reply
        return replace(reply, source=live.source, billed=live.billed, seconds=live.seconds, fresh=live)

    async def _ask_texts(self, call: Call, below: Handler, whole: Request, missing: Sequence[str], base: str) -> Reply:
        """Ask for texts that the tape lacks; a failure is recorded as that of the whole request."""
        if not self.recording:
            self._miss(call)
        asked, event = self._asked.get(), Event()
        keys = [(base, key_of(text)) for text in missing]
        asked.update(dict.fromkeys(keys, event))
        part = whole.with_texts(missing)
        try:
            reply = await below(replace(call, request=part))
            if len(reply.vectors) != len(missing):
                got = len(reply.vectors)
                raise BadReply(f"{part.model} gave {got} vectors for {len(missing)} texts", reply=reply)
            index = self._write(call, part, "reply", embedding_to_dict(missing, reply))
        except LMError as error:
            if self.record_errors:
                self._write(call, whole, "error", error_to_dict(error))
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
        parts, values = Parts(), {}
        for index in sorted(used):
            row = self._tape.row(index)
            self._refuse_edited(row)
            self._marks[index] = 1
            parts.add(row.value, used[index])
            values[index] = row.value
        return replace(parts.reply(request.texts), fresh=self._had.fresh(used, values))

    def rows(self) -> list[Row]:
        """All rows of the tape, in the order of the file."""
        self._must_be_open()
        return list(self._tape.rows())

    def begin_at(self, epoch: int) -> None:
        """Begin at an epoch: what is on the tape of earlier ones counts as played, nothing of later ones does."""
        self._must_be_open()
        by_digest = {digest: [rows] if isinstance(rows, int) else rows for digest, rows in self._tape.by_digest.items()}
        places = {digest: self._matcher.places_of(digest, rows) for digest, rows in by_digest.items()}
        self.draws.begin_at(epoch, places)
        for digest, rows in by_digest.items():
            for index, (at, _) in zip(rows, places[digest], strict=True):
                if at.epoch is not None and at.epoch < epoch:
                    self._marks[index] = 1

    def unplayed(self) -> list[Row]:
        """The rows this run has neither played nor recorded. Of embeddings, one text played is enough."""
        self._must_be_open()
        rows = (self._tape.row(index) for index, mark in enumerate(self._marks) if not mark)
        return [row for row in rows if not row.refused]

    def verify(self) -> list[Row]:
        """The rows whose digest is not that of their request: they were edited by hand."""
        self._must_be_open()
        return [row for row in self._tape.rows() if row.request.digest != row.digest]

    def _must_be_open(self) -> None:
        if self.closed:
            raise CassetteError(f"the tape {self.path} is closed; use it inside its `with` block")

    def close(self) -> None:
        """Finish: a recording is sorted by place and put in the tape's place in one step.

        A recording that added nothing leaves the file as it was (`all` keeps the old tape then). Closing
        twice does nothing.

        Raises:
            CassetteError: the sorted tape can't be written; the rows are all in the unsorted one.
        """
        if self.closed:
            return
        left = self.unplayed() if self.strict else []
        self.closed = True
        changed = self.recording and (self.recorded > 0 or self._tape.unfinished)
        try:
            if self._guard is None:
                self._tape.close(self._tape.sorted_lines() if changed else None)
            else:
                if self.recorded:
                    rewrite(self.path, self._tape.sorted_lines())
                self._tape.close()
                self._tape.path.unlink()
        finally:
            self._tape.close()
            if self._guard is not None:
                self._guard.release()
        if left:
            self._complain(left)

    def _complain(self, left: Sequence[Row]) -> None:
        named = "; ".join(str(row) for row in left[:_NAMED]) + ("; ..." if len(left) > _NAMED else "")
        warnings.warn(
            f"{len(left)} of {len(self._marks)} rows of {self.path} were not played: {named}. The program "
            'asks less than it did: record again with record_mode="all", or delete these lines',
            UnplayedRowsWarning,
            stacklevel=3,
        )

    def __enter__(self) -> Cassette:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.strict = self.strict and error is None  # a run that broke off says enough
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{len(self._tape)} rows"
        return f"<Cassette {self.path} {self.mode}: {state}, {self.played} played, {self.recorded} recorded>"


class CassetteLayer:
    """The layer that a tape replaces all below of; without an open tape it is not there.

    Args:
        active: gives the open tape, or None.
    """

    name = "cassette"

    def __init__(self, active: Callable[[], Cassette | None]) -> None:
        self._active = active

    def __call__(self, below: Handler) -> Handler:
        active = self._active

        async def handle(call: Call, /) -> Reply:
            tape = active()
            return await (below(call) if tape is None else tape.answer(call, below))

        return handle
