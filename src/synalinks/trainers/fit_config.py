"""The arguments of `fit` that decide what it costs, as one value."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from typing import Any

from synalinks.errors import ConfigurationError

#: Arguments of `fit` that change nothing of what it asks, and may be passed all the same.
WITHOUT_COST = frozenset({"verbose", "callbacks", "budget", "resume"})


@dataclass(frozen=True)
class FitSettings:
    """Arguments of `fit`, see there."""

    batch_size: int = 1
    minibatch_size: int | None = 4
    epochs: int = 1
    validation_split: float = 0.1
    validation_data: Any = None
    shuffle: bool = True
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    validation_steps: int | None = None
    validation_batch_size: int = 32
    validation_freq: int = 1
    seed: int | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> FitSettings:
        """From keyword arguments of `fit`.

        Raises:
            ConfigurationError: an argument that `fit` doesn't have.
        """
        names = [field.name for field in fields(cls)]
        for name in given:
            if name not in names and name not in WITHOUT_COST:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise ConfigurationError(f"estimate({name}=...): fit has no such argument; {hint}It takes {names}")
        return cls(**{name: value for name, value in given.items() if name in names})

    @property
    def span(self) -> int:
        """Epochs to run."""
        return max(0, self.epochs - self.initial_epoch)

    def validates(self, number: int) -> bool:
        """Whether the epoch of this number, counted from the first one to run, ends with a validation."""
        return (self.initial_epoch + number + 1) % self.validation_freq == 0

    def simulated(self, epochs: int) -> dict[str, Any]:
        """The arguments for a fit of so many epochs on data given apart; one of them validates if any of all does."""
        freq = self.validation_freq
        if epochs < self.span or self.initial_epoch:
            freq = min(freq, epochs) if any(map(self.validates, range(self.span))) else epochs + 1
        return {
            "minibatch_size": self.minibatch_size,
            "epochs": epochs,
            "shuffle": self.shuffle,
            "validation_batch_size": self.validation_batch_size,
            "validation_freq": freq,
            "seed": self.seed,
            "verbose": 0,
        }

    def words(self, samples: int) -> str:
        """`3 epochs of 100 samples`."""
        return f"{self.span:,} {'epoch' if self.span == 1 else 'epochs'} of {samples:,} samples"

    def identity(self, train: int, validation: int) -> dict[str, Any]:
        """What a fit has to have in common with the one that a forecast was made for."""
        return {
            "epochs": self.span,
            "training samples": train,
            "validation samples": validation,
            "batch_size": self.batch_size,
            "minibatch_size": self.minibatch_size,
            "validation_freq": self.validation_freq,
        }
