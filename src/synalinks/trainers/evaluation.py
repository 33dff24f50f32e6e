"""Passes over samples that only measure: predictions, rewards and metrics; the validation at the end of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from synalinks import scope
from synalinks.callbacks import CallbackList
from synalinks.errors import BudgetExceeded
from synalinks.lm import current_run
from synalinks.metrics import Mean
from synalinks.optimizers.search import Answer, State
from synalinks.rewards.score import feedback_of
from synalinks.trainers.data.data import Sample, Samples, Source, passing
from synalinks.trainers.fit_parts import FitParts
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


class Measured(NamedTuple):
    """What a validation measured.

    Attributes:
        logs: names begin with `val_`; none where a budget refused a call of the validation.
        samples, rewards: `(n,)` each, also of a validation that was cut short.
    """

    logs: dict[str, float]
    samples: list[Sample]
    rewards: list[float]


async def measure_validation(parts: FitParts, source: Source, callbacks: CallbackList) -> Measured:
    """Reward and metrics of what the variables hold on the whole validation set."""
    parts.costs.release_earmark()
    for tracker in current_run().budgets:
        tracker.reopen()
    samples: list[Sample] = []
    rewards: list[float] = []

    def add(batch: Sequence[Sample], found: Sequence[float]) -> None:
        samples.extend(batch)
        rewards.extend(found)

    config, since = parts.config, len(parts.run.ledger)
    try:
        with scope.enter(phase="validation"):
            logs = await measure(
                parts.run, source, config.validation_batch_size, config.validation_steps, callbacks, add
            )
        parts.costs.add_samples(since, len(samples))
    except BudgetExceeded:
        parts.costs.validation_cut = True
        logs = {}  # no figure for the whole set; what was measured is evidence all the same
    parts.costs.count(validated=len(samples))
    return Measured({f"val_{name}": value for name, value in logs.items()}, samples, rewards)


async def validate(parts: FitParts, source: Source, callbacks: CallbackList) -> Measured:
    """Reward and metrics of the best candidate on the whole validation set, which are evidence of it."""
    state = State.of(parts.variables)
    measured = await measure_validation(parts, source, callbacks)
    add_evidence = parts.optimizer.add_scored if parts.costs.validation_cut else parts.optimizer.add_validated
    if isinstance(source, Samples):  # candidates are scored on these; a stream's samples come only once
        found = zip(measured.samples, measured.rewards, strict=True)
        parts.memory.add(state, [Answer(one.index, float(reward), feedback_of(reward)) for one, reward in found])
    for variable in parts.variables:
        add_evidence(variable, state.candidates[variable.path], measured.rewards)
    return measured
