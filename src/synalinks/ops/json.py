"""Functions on data models, one for each operator of `synalinks.data.algebra.operators`.

They are coroutines because programs await them; none of them waits. Each takes any kind of value, and gives a
`JsonDataModel`, a `SymbolicDataModel` where an operand is symbolic, or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synalinks.data import (
    And,
    Concat,
    Factorize,
    InMask,
    Not,
    Or,
    OutMask,
    Prefix,
    Suffix,
    Xor,
    convert_to_json_data_model,
    convert_to_symbolic_data_model,
)
from synalinks.errors import ConfigurationError


async def concat(x1: object, x2: object, name: str | None = None, description: str | None = None) -> Any:
    """Both values side by side; a clash of names is numbered.

    Raises:
        ConfigurationError: one of them is None.
    """
    return Concat(name, description).apply(x1, x2)


async def logical_and(x1: object, x2: object, name: str | None = None, description: str | None = None) -> Any:
    """Both values side by side, or None if one is missing."""
    return And(name, description).apply(x1, x2)


async def logical_or(x1: object, x2: object, name: str | None = None, description: str | None = None) -> Any:
    """Both values side by side, or the one that is there."""
    return Or(name, description).apply(x1, x2)


async def logical_xor(x1: object, x2: object, name: str | None = None, description: str | None = None) -> Any:
    """The one value that is there, or None if both are."""
    return Xor(name, description).apply(x1, x2)


async def logical_not(x: object, name: str | None = None, description: str | None = None) -> Any:
    """None; of a symbolic value, a placeholder with the same schema."""
    return Not(name, description).apply(x)


async def factorize(x: object, name: str | None = None, description: str | None = None) -> Any:
    """Fields of one base name gathered in lists."""
    return Factorize(name, description).apply(x)


async def in_mask(
    x: object,
    mask: Sequence[str] | None = None,
    pattern: str | None = None,
    recursive: bool = True,
    name: str | None = None,
    description: str | None = None,
) -> Any:
    """Only the fields that match.

    Raises:
        ConfigurationError: neither a mask nor a pattern was given.
    """
    _need("in_mask", "mask=[...] or pattern=...", mask, pattern)
    return InMask(mask, pattern, recursive, name, description).apply(x)


async def out_mask(
    x: object,
    mask: Sequence[str] | None = None,
    pattern: str | None = None,
    recursive: bool = True,
    name: str | None = None,
    description: str | None = None,
) -> Any:
    """All but the fields that match.

    Raises:
        ConfigurationError: neither a mask nor a pattern was given.
    """
    _need("out_mask", "mask=[...] or pattern=...", mask, pattern)
    return OutMask(mask, pattern, recursive, name, description).apply(x)


async def prefix(x: object, prefix: str | None = None, name: str | None = None, description: str | None = None) -> Any:
    """Every top-level field renamed to `prefix_name`.

    Raises:
        ConfigurationError: no prefix was given.
    """
    _need("prefix", "prefix='...'", prefix)
    return Prefix(str(prefix), name, description).apply(x)


async def suffix(x: object, suffix: str | None = None, name: str | None = None, description: str | None = None) -> Any:
    """Every top-level field renamed to `name_suffix`.

    Raises:
        ConfigurationError: no suffix was given.
    """
    _need("suffix", "suffix='...'", suffix)
    return Suffix(str(suffix), name, description).apply(x)


def _need(what: str, how: str, *given: object) -> None:
    if all(item is None or item == "" for item in given):
        raise ConfigurationError(f"ops.{what} has nothing to go by; give {how}")


concatenate = concat

__all__ = [
    "concat",
    "concatenate",
    "convert_to_json_data_model",
    "convert_to_symbolic_data_model",
    "factorize",
    "in_mask",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "out_mask",
    "prefix",
    "suffix",
]
