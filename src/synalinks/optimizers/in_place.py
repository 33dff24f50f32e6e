"""InPlace: what optimizers use that write new candidates into the variables themselves.

An optimizer of one's own writes `propose`, which returns new values. It may as well write `propose_new_candidates`,
which changes variables: the trainer compares each variable with what it was before. The methods here serve such
optimizers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synalinks import session
from synalinks._json import Json, JsonObject
from synalinks._support.calling import awaited, check_takes, taken
from synalinks._support.copying import Copyable
from synalinks.data import BOOKKEEPING, DataModel, JsonDataModel, Variable
from synalinks.errors import ConfigurationError
from synalinks.initializers import Empty
from synalinks.optimizers.candidates import SCORES, Candidate
from synalinks.optimizers.proposals import Batch, Proposal, Step

if TYPE_CHECKING:
    import numpy as np

#: Methods that a training calls, and the arguments of each.
HOOKS = {
    "build": ("trainable_variables",),
    "on_train_begin": ("trainable_variables",),
    "on_train_end": ("trainable_variables",),
    "on_epoch_begin": ("epoch", "trainable_variables"),
    "on_epoch_end": ("epoch", "trainable_variables"),
    "on_batch_begin": ("step", "epoch", "trainable_variables"),
    "on_batch_end": ("step", "epoch", "trainable_variables"),
    "propose_new_candidates": ("step", "trainable_variables"),
    "select_variable_name_to_update": ("trainable_variables",),
}
#: Methods of other optimizers that have no part in this training, and what has.
NEVER_CALLED = {
    "optimize": "propose_new_candidates, or `async def search(self, problem)` to drive the whole training",
    "assign_reward_to_predictions": "observe_training_batch: rewards are assigned by sample before it is called",
}
#: Seed of an optimizer's randomness outside of a training, where the session has none.
SEED = 123


class InPlace(Copyable):
    """State and helpers of an optimizer during a training.

    Attributes:
        program: what is trained; None before `compile`.
        built: whether `build` was called.
        in_own_loop: whether a loop of one's own has begun a training by `on_train_begin`, and has not ended it.
    """

    name: str
    progress: Variable

    if TYPE_CHECKING:

        def add_scored(self, variable: Variable, candidate: Candidate, rewards: Sequence[float]) -> None: ...

    def __init__(self) -> None:
        self.program: Any = None
        self.built = False
        self.in_own_loop = False
        self._built_for: list[str] = []
        self._rng: np.random.Generator | None = None
        self._view: Callable[[Variable], Step] | None = None
        self._added: list[Variable] = []
        #: The second parents of this step's crossovers, by path of the variable.
        self._crossed: dict[str, Candidate] = {}

    def __getstate__(self) -> dict[str, Any]:
        alone = {"program": None, "in_own_loop": False, "_rng": None, "_view": None}  # a copy is in no training
        return {**vars(self), **alone}

    def set_program(self, program: Any) -> None:
        """Set `program`."""
        self.program = program

    def check_hooks(self) -> None:
        """Refuse a subclass whose methods do not take what they are called with, or are never called.

        Raises:
            ConfigurationError: saying what to write.
        """
        kind = type(self)
        for name, wanted in HOOKS.items():
            check_takes(getattr(self, name), wanted, f"{kind.__name__}.{name}")
        for name, instead in NEVER_CALLED.items():
            if hasattr(kind, name):
                raise ConfigurationError(f"{kind.__name__}.{name} would never be called; write {instead}")

    # --- its state -----------------------------------------------------------------------------------------------

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own state, saved with the program."""
        return [self.progress, *self._added]

    @property
    def iterations(self) -> int:
        """Steps taken."""
        return int(self.progress.get("iterations"))

    @property
    def epochs(self) -> int:
        """Epochs completed."""
        return int(self.progress.get("epochs"))

    @property
    def rng(self) -> np.random.Generator:
        """The only source of randomness: that of the fit under way, else one of the session's seed."""
        if self._rng is None:
            import numpy as np  # only training needs it

            self._rng = np.random.default_rng(session.get_setting("seed", SEED))
        return self._rng

    @rng.setter
    def rng(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def add_variable(
        self,
        initializer: Callable[[], Any] | Mapping[str, Json] | None = None,
        data_model: object = None,
        name: str | None = None,
    ) -> Variable:
        """A variable of the optimizer's own, saved with the program and restored by `fit(resume=...)`.

        Args:
            initializer: its first value, or what makes it; the defaults of the data model where None.
            data_model: its schema.
            name: automatic where None; another one for each.

        Raises:
            ConfigurationError: no schema, a field without a default and no initializer, or a name that is taken.
        """
        first = Empty(data_model=data_model) if initializer is None else initializer
        variable = Variable(first, data_model=data_model, trainable=False, name=name)
        if variable.path in {known.path for known in self.variables}:
            raise ConfigurationError(f"the optimizer {self.name!r} has a variable {variable.path!r} already")
        self._added.append(variable)
        return variable

    # --- a step ------------------------------------------------------------------------------------------------------

    async def build(self, trainable_variables: Sequence[Variable]) -> None:
        """Make what depends on the variables; called once for the variables that are trained, before the first call."""

    def view(self, variable: Variable) -> Step:
        """What the step under way shows of a variable; nothing outside of a step."""
        if self._view is None:
            return Step(0, 0, [], "", self.rng)
        return self._view(variable)

    def observe_training_batch(
        self, x: Any = None, y: Any = None, y_pred: Any = None, rewards: Sequence[float] | None = None
    ) -> Any:
        """Called with each batch and its rewards, before candidates are proposed."""

    async def proposals(self, variables: Sequence[Variable], view: Callable[[Variable], Step]) -> list[Proposal]:
        """What `propose_new_candidates` changes: a proposal for each variable that differs from what it was.

        Args:
            view: what the step shows of a variable.
        """
        parents = [Candidate.of(variable) for variable in variables]
        step = view(variables[0])
        batch = given(step.batch)
        self._view, self._crossed = view, {}
        try:
            await awaited(self.observe_training_batch(**taken(self.observe_training_batch, batch)))
            propose = self.propose_new_candidates
            await awaited(propose(step.step, variables, **taken(propose, {**batch, "training": True})))
        finally:
            self._view = None
        children = [Candidate.of(variable) for variable in variables]
        return [
            Proposal(variable, parent, child, self._crossed.get(variable.path))
            for variable, parent, child in zip(variables, parents, children, strict=True)
            if child.key != parent.key
        ]

    async def propose_new_candidates(
        self,
        step: int,
        trainable_variables: Sequence[Variable],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        rewards: Sequence[float] | None = None,
        training: bool = False,
    ) -> None:
        """Write new candidates into the fields of variables; those left as they are get none.

        Args:
            step: counted from 0.
            x, y, y_pred, rewards: of the batch; see `Batch`.
            training: True in a training.
        """
        raise ConfigurationError(f"{type(self).__name__} does not define `async def propose_new_candidates(...)`")

    # --- candidates --------------------------------------------------------------------------------------------------

    async def assign_candidate(
        self,
        trainable_variable: Variable,
        new_candidate: Mapping[str, Json] | DataModel | JsonDataModel | None = None,
        examples: Sequence[Mapping[str, Json]] | None = None,
    ) -> None:
        """Write a candidate, or examples alone, into the fields of a variable; None changes nothing."""
        values = values_of(new_candidate) or {}
        trainable_variable.update(values if examples is None else {**values, "examples": list(examples)})

    async def maybe_add_candidate(
        self,
        step: int,
        trainable_variable: Variable,
        new_candidate: Mapping[str, Json] | DataModel | JsonDataModel | None = None,
        examples: Sequence[Mapping[str, Json]] | None = None,
        reward: float | None = None,
        weight: int = 1,
    ) -> None:
        """Add the reward of so many samples to a candidate: the one given, or the one that the variable has now.

        The trainer does so for the candidates it compares; this is for measurements of one's own.
        """
        candidate = Candidate.of(trainable_variable)
        values = values_of(new_candidate) or {}
        changed = candidate.with_fields(values if examples is None else {**values, "examples": list(examples)})
        if reward is not None:
            self.add_scored(trainable_variable, changed, [reward] * weight)

    async def select_candidate_to_merge(self, step: int, trainable_variable: Variable) -> JsonObject | None:
        """One of the best candidates, each as likely; None before the first is known."""
        best: list[JsonObject] = trainable_variable.get("best_candidates")
        return best[int(self.rng.integers(len(best)))] if best else None


def given(batch: Batch) -> dict[str, Any]:
    """A batch as keyword arguments."""
    return {"x": batch.x, "y": batch.y, "y_pred": batch.y_pred, "rewards": batch.rewards}


def values_of(found: Mapping[str, Json] | DataModel | JsonDataModel | None) -> JsonObject | None:
    """The fields of a candidate in whatever form, without its scores and the bookkeeping of the variable."""
    if found is None:
        return None
    values: Mapping[str, Json] = found if isinstance(found, Mapping) else found.get_json()
    dropped = {*SCORES, *BOOKKEEPING} - {"examples"}
    return {name: value for name, value in values.items() if name not in dropped}
