"""Values that flow through a program: records, JSON, placeholders, state, and the algebra on them."""

from __future__ import annotations

from synalinks.data.algebra.operators import (
    OPERATOR_CLASSES,
    And,
    Concat,
    Factorize,
    InMask,
    Not,
    Operator,
    Or,
    OutMask,
    Prefix,
    Suffix,
    Xor,
)
from synalinks.data.algebra.values import copy_json
from synalinks.data.convert import (
    any_symbolic,
    convert_to_json_data_model,
    convert_to_symbolic_data_model,
    is_data_model,
    is_json_data_model,
    is_meta_class,
    is_symbolic_data_model,
)
from synalinks.data.data_model import DataModel, Field
from synalinks.data.form import Form
from synalinks.data.inferred import as_value, is_record, record
from synalinks.data.json_data_model import JsonDataModel, value_of
from synalinks.data.models.chat import (
    ChatMessage,
    ChatMessages,
    ChatRole,
    ToolCall,
    ToolCallFunction,
    is_chat_message,
    is_chat_messages,
    is_strictly_chat_message,
    is_strictly_chat_messages,
    is_tool_call,
)
from synalinks.data.models.embedding import (
    Embedding,
    EmbeddingRequest,
    Embeddings,
    is_embedded,
    is_embedding,
    is_embeddings,
)
from synalinks.data.models.generic import (
    GenericInputs,
    GenericIO,
    GenericOutputs,
    GenericResult,
    Stamp,
    is_stamped,
)
from synalinks.data.models.media import Audio, Image
from synalinks.data.models.scores import (
    FineScore,
    Rating,
    Rating10,
    Rating20,
    Score,
    get_score_type,
    normalize_score,
)
from synalinks.data.models.trainable import (
    BOOKKEEPING,
    Instructions,
    Prediction,
    Trainable,
    check_trainable_defaults,
    is_instructions,
    is_prediction,
    is_trainable,
)
from synalinks.data.node import Node, first_node
from synalinks.data.operand import Operand, schema_of
from synalinks.data.operation import Applicable
from synalinks.data.schema import check_mask, contains_schema, is_schema_equal, standardize_schema
from synalinks.data.scopes.name_scope import current_path, name_scope
from synalinks.data.scopes.stateless_scope import StatelessScope, stateful
from synalinks.data.scopes.symbolic_scope import SymbolicScope, in_symbolic_scope
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.data.variable import Variable

__all__ = [
    "BOOKKEEPING",
    "OPERATOR_CLASSES",
    "And",
    "Applicable",
    "Audio",
    "ChatMessage",
    "ChatMessages",
    "ChatRole",
    "Concat",
    "DataModel",
    "Embedding",
    "EmbeddingRequest",
    "Embeddings",
    "Factorize",
    "Field",
    "FineScore",
    "Form",
    "GenericIO",
    "GenericInputs",
    "GenericOutputs",
    "GenericResult",
    "Image",
    "InMask",
    "Instructions",
    "JsonDataModel",
    "Node",
    "Not",
    "Operand",
    "Operator",
    "Or",
    "OutMask",
    "Prediction",
    "Prefix",
    "Rating",
    "Rating10",
    "Rating20",
    "Score",
    "Stamp",
    "StatelessScope",
    "Suffix",
    "SymbolicDataModel",
    "SymbolicScope",
    "ToolCall",
    "ToolCallFunction",
    "Trainable",
    "Variable",
    "Xor",
    "any_symbolic",
    "as_value",
    "check_mask",
    "check_trainable_defaults",
    "contains_schema",
    "convert_to_json_data_model",
    "convert_to_symbolic_data_model",
    "copy_json",
    "current_path",
    "first_node",
    "get_score_type",
    "in_symbolic_scope",
    "is_chat_message",
    "is_chat_messages",
    "is_data_model",
    "is_embedded",
    "is_embedding",
    "is_embeddings",
    "is_instructions",
    "is_json_data_model",
    "is_meta_class",
    "is_prediction",
    "is_record",
    "is_schema_equal",
    "is_stamped",
    "is_strictly_chat_message",
    "is_strictly_chat_messages",
    "is_symbolic_data_model",
    "is_tool_call",
    "is_trainable",
    "name_scope",
    "normalize_score",
    "record",
    "schema_of",
    "standardize_schema",
    "stateful",
    "value_of",
]
