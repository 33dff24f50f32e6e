"""The types of a call of a module, as checkers and editors read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pydantic import BaseModel

from synalinks.data import JsonDataModel, SymbolicDataModel

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    #: What a call gives: `class Two(synalinks.Module[tuple[JsonDataModel, ...]])` states another one.
    Out = TypeVarWithDefault("Out", default=JsonDataModel | None)
else:
    Out = TypeVar("Out")

Symbol: TypeAlias = SymbolicDataModel | type[BaseModel]
#: An input of which a module makes a node of a graph.
Symbols: TypeAlias = Symbol | Sequence[Symbol] | Mapping[str, Symbol]
