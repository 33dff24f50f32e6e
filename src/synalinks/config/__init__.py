"""Settings of the session: default models and their server, the seed, where progress and logs go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._base.lazy import loading
from synalinks._not_here_yet import attribute_of
from synalinks._support.home import synalinks_home
from synalinks._support.interactive import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from synalinks.config.logs import (
    enable_logging,
    enable_observability,
    is_observability_enabled,
    mlflow_experiment_name,
    mlflow_tracking_uri,
)
from synalinks.config.models import (
    api_base,
    api_key,
    default_decision_model,
    default_embedding_model,
    default_language_model,
    set_api_base,
    set_api_key,
    set_default_decision_model,
    set_default_embedding_model,
    set_default_language_model,
)
from synalinks.config.numbers import (
    backend,
    epsilon,
    floatx,
    get_seed,
    set_backend,
    set_epsilon,
    set_floatx,
    set_seed,
)
from synalinks.saving import enable_unsafe_deserialization

__all__ = [
    "api_base",
    "api_key",
    "backend",
    "default_decision_model",
    "default_embedding_model",
    "default_language_model",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "enable_logging",
    "enable_observability",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "get_seed",
    "is_interactive_logging_enabled",
    "is_observability_enabled",
    "is_trace_recording_enabled",
    "mlflow_experiment_name",
    "mlflow_tracking_uri",
    "record_traces",
    "set_api_base",
    "set_api_key",
    "set_backend",
    "set_default_decision_model",
    "set_default_embedding_model",
    "set_default_language_model",
    "set_epsilon",
    "set_floatx",
    "set_seed",
    "synalinks_home",
    "trace_recording_dir",
]

if TYPE_CHECKING:
    from synalinks.config.traces import is_trace_recording_enabled, record_traces, trace_recording_dir
else:  # seldom used, and it needs the saving of modules
    __getattr__ = loading(
        __name__, {"traces": "is_trace_recording_enabled record_traces trace_recording_dir"}, attribute_of(__name__)
    )
