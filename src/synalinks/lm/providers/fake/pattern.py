"""A text that matches a regular expression, made from the expression.

The expression is read by Python's own parser, so what is understood is what the dialects of JSON schema (ECMA 262)
and of Python share: literals, classes, groups, alternatives, repetition, `^` and `$`. Look-around and references back
are not: nothing is made for them.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from typing import Any

from synalinks._base.patterns import parsed, searcher
from synalinks.lm.core.errors import ConfigurationError

#: label -> a number in [0, 1).
Uniform = Callable[[str], float]
#: Characters to choose from where a class leaves the choice open, the plain ones first.
_PRINTABLE = string.ascii_lowercase + string.ascii_uppercase + string.digits + "_- .,:;/@#+*()" + "\u00e9\u4e2d"
_CLASSES = {
    "CATEGORY_DIGIT": lambda c: c.isdigit(),
    "CATEGORY_NOT_DIGIT": lambda c: not c.isdigit(),
    "CATEGORY_SPACE": lambda c: c.isspace(),
    "CATEGORY_NOT_SPACE": lambda c: not c.isspace(),
    "CATEGORY_WORD": lambda c: c.isalnum() or c == "_",
    "CATEGORY_NOT_WORD": lambda c: not (c.isalnum() or c == "_"),
}
#: How much is repeated beyond the least, one try after the other, until a text is long enough.
#: The most repeats of parts in one text.
_MOST_PARTS = 20_000
_TRIES = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def matching(pattern: str, uniform: Uniform, least: int = 0, most: float = float("inf")) -> str | None:
    """A text that `re.search(pattern, text)` finds, of `least` to `most` characters; None if none was found."""
    try:
        read = parsed(pattern)
        wanted = searcher(pattern)
    except ConfigurationError:
        return None
    for extra in _TRIES:
        try:
            text = "".join(_Maker(uniform, extra).of(read))
        except (_NotUnderstoodError, RecursionError):
            return None
        if len(text) < least and wanted(padded := text.ljust(least, "a")):
            text = padded
        if least <= len(text) <= most and wanted(text):
            return text
    return None


class _NotUnderstoodError(Exception):
    """A part of an expression that nothing can be made for."""


class _Maker:
    """Makes one text; `extra` is how often repeated parts are repeated beyond the least."""

    def __init__(self, uniform: Uniform, extra: int) -> None:
        self._uniform = uniform
        self._extra = extra
        self._place = self._parts = 0
        self._groups: dict[int, str] = {}

    def _pick(self, count: int) -> int:
        self._place += 1
        return int(self._uniform(f"pattern {self._place}") * count)

    def of(self, parsed: Any) -> Iterator[str]:
        """The texts of the parts, in order."""
        for code, argument in parsed:
            yield from self._part(str(code), argument)

    def _part(self, code: str, argument: Any) -> Iterator[str]:
        if code == "LITERAL":
            yield chr(argument)
        elif code == "NOT_LITERAL":
            yield next(c for c in _PRINTABLE if ord(c) != argument)
        elif code == "ANY":
            yield _PRINTABLE[self._pick(26)]
        elif code == "IN":
            yield self._one_of(argument)
        elif code in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, inner = argument
            for _ in range(min(low + self._extra, int(high))):
                self._parts += 1
                if self._parts > _MOST_PARTS:
                    raise _NotUnderstoodError("a text that is too long")
                yield from self.of(inner)
        elif code == "SUBPATTERN":
            text = "".join(self.of(argument[-1]))
            if argument[0] is not None:
                self._groups[argument[0]] = text
            yield text
        elif code == "GROUPREF":
            yield self._groups.get(argument, "")
        elif code == "BRANCH":
            branches = argument[1]
            yield from self.of(branches[self._pick(len(branches))])
        elif code != "AT":
            raise _NotUnderstoodError(code)

    def _one_of(self, members: Any) -> str:
        negated = str(members[0][0]) == "NEGATE"
        tests = [self._test(str(code), argument) for code, argument in members if str(code) != "NEGATE"]
        own = [chr(argument) for code, argument in members if str(code) == "LITERAL"]
        own += [chr(argument[0]) for code, argument in members if str(code) == "RANGE"]
        pool: list[str] = [*_PRINTABLE, *([] if negated else own)]
        fitting: list[str] = [c for c in pool if any(test(c) for test in tests) is not negated]
        if not fitting:
            raise _NotUnderstoodError("an empty class")
        return fitting[self._pick(len(fitting))]

    @staticmethod
    def _test(code: str, argument: Any) -> Callable[[str], bool]:
        if code == "LITERAL":
            return lambda c: ord(c) == argument
        if code == "RANGE":
            return lambda c: bool(argument[0] <= ord(c) <= argument[1])
        if code == "CATEGORY" and str(argument) in _CLASSES:
            return _CLASSES[str(argument)]
        raise _NotUnderstoodError(code)
