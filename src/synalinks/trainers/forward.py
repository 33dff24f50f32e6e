"""One pass of a batch through a program: each sample a task, in the place it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synalinks import scope
from synalinks._concurrency import run_all
from synalinks.data import tree
from synalinks.errors import LMUnavailable
from synalinks.lm import Ledger, current_run
from synalinks.modules.core.added_rewards import collecting_rewards
from synalinks.rewards import BatchReward, Reward
from synalinks.rewards.score import weighted
from synalinks.trainers.compile.compiled import Compiled
from synalinks.trainers.data.data import Sample
from synalinks.trainers.program_run import ProgramRun

if TYPE_CHECKING:
    import numpy as np

#: Kinds of failures that say the model can't be reached, rather than that a sample was refused.
UNAVAILABLE = frozenset({"connection", "timeout", "server", "rate_limited"})


async def forward(run: ProgramRun, samples: Sequence[Sample], training: bool = False) -> list[Any]:
    """Predictions for the samples, in their order; None where a call failed for good.

    Shapes: samples `(batch,)`, result `(batch,)`.
    """
    return [prediction for prediction, _ in await _outcomes(run, samples, training)]


async def _outcomes(run: ProgramRun, samples: Sequence[Sample], training: bool) -> list[tuple[Any, list[float]]]:
    """The prediction for each sample, and the rewards that modules added to it. Shape: `(batch,)`."""
    now, done, runner = current_run().now, run.invocations, run.runner

    async def one(sample: Sample) -> tuple[Any, list[float]]:
        begun = now()
        try:
            with scope.enter(sample=sample.index), collecting_rewards() as added:
                if runner is None:
                    return await run.program(sample.x, training=training), added
                return await runner.call(sample.x, training), added
        finally:
            done.count += 1
            done.elapsed += now() - begun

    begun = now()
    try:
        return await run_all(one(sample) for sample in samples)
    finally:
        done.wall += now() - begun


async def scored(run: ProgramRun, samples: Sequence[Sample], training: bool = False) -> tuple[list[Any], list[float]]:
    """Predictions for the samples and their rewards. Shapes: `(batch,)` each.

    Raises:
        LMUnavailable: see `check_provider_available`.
    """
    since = len(run.ledger)
    outcomes = await _outcomes(run, samples, training)
    predictions = [prediction for prediction, _ in outcomes]
    check_provider_available(predictions, run.ledger, since)
    return predictions, await _rewards_of(run, samples, predictions, [added for _, added in outcomes], since)


async def _rewards_of(
    run: ProgramRun,
    samples: Sequence[Sample],
    predictions: Sequence[object],
    added: Sequence[list[float]],
    since: int,
) -> list[float]:
    """Rewards of the predictions, each in the place of its sample; `since` is a mark in the ledger before those.

    Shapes: `(batch,)` each; rewards are floats in [0, 1].
    """
    compiled, runner = run.compiled, run.runner
    compiled.added = compiled.added or any(added)
    rows = [
        compiled.by_output(sample.target, prediction) for sample, prediction in zip(samples, predictions, strict=True)
    ]

    async def of_sample(sample: Sample, row: Sequence[tuple[Reward, float, object, object]]) -> list[float]:
        """The reward of each output; 0 for now where the reward is of a whole batch."""
        with scope.enter(phase="reward", sample=sample.index):
            if runner is None:
                return [0.0 if isinstance(one, BatchReward) else await one(y, found) for one, _, y, found in row]
            alone = [place for place, (one, *_) in enumerate(row) if not isinstance(one, BatchReward)]
            asked = [(compiled.number_of(row[place][0]), *row[place][2:]) for place in alone]
            given = dict(zip(alone, await runner.reward(asked) if asked else (), strict=True))
            return [given.get(place, 0.0) for place in range(len(row))]

    pairs = list(zip(samples, rows, strict=True))
    if runner is None and all(one.awaits_nothing for one in compiled.rewards):
        earned = [await of_sample(*pair) for pair in pairs]
    else:
        earned = await run_all(of_sample(*pair) for pair in pairs)
    answered = [place for place, row in enumerate(rows) if row]
    for output in range(max(map(len, rows), default=0)):
        reward = rows[answered[0]][output][0]
        if isinstance(reward, BatchReward):
            asked = [rows[place][output] for place in answered]
            with scope.enter(phase="reward"):
                scores = await reward.of_batch([y for _, _, y, _ in asked], [prediction for *_, prediction in asked])
            for place, value in zip(answered, scores, strict=True):
                earned[place][output] = value
    found = [
        0.0 if prediction is None else _mean([*([weighted(values, [w for _, w, _, _ in row])] if row else []), *added])
        for values, row, prediction, added in zip(earned, rows, predictions, added, strict=True)
    ]
    here, indices = scope.current(), [sample.index for sample in samples]
    compiled.feedback.add(here, indices, found, run.ledger.recorded(since))
    run.samples.add(here, indices, [sample.target for sample in samples], found)
    return found


def _mean(rewards: Sequence[float]) -> float:
    """The mean of the compiled reward of a sample and of those that modules added; 0 where there is neither."""
    return weighted(rewards, [1.0] * len(rewards)) if rewards else 0.0


async def update_metrics(compiled: Compiled, samples: Sequence[Sample], predictions: Sequence[object]) -> None:
    """Update each metric with each prediction, in the order of the samples; of several outputs those it measures."""
    if not compiled.metrics:
        return
    columns = compiled.columns([sample.target for sample in samples], predictions)
    for place, (targets, found) in enumerate(columns):
        for number, metric in enumerate(compiled.metrics):
            if len(columns) > 1 and not compiled.measures(number, place, targets, found):
                continue
            if metric.takes_batches:
                with scope.enter(phase="metric"):
                    await metric.update_batch(targets, found)
                continue
            for sample, target, output in zip(samples, targets, found, strict=True):
                with scope.enter(phase="metric", sample=sample.index):
                    await metric.update_batch([target], [output])


def check_provider_available(predictions: Sequence[object], ledger: Ledger, since: int) -> None:
    """Stop when no sample of a batch got an answer because the model could not be reached.

    Args:
        predictions: of the batch.
        ledger: of the run; `since`: how many entries it had before the batch.

    Raises:
        LMUnavailable: a server that is down must not look like a bad score.
    """
    if any(leaf is not None for prediction in predictions for leaf in tree.flatten(prediction)):
        return
    failed = [entry for entry in ledger.recorded(since) if entry.error is not None]
    if failed and UNAVAILABLE.issuperset(entry.error for entry in failed):
        kinds = ", ".join(sorted({str(entry.error) for entry in failed}))
        last = next((entry.error_message for entry in reversed(failed) if entry.error_message), None)
        raise LMUnavailable(
            f"none of the {len(predictions)} samples of the batch at {scope.current()} got an answer ({kinds})"
            + (f": {last.rstrip('.')}" if last else ". Is the model server running?")
            + ". Nothing was lost: the program is as before the batch"
        )


def object_array(values: Sequence[object]) -> np.ndarray[Any, Any]:
    """Shape: `(samples,)`, dtype object, whatever the values are."""
    import numpy as np  # `predict` returns an array; the rest of training does without

    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
