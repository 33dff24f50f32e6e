"""BatchPredictor: a program over data of any size, by Ray Data."""

from __future__ import annotations

import logging
import sys
import textwrap
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks import _json
from synalinks._base.files import replacing
from synalinks.distribution.batch_worker import Block, BlockWorker, Coordinator, Counts, RowWorker, Task, output_columns
from synalinks.distribution.parcels import Parcel
from synalinks.distribution.ray_workers import METHODS_AT_ONCE, Ray
from synalinks.errors import ConfigurationError, DataError
from synalinks.lm import Amount, Budget
from synalinks.lm.runtime import current
from synalinks.lm.tables import terminal_width
from synalinks.trainers.checks import check_models

if TYPE_CHECKING:
    from ray.data import Dataset

#: The file of what a folder of predictions is of.
MANIFEST = "_blocks.json"


@dataclass(frozen=True, slots=True)
class Bill:
    """What a batch prediction came to.

    Example:
        >>> from synalinks.distribution.batch_worker import Counts
        >>> from synalinks.lm import Amount
        >>> print(synalinks.distribution.Bill(Counts(rows=2), Amount(), Amount()))
        2 rows, 0 failed; 0 calls, 0 of them free, 0 tokens; $0.0000 billed, $0.0000 as if live

    Attributes:
        counts: rows, those that failed, and sums over the model calls, in this process of it.
        settled: of the budget; `uncertain` of it for attempts whose cost is not known, leases of lost workers included.
        blocks, skipped: written now, and found written.
        stopped_by: the refusal of the budget that ended it, or None.
    """

    counts: Counts
    settled: Amount
    uncertain: Amount
    blocks: int = 0
    skipped: int = 0
    stopped_by: str | None = None

    def __str__(self) -> str:
        calls = self.counts.calls
        words = (
            f"{self.counts.rows:,} rows, {self.counts.failed:,} failed; {calls.calls:,} calls, {calls.hits:,} of them "
            f"free, {calls.tokens:,} tokens; {calls.billed} billed, {calls.as_if} as if live"
        )
        return words if self.stopped_by is None else f"{words}. Ended early: {self.stopped_by}"


class BatchPredictor:
    """A program over a Ray dataset, or over Parquet files, by a pool of actors (extra `ray`).

    Each worker has stacks of its own: its cache (one that workers share, such as a folder they all see, saves what
    another paid), and leases of the budget, which is never exceeded over all of them. Rates and calls at once that are
    stated hold for all together, and so does a pause that a provider demands of one worker.
    For the promises that need one place, such as cassettes, there is `Ray`, as `predict(..., distribution=)`.

    Args:
        program: built, of one input and one output.
        workers: actors of the pool.
        batch_size: rows at once in a worker.
        budget: of all workers together, in dollars, tokens and calls; an amount is in dollars.
        prefix: of the names of new columns: those of the output's fields, and `error`.
        ordered: whether `map` keeps the order of the rows.
        ray: how Ray is started or joined; on this machine where None.

    Raises:
        ConfigurationError: a program that is not built or can't be pickled, a budget that can't be leased, an open
            cassette; Ray is not installed.

    Example:
        >>> class Text(synalinks.DataModel):
        ...     text: str
        >>> async def make():
        ...     inputs = synalinks.Input(data_model=Text)
        ...     return synalinks.Program(inputs=inputs, outputs=await synalinks.Identity()(inputs))
        >>> predictor = synalinks.distribution.BatchPredictor(asyncio.run(make()), workers=2, prefix="predicted_")
        >>> predictor.columns
        ['predicted_text', 'predicted_error']
    """

    def __init__(
        self,
        program: Any,
        *,
        workers: int = 2,
        batch_size: int = 64,
        budget: Budget | float | str | None = None,
        prefix: str = "",
        ordered: bool = False,
        ray: Ray | None = None,
    ) -> None:
        for name, value in {"workers": workers, "batch_size": batch_size}.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"BatchPredictor({name}={value!r}): a whole number of at least 1 is needed")
        self.columns = [prefix + name for name in (*output_columns(program), "error")]
        self._program = program
        self._budget = None if budget is None else Budget.of(budget)
        self._workers, self._batch_size, self._prefix, self._ordered = workers, batch_size, prefix, ordered
        self._ray = ray or Ray(workers)
        Coordinator(self._budget, workers)  # a budget that can't be leased is refused here
        self._coordinator: Any = None

    # --- a dataset -------------------------------------------------------------------------------------------

    def map(self, dataset: Dataset) -> Dataset:
        """The dataset with predictions beside its columns; nothing is called before it is consumed.

        Raises:
            DataError: when it is consumed: a column that the program needs is missing.
            BudgetExceeded: when it is consumed, as the cause of Ray's error: the budget is used up.
        """
        self._prepare()
        mapped = dataset.map_batches(
            RowWorker,
            batch_size=self._batch_size,
            batch_format="pyarrow",
            fn_constructor_args=(self._task(), self._coordinator),
            compute=self._pool(),
        )
        if self._ordered:  # a dataset has settings of its own from its beginning
            mapped.context.execution_options.preserve_order = True
        return mapped

    def bill(self) -> Bill:
        """What was reported so far."""
        import ray  # an extra

        if self._coordinator is None:
            return Bill(Counts(), Amount(), Amount())
        return Bill(*ray.get(self._coordinator.bill.remote()))

    # --- Parquet files ---------------------------------------------------------------------------------------

    def run(self, source: str | Path, target: str | Path, *, verbose: int = 1) -> Bill:
        """Predict the rows of a Parquet file, or of those in a folder, into a folder of Parquet files.

        A row group is a block: one file of the target, in the order of the source, with the rows in their order. A run
        that was cut off goes on with the blocks whose files are not there; what else was answered is in the cache.

        Args:
            verbose: 0 prints nothing; else standard error gets a line after each block, and the bill at the end.

        Raises:
            DataError: no such file, or the target holds predictions of other files.
        """
        target = Path(target)
        blocks = list(_blocks(Path(source), target))
        _check_target(target, blocks)
        missing = [block for block in blocks if not Path(block.part).exists()]
        self._prepare()
        stopped_by, done, began = None, 0, time.monotonic()
        for refused in self._written(missing):
            stopped_by, done = stopped_by or refused, done + (refused is None)
            if verbose and refused is None:
                self._say(len(blocks) - len(missing) + done, len(blocks), time.monotonic() - began)
        found = self.bill()
        bill = Bill(
            found.counts, found.settled, found.uncertain, done, len(blocks) - len(missing), stopped_by=stopped_by
        )
        if verbose:
            print(textwrap.fill(str(bill), terminal_width() or len(str(bill))), file=sys.stderr)
        return bill

    def _written(self, blocks: list[Block]) -> Iterator[str | None]:
        """Of each block that is done, None, or why it could not be written."""
        if not blocks:
            return
        from ray import data

        items = [block._asdict() for block in blocks]
        written = data.from_items(items, override_num_blocks=len(items)).map_batches(
            BlockWorker, batch_size=1, fn_constructor_args=(self._task(), self._coordinator), compute=self._pool()
        )
        for row in written.iter_rows():
            yield row["ended"]

    def _say(self, done: int, of: int, seconds: float) -> None:
        counts = self.bill().counts
        rate = counts.rows / seconds if seconds else 0.0
        print(
            f"{done:,} of {of:,} blocks, {counts.rows:,} rows, {rate:,.0f} rows/s, {counts.calls.billed} billed",
            file=sys.stderr,
        )

    # --- the pool --------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Check what can be checked before the first call, and start what counts."""
        if current().cassette is not None:
            raise ConfigurationError(
                "a cassette is open, and workers with stacks of their own would not record on it; use "
                "program.predict(..., distribution=synalinks.distribution.Ray(...)), or no cassette"
            )
        check_models(self._program)
        ray = self._ray.start()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Ray Data's, of its own settings
            from ray import data

            data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.WARNING)
        logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)  # it warns that it shows no progress
        # Each worker has calls open that wait for pauses and for turns, beside those of its leases and reports.
        options = {"num_cpus": 0, "max_concurrency": METHODS_AT_ONCE + 8 * self._workers}
        self._coordinator = ray.remote(Coordinator).options(**options).remote(self._budget, self._workers)

    def _task(self) -> Task:
        parcel = Parcel.pack(self._program, ())
        return Task(parcel, self._budget, self._workers, self._batch_size, self._prefix, current().provider)

    def _pool(self) -> Any:
        from ray.data import ActorPoolStrategy

        return ActorPoolStrategy(size=self._workers)


def _blocks(source: Path, target: Path) -> Iterator[Block]:
    """The row groups of the files that have rows, in order.

    Raises:
        DataError: there are none, or a file is no Parquet.
    """
    import pyarrow.parquet as pq  # an extra

    files = sorted(source.glob("*.parquet")) if source.is_dir() else [source]
    if not files or not all(file.is_file() for file in files):
        raise DataError(f"{source}: neither a Parquet file nor a folder with files *.parquet")
    number = first = 0
    for file in files:
        try:
            metadata = pq.read_metadata(file)
        except (OSError, ValueError) as error:  # `ArrowInvalid` is a ValueError
            raise DataError(f"{file} can't be read as Parquet: {error}") from error
        for group in range(metadata.num_row_groups):
            if rows := metadata.row_group(group).num_rows:
                part = (target / f"part-{number:06d}.parquet").absolute()
                yield Block(str(file.absolute()), group, first, rows, str(part))
                number, first = number + 1, first + rows


def _check_target(target: Path, blocks: list[Block]) -> None:
    """Make the target of these blocks, or refuse one of others."""
    target.mkdir(parents=True, exist_ok=True)
    manifest = target / MANIFEST
    wanted = _json.pretty([[block.path, block.group, block.rows] for block in blocks])
    if manifest.exists() and manifest.read_text("utf-8") != wanted:
        raise DataError(
            f"{target} holds predictions of other files, or of these before they changed; give another folder"
        )
    with replacing(manifest) as file:
        file.write(wanted.encode())
