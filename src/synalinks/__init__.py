"""Programs of language-model calls, trained in context; every call metered, cached, budgeted and replayable.

The table below is the list of public names. `__init__.pyi` has the same names for type checkers and editors; it is made
of the table by `python scripts/make_stub.py`.

PYTEST_DONT_REWRITE: a package with a pytest plugin, imported before pytest starts, is warned of otherwise.
"""

from __future__ import annotations

from synalinks import _not_here_yet
from synalinks._base.lazy import loading
from synalinks._support import tracebacks

# At once: loaded later, the module of that name would take the function's place.
from synalinks.version import __version__ as __version__
from synalinks.version import version as version

#: Where each public name lives; loaded when it is first asked for, so that importing the package is quick.
_HOMES = {
    "config": """
        api_base default_decision_model default_embedding_model default_language_model enable_logging
        enable_observability get_seed is_observability_enabled is_trace_recording_enabled record_traces
        set_api_base set_default_decision_model
        set_default_embedding_model set_default_language_model set_seed synalinks_home
    """,
    "data": """
        Audio ChatMessage ChatMessages ChatRole DataModel EmbeddedEntity EmbeddingRequest Embeddings Entities
        Entity Field FineScore GenericIO GenericInputs GenericOutputs GenericResult Image Instructions
        JsonDataModel KnowledgeGraph KnowledgeGraphs Prediction Rating Rating10 Rating20 Relation Relations
        Score Stamp StatelessScope SymbolicDataModel SymbolicScope ToolCall ToolCallFunction ToolCalling
        Trainable Variable is_chat_message is_chat_messages is_embedded is_embedded_entity is_embedding is_embeddings
        is_entities is_entity is_instructions is_knowledge_graph is_knowledge_graphs is_prediction is_relation
        is_relations is_stamped is_strictly_chat_message is_strictly_chat_messages is_tool_call is_trainable
        name_scope
    """,
    "data.models.chat_completion": """
        ChatCompletionChoice ChatCompletionCompletionTokensDetails ChatCompletionFunctionCall
        ChatCompletionJsonSchema ChatCompletionMessage ChatCompletionPromptTokensDetails ChatCompletionRequest
        ChatCompletionResponse ChatCompletionResponseFormat ChatCompletionTool ChatCompletionToolCall
        ChatCompletionToolFunction ChatCompletionUsage from_chat_completion_message
        from_chat_completion_messages to_chat_completion_message to_chat_completion_messages
        to_chat_completion_request
    """,
    "datasets": """
        CSVDataset Dataset HuggingFaceDataset ImageFolderDataset JSONDataset JSONLDataset MLflowDataset
        MarkdownDataset MarkdownDocument MarkdownSection ParquetDataset TextDataset TextDocument
        parse_markdown_sections
    """,
    "errors": """
        BadReply BudgetExceeded CassetteError CassetteFormatError CassetteInUse CassetteMiss
        ConfigurationError DataError LMError LMUnavailable OfflineError QuotaExhausted SynalinksError
        UnknownModelError
    """,
    "hooks": "trace_context",
    "initializers": "Initializer",
    "lm.budget.layer": "Budget",
    "lm.forecast": "Forecast",
    "lm.ledger.ledger": "Ledger Money",
    "lm.pricing.pricing": "set_price",
    "lm.blocks": "offline use_budget use_cassette use_ledger use_provider",
    "metrics": """
        BatchMetric EmbeddingModelOperationalMetric EmbeddingModelOptimizersOperationalMetric
        EmbeddingModelRewardsOperationalMetric GapK LMOperationalMetric LMOptimizersOperationalMetric
        LMRewardsOperationalMetric Metric PassAtK PassHatK ProgramOperationalMetric
    """,
    "modules": """
        Action And AudioInput Branch ChainOfThought Concat Concatenate Decision DecisionModel EmbeddingModel
        FunctionCallingAgent Generator Identity ImageInput InMask Input LMWarning Lambda LanguageModel Module
        MultiDecision MultiServerMCPClient Not OAuthLanguageModel Operation Or OutMask SelfCritique Tool ToolWarning Xor
        default_agent_prompt_template default_prompt_template
    """,
    "optimizers": "OMEGA PromptRacing RandomFewShot",
    "programs": "Function Program Sequential",
    "rewards": """
        AgentAsJudge AgentLoopDetection AnswerRelevancy ArgumentCorrectness BatchReward Bias CitationFaithfulness
        ComposableReward ContextualPrecision ContextualRecall ContextualRelevancy ConversationCompleteness
        CosineSimilarity ExactMatch Faithfulness GoalAccuracy Hallucination KnowledgeRetention LMAsJudge
        Misuse NonAdvice PIILeakage PlanAdherence PlanQuality ProgramAsJudge PromptAlignment Reward
        RoleAdherence RoleViolation RubricsAsJudge StepEfficiency Summarization TaskCompletion ToolCorrectness
        ToolPermission ToolUse TopicAdherence Toxicity TurnFaithfulness TurnRelevancy
    """,
    "saving": "register_synalinks_serializable",
    "session": "clear_session",
    "trainers.distributing": "use_distribution",
    "utils": "disable_keras_backend",
}
_NAMESPACES = [
    "backend",
    "callbacks",
    "config",
    "data",
    "datasets",
    "decision_models",
    "distribution",
    "embedding_models",
    "hooks",
    "initializers",
    "language_models",
    "lm",
    "metrics",
    "modules",
    "ops",
    "optimizers",
    "programs",
    "rewards",
    "saving",
    "testing",
    "tree",
    "utils",
]
_NAMES = [name for names in _HOMES.values() for name in names.split()]

__all__ = sorted((*_NAMES, *_NAMESPACES, "__version__", "version"))  # noqa: PLE0605

_not_here_yet.install()
tracebacks.install()
__getattr__ = loading(__name__, _HOMES, _not_here_yet.attribute_of(__name__), _NAMESPACES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
