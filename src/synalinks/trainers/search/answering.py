"""Answering: the one way in which candidates are evaluated, by the steps of a training and by a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synalinks import scope
from synalinks._json import JsonObject
from synalinks.data import Variable, tree
from synalinks.optimizers.scored_predictions import Predictions
from synalinks.optimizers.search import Answer, State
from synalinks.rewards.score import feedback_of
from synalinks.trainers.data.data import Sample
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.forward import scored


def unknown(parts: FitParts, state: State, samples: Sequence[Sample]) -> list[Sample]:
    """Those of the samples that a state has not answered, each once."""
    known = parts.memory.known(state)
    return [sample for sample in {one.index: one for one in samples}.values() if sample.index not in known]


async def answer(parts: FitParts, state: State, samples: Sequence[Sample]) -> tuple[list[Answer], list[Any]]:
    """Run the program in a state on those of the samples that it has not answered, in phase `candidate`.

    Those of a search have the outputs, and what each trained module made of the sample.

    Returns:
        The new answers, which the memory has from now on, and their predictions; shapes: `(new,)` each.
    """
    variables, whole = parts.variables, parts.optimizer.searches
    state.write_to(variables)
    new = [one for one in unknown(parts, state, samples) if parts.memory.again(state, one.index) is None]
    if not new:
        return [], []
    if whole:
        for variable in variables:
            variable.get_json()["current_predictions"] = Predictions()
    with scope.enter(phase="candidate"):
        predictions, rewards = await scored(parts.run, new, training=whole)
    parts.costs.count(scored=len(new))
    records = {variable.path: _records(variable) for variable in variables} if whole else {}
    answers = [
        Answer(
            sample.index,
            float(reward),
            feedback_of(reward),
            tree.as_json(prediction) if whole else None,
            {path: by[sample.index] for path, by in records.items() if sample.index in by},
        )
        for sample, reward, prediction in zip(new, rewards, predictions, strict=True)
    ]
    parts.memory.add(state, answers)
    return answers, predictions


def _records(variable: Variable) -> dict[int, list[JsonObject]]:
    """What the variable's module recorded, by sample."""
    value, found = variable.get_json(), dict[int, list[JsonObject]]()
    for record in value["current_predictions"]:
        if (sample := record.get("sample")) is not None:
            found.setdefault(sample, []).append({"inputs": record["inputs"], "outputs": record["outputs"]})
    value["current_predictions"] = Predictions()
    return found
