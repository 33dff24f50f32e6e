"""What a run will take, said before it is made: forecasts, what they learn from, and how nothing else is touched."""

from __future__ import annotations

from synalinks.lm.forecast.forecast import Figures, Forecast, Range

__all__ = ["Figures", "Forecast", "Range"]
