"""OnBatch: training, evaluation and prediction of one batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from synalinks import scope
from synalinks._base.lazy import LazyModule
from synalinks.data import JsonDataModel
from synalinks.errors import ConfigurationError, DataError
from synalinks.lm import Ledger, use_ledger

if TYPE_CHECKING:
    from synalinks.callbacks import History
    from synalinks.optimizers import Optimizer
    from synalinks.trainers import parts
    from synalinks.trainers.compile.compiled import Compiled
    from synalinks.trainers.data.data import Source
    from synalinks.trainers.distributing import Runner
    from synalinks.trainers.fit_config import FitConfig
    from synalinks.trainers.program_run import ProgramRun
else:
    parts = LazyModule("synalinks.trainers.parts")  # a program that is only called starts without them


class OnBatch:
    """The methods of a program for loops of one's own: `train_on_batch`, `test_on_batch`, `predict_on_batch`."""

    if TYPE_CHECKING:
        name: str
        optimizer: Optimizer | None
        compilation: Compiled
        run_ledger: Ledger

        def _begin_run(self, ledger: Ledger, runner: Runner | None = None) -> ProgramRun: ...

        def as_input(self, value: Any) -> Any: ...

        def as_target(self, value: Any) -> Any: ...

        async def prepare(self, source: Source) -> None: ...

        async def _fit_on(self, x: object, y: object, config: FitConfig) -> History: ...

    async def predict_on_batch(self, x: Any, training: bool = False) -> list[JsonDataModel | None]:
        """Predictions for one batch, all samples at once."""
        source = parts.source_of(x, None, self)
        if not isinstance(source, parts.Samples):
            raise DataError("predict_on_batch takes one batch: an array or a list of data models")
        async with parts.runner_of(self, self.compilation.rewards, None) as runner:
            with scope.enter(phase="predict"):
                return await parts.forward(self._begin_run(self.run_ledger, runner), source.items, training)

    @overload
    async def test_on_batch(
        self, x: Any, y: Any = None, return_dict: Literal[False] = False
    ) -> float | list[float]: ...
    @overload
    async def test_on_batch(self, x: Any, y: Any = None, *, return_dict: Literal[True]) -> dict[str, float]: ...
    async def test_on_batch(self, x: Any, y: Any = None, return_dict: bool = False) -> Any:
        """Reward and metrics of one batch alone.

        Args:
            return_dict: whether they are given by name; else as `evaluate` gives them.
        """
        source = parts.source_of(x, y, self)
        await self.prepare(source)
        async with parts.runner_of(self, self.compilation.rewards, None) as runner:
            with use_ledger() as ledger, scope.enter(phase="evaluate"):
                size = len(source) if isinstance(source, parts.Samples) else 1
                logs = await parts.measure(self._begin_run(ledger, runner), source, size, 1, parts.CallbackList())
        return logs if return_dict else self.compilation.in_order(logs)

    @overload
    async def train_on_batch(
        self,
        step: int,
        x: Any,
        y: Any = None,
        val_x: Any = None,
        val_y: Any = None,
        return_dict: Literal[False] = False,
        seed: int | None = None,
    ) -> float | list[float]: ...
    @overload
    async def train_on_batch(
        self,
        step: int,
        x: Any,
        y: Any = None,
        val_x: Any = None,
        val_y: Any = None,
        *,
        return_dict: Literal[True],
        seed: int | None = None,
    ) -> dict[str, float]: ...
    async def train_on_batch(
        self,
        step: int,
        x: Any,
        y: Any = None,
        val_x: Any = None,
        val_y: Any = None,
        return_dict: bool = False,
        seed: int | None = None,
    ) -> Any:
        """One step of training on one batch.

        A loop that calls the optimizer's hooks itself, from `on_train_begin` to `on_train_end`, gets the step alone, in
        the epoch that the loop is in. Else the step is an epoch of one batch.

        Args:
            step: its number, from 0; another one for each step of an epoch, so that its calls have places of their own.
            x, y: the batch.
            val_x, val_y: what candidates are compared on; the batch itself where None.
            return_dict: whether reward and metrics of the batch are given by name; else as `evaluate` gives them.
            seed: see `fit`; where None, the steps of such a loop go on with the optimizer's `rng`.

        Raises:
            ConfigurationError: compiled without an optimizer, or `step` is no whole number.
        """
        if self.optimizer is None:
            raise ConfigurationError(f"{self.name} was compiled without an optimizer: nothing to train")
        if isinstance(step, bool) or not isinstance(step, int) or step < 0:
            raise ConfigurationError(
                f"train_on_batch(step={type(step).__name__}, ...): a number from 0 comes first; write "
                "train_on_batch(0, x, y)"
            )
        in_loop = self.optimizer.in_own_loop and not self.optimizer.searches
        epoch = self.optimizer.epochs if in_loop else 0
        config = parts.FitConfig(
            batch_size=len(x),
            initial_epoch=epoch,
            epochs=epoch + 1,
            minibatch_size=None,
            verbose=0,
            validation_split=0.0,
            validation_data=None if val_x is None else (val_x, val_y),
            validation_freq=epoch + 2,  # candidates are compared on it; it is not measured besides
            shuffle=False,
            seed=seed,
            first_step=step,
            hooks=not in_loop,
        )
        history = await self._fit_on(x, y, config)
        logs = {name: values[-1] for name, values in history.history.items()}
        return logs if return_dict else self.compilation.in_order(logs)
