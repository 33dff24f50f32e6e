"""Forecasts: calls, tokens and dollars of a run before it is made, from low to high."""

from __future__ import annotations

from synalinks.lm.forecast.forecast import Forecast
from synalinks.lm.forecast.ranges import Figures, Range

__all__ = ["Figures", "Forecast", "Range"]
