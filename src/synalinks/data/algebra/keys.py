"""The rules about field names that values and schemas share.

A field's *base name* is what is left when its number (`_2`) is taken away and its last word put in the
singular: `answers`, `answer` and `answer_2` are all `answer`. Masks, factorisation and mask checks compare
base names; concatenation counts numbers up. Values and schemas agree because both ask the functions here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from synalinks._base.patterns import searcher
from synalinks.data.algebra.plurals import plural, singular
from synalinks.errors import ConfigurationError

_NUMBER = re.compile(r"_\d+$")


@lru_cache(maxsize=4096)
def unnumbered(name: str) -> str:
    """`name` without its number: `answer_2` becomes `answer`."""
    return _NUMBER.sub("", name) or name


@lru_cache(maxsize=4096)
def base_name(name: str) -> str:
    """`name` without its number and in the singular."""
    return singular(unnumbered(name))


def renames(first: Iterable[str], second: Iterable[str]) -> dict[str, str]:
    """What each name of `second` is called beside `first`: itself, or the first free `name_1`, `name_2`, ...

    A name that already carries a number goes on counting from its unnumbered form, so four answers are
    `answer`, `answer_1`, `answer_2`, `answer_3` in whatever order they were put together.
    """
    taken = set(first)
    result: dict[str, str] = {}
    for name in second:
        result[name] = free_name(name, taken)
        taken.add(result[name])
    return result


def free_name(name: str, taken: set[str]) -> str:
    """`name`, or `name_1`, `name_2`, ... whichever is the first not taken."""
    if name not in taken:
        return name
    stem = unnumbered(name)
    number = 1
    while f"{stem}_{number}" in taken:
        number += 1
    return f"{stem}_{number}"


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that `factorize` makes one: `many` says they become a list called `name`."""

    name: str
    members: tuple[str, ...]
    many: bool


def groups(names: Iterable[str]) -> list[Group]:
    """How `factorize` groups fields, in the order of their first members.

    Two or more fields of one base name become a list under the plural; a field that stands alone keeps its
    name, less the number.
    """
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(base_name(name), []).append(name)
    taken: set[str] = set()
    result = []
    for base, own in members.items():
        many = len(own) > 1
        name = free_name(plural(base) if many else unnumbered(own[0]), taken)
        taken.add(name)
        result.append(Group(name, tuple(own), many))
    return result


class Mask:
    """A test of field names: named in a list, or found by a pattern, or both.

    A name matches if its base name is that of an entry; a pattern is searched for in the name without its
    number and in the base name.
    """

    __slots__ = ("_bases", "_search", "names")

    def __init__(self, names: tuple[str, ...], pattern: str | None) -> None:
        self.names = names
        self._bases = frozenset(base_name(name) for name in names)
        try:
            self._search = None if pattern is None else searcher(pattern)
        except ConfigurationError as error:
            raise ConfigurationError(f"the mask pattern: {error}") from error

    def __call__(self, name: str) -> bool:
        base = base_name(name)
        if base in self._bases:
            return True
        search = self._search
        return search is not None and (search(unnumbered(name)) or search(base))


@lru_cache(maxsize=512)
def _mask(names: tuple[str, ...], pattern: str | None) -> Mask:
    return Mask(names, pattern)


def mask_of(mask: Sequence[str] | None, pattern: str | None) -> Mask:
    """The test for a list of names and a pattern; with neither, nothing matches.

    Raises:
        ConfigurationError: the mask is not a list of names, or the pattern no regular expression.
    """
    if isinstance(mask, str):
        raise ConfigurationError(f"a mask is a list of field names, got the string {mask!r}; write [{mask!r}]")
    try:
        names = tuple(mask or ())
    except TypeError:
        raise ConfigurationError(f"a mask is a list of field names, got {mask!r}") from None
    for name in names:
        if not isinstance(name, str):
            raise ConfigurationError(f"a mask is a list of field names, got {mask!r}")
    if pattern is not None and not isinstance(pattern, str):
        raise ConfigurationError(f"a mask pattern is a regular expression in a string, got {pattern!r}")
    return _mask(names, pattern)
