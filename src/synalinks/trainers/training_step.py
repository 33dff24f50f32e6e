"""One step of training.

A candidate is written into each variable; the batch runs (phase `train`) and its rewards are assigned by sample; a new
candidate is proposed (phase `optimizer`); old and new are scored on the same validation samples (phase `candidate`),
less what is already known; the best known candidate is left in the variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from statistics import fmean
from typing import Any

from synalinks import scope
from synalinks.data import Variable, tree
from synalinks.metrics import Mean
from synalinks.optimizers import Batch, Proposal, Step
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.few_shot.lexical_similarity import looked_at
from synalinks.optimizers.scored_predictions import Record, begin_step
from synalinks.optimizers.search import State
from synalinks.trainers.data.data import Sample, Samples
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.forward import scored, update_metrics
from synalinks.trainers.search.answering import answer
from synalinks.trainers.search.places import places_of


class TrainingStep:
    """The steps of a fit: `await step(epoch, number, batch, mean_reward)`.

    Args:
        parts: of the fit.
    """

    def __init__(self, parts: FitParts) -> None:
        self._parts = parts
        self._inputs: list[Any] | None = None  # made once: optimizers compare by identity
        self._places = places_of(parts.run.program, parts.variables)

    async def __call__(self, epoch: int, number: int, batch: list[Sample], mean_reward: Mean) -> None:
        """Train on a batch; `epoch` and `number` are counted from 0."""
        parts = self._parts
        optimizer, variables = parts.optimizer, parts.variables
        await parts.call_hook("on_batch_begin", number, epoch, variables)
        for variable in variables:
            begin_step(variable)
        parts.costs.count(steps=1, trained=len(batch))
        records, seen = await self._forward(epoch, batch, mean_reward)
        since = len(parts.run.ledger)
        view = cache(lambda path: self._view(epoch, number, path, records, batch, seen))
        with scope.enter(phase="optimizer"):
            proposals = await optimizer.proposals(variables, lambda variable: view(variable.path))
        parts.costs.count_optimizer(since)
        if proposals:
            await self._compare(proposals, self._minibatch(batch))
        with scope.enter(phase="optimizer"):
            await parts.call_hook("on_batch_end", number, epoch, variables)

    async def _forward(
        self, epoch: int, batch: list[Sample], mean_reward: Mean
    ) -> tuple[dict[str, list[Record]], Batch]:
        """Run the batch; gives the scored predictions of each variable, by its path, and the batch as run."""
        parts, run = self._parts, self._parts.run
        since = len(run.ledger)
        with scope.enter(phase="train"):
            predictions, rewards = await scored(run, batch, training=True)
        parts.costs.add_samples(since, len(batch))
        parts.costs.earmark(epoch, len(batch))
        records = parts.optimizer.assign_rewards(
            parts.variables, {sample.index: reward for sample, reward in zip(batch, rewards, strict=True)}
        )
        for reward in rewards:
            mean_reward.add(reward)
        await update_metrics(run.compiled, batch, predictions)
        return records, Batch([one.x for one in batch], [one.y for one in batch], predictions, rewards)

    async def _compare(self, proposals: Sequence[Proposal], samples: Sequence[Sample]) -> None:
        """Score the parents and the children of proposals on the same samples.

        The parents' state is made of the candidates of all variables, so its rewards are for all of them.
        """
        parts, states = self._parts, list[State]()
        measured: tuple[tuple[Mapping[int, Candidate], Sequence[Variable]], ...] = (
            ({id(one.variable): one.parent for one in proposals}, parts.variables),
            ({id(one.variable): one.child for one in proposals}, [one.variable for one in proposals]),
        )
        for candidates, variables in measured:
            for proposal in proposals:
                candidates[id(proposal.variable)].write_to(proposal.variable)
            states.append(state := State.of(parts.variables))
            answers, _ = await answer(parts, state, samples)
            for variable in variables:
                rewards = [one.reward for one in answers]
                parts.optimizer.add_scored(variable, state.candidates[variable.path], rewards)
        self._note(proposals, states[0], states[1], samples)

    def _note(self, proposals: Sequence[Proposal], parent: State, child: State, samples: Sequence[Sample]) -> None:
        """Note in the history what became of a child, measured against its parent on the same samples."""

        def rewards(state: State) -> list[float]:
            known = self._parts.memory.known(state)
            return [known[sample.index].reward for sample in samples if sample.index in known]

        others = [State({**parent.candidates, one.variable.path: one.other}) for one in proposals if one.other]
        before, after = fmean(rewards(parent)), fmean(rewards(child))
        outcome = "better" if after > before else "worse" if after < before else "no better"
        place = scope.current()
        self._parts.notes.add(
            child, outcome, [parent, *others], rewards, parent_reward=before, epoch=place.epoch, step=place.step
        )

    def _view(
        self, epoch: int, number: int, path: str, records: Mapping[str, list[Record]], batch: list[Sample], seen: Batch
    ) -> Step:
        """What a proposal may look at."""
        targets = {sample.index: tree.as_json(sample.target) for sample in batch}
        shown = [{**record, "target": targets[record["sample"]]} for record in records[path]]
        description = self._parts.run.program.description
        inputs, place = self._training_inputs(batch), self._places[path]
        return Step(epoch, number, shown, description, self._parts.rng, inputs, seen, place)

    def _training_inputs(self, batch: list[Sample]) -> list[Any]:
        """Inputs of the training samples; never those of the validation, which measures what is chosen by them."""
        import numpy as np  # only training needs it

        train = self._parts.data.train
        if not isinstance(train, Samples):
            return [tree.as_json(sample.x) for sample in batch]
        if self._inputs is None:
            rng = np.random.default_rng([self._parts.config.seed or 0, 2])
            self._inputs = [tree.as_json(sample.x) for sample in looked_at(train.items, rng)]
        return self._inputs

    def _minibatch(self, batch: list[Sample]) -> list[Sample]:
        """The samples that parent and child are compared on."""
        parts, size = self._parts, self._parts.config.minibatch_size
        if not isinstance(parts.data.validation, Samples):
            return batch
        items = parts.data.validation.items
        if size is None or size >= len(items):
            return items
        chosen = parts.rng.choice(len(items), size=size, replace=False)
        return [items[int(i)] for i in sorted(chosen)]
