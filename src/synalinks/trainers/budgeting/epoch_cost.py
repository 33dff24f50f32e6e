"""EpochCost: what one epoch took; EpochSizes: how many calls of the program the next one will make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from synalinks.lm import Amount
from synalinks.trainers.budgeting.amounts import amount_from_dict, amount_to_dict
from synalinks.trainers.data.data import Samples
from synalinks.trainers.data.splitting import FitData
from synalinks.trainers.fit_config import FitConfig


@dataclass(frozen=True, slots=True)
class EpochCost:
    """What one epoch took.

    Attributes:
        charged: what the budgets were charged.
        seconds: wall-clock time.
        steps: steps begun.
        trained, scored, validated: calls of the program on training samples, for candidates, in validation.
    """

    charged: Amount
    seconds: float
    steps: int
    trained: int
    scored: int
    validated: int

    @property
    def program_calls(self) -> int:
        """Calls of the program, of whatever kind."""
        return self.trained + self.scored + self.validated

    @property
    def scored_a_step(self) -> Fraction:
        """Calls of the program for candidates, per step."""
        return Fraction(self.scored, self.steps) if self.steps else Fraction(0)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "charged": amount_to_dict(self.charged)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> EpochCost:
        """What `to_dict` wrote."""
        return cls(**{**value, "charged": amount_from_dict(value["charged"])})


@dataclass(frozen=True, slots=True)
class EpochSizes:
    """Steps and samples of an epoch.

    Of a stream's length is known what its last pass gave.

    Attributes:
        config, data: of the fit.
        last: the epoch before, or None.
    """

    config: FitConfig
    data: FitData
    last: EpochCost | None

    @property
    def training(self) -> tuple[int, int] | None:
        """Steps and training samples; None where that is not known."""
        train, config = self.data.train, self.config
        if not isinstance(train, Samples):
            return None if self.last is None else (self.last.steps, self.last.trained)
        steps = -(-len(train) // config.batch_size)
        if config.steps_per_epoch is not None:
            steps = min(steps, config.steps_per_epoch)
        return steps, min(len(train), steps * config.batch_size)

    def validating(self, epoch: int) -> int:
        """Validation samples; 0 where there are none or their number is not known."""
        validation, config = self.data.validation, self.config
        if validation is None or not config.ends_with_validation(epoch):
            return 0
        if not isinstance(validation, Samples):
            return 0 if self.last is None else self.last.validated
        if config.validation_steps is None:
            return len(validation)
        return min(len(validation), config.validation_steps * config.validation_batch_size)

    def most_calls(self, batch: int, validating: int) -> int:
        """The most calls of the program in a step; `batch` is its size."""
        steps, trained = self.training or (1, batch)
        return trained + 2 * steps * self._compared(batch) + validating

    def calls_of_step(self, batch: int, validating: int) -> int:
        """The most calls of the program and the optimizer in a step and the validation; a proposal is one."""
        return batch + 2 * self._compared(batch) + validating + 1

    def _compared(self, batch: int) -> int:
        """Samples that parent and child are compared on."""
        if not isinstance(self.data.validation, Samples):
            return batch
        held = len(self.data.validation)
        return min(self.config.minibatch_size or held, held)
