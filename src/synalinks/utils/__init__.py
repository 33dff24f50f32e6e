"""Utilities around programs: plots, progress, downloads. Libraries that draw are loaded when something is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._not_here_yet import attribute_of
from synalinks.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from synalinks.data import is_json_data_model, is_meta_class, is_symbolic_data_model
from synalinks.modules import Tool
from synalinks.saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_synalinks_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_synalinks_serializable,
    serialize_synalinks_object,
)
from synalinks.session import clear_session
from synalinks.utils.compare import Comparison, compare
from synalinks.utils.get_file import get_file
from synalinks.utils.keras import disable_keras_backend
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
from synalinks.utils.progbar import Progbar
from synalinks.utils.samples import pack_x_y, unpack_x_y

__all__ = [
    "Comparison",
    "CustomObjectScope",
    "Progbar",
    "Tool",
    "clear_session",
    "compare",
    "custom_object_scope",
    "deserialize_synalinks_object",
    "disable_interactive_logging",
    "disable_keras_backend",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "is_interactive_logging_enabled",
    "is_json_data_model",
    "is_meta_class",
    "is_symbolic_data_model",
    "pack_x_y",
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
    "register_synalinks_serializable",
    "serialize_synalinks_object",
    "unpack_x_y",
]

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
