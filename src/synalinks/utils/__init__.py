"""Utilities around programs: plots. The plotting library is loaded when something is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._not_here_yet import attribute_of
from synalinks.modules import Tool
from synalinks.utils.plot_costs import plot_costs
from synalinks.utils.plot_history import (
    plot_history,
    plot_history_comparison,
    plot_history_comparison_with_mean_and_std,
    plot_history_with_mean_and_std,
)
from synalinks.utils.plot_metrics import (
    plot_metrics,
    plot_metrics_comparison,
    plot_metrics_comparison_with_mean_and_std,
    plot_metrics_with_mean_and_std,
)
from synalinks.utils.plot_program import plot_program, program_to_dot
from synalinks.utils.plot_reward_curve import plot_reward_curve

__all__ = [
    "Tool",
    "plot_costs",
    "plot_history",
    "plot_history_comparison",
    "plot_history_comparison_with_mean_and_std",
    "plot_history_with_mean_and_std",
    "plot_metrics",
    "plot_metrics_comparison",
    "plot_metrics_comparison_with_mean_and_std",
    "plot_metrics_with_mean_and_std",
    "plot_program",
    "plot_reward_curve",
    "program_to_dot",
]

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
