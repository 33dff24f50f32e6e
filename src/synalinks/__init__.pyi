"""The public names. Made by scripts/make_stub.py from the table in __init__.py; a test compares the two."""

# fmt: off
from synalinks import (
    backend as backend, callbacks as callbacks, config as config, data as data, datasets as datasets,
    decision_models as decision_models, distribution as distribution, embedding_models as embedding_models,
    hooks as hooks, initializers as initializers, language_models as language_models, lm as lm, metrics as metrics,
    modules as modules, ops as ops, optimizers as optimizers, programs as programs, rewards as rewards,
    saving as saving, testing as testing, tree as tree, utils as utils,
)
from synalinks.config import (
    api_base as api_base, default_decision_model as default_decision_model,
    default_embedding_model as default_embedding_model, default_language_model as default_language_model,
    enable_logging as enable_logging, enable_observability as enable_observability, get_seed as get_seed,
    is_observability_enabled as is_observability_enabled, is_trace_recording_enabled as is_trace_recording_enabled,
    record_traces as record_traces, set_api_base as set_api_base,
    set_default_decision_model as set_default_decision_model,
    set_default_embedding_model as set_default_embedding_model,
    set_default_language_model as set_default_language_model, set_seed as set_seed, synalinks_home as synalinks_home,
)
from synalinks.data import (
    Audio as Audio, ChatMessage as ChatMessage, ChatMessages as ChatMessages, ChatRole as ChatRole,
    DataModel as DataModel, EmbeddedEntity as EmbeddedEntity, EmbeddingRequest as EmbeddingRequest,
    Embeddings as Embeddings, Entities as Entities, Entity as Entity, Field as Field, FineScore as FineScore,
    GenericIO as GenericIO, GenericInputs as GenericInputs, GenericOutputs as GenericOutputs,
    GenericResult as GenericResult, Image as Image, Instructions as Instructions, JsonDataModel as JsonDataModel,
    KnowledgeGraph as KnowledgeGraph, KnowledgeGraphs as KnowledgeGraphs, Prediction as Prediction, Rating as Rating,
    Rating10 as Rating10, Rating20 as Rating20, Relation as Relation, Relations as Relations, Score as Score,
    Stamp as Stamp, StatelessScope as StatelessScope, SymbolicDataModel as SymbolicDataModel,
    SymbolicScope as SymbolicScope, ToolCall as ToolCall, ToolCallFunction as ToolCallFunction,
    ToolCalling as ToolCalling, Trainable as Trainable, Variable as Variable, is_chat_message as is_chat_message,
    is_chat_messages as is_chat_messages, is_embedded as is_embedded, is_embedded_entity as is_embedded_entity,
    is_embedding as is_embedding, is_embeddings as is_embeddings, is_entities as is_entities, is_entity as is_entity,
    is_instructions as is_instructions, is_knowledge_graph as is_knowledge_graph,
    is_knowledge_graphs as is_knowledge_graphs, is_prediction as is_prediction, is_relation as is_relation,
    is_relations as is_relations, is_stamped as is_stamped, is_strictly_chat_message as is_strictly_chat_message,
    is_strictly_chat_messages as is_strictly_chat_messages, is_tool_call as is_tool_call, is_trainable as is_trainable,
    name_scope as name_scope,
)
from synalinks.data.models.chat_completion import (
    ChatCompletionChoice as ChatCompletionChoice,
    ChatCompletionCompletionTokensDetails as ChatCompletionCompletionTokensDetails,
    ChatCompletionFunctionCall as ChatCompletionFunctionCall, ChatCompletionJsonSchema as ChatCompletionJsonSchema,
    ChatCompletionMessage as ChatCompletionMessage,
    ChatCompletionPromptTokensDetails as ChatCompletionPromptTokensDetails,
    ChatCompletionRequest as ChatCompletionRequest, ChatCompletionResponse as ChatCompletionResponse,
    ChatCompletionResponseFormat as ChatCompletionResponseFormat, ChatCompletionTool as ChatCompletionTool,
    ChatCompletionToolCall as ChatCompletionToolCall, ChatCompletionToolFunction as ChatCompletionToolFunction,
    ChatCompletionUsage as ChatCompletionUsage, from_chat_completion_message as from_chat_completion_message,
    from_chat_completion_messages as from_chat_completion_messages,
    to_chat_completion_message as to_chat_completion_message,
    to_chat_completion_messages as to_chat_completion_messages,
    to_chat_completion_request as to_chat_completion_request,
)
from synalinks.datasets import (
    CSVDataset as CSVDataset, Dataset as Dataset, HuggingFaceDataset as HuggingFaceDataset,
    ImageFolderDataset as ImageFolderDataset, JSONDataset as JSONDataset, JSONLDataset as JSONLDataset,
    MLflowDataset as MLflowDataset, MarkdownDataset as MarkdownDataset, MarkdownDocument as MarkdownDocument,
    MarkdownSection as MarkdownSection, ParquetDataset as ParquetDataset, TextDataset as TextDataset,
    TextDocument as TextDocument, parse_markdown_sections as parse_markdown_sections,
)
from synalinks.errors import (
    BadReply as BadReply, BudgetExceeded as BudgetExceeded, CassetteError as CassetteError,
    CassetteFormatError as CassetteFormatError, CassetteInUse as CassetteInUse, CassetteMiss as CassetteMiss,
    ConfigurationError as ConfigurationError, DataError as DataError, LMError as LMError,
    LMUnavailable as LMUnavailable, OfflineError as OfflineError, QuotaExhausted as QuotaExhausted,
    SynalinksError as SynalinksError, UnknownModelError as UnknownModelError,
)
from synalinks.hooks import (
    trace_context as trace_context,
)
from synalinks.initializers import (
    Initializer as Initializer,
)
from synalinks.lm.blocks import (
    offline as offline, use_budget as use_budget, use_cassette as use_cassette, use_ledger as use_ledger,
    use_provider as use_provider,
)
from synalinks.lm.budget.layer import (
    Budget as Budget,
)
from synalinks.lm.forecast import (
    Forecast as Forecast,
)
from synalinks.lm.ledger.ledger import (
    Ledger as Ledger, Money as Money,
)
from synalinks.lm.pricing.pricing import (
    set_price as set_price,
)
from synalinks.metrics import (
    BatchMetric as BatchMetric, EmbeddingModelOperationalMetric as EmbeddingModelOperationalMetric,
    EmbeddingModelOptimizersOperationalMetric as EmbeddingModelOptimizersOperationalMetric,
    EmbeddingModelRewardsOperationalMetric as EmbeddingModelRewardsOperationalMetric, GapK as GapK,
    LMOperationalMetric as LMOperationalMetric, LMOptimizersOperationalMetric as LMOptimizersOperationalMetric,
    LMRewardsOperationalMetric as LMRewardsOperationalMetric, Metric as Metric, PassAtK as PassAtK,
    PassHatK as PassHatK, ProgramOperationalMetric as ProgramOperationalMetric,
)
from synalinks.modules import (
    Action as Action, And as And, AudioInput as AudioInput, Branch as Branch, ChainOfThought as ChainOfThought,
    Concat as Concat, Concatenate as Concatenate, Decision as Decision, DecisionModel as DecisionModel,
    EmbeddingModel as EmbeddingModel, FunctionCallingAgent as FunctionCallingAgent, Generator as Generator,
    Identity as Identity, ImageInput as ImageInput, InMask as InMask, Input as Input, LMWarning as LMWarning,
    Lambda as Lambda, LanguageModel as LanguageModel, Module as Module, MultiDecision as MultiDecision,
    MultiServerMCPClient as MultiServerMCPClient, Not as Not, OAuthLanguageModel as OAuthLanguageModel,
    Operation as Operation, Or as Or, OutMask as OutMask, SelfCritique as SelfCritique, Tool as Tool,
    ToolWarning as ToolWarning, Xor as Xor, default_agent_prompt_template as default_agent_prompt_template,
    default_prompt_template as default_prompt_template,
)
from synalinks.optimizers import (
    OMEGA as OMEGA, PromptRacing as PromptRacing, RandomFewShot as RandomFewShot,
)
from synalinks.programs import (
    Function as Function, Program as Program, Sequential as Sequential,
)
from synalinks.rewards import (
    AgentAsJudge as AgentAsJudge, AgentLoopDetection as AgentLoopDetection, AnswerRelevancy as AnswerRelevancy,
    ArgumentCorrectness as ArgumentCorrectness, BatchReward as BatchReward, Bias as Bias,
    CitationFaithfulness as CitationFaithfulness, ComposableReward as ComposableReward,
    ContextualPrecision as ContextualPrecision, ContextualRecall as ContextualRecall,
    ContextualRelevancy as ContextualRelevancy, ConversationCompleteness as ConversationCompleteness,
    CosineSimilarity as CosineSimilarity, ExactMatch as ExactMatch, Faithfulness as Faithfulness,
    GoalAccuracy as GoalAccuracy, Hallucination as Hallucination, KnowledgeRetention as KnowledgeRetention,
    LMAsJudge as LMAsJudge, Misuse as Misuse, NonAdvice as NonAdvice, PIILeakage as PIILeakage,
    PlanAdherence as PlanAdherence, PlanQuality as PlanQuality, ProgramAsJudge as ProgramAsJudge,
    PromptAlignment as PromptAlignment, Reward as Reward, RoleAdherence as RoleAdherence,
    RoleViolation as RoleViolation, RubricsAsJudge as RubricsAsJudge, StepEfficiency as StepEfficiency,
    Summarization as Summarization, TaskCompletion as TaskCompletion, ToolCorrectness as ToolCorrectness,
    ToolPermission as ToolPermission, ToolUse as ToolUse, TopicAdherence as TopicAdherence, Toxicity as Toxicity,
    TurnFaithfulness as TurnFaithfulness, TurnRelevancy as TurnRelevancy,
)
from synalinks.saving import (
    register_synalinks_serializable as register_synalinks_serializable,
)
from synalinks.session import (
    clear_session as clear_session,
)
from synalinks.trainers.distributing import (
    use_distribution as use_distribution,
)
from synalinks.utils import (
    disable_keras_backend as disable_keras_backend,
)
from synalinks.version import (
    __version__ as __version__, version as version,
)
