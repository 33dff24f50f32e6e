"""Paths that are not there: each is being built. The list only gets shorter."""

PENDING = {
    "synalinks": """
        AgentAsJudge ChatCompletionChoice ChatCompletionCompletionTokensDetails ChatCompletionFunctionCall
        ChatCompletionJsonSchema ChatCompletionMessage ChatCompletionPromptTokensDetails ChatCompletionRequest
        ChatCompletionResponse ChatCompletionResponseFormat ChatCompletionTool ChatCompletionToolCall
        ChatCompletionToolFunction ChatCompletionUsage DecisionModel EmbeddedEntity Entities Entity
        HuggingFaceDataset ImageFolderDataset KnowledgeGraph KnowledgeGraphs MLflowDataset MarkdownDataset
        MarkdownDocument MarkdownSection MultiServerMCPClient OAuthLanguageModel ParquetDataset Relation
        Relations TextDataset TextDocument ToolCalling api_base decision_models
        default_decision_model disable_keras_backend from_chat_completion_message
        from_chat_completion_messages is_embedded_entity is_entities is_entity is_knowledge_graph
        is_knowledge_graphs is_relation is_relations is_trace_recording_enabled parse_markdown_sections
        record_traces set_api_base set_default_decision_model synalinks_home to_chat_completion_message
        to_chat_completion_messages to_chat_completion_request trace_context
    """,
    "synalinks.backend": """
        Audio ChatCompletionChoice ChatCompletionCompletionTokensDetails ChatCompletionFunctionCall
        ChatCompletionJsonSchema ChatCompletionMessage ChatCompletionPromptTokensDetails ChatCompletionRequest
        ChatCompletionResponse ChatCompletionResponseFormat ChatCompletionTool ChatCompletionToolCall
        ChatCompletionToolFunction ChatCompletionUsage EmbeddedEntity EmbeddingRequest Entities Entity
        FineScore GenericIO GenericInputs GenericOutputs GenericResult Image KnowledgeGraph KnowledgeGraphs
        Rating Rating10 Rating20 Relation Relations Score Stamp ToolCallFunction ToolCalling api_base api_key
        backend epsilon floatx from_chat_completion_message from_chat_completion_messages get_score_type
        get_uid is_chat_message is_chat_messages is_embedded is_embedded_entity is_embedding is_embeddings
        is_entities is_entity is_instructions is_json_data_model is_knowledge_graph is_knowledge_graphs
        is_meta_class is_prediction is_relation is_relations is_stamped is_strictly_chat_message
        is_strictly_chat_messages is_symbolic_data_model is_tool_call is_trace_recording_enabled
        mlflow_experiment_name mlflow_tracking_uri normalize_score record_traces set_api_base set_api_key
        set_backend set_epsilon set_floatx to_chat_completion_message to_chat_completion_messages
        to_chat_completion_request trace_recording_dir
    """,
    "synalinks.callbacks": "Monitor SynalinksProgramModel monitor",
    "synalinks.callbacks.monitor": "Span",
    "synalinks.config": """
        api_base api_key backend default_decision_model disable_interactive_logging enable_interactive_logging
        enable_unsafe_deserialization epsilon floatx is_interactive_logging_enabled is_trace_recording_enabled
        mlflow_experiment_name mlflow_tracking_uri record_traces set_api_base set_api_key set_backend
        set_default_decision_model set_epsilon set_floatx synalinks_home trace_recording_dir
    """,
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
    "synalinks.decision_models": """
        DecisionModel UnsupportedSchemaError deserialize get model_info provider_info score_schema serialize
        supported_models supported_providers
    """,
    "synalinks.embedding_models": "model_info provider_info supported_models supported_providers",
    "synalinks.hooks": "HookList Monitor Recorder trace_context",
    "synalinks.language_models": "OAuthLanguageModel model_info provider_info supported_models supported_providers",
    "synalinks.metrics": "ListF1Score ListFBetaScore",
    "synalinks.modules": "deserialize serialize",
    "synalinks.ops": "concatenate",
    "synalinks.ops.json": "concatenate",
    "synalinks.rewards": "AgentAsJudge",
    "synalinks.saving": "CustomObjectScope",
    "synalinks.tree": "MAP_TO_NONE assert_same_paths lists_to_tuples traverse",
    "synalinks.utils": """
        CustomObjectScope Progbar clear_session custom_object_scope deserialize_synalinks_object
        disable_interactive_logging disable_keras_backend enable_interactive_logging get_custom_objects
        get_file get_registered_name get_registered_object is_interactive_logging_enabled is_json_data_model
        is_meta_class is_symbolic_data_model pack_x_y register_synalinks_serializable
        serialize_synalinks_object unpack_x_y
    """,
}
