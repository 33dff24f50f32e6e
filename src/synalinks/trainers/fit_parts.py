"""FitParts: everything that the steps of one `fit` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from synalinks import session
from synalinks._support.calling import awaited
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.lm import BudgetTracker
from synalinks.optimizers import Optimizer
from synalinks.optimizers.search import Notes
from synalinks.trainers.budgeting.epoch_costs import EpochCosts
from synalinks.trainers.data.splitting import FitData
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.program_run import ProgramRun, RunnableProgram
from synalinks.trainers.search.memory import Memory

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class FitParts:
    """What the steps of one `fit` share.

    Attributes:
        run: the program, what scores it, and the ledger of its calls.
        optimizer, variables: what is trained, and how.
        config: its seed is never None.
        data: what is trained and validated on.
        rng: all randomness of this fit.
        memory: what was answered.
        costs: what the epochs cost.
        notes: what became of each candidate.
    """

    run: ProgramRun
    optimizer: Optimizer
    variables: Sequence[Variable]
    config: FitConfig
    data: FitData
    rng: np.random.Generator
    memory: Memory
    costs: EpochCosts
    notes: Notes = field(default_factory=Notes)

    @classmethod
    def of(
        cls, run: ProgramRun, optimizer: Optimizer, config: FitConfig, data: FitData, tracker: BudgetTracker | None
    ) -> FitParts:
        """The parts of a fit that begins.

        Args:
            tracker: of the fit's own budget, or None.

        Raises:
            ConfigurationError: the program has no trainable variables, or two of one path.
        """
        import numpy as np  # only training needs it

        seed = config.seed if config.seed is not None else session.get_setting("seed", session.DEFAULT_SEED)
        goes_on = config.seed is None and not config.hooks  # the steps of a loop are draws of one generator
        config = replace(config, seed=seed)
        return cls(
            run=run,
            optimizer=optimizer,
            variables=trained_variables(run.program),
            config=config,
            data=data,
            rng=optimizer.rng if goes_on else np.random.default_rng(seed),
            memory=Memory(),
            costs=EpochCosts(config, data, run.ledger, tracker),
        )

    async def call_hook(self, name: str, *arguments: object) -> None:
        """Call a hook of the optimizer, unless a loop of one's own calls them."""
        if self.config.hooks:
            await awaited(getattr(self.optimizer, name)(*arguments))


def trained_variables(program: RunnableProgram) -> list[Variable]:
    """The variables that a fit trains.

    Raises:
        ConfigurationError: there are none, or two of one path.
    """
    variables = program.trainable_variables
    if not variables:
        raise ConfigurationError(
            f"{program.name} has no trainable variables, so there is nothing to optimise. Is a Generator frozen "
            "(trainable=False), or a data model not derived from synalinks.Trainable?"
        )
    paths = [variable.path for variable in variables]
    if twice := {path for path in paths if paths.count(path) > 1}:
        raise ConfigurationError(f"two variables have the path {min(twice)!r}; give their modules other names")
    return variables
