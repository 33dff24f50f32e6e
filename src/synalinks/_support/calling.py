"""Calls of what users write: functions that may be async or not, and that take some of the arguments only."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synalinks.errors import ConfigurationError

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


async def awaited(value: object) -> Any:
    """A value, awaited where it is to be."""
    return await value if inspect.isawaitable(value) else value


def taken(fn: Callable[..., Any], keywords: Mapping[str, object]) -> dict[str, Any]:
    """Those of some keyword arguments that a function takes."""
    parameters = inspect.signature(fn).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return dict(keywords)
    names = {parameter.name for parameter in parameters if parameter.kind in _NAMED}
    return {name: value for name, value in keywords.items() if name in names}


def check_takes(method: Callable[..., Any], wanted: Sequence[str], where: str) -> None:
    """Refuse a method that does not take the positional arguments it will be called with.

    Args:
        wanted: their names.
        where: class and method, for the message.

    Raises:
        ConfigurationError: saying how to write it.
    """
    try:
        inspect.signature(method).bind(*wanted)
    except TypeError as error:
        raise ConfigurationError(
            f"{where} is called with {len(wanted)} arguments, and does not take them ({error}); write "
            f"def {where.rpartition('.')[2]}(self, {', '.join(wanted)})"
        ) from None
