"""What a module is, as traces tell apart."""

from __future__ import annotations

from typing import Literal

from synalinks.hooks.requests import CallsModel

Kind = Literal["chat", "embed", "tool", "agent", "program", "module"]


def kind_of(module: object) -> Kind:
    """What a module is. Tools, agents and programs stand above hooks, and are known by the names of their classes."""
    if isinstance(module, CallsModel):
        return "embed" if module.kind == "embed" else "chat"
    names = [base.__name__ for base in type(module).__mro__]
    if "Tool" in names:
        return "tool"
    if any(name.endswith("Agent") for name in names):
        return "agent"
    return "program" if "Program" in names else "module"
