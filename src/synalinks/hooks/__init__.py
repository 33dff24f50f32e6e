"""Hooks: called before and after every call of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._base.lazy import loading
from synalinks._not_here_yet import attribute_of
from synalinks.hooks.calls import hooked
from synalinks.hooks.context import trace_context
from synalinks.hooks.everywhere import (
    ENTRY,
    EVERYWHERE,
    any_everywhere,
    hooks_of,
    stop_everywhere,
    use_everywhere,
)
from synalinks.hooks.hook import Hook
from synalinks.hooks.hook_list import HookList
from synalinks.hooks.logger import Logger

if TYPE_CHECKING:
    from synalinks.hooks.monitor import Monitor
    from synalinks.hooks.open_telemetry import OpenTelemetry
    from synalinks.hooks.recorder import Recorder
else:  # they need the saving of modules and more data models, and are seldom used
    __getattr__ = loading(
        __name__,
        {"monitor": "Monitor", "open_telemetry": "OpenTelemetry", "recorder": "Recorder"},
        attribute_of(__name__),
    )

__all__ = [
    "ENTRY",
    "EVERYWHERE",
    "Hook",
    "HookList",
    "Logger",
    "Monitor",
    "OpenTelemetry",
    "Recorder",
    "any_everywhere",
    "hooked",
    "hooks_of",
    "stop_everywhere",
    "trace_context",
    "use_everywhere",
]
