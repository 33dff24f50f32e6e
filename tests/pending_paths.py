"""Paths that are not there yet. The list only gets shorter.

Missing are parts whose work is under way: datasets of texts, folders and Hugging Face;
traces of calls, and hooks that record them; whatever else of training and agents stands below.
"""

PENDING: dict[str, str] = {
    "synalinks": """
        HuggingFaceDataset ImageFolderDataset MLflowDataset MarkdownDataset MarkdownDocument MarkdownSection
        TextDataset TextDocument is_trace_recording_enabled parse_markdown_sections
        record_traces trace_context
    """,
    "synalinks.backend": "is_trace_recording_enabled record_traces trace_recording_dir",
    "synalinks.callbacks.monitor": "Span",
    "synalinks.config": "is_trace_recording_enabled record_traces trace_recording_dir",
    "synalinks.datasets": """
        HuggingFaceDataset ImageFolderDataset MLflowDataset MarkdownDataset MarkdownDocument MarkdownSection
        TextDataset TextDocument load_split parse_markdown_sections
    """,
    "synalinks.hooks": "HookList Monitor Recorder trace_context",
}
