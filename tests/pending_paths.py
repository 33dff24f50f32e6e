"""Paths that are not there yet. The list only gets shorter.

Missing are parts whose work is under way: traces of calls, and hooks that record them.
"""

PENDING: dict[str, str] = {
    "synalinks": """
        is_trace_recording_enabled record_traces trace_context
    """,
    "synalinks.backend": "is_trace_recording_enabled record_traces trace_recording_dir",
    "synalinks.callbacks.monitor": "Span",
    "synalinks.config": "is_trace_recording_enabled record_traces trace_recording_dir",
    "synalinks.hooks": "HookList Monitor Recorder trace_context",
}
