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


def check_takes(
    fn: Callable[..., Any], wanted: Sequence[str], where: str, keywords: Mapping[str, object] | None = None
) -> None:
    """Refuse a function or method that does not take the arguments it will be called with.

    Args:
        wanted: names of the positional ones.
        where: what it is, for the message; of a method, the class and its name.
        keywords: those that are passed beside them.

    Raises:
        ConfigurationError: saying how to write it.
    """
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):  # of C
        return
    try:
        signature.bind(*wanted, **(keywords or {}))
    except TypeError as error:
        name = getattr(fn, "__name__", type(fn).__name__)
        arguments = ", ".join(["self", *wanted] if inspect.ismethod(fn) else wanted)
        form = f"lambda {arguments}: ..." if name == "<lambda>" else f"def {name}({arguments})"
        raise ConfigurationError(
            f"{where} is called with {len(wanted)} arguments, and does not take them ({error}); write {form}"
        ) from None
