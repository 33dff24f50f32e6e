"""FitConfig: the arguments of `fit`, checked, as one value."""

from __future__ import annotations

import difflib
import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Literal

from synalinks.callbacks import BudgetStopping, Callback
from synalinks.errors import ConfigurationError, DataError
from synalinks.lm import Budget
from synalinks.trainers.distributing import Distribution

Verbose = Literal["auto", 0, 1, 2]
#: A budget, or an amount in dollars made into one.
Cap = Budget | Decimal | float | str

#: The last fraction of the samples that is for validation.
DEFAULT_SPLIT = 0.1
#: Settings that are no arguments of `fit`.
OF_TRAIN_ON_BATCH = ("first_step", "hooks")


@dataclass(frozen=True)
class FitConfig:
    """The arguments of `fit` beside its examples; `Trainer.fit` documents them.

    Raises:
        ConfigurationError: a size that is no whole number of at least 1, or a seed below 0.
        DataError: a `validation_split` outside [0, 1).

    Example:
        >>> from synalinks.trainers.fit_config import FitConfig
        >>> FitConfig(epochs=3, validation_freq=2).validations
        1
        >>> FitConfig(batch_size=0)
        Traceback (most recent call last):
        synalinks.errors.ConfigurationError: fit(batch_size=0): a whole number of at least 1 is needed
    """

    batch_size: int = 1
    minibatch_size: int | None = 4
    epochs: int = 1
    verbose: Verbose = "auto"
    callbacks: Sequence[Callback] | None = None
    validation_split: float = DEFAULT_SPLIT
    validation_data: Any = None
    shuffle: bool = True
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    validation_steps: int | None = None
    validation_batch_size: int = 32
    validation_freq: int = 1
    seed: int | None = None
    budget: Cap | None = None
    resume: bool | str | os.PathLike[str] = False
    calls: int | None = None
    test_data: Any = None
    max_failed_share: float = 0.5
    distribution: Distribution | None = None
    first_step: int = 0  # of the steps' numbers; `train_on_batch` sets it
    hooks: bool = True  # those of the optimizer are called; `train_on_batch` sets it

    def __post_init__(self) -> None:
        check_sizes(
            "fit",
            batch_size=self.batch_size,
            epochs=self.epochs,
            minibatch_size=self.minibatch_size,
            steps_per_epoch=self.steps_per_epoch,
            validation_steps=self.validation_steps,
            validation_batch_size=self.validation_batch_size,
            validation_freq=self.validation_freq,
            calls=self.calls,
        )
        if self.epochs is None:
            raise ConfigurationError("fit(epochs=None): a whole number of at least 1 is needed")
        check_seed(self.seed)
        share = self.max_failed_share
        if not isinstance(share, (int, float)) or not 0.0 <= share <= 1.0:
            raise ConfigurationError(f"fit(max_failed_share={share!r}): a share of the calls, from 0 to 1 (never stop)")
        split = self.validation_split
        if not isinstance(split, (int, float)) or not 0.0 <= split < 1.0:
            raise DataError(f"validation_split={split!r}: a fraction from 0 (none) up to, but below, 1")

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str = "estimate") -> FitConfig:
        """A config of keyword arguments.

        Args:
            where: the method that got them, for messages.

        Raises:
            ConfigurationError: an argument that `fit` doesn't have.
        """
        names = [field.name for field in fields(cls) if field.name not in OF_TRAIN_ON_BATCH]
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"did you mean {near[0]}? " if near else ""
                raise ConfigurationError(f"{where}({name}=...): fit has no such argument; {hint}It takes {names}")
        return cls(**given)

    # --- epochs ------------------------------------------------------------------------------------------

    @property
    def span(self) -> int:
        """Epochs to run."""
        return max(0, self.epochs - self.initial_epoch)

    @property
    def validations(self) -> int:
        """Epochs that end with a validation."""
        return self.epochs // self.validation_freq - self.initial_epoch // self.validation_freq

    def ends_with_validation(self, epoch: int) -> bool:
        """Whether an epoch, counted from 0, ends with a validation."""
        return (epoch + 1) % self.validation_freq == 0

    def validates(self, number: int) -> bool:
        """Whether an epoch, counted from the first one to run, ends with a validation."""
        return self.ends_with_validation(self.initial_epoch + number)

    # --- budgets -----------------------------------------------------------------------------------------

    @property
    def budgets(self) -> list[Cap]:
        """The budgets of this fit: `budget`, then those of `BudgetStopping` callbacks."""
        stopping = [callback.budget for callback in self.callbacks or () if isinstance(callback, BudgetStopping)]
        return [*([] if self.budget is None else [self.budget]), *stopping]

    # --- forecasts ---------------------------------------------------------------------------------------

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


def check_sizes(where: str, **sizes: int | None) -> None:
    """Refuse sizes that are no whole numbers, or below 1; None passes.

    Raises:
        ConfigurationError: naming the argument.
    """
    for name, value in sizes.items():
        if value is None:
            continue
        try:
            small = isinstance(value, bool) or operator.index(value) < 1
        except TypeError:
            small = True
        if small:
            raise ConfigurationError(f"{where}({name}={value!r}): a whole number of at least 1 is needed")


def check_seed(seed: Any) -> None:
    """Refuse what NumPy takes no seed from.

    Raises:
        ConfigurationError: neither None nor a whole number, 0 or above.
    """
    try:
        wrong = seed is not None and operator.index(seed) < 0
    except TypeError:
        wrong = True
    if wrong:
        raise ConfigurationError(f"seed={seed!r}: a seed is a whole number, 0 or above, or None for the session's")
