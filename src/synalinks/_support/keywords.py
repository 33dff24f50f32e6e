"""Keywords that are refused because nothing takes them, with the nearest one that something does."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from synalinks.errors import UnknownArgument

#: How alike two names are of which one is a slip of the other, and two that may be meant for each other.
_SLIP, _ALIKE = 0.8, 0.6
_MOST_NEAR = 3
S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


def naming_the_nearest(
    method: Callable[Concatenate[S, P], Awaitable[R]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
    """An async method of which an unknown keyword is an error that names the nearest argument."""
    known = list(inspect.signature(method).parameters)[1:]

    @functools.wraps(method)
    async def checked(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise _unknown(method.__name__, name, known)
        return await method(self, *args, **kwargs)

    return checked  # type: ignore[return-value]  # as below


def refusing_unknown_keywords(
    constructor: Callable[Concatenate[S, P], None],
) -> Callable[Concatenate[S, P], None]:
    """A constructor to which the unknown keywords of a subclass's `super().__init__(**kwargs)` are an error of the
    program, as those of the class itself are."""

    @functools.wraps(constructor)
    def checked(self: S, *args: P.args, **kwargs: P.kwargs) -> None:
        refuse_unknown_keywords(type(self), kwargs, constructor)
        constructor(self, *args, **kwargs)

    return checked  # type: ignore[return-value]  # what `wraps` returns takes no keyword `self`


def refuse_unknown_keywords(cls: type, keywords: Mapping[str, object], fn: Callable[..., Any]) -> None:
    """Refuse keywords of a class that the function they are passed on to does not take.

    A function that takes any keyword is not looked at.

    Raises:
        UnknownArgument: naming the first of them and the nearest argument of the class or the function.
    """
    if not keywords:
        return
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):  # of C
        return
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in keywords:
        if name not in parameters:
            own = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
            named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
            known = sorted(one for one, p in {**own, **parameters}.items() if p.kind in named and one != "self")
            raise _unknown(cls.__name__, name, known)


def refuse_misspelt_keywords(keywords: Mapping[str, object], fn: Callable[..., Any], *more: Callable[..., Any]) -> None:
    """Refuse the further keywords of a function that takes any, where one is nearly the name of an argument of its own
    or of functions that some of them are passed on to.

    Raises:
        UnknownArgument: naming the first of them and the argument.
    """
    if not keywords:
        return
    parameters = [one for each in (fn, *more) for one in inspect.signature(each).parameters.values()]
    known = [one.name for one in parameters if one.kind is not one.VAR_KEYWORD]
    for name in keywords:
        if name not in known and difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8):
            raise _unknown(fn.__name__, name, known)


def did_you_mean(name: str, known: Sequence[str]) -> str | None:
    """The question whether a near name was meant, or None: a slip, else those with the name as one of their words.

    Example:
        >>> did_you_mean("modle", ["data_model", "mode"]), did_you_mean("model", ["data_model", "language_model"])
        ("Did you mean 'mode'?", "Did you mean 'data_model' or 'language_model'?")
    """
    name = name.lower()
    near = difflib.get_close_matches(name, known, n=1, cutoff=_SLIP)
    near = near or [one for one in known if name in one.split("_")][:_MOST_NEAR]
    near = near or difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE)
    *others, last = map(repr, near or [""])
    return f"Did you mean {', '.join(others)}{' or ' * bool(others)}{last}?" if near else None


def _unknown(where: str, name: str, known: Sequence[str]) -> UnknownArgument:
    hint = did_you_mean(name, known) or f"There are {', '.join(known) or 'none'}"
    return UnknownArgument(f"{where}({name}=...): there is no argument of this name. {hint}")
