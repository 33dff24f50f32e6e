"""Batch prediction: rows in, predictions out, blocks that are there when they are whole, one budget and one bill."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from distribution.local_workers import no_ray
from programs_under_test import compiled, number_of, solver
from synalinks.distribution import BatchPredictor, Ray
from synalinks.distribution.batch_predictor import _blocks
from synalinks.distribution.batch_worker import SILENCE, BlockWorker, Coordinator, RowWorker, Task
from synalinks.distribution.parcels import Parcel
from synalinks.errors import BudgetExceeded, ConfigurationError, DataError
from synalinks.lm import NOTHING, Amount, Budget, Reply

pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")

__all__ = ["no_ray"]


async def by_number(call: Any) -> Reply:
    """The number of the question; one that is divisible by 10 is refused."""
    number = number_of(call)
    if number % 10 == 9:
        raise synalinks.errors.RequestError("no") if number == 999 else synalinks.errors.SampleRefused("too odd")
    return Reply(f'{{"answer": {number}}}', finish="stop")


async def late_first(call: Any) -> Reply:
    """The same, so late for the first rows that other blocks are done before."""
    if number_of(call) < 5:
        await asyncio.sleep(3.0)
    return await by_number(call)


class Method:
    """A method of an actor, as it is called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.remote = function


class Actor:
    """An object in place of its actor."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def __getattr__(self, name: str) -> Method:
        return Method(getattr(self.made, name))


def table_of(numbers: Any) -> Any:
    return pa.table({"question": [f"number {n}" for n in numbers], "id": list(numbers)})


def task(budget: Budget | None = None, program: Any = None, **options: Any) -> Task:
    made = {"workers": 2, "batch_size": 4, "prefix": "", "provider": by_number, **options}
    return Task(Parcel.pack(program or solver(), ()), budget, **made)


def worker(kind: type[RowWorker] = RowWorker, budget: Budget | None = None, **options: Any) -> tuple[Any, Coordinator]:
    coordinator = Coordinator(budget, 2)
    made = kind(task(budget, **options), Actor(coordinator))
    _made.append(made)
    return made, coordinator


_made: list[RowWorker] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Ends the loops of the workers of a test."""
    yield
    while _made:
        _made.pop().close()


# --- a worker ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_ray")
def test_rows_keep_their_columns_and_get_those_of_the_output() -> None:
    predict, coordinator = worker()
    found = predict(table_of(range(7, 12))).to_pydict()
    assert found["id"] == [7, 8, 9, 10, 11]
    assert found["answer"] == [7, 8, None, 10, 11]
    assert found["error"][0] is None and "too odd" in found["error"][2]
    counts, _, _ = asyncio.run(coordinator.bill())
    assert (counts.rows, counts.failed, counts.calls.calls, counts.calls.failed) == (5, 1, 5, 1)


@pytest.mark.usefixtures("no_ray")
def test_nothing_is_kept_of_the_calls_of_rows_that_are_done() -> None:
    predict, _ = worker()
    predict(table_of(range(8)))
    assert len(synalinks.lm.current_run().ledger) == 0
    assert all(len(model.client.ledger) == 0 for model in predict._models)


@pytest.mark.usefixtures("no_ray")
def test_a_missing_column_and_one_that_is_there_already_are_errors() -> None:
    predict, _ = worker()
    with pytest.raises(DataError, match=r"needs the columns \['question'\], and the rows have \['text'\]"):
        predict(pa.table({"text": ["a"]}))
    with pytest.raises(DataError, match=r"would replace: \['answer'\]; give another prefix="):
        predict(table_of(range(1)).append_column("answer", pa.array([1])))


@pytest.mark.usefixtures("no_ray")
def test_a_budget_ends_at_its_cap_and_the_rest_of_the_lease_is_given_back() -> None:
    predict, coordinator = worker(budget=Budget(calls=10))
    predict(table_of(range(4)))
    assert asyncio.run(coordinator.bill())[1:] == (Amount(calls=4), NOTHING)
    with pytest.raises(BudgetExceeded):
        predict(table_of(range(100, 108)))
    assert asyncio.run(coordinator.bill())[1] == Amount(calls=10)


def test_the_lease_of_a_silent_worker_is_settled_and_nobody_waits_for_it() -> None:
    class Still:
        time = 0.0

        def now(self) -> float:
            return self.time

        async def sleep(self, seconds: float) -> None:
            self.time += seconds

    async def main() -> None:
        clock = Still()
        coordinator, all_of_it = Coordinator(Budget(calls=4), 1, clock), Amount(calls=4)
        await coordinator.lease("lost", NOTHING, NOTHING, NOTHING, all_of_it)
        assert not (await coordinator.lease("waits", NOTHING, NOTHING, NOTHING, Amount(calls=1))).final
        clock.time += SILENCE + 1
        await coordinator.lease("waits", NOTHING, NOTHING, NOTHING, Amount(calls=1))
        assert (await coordinator.lease("waits", NOTHING, NOTHING, NOTHING, Amount(calls=1))).final
        assert (await coordinator.bill())[1:] == (all_of_it, all_of_it)

    asyncio.run(main())


@pytest.mark.usefixtures("no_ray")
def test_a_block_is_a_file_that_is_there_when_it_is_whole(tmp_path: Path) -> None:
    pq.write_table(table_of(range(12)), tmp_path / "in.parquet", row_group_size=6)
    predict, _ = worker(BlockWorker, budget=Budget(calls=9))

    def block(group: int) -> Any:
        part = str(tmp_path / f"part-{group}.parquet")
        row = {"path": str(tmp_path / "in.parquet"), "group": group, "first": 6 * group, "rows": 6, "part": part}
        return predict({name: [value] for name, value in row.items()})

    assert block(0) == {"rows": [6], "ended": [None]}
    assert pq.read_table(tmp_path / "part-0.parquet").column("answer").to_pylist() == list(range(6))
    assert "is used up" in block(1)["ended"][0]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.parquet", "part-0.parquet"]


def test_a_row_group_without_rows_is_no_block(tmp_path: Path) -> None:
    pq.write_table(table_of([]), tmp_path / "a.parquet")
    pq.write_table(table_of(range(2)), tmp_path / "b.parquet")
    (block,) = _blocks(tmp_path, tmp_path / "out")
    assert (block.path, block.first, block.rows) == (str(tmp_path / "b.parquet"), 0, 2)


# --- what is refused ---------------------------------------------------------------------------------------------


def test_arguments_are_checked_at_once(tmp_path: Path) -> None:
    program = solver()
    with pytest.raises(ConfigurationError, match=r"BatchPredictor\(workers=0\)"):
        BatchPredictor(program, workers=0)
    with pytest.raises(ConfigurationError, match="workers can spend a budget in dollars"):
        BatchPredictor(program, budget=Budget(seconds=3))
    with pytest.raises(ConfigurationError, match="has no single one of inputs that is known beforehand"):
        BatchPredictor(object())
    with pytest.raises(DataError, match="neither a Parquet file nor a folder"):
        BatchPredictor(program).run(tmp_path / "none.parquet", tmp_path / "out")


def test_an_open_cassette_is_refused(tmp_path: Path) -> None:
    pq.write_table(table_of(range(2)), tmp_path / "in.parquet")
    with (
        synalinks.use_cassette(tmp_path / "cassette.jsonl"),
        pytest.raises(ConfigurationError, match="a cassette is open, and workers with stacks of their own"),
    ):
        BatchPredictor(solver()).run(tmp_path / "in.parquet", tmp_path / "out")


# --- on Ray ------------------------------------------------------------------------------------------------------


@pytest.mark.ray
def test_parquet_in_and_out_by_ray_data_and_on_from_where_it_was_cut(
    ray_workers: Ray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    pq.write_table(table_of(range(40)), source / "a.parquet", row_group_size=20)
    pq.write_table(table_of(range(40, 60)), source / "b.parquet")
    ray_workers.close_workers()  # their CPUs are for the pool

    def run(budget: Budget | None) -> Any:
        predictor = BatchPredictor(solver(), workers=1, batch_size=8, budget=budget, ray=ray_workers)
        with synalinks.use_provider(by_number):
            return predictor.run(source, target)

    first = run(Budget(calls=25))
    assert first.blocks == 1 and "is used up" in str(first.stopped_by) and first.settled == Amount(calls=25)
    second = run(None)
    assert (second.blocks, second.skipped, second.counts.rows, second.counts.failed) == (2, 1, 40, 4)
    printed = capsys.readouterr().err
    assert "3 of 3 blocks, 40 rows" in printed and "40 rows, 4 failed; 40 calls" in printed
    rows = pq.read_table(target).to_pylist()
    assert [row["id"] for row in rows] == list(range(60))
    assert [row["answer"] for row in rows] == [None if n % 10 == 9 else n for n in range(60)]
    assert run(None).blocks == 0
    pq.write_table(table_of(range(3)), source / "c.parquet")
    with pytest.raises(DataError, match="holds predictions of other files"):
        run(None)


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray Data's, of its own settings
@pytest.mark.parametrize("ordered", [True, False])
def test_a_dataset_is_mapped_in_order_or_not(ray_workers: Ray, ordered: bool) -> None:
    from ray import data

    ray_workers.start()
    ray_workers.close_workers()
    predictor = BatchPredictor(compiled(), workers=2, batch_size=5, ordered=ordered, ray=ray_workers)
    with synalinks.use_provider(late_first):
        mapped = predictor.map(data.from_items([{"question": f"number {n}"} for n in range(30)], override_num_blocks=6))
        found = [row["answer"] for row in mapped.iter_rows()]
    expected = [None if n % 10 == 9 else n for n in range(30)]
    assert found == expected if ordered else Counter(found) == Counter(expected)
    assert predictor.bill().counts.rows == 30
