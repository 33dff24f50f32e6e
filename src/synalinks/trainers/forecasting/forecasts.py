"""The last forecast of each program, kept for as long as the program lives."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from synalinks.trainers.program_run import TrainableProgram

if TYPE_CHECKING:
    from synalinks.lm.forecast.forecast import Forecast

_forecasts: weakref.WeakKeyDictionary[Any, Forecast] = weakref.WeakKeyDictionary()


def forecast_of(program: TrainableProgram) -> Forecast | None:
    """The last forecast made of a program, or None."""
    return _forecasts.get(program)


def keep_forecast(program: TrainableProgram, forecast: Forecast) -> None:
    """Remember a forecast for as long as its program lives."""
    _forecasts[program] = forecast
