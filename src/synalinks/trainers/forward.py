"""One pass of a batch through a program: each sample a task, in the place it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synalinks import scope
from synalinks._concurrency import run_all
from synalinks.data import tree
from synalinks.errors import LMUnavailable
from synalinks.lm.ledger import Ledger
from synalinks.metrics import BatchMetric
from synalinks.trainers.compiled import Compiled
from synalinks.trainers.data import Sample

if TYPE_CHECKING:
    from synalinks.trainers.trainer import Trainer

#: Failures that say the model can't be reached, rather than that it did not like a sample.
DEAD = frozenset({"connection", "timeout", "server", "rate_limited"})


async def forward(program: Trainer, samples: Sequence[Sample], training: bool = False) -> list[Any]:
    """Predictions for the samples, in their order; None where a call failed for good.

    Shapes: samples `(batch,)`, result `(batch,)`.
    """

    async def one(sample: Sample) -> Any:
        with scope.enter(sample=sample.index):
            return await program(sample.x, training=training)

    return await run_all(one(sample) for sample in samples)


async def rewards_of(compiled: Compiled, samples: Sequence[Sample], predictions: Sequence[Any]) -> list[float]:
    """Rewards of the predictions, each in the place of its sample.

    Shapes: `(batch,)` each; rewards are floats in [0, 1].
    """

    async def one(sample: Sample, prediction: Any) -> float:
        with scope.enter(phase="reward", sample=sample.index):
            return await compiled.reward(sample.y, prediction)

    if compiled.whole is not None:
        with scope.enter(phase="reward"):
            return await compiled.whole.of_batch([sample.y for sample in samples], predictions)
    return await run_all(one(*pair) for pair in zip(samples, predictions, strict=True))


async def update_metrics(compiled: Compiled, samples: Sequence[Sample], predictions: Sequence[Any]) -> None:
    """Let each metric take in each prediction, in the order of the samples; all outputs of a program count."""
    for metric in compiled.metrics:
        if isinstance(metric, BatchMetric):
            with scope.enter(phase="metric"):
                await metric.update_batch([sample.y for sample in samples], predictions)
            continue
        for sample, prediction in zip(samples, predictions, strict=True):
            with scope.enter(phase="metric", sample=sample.index):
                for target, output in compiled.pairs(sample.y, prediction):
                    await metric.update_state(target, output)


def refuse_dead_world(predictions: Sequence[Any], ledger: Ledger, since: int) -> None:
    """Stop when no sample of a batch got an answer because the model could not be reached.

    Args:
        predictions: of the batch.
        ledger: of the run; `since`: how many entries it had before the batch.

    Raises:
        LMUnavailable: a dead end point must not look like a bad score.
    """
    if any(leaf is not None for prediction in predictions for leaf in tree.flatten(prediction)):
        return
    errors = [entry.error for entry in ledger.since(since) if entry.error is not None]
    if errors and DEAD.issuperset(errors):
        kinds = ", ".join(sorted({str(error) for error in errors}))
        raise LMUnavailable(
            f"none of the {len(predictions)} samples of the batch at {scope.current()} got an answer ({kinds}). Is "
            "the model server running? The warning of each failed call says how to start it; a cassette would do "
            "without: use_cassette(path). Nothing was lost: the program is as it was before the batch, and the ledger "
            "holds every call"
        )
