"""A dry run of a script: its fits find rewards that mean something to optimizers, and are forecast if asked to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from synalinks.callbacks import History
from synalinks.errors import DataError
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.forecasting.estimate import estimate
from synalinks.trainers.forecasting.simulated_rewards import SimulatedRewards, some_right
from synalinks.trainers.program_run import TrainableProgram

if TYPE_CHECKING:
    from synalinks.lm.forecast.forecast import Forecast

_current: ContextVar[DryRun | None] = ContextVar("synalinks_dry_run", default=None)


class DryRun:
    """What the fits of a dry run leave behind.

    Args:
        forecasts: whether each fit is forecast before it is made.
        learn_from: where forecasts learn from besides the cache.

    Attributes:
        fits: the histories of the fits made, each with its forecast if there is one.
    """

    def __init__(self, forecasts: bool = False, learn_from: Sequence[Any] = ()) -> None:
        self.fits: list[tuple[History, Forecast | None]] = []
        self._forecasts = forecasts
        self._learn_from = learn_from

    async def of_fit(
        self, program: TrainableProgram, history: History, x: Any, y: Any, settings: FitConfig
    ) -> AbstractContextManager[None]:
        """Note a fit that begins, forecast it if that is asked, and give the block that it is to run in."""
        forecast = None
        if self._forecasts:
            with suppress(DataError):  # data that can be read once is left to the fit; its calls are counted as made
                forecast = await estimate(program, x, y, settings, None, self._learn_from)
                history.forecast = forecast
        self.fits.append((history, forecast))
        return _with_rewards(program)


@contextmanager
def _with_rewards(program: TrainableProgram) -> Iterator[None]:
    before = program.compiled
    program.compiled = SimulatedRewards(before, some_right, lambda: 0)
    try:
        yield
    finally:
        program.compiled = before


def current() -> DryRun | None:
    """The dry run that this task is part of, or None."""
    return _current.get()


@contextmanager
def dry_run(dry: DryRun) -> Iterator[DryRun]:
    """Have the fits inside the block be part of a dry run."""
    token = _current.set(dry)
    try:
        yield dry
    finally:
        _current.reset(token)
