"""SearchPlan: how many calls a search has, and where its epochs end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from synalinks._base.warning import warn
from synalinks.errors import DataError
from synalinks.trainers.data.data import Samples
from synalinks.trainers.data.splitting import FitData
from synalinks.trainers.fit_config import FitConfig

#: The part of all calls so far that a validation before the last epoch may take.
SHARE = 0.1
#: The part of all calls that the last validation may take.
MOST = 0.5


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """The calls of a search.

    An epoch is so many calls: `steps_per_epoch` batches where that is given, else the calls of one pass through the
    training and the validation samples. With `fit(calls=...)` and one epoch there are as many epochs as those calls
    make; with several, the calls are divided among them.

    Attributes:
        total: calls of the whole fit.
        epochs: the epochs of the fit.
        first: the first of them.
        validating: calls of a validation; 0 where there is none.
    """

    total: int
    epochs: int
    first: int
    validating: int

    @classmethod
    def of(cls, config: FitConfig, data: FitData) -> SearchPlan:
        """The plan of a fit.

        Raises:
            DataError: training data that come as a stream, of which no sample can be chosen.
        """
        if not isinstance(data.train, Samples):
            raise DataError(
                "this optimizer chooses the samples that it runs, and a generator gives them in an order of its own: "
                "pass x and y as arrays or lists"
            )
        validating = len(data.validation) if isinstance(data.validation, Samples) else 0
        if config.validation_steps is not None:
            validating = min(validating, config.validation_steps * config.validation_batch_size)
        return cls.of_counts(config, len(data.train), validating)

    @classmethod
    def of_counts(cls, config: FitConfig, training: int, validating: int) -> SearchPlan:
        """The plan of a fit on so many samples, with so many calls a validation."""
        one = training + validating
        if config.steps_per_epoch is not None:
            one = config.steps_per_epoch * config.batch_size
        total, epochs, first = config.calls or one * config.span, config.epochs, config.initial_epoch
        if config.calls is not None and config.span == 1:
            epochs = first + max(1, config.calls // one)
        if validating > total * MOST:
            warn(
                f"a validation takes {validating} of the {total} calls of this fit, more than half: there is none. "
                "Give fit(calls=...) more calls, or less validation data",
            )
            validating = 0
        return cls(total, epochs, first, validating)

    def config(self, config: FitConfig) -> FitConfig:
        """The settings of the fit with the epochs of this plan."""
        return replace(config, epochs=self.epochs)

    def end_of(self, epoch: int) -> int:
        """The calls at which an epoch ends."""
        span = self.epochs - self.first
        return -(-self.total * (epoch - self.first + 1) // span)

    def affords(self, used: int) -> bool:
        """Whether a validation before the last epoch's can be afforded after so many calls."""
        return 0 < self.validating <= used * SHARE
