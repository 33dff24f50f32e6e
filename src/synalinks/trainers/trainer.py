"""Trainer: compile, fit, evaluate and predict, for anything that can be called."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, overload

from synalinks import scope
from synalinks._base.lazy import LazyModule
from synalinks._base.warning import warn
from synalinks._support.keywords import naming_the_nearest
from synalinks.errors import ConfigurationError
from synalinks.lm import Ledger
from synalinks.modules.core.invocations import Invocations
from synalinks.trainers.compile.config import Compilable
from synalinks.trainers.on_batch import OnBatch

if TYPE_CHECKING:
    import numpy as np

    from synalinks.callbacks import Callback, CallbackList, History
    from synalinks.data import JsonDataModel, Variable
    from synalinks.lm import Forecast
    from synalinks.trainers import parts
    from synalinks.trainers.data.data import Source
    from synalinks.trainers.distributing import Distribution, Runner
    from synalinks.trainers.fit_config import Cap, Verbose
    from synalinks.trainers.parts import FitConfig, FitLoop, ProgramRun
else:
    parts = LazyModule("synalinks.trainers.parts")  # a program that is only called starts without them


class Trainer(OnBatch, Compilable):
    """Training of a program: `compile`, `fit`, `evaluate` and `predict`. `Program` is one.

    Attributes:
        history: of the last `fit`.
        run_ledger: calls of the run that is under way, or of the last one.
        program_invocations: how often the trainer called the program, and how long that took.
        in_fit: whether a `fit` is under way; another one is refused meanwhile.
        fitting: the loop of the `fit` under way, or None.
        last_forecast: the result of the last `estimate`, or None.
        stop_training: set by a callback to end `fit` after the step, or the epoch, that is under way.
        stop_evaluating, stop_predicting: set by a callback to end `evaluate`, or `predict`, after the batch.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     text: str
        ...
        >>> class Same(synalinks.Module):
        ...     async def call(self, inputs, training=False):
        ...         return inputs
        ...
        >>> question = synalinks.Input(data_model=Question)
        >>> program = synalinks.Program(inputs=question, outputs=asyncio.run(Same()(question)))
        >>> program.compile(reward=synalinks.ExactMatch())
        >>> questions = [Question(text="a"), Question(text="b")]
        >>> asyncio.run(program.evaluate(questions, questions, verbose=0))
        {'reward': 1.0}
    """

    name: str
    description: str
    graph: Any
    built: bool

    def __init__(self) -> None:
        super().__init__()
        self.history: History | None = None
        self.run_ledger = Ledger()
        self.program_invocations = Invocations()
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.in_fit = False
        self.fitting: FitLoop | None = None
        self.last_forecast: Forecast | None = None

    if TYPE_CHECKING:

        @property
        def trainable_variables(self) -> list[Variable]: ...

        async def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

        def as_input(self, value: Any) -> Any: ...

        def as_target(self, value: Any) -> Any: ...

        async def build_whole(self, inputs: Any) -> None: ...

        def to_json(self) -> str: ...

        def get_state(self) -> dict[str, Any]: ...

        def set_state(self, state: Mapping[str, Any]) -> None: ...

    # --- fit -----------------------------------------------------------------------------------------------

    @naming_the_nearest
    async def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 1,
        minibatch_size: int | None = 4,
        epochs: int = 1,
        verbose: Verbose = "auto",
        callbacks: Sequence[Callback | str] | None = None,
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
        calls: int | None = None,
        test_data: Any = None,
        max_failed_share: float = 0.5,
        distribution: Distribution | None = None,
    ) -> History:
        """Train on examples.

        Args:
            x, y: inputs and targets, `(samples,)` object arrays or lists of data models; or x alone, a generator of
                `(x, y)` batches or a function that makes one.
            batch_size: samples per step.
            minibatch_size: validation samples that parent and child are compared on; all where None.
            epochs: the epoch to end before, counted from 0.
            verbose: 0 is silent; 1 and `"auto"` draw a bar on a terminal and write lines elsewhere; 2 always lines.
            validation_split: the last fraction of x and y, taken before shuffling, in [0, 1); batches of a generator or
                Dataset are not split.
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
            calls: calls of the program and of the optimizer, at most, validation included; a natural end of training.
                An optimizer that searches makes epochs of them, see `SearchPlan`.
            test_data: `(x, y)` that nothing is chosen by, measured once after training, beside `calls`; see
                `History.test`.
            max_failed_share: of the calls of three steps in a row; where more failed for good, training ends with the
                reason (`History.stop_reason`). 1.0 goes on whatever fails.
            distribution: where samples are called and scored, see `use_distribution`; as that block says where None.

        Returns:
            The history: logs by epoch, the ledger, and how it ended.

        Raises:
            DataError: data of the wrong kind, type or length.
            ConfigurationError: anything that is not configured, before the first call; another fit is under way.
            LMUnavailable: a whole batch without an answer.
            KeyboardInterrupt: after Ctrl-C, once the calls already sent are answered; a second one cancels them.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "x", "y")}
        return await self._fit_on(
            x, y, parts.FitConfig.of({**given, "callbacks": parts.callbacks_of(callbacks)}, "fit")
        )

    async def _fit_on(self, x: object, y: object, config: FitConfig) -> History:
        """`fit` with its arguments as a config."""
        if self.in_fit:
            raise ConfigurationError(
                f"{self.name} is being trained, and a program has the state of one fit at a time: await the first, "
                "or train a copy (copy.deepcopy(program))"
            )
        self.history = history = parts.History()
        self.stop_training = False
        if self.optimizer is None:
            what = "was not compiled" if self._compile_arguments is None else "was compiled without an optimizer"
            warn(f"{self.name} {what}: nothing to train; write program.compile(optimizer=..., reward=...)")
            return history
        self.in_fit = True
        try:
            await parts.fit(self, self.optimizer, history, x, y, config)
        finally:
            self.in_fit = False
        return history

    def _begin_run(self, ledger: Ledger, runner: Runner | None = None) -> ProgramRun:
        return parts.begin_run(self, ledger, runner)

    async def estimate(
        self, x: Any = None, y: Any = None, *, optimizer: Any = None, learn_from: Any = (), **settings: Any
    ) -> Forecast:
        """Forecast what `fit` with these arguments will take; `print` shows it as a table.

        A copy of the program is trained on synthetic answers. No model is called, the program stays as it is, and no
        file is written. Lengths of answers come from usage statistics: of the sources given, the open cassette, the
        calls of this process and the disk cache. Figures are as if live; low leaves out calls that the cache and single
        flight may save.

        Args:
            x, y: as for `fit`; of generators, only a function that makes one.
            optimizer: forecast in place of the compiled one.
            learn_from: a cassette's path, a ledger, or several of them, as sources of usage statistics.
            **settings: the arguments of `fit`; those without cost are ignored, callbacks among them.

        Raises:
            ConfigurationError: an error of `fit`, or an argument that `fit` does not have.
            CopyError: the program has an attribute that can't be copied.
            DataError: data that `fit` would refuse, or that can be read only once.
        """
        return await parts.estimate(self, x, y, parts.FitConfig.of(settings), optimizer, learn_from)

    async def prepare(self, source: Source) -> None:
        """Build the program and check everything that can be checked before the first call."""
        first = source.first()
        await self.build_whole(first.x)
        self.compilation.check_schemas(self.output_structure, first.y)

    @property
    def failure(self) -> str | None:
        """Why a result was None: what the last failed call of a model of this program failed of; None without one."""
        failed = [e for model in parts.models_of([self]) if (e := model.client.ledger.last_failure()) is not None]
        return max(failed, key=lambda entry: entry.begun).error_message if failed else None

    # --- evaluate and predict ------------------------------------------------------------------------------

    @asynccontextmanager
    async def _running(
        self,
        method: str,
        source: Source,
        batch_size: int,
        steps: int | None,
        verbose: Verbose,
        callbacks: Sequence[Callback | str] | None,
        distribution: Distribution | None,
    ) -> AsyncIterator[tuple[ProgramRun, CallbackList]]:
        """A block of a method in which samples are called but nothing is trained: its run, and its callbacks."""
        async with parts.runner_of(self, self.compilation.rewards, distribution) as runner:
            with parts.run_context(f"budget of {self.name}.{method}") as context:
                run = self._begin_run(context.ledger, runner)
                with parts.use_callbacks(
                    self,
                    run.ledger,
                    parts.callbacks_of(callbacks),
                    verbose,
                    steps=source.steps(batch_size),
                    at_most=steps,
                    batch_size=batch_size,
                ) as called:
                    yield run, called

    @overload
    async def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        verbose: Verbose = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback | str] | None = None,
        return_dict: Literal[True] = True,
        distribution: Distribution | None = None,
    ) -> dict[str, float]: ...
    @overload
    async def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        verbose: Verbose = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback | str] | None = None,
        *,
        return_dict: Literal[False],
        distribution: Distribution | None = None,
    ) -> float | list[float]: ...
    @naming_the_nearest  # type: ignore[misc]  # it takes any positional arguments
    async def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        verbose: Verbose = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback | str] | None = None,
        return_dict: bool = True,
        distribution: Distribution | None = None,
    ) -> Any:
        """Rewards and metrics on examples; nothing is trained.

        Args:
            x, y, batch_size, verbose, callbacks, distribution: as for `fit`.
            steps: batches at most.
            return_dict: False gives the values without names: the reward, then the metrics in the order of `compile`; a
                single one as it is, several as a list.

        Returns:
            Values by name, in alphabetical order.
        """
        parts.check_sizes("evaluate", batch_size=batch_size, steps=steps)
        source = parts.source_of(x, y, self)
        if not self.compiled:
            warn(f"{self.name} was not compiled: nothing to measure; write program.compile(reward=...)")
            return {} if return_dict else self.compilation.in_order({})
        await self.prepare(source)
        parts.check_models(self, *self.compilation.rewards, *self.compilation.metrics)
        parts.check_targets(self.compilation.rewards, self.compilation.metrics, source, self.output_structure)
        running = self._running("evaluate", source, batch_size, steps, verbose, callbacks, distribution)
        async with running as (run, called):
            with scope.enter(phase="evaluate"):
                logs = await parts.measure(run, source, batch_size, steps, called)
        if not logs:
            warn(f"{self.name} has no reward and no metric: nothing was measured; write program.compile(reward=...)")
        return logs if return_dict else self.compilation.in_order(logs)

    @naming_the_nearest
    async def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Verbose = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback | str] | None = None,
        distribution: Distribution | None = None,
    ) -> np.ndarray[Any, Any]:
        """Predictions for examples, in their order.

        Args:
            x, verbose, steps, callbacks, distribution: as for `evaluate`.
            batch_size: samples at once; 1 where None.

        Returns:
            `(samples,)` object array of `JsonDataModel` or None.
        """
        parts.check_sizes("predict", batch_size=batch_size, steps=steps)
        source = parts.source_of(x, None, self)
        await self.prepare(source)
        size = batch_size or 1
        outputs: list[JsonDataModel | None] = []
        self.stop_predicting = False
        running = self._running("predict", source, size, steps, verbose, callbacks, distribution)
        async with running as (run, called):
            await called.call("on_predict_begin", None)
            with scope.enter(phase="predict"):
                for number, batch in enumerate(parts.passing(source, size, steps)):
                    await called.call("on_predict_batch_begin", number, None)
                    outputs += await parts.forward(run, batch)
                    await called.call("on_predict_batch_end", number, {"outputs": outputs[-len(batch) :]})
                    if self.stop_predicting:
                        break
            await called.call("on_predict_end", None)
        return parts.object_array(outputs)
