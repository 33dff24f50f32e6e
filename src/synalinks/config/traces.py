"""Whether the calls of language models are written to files, and where."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from synalinks._support.home import synalinks_home
from synalinks.hooks import EVERYWHERE, Recorder, use_everywhere
from synalinks.hooks.recorder import trace_recording_dir

__all__ = ["is_trace_recording_enabled", "record_traces", "trace_recording_dir"]


def record_traces(base_dir: str | Path | None = None) -> None:
    """Write the calls of every language model from now on, as a `hooks.Recorder` does.

    Args:
        base_dir: the folder; `synalinks_home()` where None.
    """
    use_everywhere(Recorder, partial(Recorder, base_dir or synalinks_home()))


def is_trace_recording_enabled() -> bool:
    """Whether `record_traces` was called."""
    return Recorder in EVERYWHERE
