"""Building blocks that are called: data models in, data models out."""

from synalinks.modules.chain_of_thought import ChainOfThought
from synalinks.modules.embedding_model import EmbeddingModel
from synalinks.modules.generator import Generator
from synalinks.modules.input_module import AudioInput, ImageInput, Input, InputModule
from synalinks.modules.language_model import LanguageModel
from synalinks.modules.module import Module
from synalinks.modules.prompts import default_prompt_template
from synalinks.modules.remote_model import LMWarning
from synalinks.modules.self_critique import SelfCritique

__all__ = [
    "AudioInput",
    "ChainOfThought",
    "EmbeddingModel",
    "Generator",
    "ImageInput",
    "Input",
    "InputModule",
    "LMWarning",
    "LanguageModel",
    "Module",
    "SelfCritique",
    "default_prompt_template",
]
