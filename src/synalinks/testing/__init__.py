"""Tools for testing programs without a model: a stand-in Ollama server, its rules, its failures; invented answers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synalinks.testing.arithmetic import ArithmeticModel as ArithmeticModel
    from synalinks.testing.faults import Fault as Fault
    from synalinks.testing.model import ChatRequest as ChatRequest
    from synalinks.testing.model import Law as Law
    from synalinks.testing.model import ModelReply as ModelReply
    from synalinks.testing.ollama import OllamaServer as OllamaServer
    from synalinks.testing.synthetic import SyntheticModel as SyntheticModel
    from synalinks.testing.table import TableModel as TableModel

# Loaded on first use: a pytest plugin lives in this package and must not pay for a server.
_HOMES = {
    "ArithmeticModel": "arithmetic",
    "ChatRequest": "model",
    "Fault": "faults",
    "Law": "model",
    "ModelReply": "model",
    "OllamaServer": "ollama",
    "SyntheticModel": "synthetic",
    "TableModel": "table",
}
__all__ = [
    "ArithmeticModel",
    "ChatRequest",
    "Fault",
    "Law",
    "ModelReply",
    "OllamaServer",
    "SyntheticModel",
    "TableModel",
]


def __getattr__(name: str) -> Any:
    if (home := _HOMES.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
