"""Building blocks that are called: data models in, data models out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synalinks._not_here_yet import attribute_of
from synalinks.modules.agents.action import Action
from synalinks.modules.agents.function_calling_agent import FunctionCallingAgent
from synalinks.modules.agents.prompts import default_agent_prompt_template
from synalinks.modules.control_flow.branch import Branch
from synalinks.modules.control_flow.decision import Decision
from synalinks.modules.control_flow.multi_decision import MultiDecision
from synalinks.modules.core.identity import Identity
from synalinks.modules.core.input_module import AudioInput, ImageInput, Input, InputModule
from synalinks.modules.core.lambda_module import Lambda
from synalinks.modules.core.module import Module
from synalinks.modules.core.operation import Operation
from synalinks.modules.generators.chain_of_thought import ChainOfThought
from synalinks.modules.generators.generator import Generator
from synalinks.modules.generators.prompts import default_prompt_template
from synalinks.modules.generators.self_critique import SelfCritique
from synalinks.modules.masking.in_mask import InMask
from synalinks.modules.masking.out_mask import OutMask
from synalinks.modules.merging.concat import Concat
from synalinks.modules.merging.logical_and import And
from synalinks.modules.merging.logical_not import Not
from synalinks.modules.merging.logical_or import Or
from synalinks.modules.merging.logical_xor import Xor
from synalinks.modules.models.decision_model import DecisionModel
from synalinks.modules.models.embedding_model import EmbeddingModel
from synalinks.modules.models.language_model import LanguageModel
from synalinks.modules.models.remote_model import LMWarning
from synalinks.modules.tools.mcp.client import MultiServerMCPClient
from synalinks.modules.tools.mcp.tool import McpTool
from synalinks.modules.tools.running import ToolWarning
from synalinks.modules.tools.tool import Tool
from synalinks.saving import load_as, serialize_synalinks_object

Concatenate = Concat
serialize = serialize_synalinks_object


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The module that `serialize` described.

    Raises:
        ConfigurationError: another kind of object, or a class that is not registered here.
    """
    return load_as(Operation, config, custom_objects)


__all__ = [
    "Action",
    "And",
    "AudioInput",
    "Branch",
    "ChainOfThought",
    "Concat",
    "Concatenate",
    "Decision",
    "DecisionModel",
    "EmbeddingModel",
    "FunctionCallingAgent",
    "Generator",
    "Identity",
    "ImageInput",
    "InMask",
    "Input",
    "InputModule",
    "LMWarning",
    "Lambda",
    "LanguageModel",
    "McpTool",
    "Module",
    "MultiDecision",
    "MultiServerMCPClient",
    "Not",
    "Operation",
    "Or",
    "OutMask",
    "SelfCritique",
    "Tool",
    "ToolWarning",
    "Xor",
    "default_agent_prompt_template",
    "default_prompt_template",
    "deserialize",
    "serialize",
]

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
