"""The fields that a value of a symbol may have, where those of the symbol are not all."""

from __future__ import annotations

from functools import reduce

from synalinks._json import JsonObject
from synalinks.data import Operator, Or, SymbolicDataModel, Xor, schema_of
from synalinks.data import schema as schemas


def possible_schema(*symbols: SymbolicDataModel) -> JsonObject:
    """All fields that values of these symbols may have, side by side.

    The schema of `a | b` and of `a ^ b` is that of `a` alone; a value of either, or of algebra on one, may have the
    fields of `b`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        >>> class Refusal(synalinks.DataModel):
        ...     refusal: str
        >>> either = synalinks.Input(data_model=Refusal) | synalinks.Input(data_model=Answer)
        >>> list(either.get_schema()["properties"]), list(possible_schema(either)["properties"])
        (['refusal'], ['refusal', 'answer'])
    """
    found: list[JsonObject] = []
    visited: set[int] = set()
    left = list(reversed(symbols))
    while left:
        symbol = left.pop()
        if id(symbol) not in visited:
            visited.add(id(symbol))
            if symbol.node is not None and _is_union(symbol):
                left.extend(reversed(symbol.node.parents))
            else:
                found.append(symbol.get_schema())
    return reduce(schemas.concat, found)


def schema_of_fields(value: object) -> JsonObject:
    """The schema of a value, or of all fields that a symbol's values may have."""
    return possible_schema(value) if isinstance(value, SymbolicDataModel) else schema_of(value)


def _is_union(symbol: SymbolicDataModel) -> bool:
    """Whether a value may have other fields than its symbol: it is what an Or or a Xor, or algebra on one, gives."""
    node = symbol.node
    if node is None:
        return False
    operator = getattr(node.operation, "operator", type(node.operation))
    if operator in (Or, Xor):
        return True
    return isinstance(node.operation, Operator) and any(map(_is_union, node.parents))
