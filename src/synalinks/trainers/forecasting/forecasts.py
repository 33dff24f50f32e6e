"""The last forecast of each program, kept for as long as the program lives."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synalinks.lm.forecast.forecast import Forecast
    from synalinks.trainers.trainer import Trainer

_forecasts: weakref.WeakKeyDictionary[Any, Forecast] = weakref.WeakKeyDictionary()


def forecast_of(program: Trainer) -> Forecast | None:
    """The last forecast made of a program, or None."""
    return _forecasts.get(program)


def keep_forecast(program: Trainer, forecast: Forecast) -> None:
    """Remember a forecast for as long as its program lives."""
    _forecasts[program] = forecast
