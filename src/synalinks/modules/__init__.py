"""Building blocks that are called: data models in, data models out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._base.lazy import loading
from synalinks._not_here_yet import attribute_of

if TYPE_CHECKING:
    from synalinks.modules.agents.action import Action as Action
    from synalinks.modules.agents.function_calling_agent import FunctionCallingAgent as FunctionCallingAgent
    from synalinks.modules.agents.prompts import default_agent_prompt_template as default_agent_prompt_template
    from synalinks.modules.control_flow.branch import Branch as Branch
    from synalinks.modules.control_flow.decision import Decision as Decision
    from synalinks.modules.control_flow.multi_decision import MultiDecision as MultiDecision
    from synalinks.modules.core.identity import Identity as Identity
    from synalinks.modules.core.input_module import AudioInput as AudioInput
    from synalinks.modules.core.input_module import ImageInput as ImageInput
    from synalinks.modules.core.input_module import Input as Input
    from synalinks.modules.core.input_module import InputModule as InputModule
    from synalinks.modules.core.lambda_module import Lambda as Lambda
    from synalinks.modules.core.module import Module as Module
    from synalinks.modules.core.operation import Operation as Operation
    from synalinks.modules.generators.chain_of_thought import ChainOfThought as ChainOfThought
    from synalinks.modules.generators.generator import Generator as Generator
    from synalinks.modules.generators.prompts import default_prompt_template as default_prompt_template
    from synalinks.modules.generators.self_critique import SelfCritique as SelfCritique
    from synalinks.modules.masking.in_mask import InMask as InMask
    from synalinks.modules.masking.out_mask import OutMask as OutMask
    from synalinks.modules.merging.concat import Concat as Concat
    from synalinks.modules.merging.concat import Concatenate as Concatenate
    from synalinks.modules.merging.logical_and import And as And
    from synalinks.modules.merging.logical_not import Not as Not
    from synalinks.modules.merging.logical_or import Or as Or
    from synalinks.modules.merging.logical_xor import Xor as Xor
    from synalinks.modules.models.decision_model import DecisionModel as DecisionModel
    from synalinks.modules.models.embedding_model import EmbeddingModel as EmbeddingModel
    from synalinks.modules.models.folding import LMWarning as LMWarning
    from synalinks.modules.models.language_model import LanguageModel as LanguageModel
    from synalinks.modules.models.oauth_language_model import OAuthLanguageModel as OAuthLanguageModel
    from synalinks.modules.saved import deserialize as deserialize
    from synalinks.modules.saved import serialize as serialize
    from synalinks.modules.tools.mcp.client import MultiServerMCPClient as MultiServerMCPClient
    from synalinks.modules.tools.mcp.tool import McpTool as McpTool
    from synalinks.modules.tools.running import ToolWarning as ToolWarning
    from synalinks.modules.tools.tool import Tool as Tool

#: The names, by the module that defines them; each is loaded when it is first used. A test compares them with the
#: imports above, which type checkers read.
_HOMES = {
    "agents.action": "Action",
    "agents.function_calling_agent": "FunctionCallingAgent",
    "agents.prompts": "default_agent_prompt_template",
    "control_flow.branch": "Branch",
    "control_flow.decision": "Decision",
    "control_flow.multi_decision": "MultiDecision",
    "core.identity": "Identity",
    "core.input_module": "AudioInput ImageInput Input InputModule",
    "core.lambda_module": "Lambda",
    "core.module": "Module",
    "core.operation": "Operation",
    "generators.chain_of_thought": "ChainOfThought",
    "generators.generator": "Generator",
    "generators.prompts": "default_prompt_template",
    "generators.self_critique": "SelfCritique",
    "masking.in_mask": "InMask",
    "masking.out_mask": "OutMask",
    "merging.concat": "Concat Concatenate",
    "merging.logical_and": "And",
    "merging.logical_not": "Not",
    "merging.logical_or": "Or",
    "merging.logical_xor": "Xor",
    "models.decision_model": "DecisionModel",
    "models.embedding_model": "EmbeddingModel",
    "models.language_model": "LanguageModel",
    "models.oauth_language_model": "OAuthLanguageModel",
    "models.folding": "LMWarning",
    "tools.mcp.client": "MultiServerMCPClient",
    "tools.mcp.tool": "McpTool",
    "tools.running": "ToolWarning",
    "tools.tool": "Tool",
    "saved": "deserialize serialize",
}

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
    "OAuthLanguageModel",
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
    __getattr__ = loading(__name__, _HOMES, attribute_of(__name__))
