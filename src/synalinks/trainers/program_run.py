"""ProgramRun: one run of a program: what is called, what scores it, and what collects its calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from synalinks.callbacks import History
from synalinks.callbacks.measured import ScoredSamples
from synalinks.data import Variable
from synalinks.lm import Forecast, Ledger
from synalinks.metrics import Mean
from synalinks.modules.core.invocations import Invocations
from synalinks.optimizers import Optimizer
from synalinks.trainers.compile.compiled import Compiled
from synalinks.trainers.data.data import Source
from synalinks.trainers.distributing import Runner


class RunnableProgram(Protocol):
    """The part of a program that the trainer uses.

    Attributes:
        stop_training, stop_evaluating: set by a callback, see `Trainer`.
    """

    name: str
    description: str
    stop_training: bool
    stop_evaluating: bool

    @property
    def trainable_variables(self) -> list[Variable]: ...

    async def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def to_json(self) -> str: ...

    def get_state(self) -> dict[str, Any]: ...

    def set_state(self, state: Mapping[str, Any]) -> None: ...


class TrainableProgram(RunnableProgram, Protocol):
    """A program with what it was compiled with, and its `fit`.

    Attributes:
        fitting: the loop of the `fit` under way, or None.
        last_forecast: the result of the last `estimate`, or None.
        run_ledger: calls of the run that is under way, or of the last one.
        program_invocations: how often the trainer called the program.
    """

    optimizer: Optimizer | None
    compilation: Compiled
    fitting: Any
    last_forecast: Forecast | None
    run_ledger: Ledger
    program_invocations: Invocations

    @property
    def output_structure(self) -> Any: ...

    async def prepare(self, source: Source) -> None: ...

    async def fit(self, *args: Any, **kwargs: Any) -> History: ...

    def as_input(self, value: Any) -> Any: ...

    def as_target(self, value: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """One run of a program.

    Attributes:
        program: what is called.
        compiled: its rewards and metrics.
        ledger: collects the model calls of the run.
        invocations: how often the program was called, and the seconds of it.
        runner: calls and scores samples in other processes; None where this one does.
        samples: the samples that were scored.
    """

    program: RunnableProgram
    compiled: Compiled
    ledger: Ledger
    invocations: Invocations
    runner: Runner | None = None
    samples: ScoredSamples = field(default_factory=ScoredSamples)

    def reset_metrics(self) -> None:
        """Begin to count anew."""
        self.compiled.reset_metrics()

    def logs(self, mean_reward: Mean) -> dict[str, float]:
        """The reward and all metrics so far, by name, in alphabetical order."""
        values: dict[str, Any] = {}
        if self.compiled.rewarded:
            values["reward"] = mean_reward.result()
            self.compiled.tracker.sums.assign(mean_reward.sums.get_json())
        for name, metric in zip(self.compiled.names(), self.compiled.metrics, strict=True):
            values.update(metric.named_logs(name))
        return dict(sorted(values.items()))


def begin_run(program: TrainableProgram, ledger: Ledger, runner: Runner | None = None) -> ProgramRun:
    """A run whose calls are collected in a ledger, which becomes the program's `run_ledger`."""
    program.run_ledger = ledger
    return ProgramRun(program, program.compilation, ledger, program.program_invocations, runner)
