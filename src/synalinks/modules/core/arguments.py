"""What a module may be called with: data models, in any nesting, and other values by keyword."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from synalinks.data import Operand
from synalinks.errors import DataError

_PLAIN = (str, int, float, bytes)


def refuse_plain_values(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Refuse a text or number in the place of a data model.

    Raises:
        DataError: one of `args`, or one beside a data model in a nested keyword argument.
    """
    for value in args:
        if not isinstance(value, Operand):
            for leaf in _leaves(value):
                if isinstance(leaf, _PLAIN):
                    _refuse(name, leaf)
    for key, value in kwargs.items():
        if isinstance(value, (list, tuple, dict)):
            leaves = _leaves(value)
            if any(isinstance(leaf, Operand) for leaf in leaves):
                for leaf in leaves:
                    if isinstance(leaf, _PLAIN):
                        _refuse(name, leaf, f" beside data models in {key}=")


def _leaves(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _refuse(name: str, value: object, where: str = "") -> NoReturn:
    raise DataError(
        f"{name} takes data models, got {type(value).__name__}{where}: {value!r:.200}. Wrap it in a DataModel, pass "
        "settings by keyword, or set takes_plain_values = True on the module's class"
    )
