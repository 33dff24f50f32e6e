"""Forecasts: calls, tokens and dollars of a run before it is made, from low to high.

What code outside the LM layer works forecasts out with; each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._base.lazy import loading

if TYPE_CHECKING:
    from synalinks.lm.forecast.figures import GROWTH, notes_of, ordered, rows_of
    from synalinks.lm.forecast.forecast import Forecast
    from synalinks.lm.forecast.priors import LONG, SHORT, Priors, quantile
    from synalinks.lm.forecast.ranges import Figures, Range, Row
    from synalinks.lm.forecast.synthetic import SyntheticProvider, uniform
    from synalinks.lm.forecast.table import counts_text, expected_text, money_text, shortened, wrapped
    from synalinks.lm.forecast.workload import (
        CallStatistics,
        Group,
        Workload,
        WorkloadRange,
        group_of,
        workloads_of_run,
    )

_HOMES = {
    "figures": "GROWTH notes_of ordered rows_of",
    "forecast": "Forecast",
    "priors": "LONG SHORT Priors quantile",
    "ranges": "Figures Range Row",
    "synthetic": "SyntheticProvider uniform",
    "table": "counts_text expected_text money_text shortened wrapped",
    "workload": "CallStatistics Group Workload WorkloadRange group_of workloads_of_run",
}

__all__ = [
    "GROWTH",
    "LONG",
    "SHORT",
    "CallStatistics",
    "Figures",
    "Forecast",
    "Group",
    "Priors",
    "Range",
    "Row",
    "SyntheticProvider",
    "Workload",
    "WorkloadRange",
    "counts_text",
    "expected_text",
    "group_of",
    "money_text",
    "notes_of",
    "ordered",
    "quantile",
    "rows_of",
    "shortened",
    "uniform",
    "workloads_of_run",
    "wrapped",
]

if not TYPE_CHECKING:
    __getattr__ = loading(__name__, _HOMES)
