"""Trainer: compile, fit, evaluate and predict, for anything that can be called."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from synalinks import scope
from synalinks.callbacks import BudgetStopping, Callback, CallbackList, History
from synalinks.data import JsonDataModel, Variable
from synalinks.errors import ConfigurationError, DataError, Interrupted
from synalinks.lm.budget.layer import BudgetTracker
from synalinks.lm.forecast.forecast import Forecast
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.runtime import use_ledger
from synalinks.metrics import Mean
from synalinks.metrics.operational.metric import Invocations
from synalinks.trainers.checks import check_models
from synalinks.trainers.compile.config import Compilable
from synalinks.trainers.data.data import Sample, Samples, Source, check_passes, check_sizes, passing, source_of
from synalinks.trainers.data.splitting import split_data
from synalinks.trainers.fit_config import FitSettings
from synalinks.trainers.fit_loop import Fitting
from synalinks.trainers.forecasting import dry_run as rehearsing
from synalinks.trainers.forecasting.estimate import estimate
from synalinks.trainers.forecasting.forecasts import forecast_of
from synalinks.trainers.forward import check_provider_available, forward, rewards_of, update_metrics
from synalinks.trainers.resume.resume import with_resume
from synalinks.trainers.run_context import Cap, Verbose, listeners, surrounded

if TYPE_CHECKING:
    import numpy as np


class Trainer(Compilable):
    """What a program gains by being trainable. Mixed into `Program`.

    Attributes:
        history: of the last `fit`.
        run_ledger: calls of the run that is under way, or of the last one.
        invocations: how often the trainer called the program, and how long that took.
        fitting: the `fit` under way, or None.
        stop_training: set by a callback to end `fit` after the step, or the epoch, that is under way.
    """

    name: str
    description: str
    graph: Any
    built: bool

    def __init__(self) -> None:
        super().__init__()
        self.history: History | None = None
        self.run_ledger = Ledger()
        self.invocations = Invocations()
        self.stop_training = False
        self.fitting: Fitting | None = None

    if TYPE_CHECKING:

        @property
        def trainable_variables(self) -> list[Variable]: ...

        async def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

        async def build_whole(self, inputs: Any) -> None: ...

        def to_json(self) -> str: ...

        def get_state_tree(self) -> dict[str, Any]: ...

        def set_state_tree(self, state: Mapping[str, Any]) -> None: ...

    # --- fit -----------------------------------------------------------------------------------------------

    async def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 1,
        minibatch_size: int | None = 4,
        epochs: int = 1,
        verbose: Verbose = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.1,
        validation_data: Any = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int = 32,
        validation_freq: int = 1,
        seed: int | None = None,
        budget: Cap | None = None,
        resume: bool | str | os.PathLike[str] = False,
    ) -> History:
        """Train on examples.

        Args:
            x, y: inputs and targets, `(samples,)` object arrays or lists of data models; or x alone, a generator of
                `(x, y)` batches or a function that makes one.
            batch_size: samples per step.
            minibatch_size: validation samples that parent and child are compared on; all where None.
            epochs: the epoch to end before, counted from 0.
            verbose: 0 is silent; 1 and `"auto"` draw a bar on a terminal and write lines elsewhere; 2 always lines.
            validation_split: the last fraction of x and y, taken before shuffling, in [0, 1).
            validation_data: `(x, y)` instead of a split.
            shuffle: whether each epoch goes through the samples in another order, drawn from `seed`.
            initial_epoch: the epoch to begin with.
            steps_per_epoch, validation_steps: batches at most; a generator that ends before is warned about.
            validation_batch_size: samples at once in validation.
            validation_freq: validate every so many epochs.
            seed: of all randomness in this fit; the session's where None.
            budget: what it may spend at most; an amount is in dollars.
            resume: go on where the same fit was cut off, if it was, and keep the state for that at the end of each
                epoch: True, in the user's cache directory; or in the folder given. See `BackupAndRestore`.

        Returns:
            The history: logs by epoch, the ledger, and how it ended.

        Raises:
            DataError: data of the wrong kind, type or length.
            ConfigurationError: anything that is not configured, before the first call.
            LMUnavailable: a whole batch without an answer.
            KeyboardInterrupt: after Ctrl-C, once the calls already sent have come home; a second one cancels them.
        """
        history = History()
        self.history = history
        self.stop_training = False
        if self.optimizer is None:
            warnings.warn(f"{self.name} was compiled without an optimizer: nothing to train", stacklevel=2)
            return history
        settings = FitSettings(
            batch_size=batch_size,
            minibatch_size=minibatch_size,
            epochs=epochs,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
            seed=seed,
        )
        train, validation = split_data("fit", x, y, settings)
        if validation_steps is None:
            check_passes(validation, epochs // validation_freq - initial_epoch // validation_freq, "validation_data")
        await self.prepare(train)
        if validation is not None:
            self.compiled.check_schemas(None, validation.first().y)
        history.forecast = forecast_of(self)
        told_of = with_resume(resume, callbacks)
        caps = (budget, *(callback.budget for callback in told_of if isinstance(callback, BudgetStopping)))
        with ExitStack() as around:
            if (dry := rehearsing.current()) is not None:
                around.enter_context(await dry.of_fit(self, history, x, y, settings))
            tracker = around.enter_context(surrounded(self, history.ledger, caps))
            told = listeners(
                self,
                [history, *told_of],
                verbose,
                steps=train.steps(batch_size),
                at_most=steps_per_epoch,
                epochs=epochs,
                batch_size=batch_size,
            )
            await self._fit(history, told, train, validation, settings, tracker)
        return history

    async def _fit(
        self,
        history: History,
        told: CallbackList,
        train: Source,
        validation: Source | None,
        settings: FitSettings,
        tracker: BudgetTracker | None,
    ) -> None:
        """The training itself, once everything is checked and open."""
        self.fitting = Fitting(
            self,
            told,
            train=train,
            validation=validation,
            batch_size=settings.batch_size,
            minibatch_size=settings.minibatch_size,
            epochs=settings.epochs,
            initial_epoch=settings.initial_epoch,
            steps_per_epoch=settings.steps_per_epoch,
            validation_steps=settings.validation_steps,
            validation_batch_size=settings.validation_batch_size,
            validation_freq=settings.validation_freq,
            shuffle=settings.shuffle,
            seed=settings.seed,
            tracker=tracker,
        )
        try:
            await self.fitting.run(history)
        except Interrupted:
            history.stopped_by = "interrupt"
            raise
        finally:
            self.fitting = None

    async def estimate(
        self, x: Any = None, y: Any = None, *, optimizer: Any = None, learn_from: Any = (), **settings: Any
    ) -> Forecast:
        """What `fit` with these arguments will take, before it is made; `print` it.

        No model is asked, nothing is changed, and no file is written. Lengths are learnt from what is at hand: the
        sources given, the open cassette, the calls of this process and the disk cache. While it is made, nothing else in
        this process can ask a model. The figures are as if live; low leaves out what cache and sharing may save.

        Args:
            x, y: as for `fit`; of a generator, only a function that makes it.
            optimizer: to be forecast in place of the compiled one.
            learn_from: a cassette's path, a ledger, or several.
            **settings: the arguments of `fit`; those that cost nothing are passed over, callbacks among them.

        Raises:
            ConfigurationError: what `fit` would refuse, or an argument that it does not have.
            DataError: data that `fit` would refuse, or that can be read only once.
        """
        return await estimate(self, x, y, FitSettings.of(settings), optimizer, learn_from)

    async def prepare(self, source: Source) -> None:
        """Build the program and check everything that can be checked before the first call."""
        first = source.first()
        await self.build_whole(first.x)
        self.compiled.check_schemas(self.outputs, first.y)

    # --- evaluate and predict ------------------------------------------------------------------------------

    async def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        verbose: Verbose = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
        return_dict: bool = True,
    ) -> Any:
        """Rewards and metrics on examples, nothing learnt.

        Args:
            x, y, batch_size, verbose, callbacks: as for `fit`.
            steps: batches at most.
            return_dict: False gives the values as a list, in the order of the names.

        Returns:
            Values by name, in alphabetical order.
        """
        check_sizes("evaluate", batch_size=batch_size, steps=steps)
        source = source_of(x, y)
        await self.prepare(source)
        check_models(self, training=False)
        with surrounded(self):
            told = listeners(
                self, callbacks, verbose, steps=source.steps(batch_size), at_most=steps, batch_size=batch_size
            )
            with scope.enter(phase="evaluate"):
                logs = await self.measure(source, batch_size, steps, told)
        return logs if return_dict else list(logs.values())

    async def measure(
        self, source: Source, batch_size: int, steps: int | None, told: CallbackList, on_scored: Any = None
    ) -> dict[str, float]:
        """One silent pass over a source in the phase the task is in; `on_scored` sees samples and rewards."""
        tracker = Mean(name="reward")
        for metric in self.compiled.metrics:
            metric.reset_state()
        await told.tell("on_test_begin", None)
        logs: dict[str, float] = {}
        for number, batch in enumerate(passing(source, batch_size, steps)):
            await told.tell("on_test_batch_begin", number, None)
            rewards = await self.measure_batch(batch, tracker)
            if on_scored is not None:
                on_scored(batch, rewards)
            logs = self.logs(tracker)
            await told.tell("on_test_batch_end", number, logs)
        await told.tell("on_test_end", logs)
        return logs

    async def measure_batch(self, batch: Sequence[Sample], tracker: Mean) -> list[float]:
        """Forward, rewards and metrics of one batch; returns the rewards."""
        since = len(self.run_ledger)
        predictions = await forward(self, batch)
        check_provider_available(predictions, self.run_ledger, since)
        rewards = await rewards_of(self.compiled, batch, predictions)
        for reward in rewards:
            tracker.add(reward)
        await update_metrics(self.compiled, batch, predictions)
        return rewards

    def logs(self, tracker: Mean) -> dict[str, float]:
        """The reward and all metrics so far, by name, in alphabetical order."""
        values: dict[str, Any] = {}
        if self.compiled.rewards:
            values["reward"] = tracker.result()
        for name, metric in zip(self.compiled.names(), self.compiled.metrics, strict=True):
            found = metric.result()
            values.update(found if isinstance(found, dict) else {name: found})
        return dict(sorted(values.items()))

    async def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Verbose = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> np.ndarray[Any, Any]:
        """Predictions for examples, in their order.

        Args:
            x, verbose, steps, callbacks: as for `evaluate`.
            batch_size: samples at once; 1 where None.

        Returns:
            `(samples,)` object array of `JsonDataModel` or None.
        """
        import numpy as np  # the caller of predict wants an array

        check_sizes("predict", batch_size=batch_size, steps=steps)
        source = source_of(x)
        await self.prepare(source)
        size = batch_size or 1
        outputs: list[Any] = []
        with surrounded(self):
            told = listeners(self, callbacks, verbose, steps=source.steps(size), at_most=steps, batch_size=size)
            await told.tell("on_predict_begin", None)
            with scope.enter(phase="predict"):
                for number, batch in enumerate(passing(source, size, steps)):
                    await told.tell("on_predict_batch_begin", number, None)
                    outputs += await forward(self, batch)
                    await told.tell("on_predict_batch_end", number, {"outputs": outputs[-len(batch) :]})
            await told.tell("on_predict_end", None)
        found = np.empty(len(outputs), dtype=object)
        found[:] = outputs
        return found

    # --- one batch at a time -------------------------------------------------------------------------------

    async def predict_on_batch(self, x: Any, training: bool = False) -> list[JsonDataModel | None]:
        """Predictions for one batch, all samples at once."""
        source = source_of(x)
        if not isinstance(source, Samples):
            raise DataError("predict_on_batch takes one batch: an array or a list of data models")
        with scope.enter(phase="predict"):
            return await forward(self, source.items, training)

    async def test_on_batch(self, x: Any, y: Any = None, return_dict: bool = True) -> Any:
        """Reward and metrics of one batch alone."""
        source = source_of(x, y)
        await self.prepare(source)
        with use_ledger() as ledger, scope.enter(phase="evaluate"):
            self.run_ledger = ledger
            logs = await self.measure(source, len(getattr(source, "items", [0])), 1, CallbackList())
        return logs if return_dict else list(logs.values())

    async def train_on_batch(self, x: Any, y: Any = None, seed: int | None = None, return_dict: bool = True) -> Any:
        """One step of training on one batch, which is also what candidates are compared on.

        Raises:
            ConfigurationError: compiled without an optimizer.
        """
        if self.optimizer is None:
            raise ConfigurationError(f"{self.name} was compiled without an optimizer: nothing to train")
        size = len(x)
        history = await self.fit(x, y, size, None, 1, 0, None, 0.0, None, False, seed=seed)
        logs = {name: values[-1] for name, values in history.history.items()}
        return logs if return_dict else list(logs.values())
