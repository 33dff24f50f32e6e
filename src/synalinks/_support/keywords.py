"""Keywords that are refused because nothing takes them, with the nearest one that something does."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from synalinks.errors import ConfigurationError


def refuse_unknown_keywords(cls: type, keywords: Mapping[str, Any], fn: Callable[..., Any]) -> None:
    """Refuse keywords of a class that the function they are passed on to does not take.

    A function that takes any keyword is not looked at.

    Raises:
        ConfigurationError: naming the first of them and the nearest argument of the class or the function.
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
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(known) or 'none'}"
            raise ConfigurationError(f"{cls.__name__}({name}=...): there is no argument of this name. {hint}")
