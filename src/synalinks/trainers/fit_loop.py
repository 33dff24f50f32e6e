"""The training loop: epochs, steps, validation, and how it ends early without losing anything.

One step: a candidate is written into each variable; the batch runs (phase `train`) and its rewards are assigned by
sample; a new candidate is proposed (phase `optimizer`); old and new are scored on the same validation samples (phase
`candidate`), less what is already known; the best known candidate is left in the variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks import scope, session
from synalinks.callbacks import CallbackList, History
from synalinks.callbacks.backup_and_restore import SPENT
from synalinks.data import Variable, tree
from synalinks.errors import BudgetExceeded, ConfigurationError
from synalinks.lm.budget.layer import BudgetTracker
from synalinks.lm.runtime import RUNTIME, open_trackers, use_tracker
from synalinks.metrics import Mean
from synalinks.optimizers import Optimizer, Step
from synalinks.optimizers import candidates as pool
from synalinks.trainers.budgeting.epoch_costs import EpochCosts
from synalinks.trainers.budgeting.spent_journal import SpentJournal
from synalinks.trainers.checks import check_models
from synalinks.trainers.data.data import Sample, Samples, Source, passing, shuffled
from synalinks.trainers.forward import check_provider_available, forward, rewards_of, update_metrics
from synalinks.trainers.resume import checkpoint
from synalinks.trainers.scoring import Scores, score

if TYPE_CHECKING:
    import numpy as np

    from synalinks.trainers.trainer import Trainer

#: Seed where neither fit nor the session gives one; fixed, so that a second run of a script costs nothing.
DEFAULT_SEED = 123


@dataclass
class Fitting:
    """One call of `fit`, with everything it was given.

    Attributes:
        rng: all randomness of this fit.
        scores: rewards that are known.
        costs: what the epochs cost.
        complete: whether training came to its end, by its epochs or a callback.
    """

    program: Trainer
    told: CallbackList
    train: Source
    validation: Source | None
    batch_size: int
    minibatch_size: int | None
    epochs: int
    initial_epoch: int
    steps_per_epoch: int | None
    validation_steps: int | None
    validation_batch_size: int
    validation_freq: int
    shuffle: bool
    seed: int | None
    tracker: BudgetTracker | None

    def __post_init__(self) -> None:
        import numpy as np  # only training needs it

        if self.program.optimizer is None:
            raise ConfigurationError("fit needs an optimizer")
        self.optimizer: Optimizer = self.program.optimizer
        self.variables: list[Variable] = self.program.trainable_variables
        if not self.variables:
            raise ConfigurationError(
                f"{self.program.name} has no trainable variables, so there is nothing to optimise. Is a Generator "
                "frozen (trainable=False), or a data model not derived from synalinks.Trainable?"
            )
        paths = [variable.path for variable in self.variables]
        if twice := {path for path in paths if paths.count(path) > 1}:
            raise ConfigurationError(f"two variables have the path {min(twice)!r}; give their modules other names")
        seed = self.seed if self.seed is not None else session.get_setting("seed", DEFAULT_SEED)
        self.seed = seed
        self.rng: np.random.Generator = np.random.default_rng(seed)
        self.scores = Scores()
        self.costs = EpochCosts(self)
        self.complete = False
        self._between: int | None = self.initial_epoch
        self._evaluation_inputs: list[Any] | None = None  # inputs of the validation samples
        self._journal: SpentJournal | None = None
        self._reason: str | None = None  # what a budget said when it ended the training

    def state(self) -> dict[str, Any] | None:
        """All that the epochs to come depend on, as JSON; None while an epoch runs, or after one that was cut short."""
        return None if self._between is None else checkpoint.state_of(self, self._between)

    def restore(self, state: Mapping[str, Any], where: str) -> None:
        """Go on from a state, before the first epoch; `where` it comes from is for messages.

        Raises:
            ConfigurationError: it is of another fit.
        """
        checkpoint.restore(self, state, where)
        self.initial_epoch = self._between = state["epoch"]

    def keep_spent(self, folder: Path, anew: bool) -> None:
        """Keep in a folder what the budget is charged, call by call; first count what a run that was cut off spent.

        A budget is for all runs of a fit together. Under a cassette nothing is added: what the runs before had asked is
        on it, and is counted when it is played.

        Args:
            folder: where the state of the fit is kept.
            anew: whether this is the first run, so that what is there is of another fit.
        """
        if self.tracker is None:
            return
        self._journal = SpentJournal(folder / SPENT)
        cassette = RUNTIME.cassette
        if not anew and (cassette is None or cassette.mode == "all"):
            self.costs.paid = self._journal.go_on(self.tracker)
        self._journal.begin(self.tracker)

    async def run(self, history: History) -> None:
        """Train, until the epochs, the budget or a callback end it."""
        await self.optimizer.on_train_begin(self.variables)
        check_models(self.program)
        history.budget = self.tracker
        with ExitStack() as around:
            around.callback(self._end_journal)
            await self.told.tell("on_train_begin", None)
            if (tracker := self.costs.open()) is not None and tracker not in open_trackers():
                around.enter_context(use_tracker(tracker))
            await self._epochs(history)

    def _end_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()

    async def _epochs(self, history: History) -> None:
        logs: dict[str, float] = {}
        try:
            for epoch in range(self.initial_epoch, self.epochs):
                if (reason := self.costs.why_not(epoch)) is not None:
                    history.stopped_by, history.stop_reason = "budget", reason
                    break
                self._between = None
                with scope.enter(epoch=epoch):
                    logs, stop = await self._epoch(epoch)
                if stop is not None:
                    history.stopped_by, history.stop_reason = stop, self._reason if stop == "budget" else None
                    break
            self.complete = history.stopped_by != "budget"
        finally:
            self.costs.release_earmark()
            await self.optimizer.on_train_end(self.variables)
            await self.told.tell("on_train_end", logs)

    async def _epoch(self, epoch: int) -> tuple[dict[str, float], str | None]:
        whole = self.tracker
        if whole is None or whole.budget.per_epoch is None:
            return await self._epoch_in_budget(epoch, whole)
        tracker = BudgetTracker(whole.budget.per_epoch, whole.clock, f"budget of epoch {epoch}")
        with use_tracker(tracker):
            logs, stop = await self._epoch_in_budget(epoch, tracker)
        return logs, None if stop == "epoch budget" else stop

    async def _epoch_in_budget(self, epoch: int, tracker: BudgetTracker | None) -> tuple[dict[str, float], str | None]:
        program, mean_reward = self.program, Mean(name="reward")
        for metric in program.compiled.metrics:
            metric.reset_state()
        await self.optimizer.on_epoch_begin(epoch, self.variables)
        await self.told.tell("on_epoch_begin", epoch, None)
        self.costs.begin_epoch()
        self._reason = None
        logs: dict[str, float] = {}
        stop: str | None = None
        order = shuffled(len(self.train), self.rng) if self.shuffle and isinstance(self.train, Samples) else None
        for number, batch in enumerate(passing(self.train, self.batch_size, self.steps_per_epoch, order)):
            self.costs.earmark(epoch, len(batch))
            await self.told.tell("on_train_batch_begin", number, None)
            try:
                with scope.enter(step=number):
                    await self._step(epoch, number, batch, mean_reward)
            except BudgetExceeded as refusal:
                for variable in self.variables:
                    self.optimizer.write_best(variable)
                own = tracker is not None and tracker is not self.tracker and tracker.refused is not None
                stop = "epoch budget" if own and self._ended(tracker) is None else "budget"
                self._reason = str(refusal)
                break
            logs = program.logs(mean_reward)
            await self.told.tell("on_train_batch_end", number, logs)
            if program.stop_training:
                stop = "callback"
                break
        logs = {**logs, **await self._validate(epoch)}
        await self._rebuild_pools(epoch, logs)
        if (ended := self._ended(tracker)) is not None:
            stop, self._reason = "budget", self._reason or str(ended)
        self._forget()
        self._between = epoch + 1 if stop in (None, "epoch budget") else None
        await self.told.tell("on_epoch_end", epoch, logs)
        if program.stop_training:
            stop = "budget" if stop == "budget" else "callback"
        return logs, stop

    async def _rebuild_pools(self, epoch: int, logs: dict[str, float]) -> None:
        """Let the optimizer end the epoch, and complete its logs; if that fails, what the epoch was is told first."""
        rebuilt = False
        try:
            with scope.enter(phase="optimizer"):
                await self.optimizer.on_epoch_end(epoch, self.variables)
            rebuilt = True
        finally:
            logs |= self.program.compiled.late_logs(self.program.run_ledger, epoch)
            self.costs.end_epoch()
            if not rebuilt:
                await self.told.tell("on_epoch_end", epoch, logs)

    async def _step(self, epoch: int, number: int, batch: list[Sample], tracker: Mean) -> None:
        program, optimizer = self.program, self.optimizer
        await optimizer.on_batch_begin(self.variables, self.rng)
        self.costs.count(steps=1, trained=len(batch))
        since = len(program.run_ledger)
        with scope.enter(phase="train"):
            predictions = await forward(program, batch, training=True)
            check_provider_available(predictions, program.run_ledger, since)
            rewards = await rewards_of(program.compiled, batch, predictions)
        self.costs.learn(since, len(batch))
        self.costs.earmark(epoch, len(batch))
        records = optimizer.assign_rewards(
            self.variables, {sample.index: reward for sample, reward in zip(batch, rewards, strict=True)}
        )
        for reward in rewards:
            tracker.add(reward)
        await update_metrics(program.compiled, batch, predictions)
        with scope.enter(phase="optimizer"):
            proposal = await optimizer.propose_new_candidate(
                self.variables, lambda variable: self._view(epoch, number, records[variable.path], batch), self.rng
            )
        if proposal is not None:
            samples = self._minibatch(batch)
            # The parent's state is made of the candidates of all variables, so the evidence is for all of them.
            for candidate, measured in ((proposal.parent, self.variables), (proposal.child, [proposal.variable])):
                pool.write(proposal.variable, candidate)
                rewards = await score(program, self.variables, samples, self.scores)
                self.costs.count(scored=len(rewards))
                for variable in measured:
                    optimizer.add_scored(variable, pool.current(variable), rewards)
        with scope.enter(phase="optimizer"):
            await optimizer.on_batch_end(self.variables)

    def _view(self, epoch: int, number: int, records: Any, batch: list[Sample]) -> Step:
        targets = {sample.index: _json_of(sample.y) for sample in batch}
        shown = [{**record, "target": targets[record["sample"]]} for record in records]
        return Step(epoch, number, shown, self.program.description, self.rng, self._evaluation_inputs_of(batch))

    def _evaluation_inputs_of(self, batch: list[Sample]) -> list[Any]:
        """Inputs of the samples that candidates are scored on, whichever of them a minibatch holds."""
        if not isinstance(self.validation, Samples):
            return [_json_of(sample.x) for sample in batch]
        if self._evaluation_inputs is None:
            self._evaluation_inputs = [_json_of(sample.x) for sample in self.validation.items]
        return self._evaluation_inputs

    def _minibatch(self, batch: list[Sample]) -> list[Sample]:
        """The samples that parent and child are compared on."""
        if not isinstance(self.validation, Samples):
            return batch
        items = self.validation.items
        if self.minibatch_size is None or self.minibatch_size >= len(items):
            return items
        chosen = self.rng.choice(len(items), size=self.minibatch_size, replace=False)
        return [items[int(i)] for i in sorted(chosen)]

    async def _validate(self, epoch: int) -> dict[str, float]:
        """Reward and metrics of the best candidate on the whole validation set, or nothing if it can't be paid."""
        if self.validation is None or (epoch + 1) % self.validation_freq:
            return {}
        self.costs.release_earmark()
        for kept in open_trackers():
            kept.reopen()
        scored: list[tuple[Sample, float]] = []
        learn = self.optimizer.add_validated
        program, state, since = self.program, self.scores.state(self.variables), len(self.program.run_ledger)
        try:
            with scope.enter(phase="validation"):
                logs = await program.measure(
                    self.validation,
                    self.validation_batch_size,
                    self.validation_steps,
                    self.told,
                    lambda batch, rewards: scored.extend(zip(batch, rewards, strict=True)),
                )
            self.costs.learn(since, len(scored))
        except BudgetExceeded:
            self.costs.validation_cut = True
            logs = {}  # no figure for the whole set, but what was measured is evidence all the same
            learn = self.optimizer.add_scored
        self.costs.count(validated=len(scored))
        samples, rewards = [sample for sample, _ in scored], [reward for _, reward in scored]
        if isinstance(self.validation, Samples):  # candidates are scored on these; a stream's samples come only once
            self.scores.learn(state, samples, rewards)
        for variable in self.variables:
            learn(variable, pool.current(variable), rewards)
        return {f"val_{name}": value for name, value in logs.items()}

    def _forget(self) -> None:
        """Keep only the scores of states that can come back, on samples that can."""
        lasting = isinstance(self.validation, Samples) or isinstance(self.train, Samples)
        pools = [variable.get_json()["best_candidates"] if lasting else () for variable in self.variables]
        self.scores.forget_all_but([{pool.key(candidate) for candidate in members} for members in pools])

    def _ended(self, own: BudgetTracker | None) -> BudgetExceeded | None:
        """The refusal of a budget that has ended the training; that of an epoch's own has not."""
        refusals = (tracker.refused for tracker in open_trackers() if tracker is self.tracker or tracker is not own)
        return next((refusal for refusal in refusals if refusal is not None), None)


def _json_of(value: Any) -> Any:
    """Data models, in whatever structure, as JSON."""
    return tree.map_structure(lambda leaf: None if leaf is None else leaf.get_json(), value)
