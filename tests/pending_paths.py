"""Paths that are not there yet. The list only gets shorter.

Missing are parts whose work is under way: datasets of texts, folders, Parquet and Hugging Face; benchmark sets;
traces of calls, and hooks that record them; whatever else of training and agents stands below.
"""

PENDING: dict[str, str] = {
    "synalinks": """
        HuggingFaceDataset ImageFolderDataset MLflowDataset MarkdownDataset MarkdownDocument MarkdownSection
        ParquetDataset TextDataset TextDocument is_trace_recording_enabled parse_markdown_sections
        record_traces trace_context
    """,
    "synalinks.backend": "is_trace_recording_enabled record_traces trace_recording_dir",
    "synalinks.callbacks.monitor": "Span",
    "synalinks.config": "is_trace_recording_enabled record_traces trace_recording_dir",
    "synalinks.datasets": """
        HuggingFaceDataset ImageFolderDataset MLflowDataset MarkdownDataset MarkdownDocument MarkdownSection
        ParquetDataset TextDataset TextDocument arc_challenge arcagi bbh bbq boolq drop hellaswag hotpotqa
        humaneval ifeval lambada load_split logiqa mmlu parse_markdown_sections squad truthfulqa winogrande
    """,
    "synalinks.datasets.arc_challenge": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.arcagi": """
        default_instructions get_arcagi1_evaluation_task_names get_arcagi1_training_task_names
        get_arcagi2_evaluation_task_names get_arcagi2_training_task_names get_input_data_model
        get_output_data_model load_data plot_task
    """,
    "synalinks.datasets.bbh": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.bbq": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.boolq": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.drop": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.hellaswag": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.hotpotqa": """
        get_input_data_model get_knowledge_data_model get_output_data_model iterable_dataset load_data
        load_knowledge
    """,
    "synalinks.datasets.humaneval": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.ifeval": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.lambada": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.logiqa": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.mmlu": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.squad": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.truthfulqa": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.datasets.winogrande": "get_input_data_model get_output_data_model iterable_dataset load_data",
    "synalinks.hooks": "HookList Monitor Recorder trace_context",
}
