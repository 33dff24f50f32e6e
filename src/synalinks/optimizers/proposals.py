"""Step, Batch and Proposal: what an optimizer is given in a step of training, and what it makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synalinks.data import Variable
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.scored_predictions import Record

if TYPE_CHECKING:
    import numpy as np

    from synalinks.optimizers.search.problem import Place


@dataclass(frozen=True, slots=True)
class Batch:
    """The samples of a step, with what the program made of them. Shapes: `(batch,)` each.

    Attributes:
        x, y: inputs and targets, data models or structures of them; a target is None where there is none.
        y_pred: predictions, None where a call failed for good.
        rewards: of the predictions, in [0, 1].

    Example:
        >>> synalinks.optimizers.Batch(rewards=[1.0, 0.0]).rewards
        [1.0, 0.0]
    """

    x: Sequence[Any] = ()
    y: Sequence[Any] = ()
    y_pred: Sequence[Any] = ()
    rewards: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """The inputs of a proposal.

    Attributes:
        epoch, step: where training is, from 0.
        records: this step's scored predictions of the variable, in order of samples: `inputs`, `outputs`, `reward`,
            `sample` and the sample's `target` (JSON, or None).
        description: the program's description.
        rng: the only source of randomness.
        training_inputs: inputs of the training samples, or of 400 drawn ones, JSON; of the batch, where the data are a
            stream; empty where they are unknown. The same object as long as they are the same.
        batch: the samples themselves.
        place: of the variable's module in the program, or None where it is not known.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> step = synalinks.optimizers.Step(epoch=0, step=2, records=[], description="Answers.", rng=rng)
        >>> step.epoch, step.step, step.training_inputs
        (0, 2, ())
    """

    epoch: int
    step: int
    records: Sequence[Record]
    description: str
    rng: np.random.Generator
    training_inputs: Sequence[Any] = ()
    batch: Batch = Batch()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A new candidate for one variable, and the one it came from.

    Attributes:
        parent: what the child is compared with.
        other: the second parent of a crossover.

    Example:
        >>> from synalinks.optimizers import Candidate, Proposal
        >>> variable = synalinks.Variable({"instructions": "Answer."}, data_model=synalinks.Instructions, name="state")
        >>> parent = Candidate.of(variable)
        >>> proposal = Proposal(variable, parent, parent.with_fields({"instructions": "Be brief."}))
        >>> proposal.child.learnable
        {'instructions': 'Be brief.'}
    """

    variable: Variable
    parent: Candidate
    child: Candidate
    other: Candidate | None = None
