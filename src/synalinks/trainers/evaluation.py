"""One pass over samples that only measures: predictions, rewards and metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synalinks.callbacks import CallbackList
from synalinks.metrics import Mean
from synalinks.trainers.data.data import Sample, Source, passing
from synalinks.trainers.forward import scored, update_metrics
from synalinks.trainers.program_run import ProgramRun

#: Receives the samples of a batch and their rewards.
OnScored = Callable[[Sequence[Sample], Sequence[float]], None]


async def measure(
    run: ProgramRun,
    source: Source,
    batch_size: int,
    steps: int | None,
    callbacks: CallbackList,
    on_scored: OnScored | None = None,
) -> dict[str, float]:
    """One pass over a source in the phase that the task is in.

    Args:
        steps: batches at most.
        on_scored: called after each batch.

    Returns:
        The reward and all metrics by name, in alphabetical order.
    """
    mean_reward = Mean(name="reward")
    run.reset_metrics()
    run.program.stop_evaluating = False
    await callbacks.call("on_test_begin", None)
    logs: dict[str, float] = {}
    for number, batch in enumerate(passing(source, batch_size, steps)):
        await callbacks.call("on_test_batch_begin", number, None)
        rewards = await measure_batch(run, batch, mean_reward)
        if on_scored is not None:
            on_scored(batch, rewards)
        logs = run.logs(mean_reward)
        await callbacks.call("on_test_batch_end", number, logs)
        if run.program.stop_evaluating:
            break
    await callbacks.call("on_test_end", logs)
    return logs


async def measure_batch(run: ProgramRun, batch: Sequence[Sample], mean_reward: Mean) -> list[float]:
    """Predictions, rewards and metrics of one batch; shapes: batch and rewards `(batch,)`."""
    predictions, rewards = await scored(run, batch)
    for reward in rewards:
        mean_reward.add(reward)
    await update_metrics(run.compiled, batch, predictions)
    return rewards
