"""Searches for regular expressions that a file or a schema may have chosen, in a time that none makes exponential."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from synalinks.lm.core.errors import ConfigurationError

#: Characters of the longest text that Python's engine, whose time grows with a power of the length, is given.
LONGEST_TEXT = 100
#: The most ways in which an expression may match at one place of such a text, for it to be given to Python's engine.
MOST_WAYS = 2 * LONGEST_TEXT**2
#: Steps back that an expression with look-around may take at one place of a text, in the other engine; about 10 ms.
MOST_BACKTRACKING = 100_000


def parsed(pattern: str) -> Any:
    """An expression as Python's own parser reads it: pairs of an operation and its argument.

    Raises:
        ConfigurationError: it is no regular expression.
    """
    try:
        re.compile(pattern)
        return importlib.import_module("re._parser").parse(pattern)
    except (re.error, RecursionError, OverflowError, TypeError) as error:
        raise ConfigurationError(f"{pattern!r:.200} is no regular expression ({str(error)[:200]})") from error


@lru_cache(maxsize=512)
def searcher(pattern: str) -> Callable[[str], bool]:
    """A test whether an expression is found in a text, as `re.search` does it.

    An expression that might take Python's engine exponential time (a repeat of something that varies), and every text
    longer than `LONGEST_TEXT`, goes to the engine of jsonschema-rs, which takes linear time. The words of that one are
    those of ECMA 262: its `\\d` and `\\w` are ASCII.

    Raises:
        ConfigurationError: it is no regular expression, or one that no engine searches in limited time.
    """
    quick = ways(parsed(pattern)) <= MOST_WAYS
    search = re.compile(pattern).search
    linear = None if quick else _linear(pattern)

    def found(text: str) -> bool:
        nonlocal linear
        if quick and len(text) <= LONGEST_TEXT:
            return search(text) is not None
        if linear is None:
            linear = _linear(pattern)
        return linear(text)

    return found


def engines() -> tuple[Any, Any]:
    """Options of jsonschema-rs for its engine of linear time, and for the one with look-around and a limit of steps, at
    which an expression is not found."""
    import jsonschema_rs  # as in _linear

    return jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions(backtrack_limit=MOST_BACKTRACKING)


def _linear(pattern: str) -> Callable[[str], bool]:
    import jsonschema_rs  # 15 MB of native code, not needed for most expressions

    for engine in engines():
        try:
            validator = jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=engine)
        except jsonschema_rs.ValidationError:
            continue
        return lambda text: bool(validator.is_valid(text))
    raise ConfigurationError(
        f"the regular expression {pattern!r:.200} can't be searched in limited time; write it without repeats inside "
        "of repeats, or in the dialect of JSON schema (ECMA 262)"
    )


def ways(parts: Any) -> float:
    """In how many ways an expression may match at one place of a text of `LONGEST_TEXT` characters, at most."""
    count = 1.0
    for code, argument in parts:
        count *= _ways_of(str(code), argument)
    return count


def _ways_of(code: str, argument: Any) -> float:
    if code in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, inner = argument
        if int(high) > 1 and ways(inner) > 1:
            return float("inf")
        return ways(inner) + min(int(high) - int(low), LONGEST_TEXT)
    if code in ("SUBPATTERN", "ASSERT", "ASSERT_NOT"):
        return ways(argument[-1])
    if code == "ATOMIC_GROUP":
        return ways(argument)
    if code == "BRANCH":
        return float(sum(map(ways, argument[1])))
    return float("inf") if code == "GROUPREF_EXISTS" else 1.0
