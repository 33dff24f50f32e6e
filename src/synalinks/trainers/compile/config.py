"""Compilable: what `compile` sets: reward, metrics and optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synalinks._base.lazy import LazyModule
from synalinks.errors import ConfigurationError
from synalinks.lm import Ledger
from synalinks.modules.core.invocations import Invocations
from synalinks.saving import serialize_synalinks_object

if TYPE_CHECKING:
    from synalinks import metrics as metric_namespace
    from synalinks import optimizers as optimizer_namespace
    from synalinks import rewards as reward_namespace
    from synalinks.optimizers import Optimizer
    from synalinks.trainers.compile import compiled as parts
    from synalinks.trainers.compile.compiled import Compiled
else:  # a program that is only called starts without them
    metric_namespace = LazyModule("synalinks.metrics")
    optimizer_namespace = LazyModule("synalinks.optimizers")
    reward_namespace = LazyModule("synalinks.rewards")
    parts = LazyModule("synalinks.trainers.compile.compiled")

#: Methods of trainers elsewhere that a program of one's own may override, and what serves here.
_NEVER_CALLED = {
    "compute_reward": "give compile a reward: a function of target and prediction, or a subclass of Reward",
    "compute_metrics": "give compile metrics: functions, or subclasses of Metric",
    "train_step": "give compile an Optimizer of your own, or write a loop over train_on_batch",
    "test_step": "write a loop over test_on_batch",
    "predict_step": "write a loop over predict_on_batch",
}


class Compilable:
    """A program that can be compiled, and saved with what it was compiled with.

    Attributes:
        optimizer: given to `compile`, or None.
    """

    def __init__(self) -> None:
        self.optimizer: Optimizer | None = None
        self._compile_arguments: dict[str, Any] | None = None

    if TYPE_CHECKING:
        run_ledger: Ledger
        program_invocations: Invocations

        @property
        def output_structure(self) -> Any: ...

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compile_arguments is not None

    @cached_property
    def compilation(self) -> Compiled:
        """Rewards and metrics given to `compile`; none before."""
        return parts.Compiled.of(None, None, None)

    def compile(
        self,
        optimizer: Any = None,
        reward: Any = None,
        reward_weights: Sequence[float] | Mapping[str, float] | None = None,
        metrics: Sequence[Any] | Mapping[str, Any] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
    ) -> None:
        """Set what training maximises and measures, and how it searches.

        Args:
            optimizer: an `Optimizer`, its name, or None for a program that is only evaluated.
            reward: a `Reward`, its name, a function `async fn(y_true, y_pred)`; or one per output, as a list (None for
                an output without) or as a dict by the outputs' names, which are the keys of a dict of outputs, or the
                names of the modules that make them.
            reward_weights: weights of the outputs' rewards, as a list or dict likewise.
            metrics: metrics, rewards or functions to measure. Of several outputs each measures those that its masks
                fit; given as a dict of lists by output, or as a list of lists, those of its own output, and is logged
                with the output's name in front.
            run_eagerly, steps_per_execution: kept for programs that pass them; without effect.

        Raises:
            ConfigurationError: something unknown; a method of the program that would never be called; masks that name
                no field of the program's outputs.
        """
        for name, instead in _NEVER_CALLED.items():
            if hasattr(type(self), name):
                raise ConfigurationError(f"{type(self).__name__}.{name} would never be called; {instead}")
        self.compilation = parts.Compiled.of(reward, reward_weights, metrics, self.output_structure)
        self.compilation.check_schemas(self.output_structure, None)
        self.compilation.bind(self)
        found: Optimizer | None = optimizer_namespace.get(optimizer)
        if found is not None:
            found.check_hooks()
            found.set_program(self)
        self.optimizer = found
        self._compile_arguments = {"weighted": reward_weights is not None}

    @property
    def reward(self) -> Any:
        """The reward given to `compile`, or the list of them."""
        if self.compilation.outputs is not None:
            given = dict(zip(self.compilation.places, self.compilation.rewards, strict=True))
            return [given.get(place) for place in range(self.compilation.outputs)]
        return self.compilation.rewards[0] if self.compilation.rewards else None

    @property
    def metrics(self) -> list[Any]:
        """The mean of the rewards of the last pass over data, and the metrics given to `compile`."""
        if not self.compiled:
            return []
        return [*([self.compilation.tracker] if self.compilation.rewarded else []), *self.compilation.metrics]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the reward and the metrics in logs; one that has several values logs each under its own."""
        return [*(["reward"] if self.compilation.rewarded else []), *self.compilation.names()]

    def reset_metrics(self) -> None:
        """Let the metrics given to `compile` begin to count anew, as each pass over data does."""
        self.compilation.reset_metrics()

    def get_compile_config(self) -> dict[str, Any] | None:
        """How the program was compiled, as JSON; None if it was not."""
        if self._compile_arguments is None:
            return None
        return {
            "optimizer": serialize_synalinks_object(self.optimizer),
            "reward": serialize_synalinks_object(self.reward),
            "reward_weights": self.compilation.weights if self._compile_arguments["weighted"] else None,
            "metrics": serialize_synalinks_object(self.compilation.metrics_as_given),
        }

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compile as `get_compile_config` said."""
        reward, metrics = config.get("reward"), config.get("metrics")
        self.compile(
            optimizer=optimizer_namespace.get(config.get("optimizer")),
            reward=_each(reward_namespace.get, reward),
            reward_weights=config.get("reward_weights"),
            metrics=_each(metric_namespace.get, metrics),
        )


def _each(get: Callable[[Any], Any], saved: object) -> Any:
    """What each of some saved configs describes, in lists as they are."""
    return [_each(get, one) for one in saved] if isinstance(saved, list) else get(saved)
