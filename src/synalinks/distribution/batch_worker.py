"""What a worker of a batch prediction does: rows in, predictions out, with model stacks of its own."""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from synalinks import _json, scope
from synalinks._base.files import replacing
from synalinks._concurrency import Clock, SystemClock, run_all
from synalinks._json import JsonObject
from synalinks.data import JsonDataModel, schema_of, tree
from synalinks.data.schema import properties
from synalinks.distribution.leases import Grant, LeasedTracker, Leases
from synalinks.distribution.limits import Held, LeasedLimits, SharedLimits
from synalinks.distribution.parcels import Parcel
from synalinks.distribution.pauses import Name, PauseBoard, PauseFollower, Pauses
from synalinks.errors import BudgetExceeded, ConfigurationError, DataError
from synalinks.lm import Amount, Budget, Handler, Ledger, Limits, Totals, use_ledger, use_provider
from synalinks.lm.blocks import use_tracker
from synalinks.lm.runtime import clear
from synalinks.modules.models.folding import use_failures
from synalinks.trainers.checks import models_of

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
#: Names of the Arrow type of a field, by its JSON type; all else is JSON text.
ARROW_TYPES = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool_"}
#: The column of what went wrong with a row.
ERROR = "error"
#: Seconds between two signs of life of a worker that predicts, and after which one without is taken to be lost.
HEARTBEAT, SILENCE = 5.0, 60.0
#: Seconds between two of one that waits for slots.
SOON = 0.25


@dataclass(frozen=True, slots=True)
class Task:
    """What the workers of a batch prediction are given.

    Attributes:
        parcel: the program.
        budget: of all workers together, or None.
        workers: how many share the accounts.
        batch_size: rows at once, in a worker.
        prefix: of the names of the new columns.
        provider: in place of the models' own, or None.
    """

    parcel: Parcel
    budget: Budget | None
    workers: int
    batch_size: int
    prefix: str
    provider: Handler | None


class Block(NamedTuple):
    """A row group of a Parquet file: `rows` rows, the first of which is the `first` of all; `part` is written of it."""

    path: str
    group: int
    first: int
    rows: int
    part: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What came of some rows.

    Attributes:
        rows: predicted. failed: those of them without a prediction.
        calls: sums over their model calls.
    """

    rows: int = 0
    failed: int = 0
    calls: Totals = field(default_factory=Totals)

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.rows + other.rows, self.failed + other.failed, self.calls + other.calls)


class Coordinator:
    """The one place where workers lease the budget and report; an actor, or an object in a test."""

    def __init__(self, budget: Budget | None, workers: int, clock: Clock | None = None) -> None:
        self._leases = None if budget is None else Leases(budget, workers)
        self._counts = Counts()
        self._clock = clock or SystemClock()
        self._heard: dict[str, float] = {}
        self._board = PauseBoard(self._clock)
        self._limits = SharedLimits(workers, self._clock)

    async def lease(self, holder: str, spent: Amount, uncertain: Amount, returned: Amount, need: Amount) -> Grant:
        """See `Lessor.lease`."""
        assert self._leases is not None, "only a tracker of a budget leases"
        self._heard[holder] = self._clock.now()
        self._leases.settle(holder, spent, uncertain)
        self._leases.give_back(holder, returned)
        if need == Amount():
            return Grant(need)
        grant = self._leases.lease(holder, need)
        if grant == Grant(Amount()):
            self._drop_lost()
        return grant

    async def alive(self, holder: str, held: Held) -> tuple[Pauses, Mapping[Name, int]]:
        """Note that a holder is there, and predicts; the pauses that others reported, and the slots it is to have.

        Args:
            held: the slots that it has.
        """
        self._heard[holder] = self._clock.now()
        return self._board.now(holder), self._limits.slots(holder, held)

    def _drop_lost(self) -> None:
        """Settle the leases of holders that are not heard of any more, so that none waits for them."""
        assert self._leases is not None, "only a tracker of a budget leases"
        now = self._clock.now()
        for holder in [name for name, heard in self._heard.items() if now - heard > SILENCE]:
            self._leases.lost(holder)
            del self._heard[holder]

    async def turns(self, name: Name, limits: Limits, tokens: Sequence[int], waits: bool) -> tuple[int, float]:
        """See `Account.let_out`."""
        return await self._limits.turns(name, limits, tokens, waits)

    async def pause(self, holder: str, account: Name, seconds: float) -> None:
        """See `PauseBoard.add`."""
        await self._board.add(holder, account, seconds)

    async def pauses(self, holder: str, number: int) -> tuple[int, Pauses]:
        """See `PauseBoard.after`."""
        return await self._board.after(holder, number)

    async def report(self, holder: str, counts: Counts) -> None:
        """Add what came of some rows, at the end of a batch."""
        self._counts += counts
        self._limits.release(holder)

    async def bill(self) -> tuple[Counts, Amount, Amount]:
        """All that was reported; what is settled of the budget, leases that are out included; the uncertain part."""
        if self._leases is None:
            return self._counts, Amount(), Amount()
        leases = self._leases
        return self._counts, leases.settled + leases.leased, leases.uncertain + leases.leased


class RowWorker:
    """Predicts tables of rows; what Ray Data calls in each of its actors.

    Args:
        task: the program and the settings.
        coordinator: the actor of `Coordinator`.
    """

    def __init__(self, task: Task, coordinator: Any) -> None:
        _, self.program, _ = task.parcel.unpack()
        self._task, self._coordinator = task, coordinator
        self._runner = asyncio.Runner()
        self._models = models_of([self.program])
        self._name = uuid.uuid4().hex
        self._tracker = None if task.budget is None else LeasedTracker(task.budget, SystemClock(), self, self._name)
        clients = [model.client for model in self._models]
        with self._provided():
            self._pauses = PauseFollower(clients, coordinator, self._name)
            self._limits = LeasedLimits(clients, coordinator, task.workers)
        self._columns = output_columns(self.program)
        self._inputs = _single(self.program, "inputs")

    async def lease(self, holder: str, spent: Amount, uncertain: Amount, returned: Amount, need: Amount) -> Grant:
        """See `Lessor.lease`."""
        grant: Grant = await self._coordinator.lease.remote(holder, spent, uncertain, returned, need)
        return grant

    def _provided(self) -> AbstractContextManager[object]:
        provider = self._task.provider
        return nullcontext() if provider is None else use_provider(provider)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work, context=contextvars.copy_context())  # or the context of its first run counts

    def close(self) -> None:
        """End the event loop, and share no limits any more."""
        self._limits.close()
        self._runner.close()

    def __call__(self, table: pa.Table) -> pa.Table:
        """The rows with their predictions; the columns of a row that failed are null, and `error` says why."""
        return self.predict(table, 0)

    def predict(self, table: pa.Table, first: int) -> pa.Table:
        """The rows with their predictions.

        Args:
            first: the number of the first row, the place of its calls.

        Raises:
            DataError: a column that the program needs is missing, or one that it makes is there already.
            BudgetExceeded: a call did not fit into what is left of the budget.
        """
        import pyarrow as pa  # an extra

        self._check(table.column_names)
        names = [name for name in table.column_names if name in properties(self._inputs)]
        rows = table.select(names).to_pylist()
        with ExitStack() as stack:
            ledger = stack.enter_context(use_ledger(Ledger()))
            if self._tracker is not None:
                stack.enter_context(use_tracker(self._tracker))
            stack.enter_context(self._provided())
            found: list[tuple[JsonObject | None, str | None]] = []
            try:
                found = self._run(self._predict(rows, first))
            finally:
                failed = sum(why is not None for _, why in found)
                self._run(self._report(Counts(len(found), failed, ledger.total)))
        for name, kind in self._columns.items():
            values = [None if one is None else _cell(one.get(name), kind) for one, _ in found]
            table = table.append_column(self._task.prefix + name, pa.array(values, type=arrow_type(kind)))
        return table.append_column(self._task.prefix + ERROR, pa.array([why for _, why in found], type=pa.string()))

    async def _predict(self, rows: Sequence[JsonObject], first: int) -> list[tuple[JsonObject | None, str | None]]:
        async def one(number: int, row: JsonObject) -> tuple[JsonObject | None, str | None]:
            reasons: list[str] = []
            with scope.enter(phase="predict", sample=number), use_failures(lambda *words: reasons.append(words[-1])):
                outputs = await self.program(JsonDataModel(schema=self._inputs, json=row))
            if outputs is None:
                return None, reasons[-1] if reasons else "the program gave no output"
            return outputs.get_json(), None

        self._pauses.start()
        await self._say_alive()
        heartbeat = asyncio.create_task(self._heartbeat())
        try:
            found: list[tuple[JsonObject | None, str | None]] = []
            for at in range(0, len(rows), self._task.batch_size):
                part = rows[at : at + self._task.batch_size]
                found += await run_all(one(first + at + number, row) for number, row in enumerate(part))
            return found
        finally:
            heartbeat.cancel()

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(SOON if self._limits.lacks_slots else HEARTBEAT)
            await self._say_alive()

    async def _say_alive(self) -> None:
        pauses, slots = await self._coordinator.alive.remote(self._name, self._limits.held())
        self._pauses.keep(pauses)
        self._limits.keep(slots)

    async def _report(self, counts: Counts) -> None:
        """Report, give idle parts of the lease back, and keep nothing of the calls: memory is for the next rows."""
        if self._tracker is not None:
            await self._tracker.report()
        self._limits.release()
        await self._coordinator.report.remote(self._name, counts)
        clear()
        for model in self._models:
            model.client.ledger.clear()

    def _check(self, given: Sequence[str]) -> None:
        needed = self._inputs.get("required", [])
        if missing := [name for name in needed if name not in given]:
            raise DataError(f"the program needs the columns {missing}, and the rows have {list(given)}")
        made = [self._task.prefix + name for name in (*self._columns, ERROR)]
        if twice := [name for name in made if name in given]:
            raise DataError(f"the rows have columns that predictions would replace: {twice}; give another prefix=")


class BlockWorker(RowWorker):
    """Predicts whole blocks, each into a file of its own, which is there when it is whole."""

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        """What came of each block: its rows, and the refusal of the budget that ended it, or None."""
        ended = [self._block(Block(*values)) for values in zip(*(batch[name] for name in Block._fields), strict=True)]
        return {"rows": [int(rows) for rows in batch["rows"]], "ended": ended}

    def _block(self, block: Block) -> str | None:
        import pyarrow.parquet as pq  # an extra

        first = int(block.first)
        try:
            with replacing(Path(block.part)) as file, pq.ParquetFile(block.path) as source, ExitStack() as stack:
                writer = None
                for batch in source.iter_batches(self._task.batch_size, row_groups=[int(block.group)]):
                    table = self.predict(_table(batch), first)
                    first += table.num_rows
                    writer = writer or stack.enter_context(pq.ParquetWriter(file, table.schema))
                    writer.write_table(table)
        except BudgetExceeded as refused:
            return str(refused)
        return None


def output_columns(program: Any) -> dict[str, str]:
    """The fields of a built program's output, each with its JSON type.

    Raises:
        ConfigurationError: a program that is not built, or has several inputs or outputs.
    """
    _single(program, "inputs")
    return {name: str(field.get("type", "json")) for name, field in properties(_single(program, "outputs")).items()}


def _single(program: Any, side: str) -> JsonObject:
    """The schema of a program's only input or output."""
    found = tree.flatten(getattr(program, side, None))
    if len(found) != 1 or found[0] is None:
        raise ConfigurationError(
            f"{getattr(program, 'name', program)} has no single one of {side} that is known beforehand: batch "
            "prediction needs a built program of one input and one output; call it once, or make it of symbolic ones"
        )
    return schema_of(found[0])


def arrow_type(kind: str) -> Any:
    """The Arrow type of a field."""
    import pyarrow as pa  # an extra

    return getattr(pa, ARROW_TYPES.get(kind, "string"))()


def _cell(value: Any, kind: str) -> Any:
    return value if value is None or kind in ARROW_TYPES else _json.dumps(value)


def _table(batch: Any) -> pa.Table:
    import pyarrow as pa  # an extra

    return pa.Table.from_batches([batch])
