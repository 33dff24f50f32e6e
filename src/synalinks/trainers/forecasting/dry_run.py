"""DryRun: a run of a script with simulated rewards, whose fits are forecast on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from synalinks.callbacks import History
from synalinks.errors import DataError
from synalinks.lm import Forecast
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.forecasting.estimate import estimate
from synalinks.trainers.forecasting.simulated_rewards import SimulatedRewards, half_right
from synalinks.trainers.program_run import TrainableProgram

_current: ContextVar[DryRun | None] = ContextVar("synalinks_dry_run", default=None)


class DryRun:
    """The fits of a dry run.

    Args:
        forecasts: whether a forecast is made before each fit.
        learn_from: sources of usage statistics besides the cache.

    Attributes:
        fits: the history of each fit, with its forecast or None.
    """

    def __init__(self, forecasts: bool = False, learn_from: Sequence[Any] = ()) -> None:
        self.fits: list[tuple[History, Forecast | None]] = []
        self._forecasts = forecasts
        self._learn_from = learn_from

    async def of_fit(
        self, program: TrainableProgram, history: History, x: Any, y: Any, settings: FitConfig
    ) -> AbstractContextManager[None]:
        """Add a fit that begins, with its forecast; returns the block that it has to run in."""
        forecast = None
        if self._forecasts:
            with suppress(DataError):  # data that can be read only once; the calls of the fit itself are counted
                forecast = await estimate(program, x, y, settings, None, self._learn_from)
                history.forecast = forecast
        self.fits.append((history, forecast))
        return _with_rewards(program)


@contextmanager
def _with_rewards(program: TrainableProgram) -> Iterator[None]:
    before = program.compilation
    program.compilation = SimulatedRewards(before, half_right, lambda: 0)
    try:
        yield
    finally:
        program.compilation = before


def current() -> DryRun | None:
    """The dry run of this task, or None."""
    return _current.get()


@contextmanager
def dry_run(dry: DryRun) -> Iterator[DryRun]:
    """Make the fits inside the block part of a dry run."""
    token = _current.set(dry)
    try:
        yield dry
    finally:
        _current.reset(token)
