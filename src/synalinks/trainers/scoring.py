"""Scoring candidates on validation samples: the program is called only where the reward is not known yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from synalinks import scope
from synalinks.data import Variable
from synalinks.optimizers.candidates import Candidate
from synalinks.trainers.data.data import Sample
from synalinks.trainers.forward import check_provider_available, forward, rewards_of
from synalinks.trainers.program_run import ProgramRun


class Scores:
    """Rewards by state of the program and sample. A state is what all trainable variables hold."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int, float]] = {}

    def state(self, variables: Sequence[Variable]) -> str:
        """The name of the state that the variables are in."""
        return " ".join(Candidate.of(variable).key for variable in variables)

    def unknown(self, state: str, samples: Sequence[Sample]) -> list[Sample]:
        """The samples that this state has not been scored on."""
        known: Mapping[int, float] = self._known.get(state, {})
        return [sample for sample in samples if sample.index not in known]

    def add(self, state: str, samples: Sequence[Sample], rewards: Sequence[float]) -> None:
        """Keep the rewards of a state; shapes: `(samples,)` each."""
        known = self._known.setdefault(state, {})
        known.update((sample.index, float(reward)) for sample, reward in zip(samples, rewards, strict=True))

    def get_state(self) -> list[Any]:
        """What is known, as JSON."""
        return [[state, [[index, reward] for index, reward in known.items()]] for state, known in self._known.items()]

    def set_state(self, state: Sequence[Any]) -> None:
        """Go on from what `get_state` gave, and nothing else."""
        self._known = {name: dict(known) for name, known in state}

    def keep_only(self, pools: Sequence[Collection[str]]) -> None:
        """Drop states that can't come back, so that memory does not grow with the epochs.

        Args:
            pools: for each variable, the keys of the candidates that it may hold again.
        """
        self._known = {
            state: known
            for state, known in self._known.items()
            if all(key in pooled for key, pooled in zip(state.split(" "), pools, strict=True))
        }


async def score(
    run: ProgramRun, variables: Sequence[Variable], samples: Sequence[Sample], scores: Scores
) -> list[float]:
    """Rewards of the program as it is on those of the samples that it was not scored on before."""
    state = scores.state(variables)
    new = scores.unknown(state, samples)
    if not new:
        return []
    since = len(run.ledger)
    with scope.enter(phase="candidate"):
        predictions = await forward(run, new)
        check_provider_available(predictions, run.ledger, since)
        rewards = await rewards_of(run, new, predictions)
    scores.add(state, new, rewards)
    return rewards
