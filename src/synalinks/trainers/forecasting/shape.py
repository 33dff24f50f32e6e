"""Shape: the sizes of a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

#: Factor by which a part is made smaller at each try.
_SHRINK = 0.8


@dataclass(frozen=True)
class Shape:
    """The sizes of a fit, per epoch.

    Attributes:
        train: training samples of an epoch. steps: its steps. batch: samples of a step.
        validation: samples of a validation. validation_steps: its batches.
        minibatch: samples on which two candidates are compared.
        held: samples that minibatches are drawn from.
        fixed: whether minibatches are drawn from validation samples in memory; else each is the batch itself.
    """

    train: int
    steps: int
    batch: int
    validation: int
    validation_steps: int
    minibatch: int
    held: int
    fixed: bool

    @property
    def passes(self) -> int:
        """Passes through the program in an epoch, at most."""
        return self.train + 2 * self.steps * self.minibatch + self.validation

    def part(self, minibatch_size: int | None, epochs: int, passes: int, least: int) -> Shape:
        """A part with the same fraction of all samples, of about `passes` passes in `epochs` epochs.

        Args:
            least: samples that are kept at the least, of training and of validation.
        """
        share, part = 1.0, self
        while part.passes * epochs > passes and (part.train > least or part.validation > least):
            share *= _SHRINK
            train = max(min(self.train, least), math.ceil(self.train * share))
            batch = min(self.batch, max(1, math.ceil(train / 2)))
            held = max(min(self.held, max(least, minibatch_size or 0)), math.ceil(self.held * share))
            validation = min(self.validation, held) if self.fixed else self._fewer(share)
            smaller = replace(
                self,
                train=train,
                batch=batch,
                steps=math.ceil(train / batch),
                held=held,
                validation=validation,
                minibatch=(min(minibatch_size or held, held) if self.fixed else batch),
            )
            if smaller == part and share < 1e-6:
                break
            part = smaller
        return part

    def _fewer(self, share: float) -> int:
        return math.ceil(self.validation * share)
