"""Training data: arrays, lists or streams of data models, each example under an index that never changes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synalinks._base.warning import warn
from synalinks.data import JsonDataModel, as_value, is_data_model, is_meta_class, tree
from synalinks.errors import DataError
from synalinks.trainers.data.rows import Reader, holds_examples, rows_of

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Sample:
    """One example.

    Attributes:
        index: its place in the data set, whatever the batch or the shuffling.
        x: what goes into the program.
        y: the target, or None.
        target: the target as JSON data models, made once: it is scored against more often.
    """

    index: int
    x: Any
    y: Any = None
    target: Any = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", tree.map_structure(as_value, self.y))


class Samples:
    """Examples in memory.

    Args:
        items: the examples, in order.
    """

    def __init__(self, items: Sequence[Sample]) -> None:
        self.items = list(items)

    def __len__(self) -> int:
        return len(self.items)

    def first(self) -> Sample:
        """The first example."""
        return self.items[0]

    def steps(self, batch_size: int) -> int | None:
        """Batches in one pass."""
        return math.ceil(len(self.items) / batch_size)

    def batches(self, batch_size: int, order: Sequence[int] | None = None) -> Iterator[list[Sample]]:
        """One pass, in the order given."""
        items = self.items if order is None else [self.items[i] for i in order]
        for start in range(0, len(items), batch_size):
            yield items[start : start + batch_size]

    def split(self, fraction: float) -> tuple[Samples, Samples]:
        """Training part and validation part: the last `fraction`, never all."""
        at = max(1, math.floor(len(self.items) * (1.0 - fraction) + 1e-9))
        return Samples(self.items[:at]), Samples(self.items[at:])


class Stream:
    """Batches from a generator or any iterable of `(x,)` or `(x, y)`; begun anew each pass where that is possible.

    Args:
        source: an iterable, or a function that gives one.
        reader: the program the data are for.
    """

    def __init__(self, source: Any, reader: Reader) -> None:
        self._source = source
        self._reader = reader
        self._looked_at: Iterator[Any] | None = None

    @property
    def once(self) -> bool:
        """Whether it can be gone through once only, as a generator can."""
        return not callable(self._source) and iter(self._source) is self._source

    def _begin(self) -> Iterator[Any]:
        """The batches of a new pass, or of the one that `first` has looked into."""
        begun, self._looked_at = self._looked_at, None
        if begun is not None:
            return begun
        return iter(self._source() if callable(self._source) else self._source)

    def first(self) -> Sample:
        """The first example of the next pass, which still has it.

        Raises:
            DataError: there is none, or the first batch is wrong.
        """
        begun = self._begin()
        for batch in begun:
            if found := _samples(batch, 0, self._reader):
                self._looked_at = itertools.chain([batch], begun)
                return found[0]
        raise DataError(NO_BATCH)

    def steps(self, batch_size: int) -> int | None:
        """Batches in one pass; None where the source has no length."""
        try:
            return len(self._source)
        except (TypeError, NotImplementedError):  # none, or one that is not known
            return None

    def batches(self, batch_size: int, order: Sequence[int] | None = None) -> Iterator[list[Sample]]:
        """One pass over what the source gives, batches as it makes them; empty ones are passed over.

        Raises:
            DataError: a batch that is no tuple of data models, or a source that is used up.
        """
        index = 0
        for batch in self._begin():
            if found := _samples(batch, index, self._reader):
                index += len(found)
                yield found
        if index == 0:
            raise DataError(NO_BATCH)


NO_BATCH = (
    "the generator gave no batch: it is empty, or used up after the first epoch. Pass a function that makes a new "
    "generator, or a Dataset"
)


def _samples(batch: object, first_index: int, reader: Reader) -> list[Sample]:
    """A generator's batch as samples, numbered from `first_index`; none where it is empty."""
    if not isinstance(batch, tuple) or not 1 <= len(batch) <= 2:
        raise DataError(f"a generator of training data yields (x,) or (x, y), got {type(batch).__name__}")
    if isinstance(batch[0], JsonDataModel) or is_data_model(batch[0]):
        raise DataError(
            f"a generator of training data yields batches, got a single {type(batch[0]).__name__}; yield "
            "(np.array([x], dtype='object'), np.array([y], dtype='object')), or pass lists of all examples"
        )
    if not hasattr(batch[0], "__len__") or is_meta_class(batch[0]):
        raise DataError(f"a generator of training data yields batches, got {batch[0]!r} in the place of x")
    if not len(batch[0]):
        return []
    xs = rows_of(batch[0], "x of a batch", reader.as_input)
    with_targets = len(batch) == 2 and batch[1] is not None
    ys = rows_of(batch[1], "y of a batch", reader.as_target) if with_targets else [None] * len(xs)
    if len(xs) != len(ys):
        raise DataError(f"a batch of the generator has {len(xs)} inputs and {len(ys)} targets")
    return [Sample(first_index + i, x, y) for i, (x, y) in enumerate(zip(xs, ys, strict=True))]


Source = Samples | Stream


def source_of(x: object, y: object, reader: Reader, what: str = "x") -> Source:
    """Training data in any form that is accepted.

    Args:
        reader: the program the data are for, which reads dicts by the schemas of its inputs and outputs.
        what: what messages call `x`.

    Raises:
        DataError: numbers in place of data models, lengths that differ, nothing at all.
    """
    if holds_examples(x):
        xs = rows_of(x, what, reader.as_input)
        if y is None:
            ys: list[Any] = [None] * len(xs)
        else:
            ys = _targets(y, what.replace("x", "y"), len(xs), reader)
        return Samples([Sample(i, *pair) for i, pair in enumerate(zip(xs, ys, strict=True))])
    if isinstance(x, JsonDataModel) or is_data_model(x):
        raise DataError(
            f"{what} is a single {type(x).__name__}; give a list of examples, or np.array([...], dtype='object')"
        )
    if y is not None:
        raise DataError(f"{what} is a {type(x).__name__} that yields (x, y) batches, so y must not be given")
    if callable(x) or hasattr(x, "__iter__"):
        return Stream(x, reader)
    raise DataError(f"{what} must be an array or list of data models, or a generator of batches; got {x!r}")


def passing(
    source: Source, batch_size: int, at_most: int | None, order: Sequence[int] | None = None
) -> Iterator[list[Sample]]:
    """One pass of at most so many batches, with a warning where a stream ends before."""
    count = 0
    for batch in itertools.islice(source.batches(batch_size, order), at_most):
        count += 1
        yield batch
    if at_most is not None and count < at_most and isinstance(source, Stream):
        warn(
            f"the generator ended after {count} of {at_most} batches; what came is used. Pass a function that makes a "
            "new generator, or ask for fewer steps",
        )


def check_passes(source: Source | None, passes: int, what: str) -> None:
    """Refuse a generator that is to be gone through more often than it can be.

    Raises:
        DataError: before anything is paid for.
    """
    if isinstance(source, Stream) and source.once and passes > 1:
        raise DataError(
            f"{what} is a generator, which is used up after one pass, and {passes} are to come. Pass a function that "
            "makes a new generator, or a Dataset"
        )


def _targets(y: object, what: str, length: int, reader: Reader) -> list[Any]:
    found = rows_of(y, what, reader.as_target)
    if len(found) != length:
        raise DataError(f"x has {length} examples and {what} has {len(found)}; they are paired by position")
    return found


def shuffled(count: int, rng: np.random.Generator) -> list[int]:
    """A random order of `count` things."""
    return [int(i) for i in rng.permutation(count)]
