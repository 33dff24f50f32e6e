"""Names that programs import from `synalinks.backend`."""

from synalinks.config import enable_logging, enable_observability, get_seed, is_observability_enabled, set_seed
from synalinks.data import (
    ChatMessage,
    ChatMessages,
    ChatRole,
    DataModel,
    Embedding,
    Embeddings,
    Instructions,
    JsonDataModel,
    Prediction,
    SymbolicDataModel,
    ToolCall,
    Trainable,
    Variable,
    is_trainable,
)
from synalinks.session import clear_session

__all__ = [
    "ChatMessage",
    "ChatMessages",
    "ChatRole",
    "DataModel",
    "Embedding",
    "Embeddings",
    "Instructions",
    "JsonDataModel",
    "Prediction",
    "SymbolicDataModel",
    "ToolCall",
    "Trainable",
    "Variable",
    "clear_session",
    "enable_logging",
    "enable_observability",
    "get_seed",
    "is_observability_enabled",
    "is_trainable",
    "set_seed",
]
