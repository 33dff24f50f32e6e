"""FitData: what a `fit` trains on and what it validates on."""

from __future__ import annotations

from typing import Any, NamedTuple

from synalinks.errors import DataError
from synalinks.trainers.data.data import Samples, Source, source_of
from synalinks.trainers.data.rows import Reader
from synalinks.trainers.fit_config import FitConfig


class FitData(NamedTuple):
    """Training data, and validation data or None."""

    train: Source
    validation: Source | None


def split_data(x: Any, y: Any, config: FitConfig, reader: Reader) -> FitData:
    """Training and validation data of the arguments of `fit`, for the program that reads them.

    Raises:
        DataError: `validation_data` that is no pair, or data of the wrong kind.
    """
    train, split, given = source_of(x, y, reader=reader), config.validation_split, config.validation_data
    if given is not None:
        if isinstance(given, (tuple, list)):
            if len(given) != 2:
                raise DataError(f"validation_data is a pair (x, y), got {len(given)} parts")
            return FitData(train, source_of(given[0], given[1], "validation x", reader))
        return FitData(train, source_of(given, None, "validation x", reader))
    if split and isinstance(train, Samples):
        first, last = train.split(split)
        return FitData(first, last if len(last) else None)
    return FitData(train, None)
