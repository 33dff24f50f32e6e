"""The words that differ between two texts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

#: A word, white space or a sign: what is compared.
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
#: Tokens of two passages beyond which they are compared as wholes: comparing takes their product.
LONGEST = 3_000
#: "" and what both texts have, "-" and what only the first has, or "+" and what only the second has.
Part = tuple[str, str]


def passages(before: str, after: str, longest: int = LONGEST) -> Iterator[list[Part]]:
    """The texts in passages of whole lines, equal ones and different ones in turn; each in parts, word by word.

    Lines are compared first, so long texts that differ little cost little; passages of more than `longest` tokens are
    compared no further.

    Example:
        >>> from synalinks._base.word_diff import passages
        >>> list(passages("Be brief.", "Be exact."))
        [[('', 'Be '), ('-', 'brief'), ('+', 'exact'), ('', '.')]]
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for kind, i1, i2, j1, j2 in _opcodes(old, new):
        texts = "".join(old[i1:i2]), "".join(new[j1:j2])
        words = TOKEN.findall(texts[0]), TOKEN.findall(texts[1])
        if kind == "replace" and max(map(len, words)) <= longest:
            yield [part for code in _opcodes(*words) for part in _parts(code, *words)]
        else:
            yield _parts((kind, i1, i2, j1, j2), old, new)


def parts(before: str, after: str, longest: int = LONGEST) -> Iterator[Part]:
    """The parts of all passages, one after another; see `passages`."""
    return (part for passage in passages(before, after, longest) for part in passage)


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _parts(code: tuple[str, int, int, int, int], old: Sequence[str], new: Sequence[str]) -> list[Part]:
    kind, i1, i2, j1, j2 = code
    if kind == "equal":
        return [("", "".join(old[i1:i2]))]
    return [(sign, "".join(texts)) for sign, texts in (("-", old[i1:i2]), ("+", new[j1:j2])) if texts]
