"""Tools for testing programs without a model: a stand-in Ollama server with models and faults; scripted and synthetic
answers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synalinks.lm.providers.fake.scripted import ScriptedProvider as ScriptedProvider
    from synalinks.testing.fake_models.arithmetic import ArithmeticModel as ArithmeticModel
    from synalinks.testing.fake_models.chat import ChatRequest as ChatRequest
    from synalinks.testing.fake_models.chat import ModelReply as ModelReply
    from synalinks.testing.fake_models.model import Law as Law
    from synalinks.testing.fake_models.synthetic import SyntheticModel as SyntheticModel
    from synalinks.testing.fake_models.table import TableModel as TableModel
    from synalinks.testing.fake_server.capacity import Capacity as Capacity
    from synalinks.testing.fake_server.faults import Fault as Fault
    from synalinks.testing.fake_server.ollama import LlamaCppServer as LlamaCppServer
    from synalinks.testing.fake_server.ollama import OllamaServer as OllamaServer

# Loaded on first use: the pytest plugin lives in this package and needs no server.
_HOMES = {
    "ArithmeticModel": "synalinks.testing.fake_models.arithmetic",
    "Capacity": "synalinks.testing.fake_server.capacity",
    "ChatRequest": "synalinks.testing.fake_models.chat",
    "Fault": "synalinks.testing.fake_server.faults",
    "Law": "synalinks.testing.fake_models.model",
    "LlamaCppServer": "synalinks.testing.fake_server.ollama",
    "ModelReply": "synalinks.testing.fake_models.chat",
    "OllamaServer": "synalinks.testing.fake_server.ollama",
    "ScriptedProvider": "synalinks.lm.providers.fake.scripted",
    "SyntheticModel": "synalinks.testing.fake_models.synthetic",
    "TableModel": "synalinks.testing.fake_models.table",
}
__all__ = [
    "ArithmeticModel",
    "Capacity",
    "ChatRequest",
    "Fault",
    "Law",
    "LlamaCppServer",
    "ModelReply",
    "OllamaServer",
    "ScriptedProvider",
    "SyntheticModel",
    "TableModel",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if (home := _HOMES.get(name)) is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return __all__
