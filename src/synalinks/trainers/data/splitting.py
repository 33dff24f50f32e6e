"""FitData: what a `fit` trains on and what it validates on."""

from __future__ import annotations

import logging
from typing import NamedTuple

from synalinks.errors import DataError
from synalinks.trainers.data.data import Samples, Source, source_of
from synalinks.trainers.data.rows import Reader
from synalinks.trainers.fit_config import DEFAULT_SPLIT, FitConfig

_log = logging.getLogger("synalinks")


class FitData(NamedTuple):
    """Training data; validation data and test data, or None."""

    train: Source
    validation: Source | None
    test: Source | None = None


def split_data(x: object, y: object, config: FitConfig, reader: Reader) -> FitData:
    """Training and validation data of the arguments of `fit`, for the program that reads them.

    Raises:
        DataError: `validation_data` or `test_data` that is no pair, data of the wrong kind, or a split of batches.
    """
    train, split = source_of(x, y, reader), config.validation_split
    test = _pair(config.test_data, "test", reader)
    if config.validation_data is not None:
        return FitData(train, _pair(config.validation_data, "validation", reader), test)
    if isinstance(train, Samples) and split:
        first, last = train.split(split)
        return FitData(first, last if len(last) else None, test)
    if split:
        _refuse_split(x, split)
    return FitData(train, None, test)


def _refuse_split(x: object, split: float) -> None:
    """Say that batches can't be split: in the log, where the fraction is the default.

    Raises:
        DataError: another fraction was asked for.
    """
    whole = "x, y = dataset.materialize()" if hasattr(x, "materialize") else "lists or arrays of all examples"
    words = (
        f"validation_split={split} can't be taken from a {type(x).__name__}, whose length is known at its end only. "
        f"Give validation_data=..., or {whole}; validation_split=0 trains without validation"
    )
    if split != DEFAULT_SPLIT:
        raise DataError(words)
    _log.warning("%s, as this one does", words)


def _pair(given: object, what: str, reader: Reader) -> Source | None:
    """Samples of a pair `(x, y)`, or of one source of both."""
    if given is None:
        return None
    if isinstance(given, (tuple, list)):
        if len(given) != 2:
            raise DataError(f"{what}_data is a pair (x, y), got {len(given)} parts")
        return source_of(given[0], given[1], reader, f"{what} x")
    return source_of(given, None, reader, f"{what} x")
