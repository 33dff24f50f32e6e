"""Tests of training data: what is accepted, what each refusal says, splits and streams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from programs_under_test import Answer, Question, data, source_of
from synalinks.datasets import CSVDataset
from synalinks.errors import DataError
from synalinks.trainers.data.data import (
    Sample,
    Samples,
    Stream,
    check_passes,
    passing,
    shuffled,
)


def batches(source: Any, size: int = 2) -> list[list[tuple[int, int | None]]]:
    return [[(s.index, None if s.y is None else s.y.answer) for s in batch] for batch in source.batches(size)]


def test_lists_tuples_and_object_arrays_are_the_same() -> None:
    x, y = data(3)
    array = np.array(x, dtype=object)
    for given in (x, tuple(x), array):
        source = source_of(given, y)
        assert batches(source) == [[(0, 0), (1, 1)], [(2, 2)]]
        assert source.steps(2) == 2
    assert batches(source_of(x)) == [[(0, None), (1, None)], [(2, None)]]
    json = [value.to_json_data_model() for value in x]
    assert len(next(iter(source_of(json).batches(3)))) == 3


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([1.0, 2.0]), r"x has dtype float64.*dtype='object'"),
        (np.zeros(2, dtype=[("a", int)]), "x has dtype"),
        (np.array([[Question(question="a")] * 2] * 2, dtype=object), r"shape \(2, 2\).*list of tuples"),
        ([], "x is empty"),
        (np.array([], dtype=object), "x is empty"),
        ([Question(question="a"), {"b"}], r"x\[1\] is a set.*YourModel.*or a dict of its fields"),
        (["a"], r"x\[0\] is a str"),
        ([(Question(question="a"), 3)], r"x\[0\] is a int"),
        (Question(question="a"), r"a single Question; give a list of examples, or np\.array"),
        (Question(question="a").to_json_data_model(), "a single JsonDataModel"),
        (3, "array or list of data models, or a generator"),
        (None, "array or list of data models, or a generator"),
    ],
)
def test_wrong_data_says_what_to_write_instead(x: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        source_of(x)


def test_x_and_y_of_other_lengths() -> None:
    x, y = data(3)
    with pytest.raises(DataError, match="x has 3 examples and y has 2"):
        source_of(x, y[:2])
    with pytest.raises(DataError, match="y has dtype int64"):
        source_of(x, np.array([1, 2, 3]))
    with pytest.raises(DataError, match=r"columns of x differ in length: \{'a': 3, 'b': 2\}"):
        source_of({"a": x, "b": x[:2]})


def test_structures_and_columns() -> None:
    x, y = data(2)
    rows = [(x[0], y[0]), (x[1], y[1])]
    for given in (rows, [np.array(x, dtype=object), np.array(y, dtype=object)]):
        assert [sample.x for sample in source_of(given).items] == rows  # type: ignore[union-attr]
    found = source_of({"q": x, "a": np.array(y, dtype=object)})
    assert [sample.x for sample in found.items] == [{"q": x[0], "a": y[0]}, {"q": x[1], "a": y[1]}]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("count", "fraction", "sizes"),
    [(10, 0.1, (9, 1)), (8, 0.3, (5, 3)), (10, 0.3, (7, 3)), (1, 0.5, (1, 0)), (3, 0.99, (1, 2)), (6, 0.25, (4, 2))],
)
def test_the_split_is_the_last_fraction(count: int, fraction: float, sizes: tuple[int, int]) -> None:
    x, y = data(count)
    first, last = source_of(x, y).split(fraction)  # type: ignore[union-attr]
    assert (len(first), len(last)) == sizes
    assert [s.index for s in (*first.items, *last.items)] == list(range(count))


def test_generators_functions_and_iterables_are_streams() -> None:
    x, y = data(5)

    def make() -> Iterator[tuple[list[Question], list[Answer]]]:
        yield x[:3], y[:3]
        yield x[3:], y[3:]

    class Sized:
        def __iter__(self) -> Iterator[Any]:
            return make()

        def __len__(self) -> int:
            return 2

    wanted = [[(0, 0), (1, 1), (2, 2)], [(3, 3), (4, 4)]]
    for source in (source_of(make), source_of(Sized()), source_of([*make()].__iter__())):
        assert isinstance(source, Stream)
        assert batches(source) == wanted
    again = source_of(make)
    assert batches(again) == batches(again) == wanted  # begun anew each pass
    assert source_of(Sized()).steps(1) == 2 and again.steps(1) is None
    assert batches(source_of(lambda: iter([(x[:1],)]))) == [[(0, None)]]


def test_streams_that_are_wrong() -> None:
    x, y = data(3)
    with pytest.raises(DataError, match="y must not be given"):
        source_of(iter([]), y)
    with pytest.raises(DataError, match=r"yields \(x,\) or \(x, y\), got list"):
        batches(source_of(lambda: iter([x])))
    with pytest.raises(DataError, match="3 inputs and 2 targets"):
        batches(source_of(lambda: iter([(x, y[:2])])))
    spent = source_of(iter([(x, y)]))
    assert len(batches(spent)) == 1
    with pytest.raises(DataError, match="used up after the first epoch"):
        batches(spent)


def test_an_order_is_drawn_from_the_generator_given() -> None:
    one, two = (shuffled(20, np.random.default_rng(3)) for _ in range(2))
    assert one == two != list(range(20)) and sorted(one) == list(range(20))
    x, _ = data(4)
    samples = source_of(x)
    assert isinstance(samples, Samples)
    assert [[s.index for s in batch] for batch in samples.batches(3, [3, 1, 0, 2])] == [[3, 1, 0], [2]]


def test_a_look_at_the_first_example_takes_nothing_away() -> None:
    x, y = data(4)
    calls: list[int] = []

    def make() -> Iterator[Any]:
        calls.append(1)
        yield [], []
        yield x[:2], y[:2]
        yield x[2:], y[2:]

    for source in (source_of(make), source_of(make()), source_of(x, y)):
        assert source.first().x is x[0] and source.first().index == 0
        assert batches(source) == [[(0, 0), (1, 1)], [(2, 2), (3, 3)]]
    assert len(calls) == 2, "the pass that was looked into is the one that is gone through"
    with pytest.raises(DataError, match="gave no batch"):
        source_of(lambda: iter([([], [])])).first()


def test_passes_that_end_early_are_warned_about() -> None:
    x, y = data(6)
    stream = source_of(lambda: iter([(x[:3], y[:3]), (x[3:], y[3:])]))
    assert len(list(passing(stream, 1, 2))) == len(list(passing(stream, 1, None))) == 2
    with pytest.warns(UserWarning, match="ended after 2 of 3 batches"):
        assert len(list(passing(stream, 1, 3))) == 2
    assert len(list(passing(source_of(x, y), 2, 9))) == 3  # what is in memory has the batches it has


def test_what_can_be_gone_through_once_is_not_gone_through_twice() -> None:
    x, y = data(2)
    check_passes(source_of(iter([(x, y)])), 1, "x")
    for again in (source_of(lambda: iter([(x, y)])), source_of(x, y), None):
        check_passes(again, 3, "x")
    with pytest.raises(DataError, match="validation_data is a generator.*used up after one pass, and 3 are to come"):
        check_passes(source_of(iter([(x, y)])), 3, "validation_data")


def test_a_csv_dataset_is_a_stream_though_it_has_names_of_columns(tmp_path: Path) -> None:
    """As tables in memory have them, too; what makes a table is a method that gives its rows."""
    (tmp_path / "sums.csv").write_text("question,answer\n2 + 2?,4\n3 + 3?,6\n", encoding="utf-8")
    dataset = CSVDataset(tmp_path / "sums.csv", input_data_model=Question, output_data_model=Answer)
    source = source_of(dataset)
    assert isinstance(source, Stream)
    assert [[(s.x.question, s.y.answer) for s in batch] for batch in source.batches(1)] == [
        [("2 + 2?", 4)],
        [("3 + 3?", 6)],
    ]


def test_a_target_is_made_json_once_and_the_one_given_is_kept() -> None:
    x, y = data(2)
    pairs = [(one, {"b": one, "a": None}) for one in y]
    for target, nested in pairs:
        plain, several, none = Sample(0, x[0], target), Sample(0, x[0], nested), Sample(0, x[0])
        assert plain.y is target and plain.target.get_json() == target.get_json()
        assert several.target["b"].get_json() == target.get_json() and several.target["a"] is None
        assert none.target is None and plain == Sample(0, x[0], target)
