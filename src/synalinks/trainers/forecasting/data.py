"""The data of an estimated fit: exact counts, and examples to simulate with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from synalinks.errors import DataError
from synalinks.trainers.data.data import Samples, Source, Stream
from synalinks.trainers.data.rows import Reader
from synalinks.trainers.data.splitting import split_data
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.forecasting.shape import Shape

#: Batches of a stream that are kept for the simulation.
_KEPT_BATCHES = 64


@dataclass
class Data:
    """Training and validation samples: counts of all of them, and some examples.

    Attributes:
        shape: the exact counts.
        train, validation: examples as `(x, y)`; batches of them where the source is a stream.
        streams: whether each is one.
    """

    shape: Shape
    train: list[Any]
    validation: list[Any] = field(default_factory=list)
    streams: tuple[bool, bool] = (False, False)


def data_of(x: object, y: object, config: FitConfig, reader: Reader) -> Data:
    """Data and their exact counts, as the program that they are for reads them.

    Raises:
        DataError: an error of `fit`, or a generator, which can be read only once.
    """
    train, validation, _ = split_data(x, y, config, reader)
    if any(isinstance(source, Stream) and source.once for source in (train, validation)):
        raise DataError(
            "estimate reads the data, and a generator can be read only once. Pass a function that makes a new "
            "generator, or a Dataset"
        )
    train_examples, train_count, steps = _counted(train, config.batch_size, config.steps_per_epoch)
    size = config.validation_batch_size
    examples, count, validation_steps = _counted(validation, size, config.validation_steps)
    fixed = isinstance(validation, Samples)
    held = len(validation) if isinstance(validation, Samples) else 0
    batch = config.batch_size if isinstance(train, Samples) else math.ceil(train_count / max(1, steps))
    shape = Shape(
        train=train_count,
        steps=steps,
        batch=batch,
        validation=count,
        validation_steps=validation_steps,
        minibatch=min(config.minibatch_size or held, held) if fixed else batch,
        held=held,
        fixed=fixed,
    )
    return Data(shape, train_examples, examples, (isinstance(train, Stream), isinstance(validation, Stream)))


def _counted(source: Source | None, batch_size: int, at_most: int | None) -> tuple[list[Any], int, int]:
    """Examples, and the number of samples and batches of an epoch."""
    if source is None:
        return [], 0, 0
    if isinstance(source, Samples):
        batches = math.ceil(len(source) / batch_size)
        steps = batches if at_most is None else min(batches, at_most)
        return [(item.x, item.y) for item in source.items], min(len(source), steps * batch_size), steps
    kept: list[Any] = []
    samples = steps = 0
    for batch in islice(source.batches(batch_size), at_most):
        steps += 1
        samples += len(batch)
        if len(kept) < _KEPT_BATCHES:
            xs, ys = [sample.x for sample in batch], [sample.y for sample in batch]
            kept.append((xs,) if all(y is None for y in ys) else (xs, ys))
    return kept, samples, steps
