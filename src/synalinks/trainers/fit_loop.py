"""FitLoop: epochs of steps and validations, and how they end early without losing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from synalinks import scope
from synalinks._base.warning import warn
from synalinks.callbacks import CallbackList, History
from synalinks.data import Variable
from synalinks.errors import BudgetExceeded
from synalinks.lm import BudgetTracker, current_run
from synalinks.metrics import Mean
from synalinks.modules import LMWarning
from synalinks.trainers.budgeting.spent_journal import SpentJournal
from synalinks.trainers.checks import check_models, models_of
from synalinks.trainers.data.data import Sample, Samples, passing, shuffled
from synalinks.trainers.evaluation import Measured, measure, validate
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.resume import checkpoint
from synalinks.trainers.resume.identity import digest
from synalinks.trainers.stopping.failures import FailureWatch
from synalinks.trainers.training_step import TrainingStep

#: What ends a training before its time, so that it may be resumed.
UNTIMELY = ("budget", "failures")


@dataclass
class Epoch:
    """An epoch under way.

    Attributes:
        number: from 0.
        own: the tracker of the epoch's own budget (`per_epoch`), or None.
        mean_reward: of the training samples so far.
        logs: so far.
        stop: what ended it early, or None; `epoch budget` ends this epoch alone, `calls` is a natural end.
        reason: why it was ended, where a budget or failures ended it.
        steps: of a search, so far.
    """

    number: int
    own: BudgetTracker | None
    mean_reward: Mean = field(default_factory=lambda: Mean(name="reward"))
    logs: dict[str, float] = field(default_factory=dict)
    stop: Literal["budget", "epoch budget", "callback", "calls", "failures"] | None = None
    reason: str | None = None
    steps: int = 0


class FitLoop:
    """One call of `fit`.

    Args:
        parts: the program, the optimizer, the settings and the data.
        callbacks: called as the loop goes on.
        tracker: of the fit's own budget, or None.

    Attributes:
        complete: whether training came to its end, by its epochs or a callback.
    """

    def __init__(self, parts: FitParts, callbacks: CallbackList, tracker: BudgetTracker | None) -> None:
        self.parts = parts
        self.complete = False
        self._callbacks = callbacks
        self._tracker = tracker
        self._step = TrainingStep(parts)
        self._failures = FailureWatch(parts.config.max_failed_share, parts.run.ledger)
        self._next: int | None = parts.config.initial_epoch  # None while an epoch runs, or after one cut short
        self._journal: SpentJournal | None = None
        self._history = History()

    @property
    def variables(self) -> list[Variable]:
        """What is trained."""
        return list(self.parts.variables)

    # --- what callbacks keep and restore ---------------------------------------------------------------------

    @property
    def digest(self) -> str:
        """A digest of what this fit is: program, settings and data."""
        return digest(self.parts)

    def state(self) -> dict[str, Any] | None:
        """All that the epochs to come depend on, as JSON; None while an epoch runs, or after one that was cut short."""
        if self._next is None:
            return None
        return checkpoint.take(self.parts, self._next, self._callbacks.callbacks, self._tracker)

    def restore(self, state: Mapping[str, Any], where: str) -> None:
        """Go on from a state, before the first epoch; `where` it comes from is for messages.

        Raises:
            ConfigurationError: it is of another fit.
        """
        checkpoint.restore(state, self.parts, self._callbacks.callbacks, self._tracker, where)
        self._next = state["epoch"]

    def keep_spent(self, path: Path, anew: bool) -> None:
        """Keep in a file what the budget is charged, call by call; first count what a run that was cut off spent.

        A budget is for all runs of a fit together. What an open cassette replays of the runs before is counted already.

        Args:
            anew: whether this is the first run, so that what is in the file is of another fit.

        Raises:
            ConfigurationError: the file of a run before can't be read.
        """
        if self._tracker is None:
            return
        self._journal = SpentJournal(path)
        if not anew:
            self.parts.costs.paid = self._journal.go_on(self._tracker)
        self._journal.begin(self._tracker)

    # --- the epochs --------------------------------------------------------------------------------------------

    async def run(self, history: History) -> None:
        """Train, until the epochs, the budget or a callback end it."""
        parts = self.parts
        called = (parts.run.program, *parts.run.compiled.rewards, *parts.run.compiled.metrics, parts.optimizer)
        models_of(called)  # all that is missing is one error, also what only the optimizer needs
        await parts.optimizer.begin(
            parts.run.program, parts.variables, parts.rng, parts.config.hooks, parts.memory.paired
        )
        check_models(*called)
        history.budget, history.seed, self._history = self._tracker, parts.config.seed, history
        history.samples = parts.run.samples
        parts.run.compiled.feedback.rows.clear()
        with ExitStack() as stack:
            stack.callback(self._close_journal)
            stack.callback(lambda: setattr(history, "feedback", list(parts.run.compiled.feedback.rows)))
            await self._callbacks.call("on_train_begin", None)
            parts.notes.extend(history.candidates)  # of a run that was cut off, restored just now
            history.candidates = parts.notes
            run = current_run()
            stack.enter_context(run.keep_models_loaded())
            if (tracker := parts.costs.open()) is not None and tracker not in run.budgets:
                stack.enter_context(run.use_tracker(tracker))
            await self._run_epochs(history)
            await self._test()

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()

    async def _run_epochs(self, history: History) -> None:
        parts, logs = self.parts, dict[str, float]()
        try:
            for number in range(parts.costs.first_epoch, parts.config.epochs):
                if (reason := parts.costs.reason_against(number)) is not None:
                    history.stopped_by, history.stop_reason = "budget", reason
                    break
                if not parts.costs.has_room(number, 1):
                    break
                self._next = None
                epoch = await self._run_epoch(number)
                logs = epoch.logs
                if epoch.stop == "calls":
                    break
                if epoch.stop is not None and epoch.stop != "epoch budget":
                    history.stopped_by = epoch.stop
                    history.stop_reason = epoch.reason if epoch.stop in UNTIMELY else None
                    break
            self.complete = history.stopped_by not in UNTIMELY
        finally:
            parts.costs.release_earmark()
            await parts.call_hook("on_train_end", parts.variables)
            await self._callbacks.call("on_train_end", logs)

    async def _run_epoch(self, number: int) -> Epoch:
        """One epoch, in its own budget if it has one."""
        epoch = Epoch(number, self.parts.costs.own_tracker(number))
        with ExitStack() as stack:
            stack.enter_context(scope.enter(epoch=number))
            if epoch.own is not None:
                stack.enter_context(current_run().use_tracker(epoch.own))
            await self._begin_epoch(epoch)
            await self._run_steps(epoch)
            await self._validate(epoch)
            await self._end_epoch(epoch)
        return epoch

    async def _begin_epoch(self, epoch: Epoch) -> None:
        parts = self.parts
        parts.run.reset_metrics()
        await parts.call_hook("on_epoch_begin", epoch.number, parts.variables)
        await self._callbacks.call("on_epoch_begin", epoch.number, None)
        parts.costs.begin_epoch()

    async def _run_steps(self, epoch: Epoch) -> None:
        """The steps, until the data, a budget or a callback end them."""
        parts, config, train = self.parts, self.parts.config, self.parts.data.train
        order = shuffled(len(train), parts.rng) if config.shuffle and isinstance(train, Samples) else None
        for number, batch in enumerate(
            passing(train, config.batch_size, config.steps_per_epoch, order), config.first_step
        ):
            if not parts.costs.has_room(epoch.number, len(batch)):
                epoch.stop = "calls"
                break
            parts.costs.earmark(epoch.number, len(batch))
            await self._callbacks.call("on_train_batch_begin", number, None)
            self._failures.begin()
            try:
                with scope.enter(step=number):
                    await self._step(epoch.number, number, batch, epoch.mean_reward)
            except BudgetExceeded as refusal:
                self._give_up_step(epoch, refusal)
                break
            epoch.logs = parts.run.logs(epoch.mean_reward)
            await self._callbacks.call("on_train_batch_end", number, epoch.logs)
            if parts.run.program.stop_training:
                epoch.stop = "callback"
                break
            if self._fails(epoch):
                break

    def _fails(self, epoch: Epoch) -> bool:
        """Whether so many calls fail that the training ends, with a warning."""
        reason = self._failures.after_step()
        if reason is not None:
            epoch.stop, epoch.reason = "failures", reason
            warn(f"{self.parts.run.program.name}: the training ends: {reason}", LMWarning)
        return reason is not None

    def _give_up_step(self, epoch: Epoch, refusal: BudgetExceeded) -> None:
        """Go back to the best candidates, for a budget refused a call of the step."""
        for variable in self.parts.variables:
            self.parts.optimizer.write_best(variable)
        alone = epoch.own is not None and epoch.own.refused is not None and self._ended(epoch) is None
        epoch.stop, epoch.reason = "epoch budget" if alone else "budget", str(refusal)

    async def _validate(self, epoch: Epoch) -> None:
        source = self.parts.data.validation
        if source is not None and self.parts.config.ends_with_validation(epoch.number) and epoch.stop != "failures":
            measured = await validate(self.parts, source, self._callbacks)
            epoch.logs = {**epoch.logs, **measured.logs}
            self._note_validation(measured)

    def _note_validation(self, measured: Measured) -> None:
        """Keep the rewards of a validation that was finished, for intervals and comparisons."""
        if measured.logs:
            samples = [sample.index for sample in measured.samples]
            self._history.measured.add("val_reward", measured.rewards, samples)

    async def _test(self) -> None:
        """Measure the trained program on the test data, if there are any and no budget has ended the training."""
        source, history = self.parts.data.test, self._history
        if source is None or not self.complete:
            return
        rewards: list[float] = []
        samples: list[int] = []

        def add(batch: Sequence[Sample], found: Sequence[float]) -> None:
            samples.extend(sample.index for sample in batch)
            rewards.extend(found)

        with scope.enter(phase="evaluate"):
            logs = await measure(
                self.parts.run, source, self.parts.config.validation_batch_size, None, self._callbacks, add
            )
        history.test = {f"test_{name}": value for name, value in logs.items()}
        history.measured.add("test_reward", rewards, samples)

    async def _end_epoch(self, epoch: Epoch) -> None:
        if "reward" in epoch.logs:
            self._history.measured.add_mean("reward", epoch.logs["reward"], round(epoch.mean_reward.weight))
        await self._rebuild_pools(epoch)
        if (ended := self._ended(epoch)) is not None:
            epoch.stop, epoch.reason = "budget", epoch.reason or str(ended)
        if self.parts.config.hooks and not self.parts.optimizer.searches:  # else they are needed after this epoch
            self._drop_old_answers()
        self._next = epoch.number + 1 if epoch.stop in (None, "epoch budget") else None
        await self._callbacks.call("on_epoch_end", epoch.number, epoch.logs)
        if self.parts.run.program.stop_training and epoch.stop not in UNTIMELY:
            epoch.stop = "callback"

    async def _rebuild_pools(self, epoch: Epoch) -> None:
        """End the epoch for the optimizer and complete the logs; callbacks get the epoch's end even if that fails."""
        parts, rebuilt = self.parts, False
        try:
            with scope.enter(phase="optimizer"):
                await parts.call_hook("on_epoch_end", epoch.number, parts.variables)
            rebuilt = True
        finally:
            epoch.logs = {**epoch.logs, **parts.run.compiled.late_logs(parts.run.ledger, epoch.number)}
            parts.costs.end_epoch()
            if not rebuilt:
                await self._callbacks.call("on_epoch_end", epoch.number, epoch.logs)

    def _drop_old_answers(self) -> None:
        """Keep only the answers of states that can come back, to samples that can."""
        data = self.parts.data
        lasting = isinstance(data.validation, Samples) or isinstance(data.train, Samples)
        pools = [
            self.parts.optimizer.populations[variable.path].members if lasting else ()
            for variable in self.parts.variables
        ]
        self.parts.memory.keep_only([{candidate.key for candidate in members} for members in pools])
        for population in self.parts.optimizer.populations.values():
            population.reindex()  # the best by what is left, as after a crash

    def _ended(self, epoch: Epoch) -> BudgetExceeded | None:
        """The refusal of a budget that has ended the training; that of an epoch's own has not."""
        refusals = (tracker.refused for tracker in current_run().budgets if tracker is not epoch.own)
        return next((refusal for refusal in refusals if refusal is not None), None)
