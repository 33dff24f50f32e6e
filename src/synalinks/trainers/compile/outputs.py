"""What `compile` is given for each output of a program: by name, or in the order of the outputs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from synalinks.data import SymbolicDataModel, tree
from synalinks.errors import ConfigurationError


def names_of(outputs: object) -> list[str] | None:
    """The names of a program's outputs, in the order of `tree.flatten`; None where they are not known before a call.

    Those of a dict are its keys; others are named for the modules that made them.
    """
    if outputs is None:
        return None
    if isinstance(outputs, dict) and not any(tree.is_nested(value) for value in outputs.values()):
        return [str(key) for key in tree.flatten({key: key for key in outputs})]
    return [_name(value) for value in tree.flatten(outputs)]


def _name(value: SymbolicDataModel) -> str:
    return value.name if value.node is None else value.node.operation.name


def by_output(given: Any, names: Sequence[str] | None, argument: str) -> list[Any]:
    """What was given for each output, in their order; None where there is nothing for one.

    Args:
        given: a dict by name, or a list or tuple.
        names: see `names_of`.
        argument: of `compile`, for messages.

    Raises:
        ConfigurationError: a name that no output has.
    """
    if not isinstance(given, dict):
        return list(given)
    if names is None:  # those of a dict that is returned are the same ones
        return [given[key] for key in tree.flatten({key: key for key in given})]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(f"compile({argument}={{{name!r}: ...}}): {hint}The outputs are {list(names)}")
    return [given.get(name) for name in names]


def is_by_output(metrics: Any) -> bool:
    """Whether metrics are given for each output: by name, or as lists in a list."""
    return isinstance(metrics, dict) or any(isinstance(one, (list, tuple)) for one in metrics or ())
