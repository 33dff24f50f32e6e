"""The words that differ between two texts, with a little of what stands around them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

#: Words that are shown on either side of a difference.
AROUND = 6
#: Lines that are shown of one difference; the rest is counted.
LINES = 40
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


def word_diff(before: str, after: str) -> list[str]:
    """The lines that differ, as `git diff --word-diff` marks them: [-old-] and {+new+}; `...` where words are left out.

    Lines are compared first, so long texts that differ little cost little.
    """
    old, new = before.splitlines(), after.splitlines()
    lines: list[str] = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace":
            lines += _words("\n".join(old[i1:i2]), "\n".join(new[j1:j2])).splitlines()
        elif kind == "delete":
            lines += [f"[-{line}-]" for line in old[i1:i2]]
        elif kind == "insert":
            lines += [f"{{+{line}+}}" for line in new[j1:j2]]
    if len(lines) > LINES:
        lines = [*lines[:LINES], f"... {len(lines) - LINES:,} more lines differ"]
    return lines


def _words(before: str, after: str) -> str:
    old, new = _WORD.findall(before), _WORD.findall(after)
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return "".join(_marked(codes, old, new))


def _marked(codes: Sequence[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for position, (kind, i1, i2, j1, j2) in enumerate(codes):
        if kind == "equal":
            yield _shortened(old[i1:i2], first=position == 0, last=position == len(codes) - 1)
            continue
        if i2 > i1:
            yield f"[-{''.join(old[i1:i2])}-]"
        if j2 > j1:
            yield f"{{+{''.join(new[j1:j2])}+}}"


def _shortened(tokens: Sequence[str], *, first: bool, last: bool) -> str:
    """What did not change, without its middle; of the first and the last part, without the far end."""
    keep = 2 * AROUND  # a word and a space are two tokens
    head, tail = (0 if first else keep), (0 if last else keep)
    if len(tokens) <= head + tail + keep:
        return "".join(tokens)
    return f"{''.join(tokens[:head])} ... {''.join(tokens[len(tokens) - tail :]) if tail else ''}"
