"""What a `fit` trains on and what it validates on."""

from __future__ import annotations

from typing import Any

from synalinks.errors import DataError
from synalinks.trainers.data.data import Samples, Source, check_seed, check_sizes, source_of
from synalinks.trainers.fit_config import FitSettings


def split_data(where: str, x: Any, y: Any, settings: FitSettings) -> tuple[Source, Source | None]:
    """Training and validation data of the arguments of `fit`.

    Args:
        where: what messages call the method.

    Raises:
        ConfigurationError: sizes or a seed that are no whole numbers, or too small.
        DataError: a fraction out of range, something that is no pair, or data of the wrong kind.
    """
    check_sizes(
        where,
        batch_size=settings.batch_size,
        minibatch_size=settings.minibatch_size,
        steps_per_epoch=settings.steps_per_epoch,
        validation_steps=settings.validation_steps,
        validation_batch_size=settings.validation_batch_size,
        validation_freq=settings.validation_freq,
    )
    check_seed(settings.seed)
    train, split, given = source_of(x, y), settings.validation_split, settings.validation_data
    if not isinstance(split, (int, float)) or not 0.0 <= split < 1.0:
        raise DataError(f"validation_split={split!r}: a fraction from 0 (none) up to, but below, 1")
    if given is not None:
        if isinstance(given, (tuple, list)):
            if len(given) != 2:
                raise DataError(f"validation_data is a pair (x, y), got {len(given)} parts")
            return train, source_of(given[0], given[1], "validation x")
        return train, source_of(given, None, "validation x")
    if split and isinstance(train, Samples):
        first, last = train.split(split)
        return first, last if len(last) else None
    return train, None
