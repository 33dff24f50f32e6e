"""Operational metrics: what a run costs, takes and fails at, as queries on its ledger.

Bound by `compile` to a program, such a metric reads the calls of the run that is under way; unbound, at all calls of
the process. Either way it counts those since `reset_state`, which is when an epoch, a validation or an evaluation
begins. So `cost` is that of an epoch's training, its candidates included, and `val_cost` that of its validation.

- The program's calls are those of its forward passes; those of rewards and of the optimizer have metrics of their own,
  those of metrics none.
- Money and times are as if live: a replay, or a warm cache, gives the figures of the first run. What was paid, and how
  long calls waited, is in `history.ledger`. Only what is measured by the clock is of this run: `Throughput`, times of
  the program, and those of trajectories.
- Unknown is not 0: where a provider did not say what a sum needs, the result is None. Nothing was called: 0.

The classes of the table are in `classes.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from synalinks._json import JsonObject
from synalinks._support.signature import NamedSignature
from synalinks.lm import Entry, Ledger, current_run
from synalinks.metrics.metric import Metric
from synalinks.metrics.operational.table import OTHERS, ROW_OF, Row
from synalinks.metrics.operational.window import Window
from synalinks.modules.core.invocations import Invocations


class Runs(Protocol):
    """The part of a program that such a metric reads."""

    run_ledger: Ledger
    program_invocations: Invocations


class OperationalMetric(Metric):
    """A figure of the calls of a run. A subclass with the name of a row of the table adds up that; any other one writes
    `result`, from `entries()`.

    Args:
        name: in logs.

    Example:
        >>> class Slowest(synalinks.metrics.OperationalMetric):
        ...     def result(self):
        ...         return max((entry.seconds for entry in self.entries()), default=0.0)
        ...
        >>> Slowest().result()
        0.0
        >>> synalinks.metrics.Cost().name
        'cost'
    """

    #: Kinds of calls that count, and whose: `""` the program's, else the phase's.
    kinds: ClassVar[frozenset[str]] = frozenset({"chat", "embed"})
    phase: ClassVar[str] = ""
    #: What it adds up; None for a class that is no row of the table.
    row: ClassVar[Row | None] = None
    __signature__: ClassVar[NamedSignature]
    _program: Runs | None = None
    _window: Window | None
    _invocations_before: Invocations
    _seen: int

    def __init_subclass__(cls) -> None:
        named = None if "result" in cls.__dict__ else ROW_OF.get(cls.__name__)
        if (row := cls.__dict__.get("row", named)) is not None:
            cls.row, cls.direction = row, row.direction
            cls.__signature__ = NamedSignature()

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)

    def __getstate__(self) -> JsonObject:
        return {**vars(self), "_ledger": None} if self._program is None else vars(self)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        if self._program is None:  # the ledger is that of the process, which is not copied: a new window begins
            self.reset_state()

    def bind_program(self, program: Runs | None) -> None:
        """Read the runs of a program from now on; None: at all calls of the process."""
        self._program = program
        self.reset_state()

    async def update_state(self, y_true: Any, y_pred: Any) -> None:
        """Nothing: the calls were metered when they were made."""

    def reset_state(self) -> None:
        """Begin a new window: only calls that end from now on count."""
        ledger = self._run_ledger()
        self._begin(ledger, ledger.mark)

    def entries(self) -> list[Entry]:
        """The calls of the window that count, in the order of their places."""
        ledger = self._run_ledger()
        return self._counted(ledger.since(self._first if ledger is self._ledger else 0))

    def result(self) -> float | None:
        """The figure; None if a part of it is unknown, 0 where nothing was called."""
        if self._window is None:
            found: float | None = super().result()
            return found
        ledger = self._run_ledger()
        if ledger is not self._ledger:  # another run has begun
            self._begin(ledger, 0)
        new = ledger.since(self._seen)
        self._seen = new.mark
        self._window.take(self._counted(new))
        return self._window.figure(self._invocations().since(self._invocations_before))

    def over(self, ledger: Ledger) -> float | None:
        """The figure of the calls in a ledger, whatever the window."""
        if self.row is None:
            return None
        window = Window(self.row)
        window.take(self._counted(ledger))
        return window.figure(Invocations().since(Invocations()))

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"name": self.name}

    def _begin(self, ledger: Ledger, at: int) -> None:
        self._ledger, self._first, self._seen = ledger, at, at
        self._window = None if self.row is None else Window(self.row)
        self._invocations_before = self._invocations().copy()

    def _counted(self, ledger: Ledger) -> list[Entry]:
        wanted, kinds = self.phase, self.kinds
        return [
            entry
            for entry in ledger
            if entry.kind in kinds and (entry.scope.phase == wanted if wanted else entry.scope.phase not in OTHERS)
        ]

    def _run_ledger(self) -> Ledger:
        return current_run().ledger if self._program is None else self._program.run_ledger

    def _invocations(self) -> Invocations:
        return Invocations() if self._program is None else self._program.program_invocations


class LMOperationalMetric(OperationalMetric):
    """A figure of the chat calls that the program makes. Args: see `OperationalMetric`.

    Example:
        >>> class Models(synalinks.metrics.LMOperationalMetric):
        ...     def result(self):
        ...         return sorted({entry.model for entry in self.entries()})
        ...
        >>> Models().result()
        []
    """

    kinds = frozenset({"chat"})


class LMRewardsOperationalMetric(LMOperationalMetric):
    """A figure of the chat calls that rewards make. Args: see `OperationalMetric`.

    Example:
        >>> class Models(synalinks.metrics.LMRewardsOperationalMetric):
        ...     def result(self):
        ...         return sorted({entry.model for entry in self.entries()})
        ...
        >>> Models().result()
        []
    """

    phase = "reward"


class LMOptimizersOperationalMetric(LMOperationalMetric):
    """A figure of the chat calls that the optimizer makes. Args: see `OperationalMetric`.

    Example:
        >>> class Models(synalinks.metrics.LMOptimizersOperationalMetric):
        ...     def result(self):
        ...         return sorted({entry.model for entry in self.entries()})
        ...
        >>> Models().result()
        []
    """

    phase = "optimizer"


class EmbeddingModelOperationalMetric(OperationalMetric):
    """A figure of the embedding calls that the program makes. Args: see `OperationalMetric`.

    Example:
        >>> class Models(synalinks.metrics.EmbeddingModelOperationalMetric):
        ...     def result(self):
        ...         return sorted({entry.model for entry in self.entries()})
        ...
        >>> Models().result()
        []
    """

    kinds = frozenset({"embed"})


class EmbeddingModelRewardsOperationalMetric(EmbeddingModelOperationalMetric):
    """A figure of the embedding calls that rewards make. Args: see `OperationalMetric`.

    Example:
        >>> class Models(synalinks.metrics.EmbeddingModelRewardsOperationalMetric):
        ...     def result(self):
        ...         return sorted({entry.model for entry in self.entries()})
        ...
        >>> Models().result()
        []
    """

    phase = "reward"


class EmbeddingModelOptimizersOperationalMetric(EmbeddingModelOperationalMetric):
    """A figure of the embedding calls that the optimizer makes. Args: see `OperationalMetric`.

    Example:
        >>> class Models(synalinks.metrics.EmbeddingModelOptimizersOperationalMetric):
        ...     def result(self):
        ...         return sorted({entry.model for entry in self.entries()})
        ...
        >>> Models().result()
        []
    """

    phase = "optimizer"


class ProgramOperationalMetric(OperationalMetric):
    """A figure of the program's own calls; 0 where it is bound to none. Args: see `OperationalMetric`.

    Example:
        >>> calls = synalinks.metrics.ProgramCalls()
        >>> calls.name, calls.result()
        ('program_calls', 0.0)
    """
