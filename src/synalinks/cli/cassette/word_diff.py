"""The words that differ between two texts, with a little of what stands around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synalinks._base.word_diff import TOKEN, Part, passages

#: Words that are shown on either side of a difference.
AROUND = 6
#: Lines that are shown of one difference; the rest is counted.
LINES = 40


def word_diff(before: str, after: str) -> list[str]:
    """The lines that differ, as `git diff --word-diff` marks them: [-old-] and {+new+}; `...` stands for words that
    are left out."""
    found = passages(_ended(before), _ended(after))
    lines = [line for passage in found if any(sign for sign, _ in passage) for line in _marked(passage)]
    if len(lines) > LINES:
        lines = [*lines[:LINES], f"... {len(lines) - LINES:,} more lines differ"]
    return lines


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _marked(passage: Sequence[Part]) -> list[str]:
    if all(sign for sign, _ in passage):
        return [_mark(sign, line) for sign, text in passage for line in text.splitlines()]
    return "".join(_words(passage)).splitlines()


def _mark(sign: str, text: str) -> str:
    return f"[-{text}-]" if sign == "-" else f"{{+{text}+}}"


def _words(passage: Sequence[Part]) -> Iterator[str]:
    for position, (sign, text) in enumerate(passage):
        if sign:
            yield _mark(sign, text)
        else:
            yield _shortened(TOKEN.findall(text), first=position == 0, last=position == len(passage) - 1)


def _shortened(tokens: Sequence[str], *, first: bool, last: bool) -> str:
    """What did not change, without its middle; of the first and the last part, without the far end."""
    keep = 2 * AROUND  # a word and a space are two tokens
    head, tail = (0 if first else keep), (0 if last else keep)
    if len(tokens) <= head + tail + keep:
        return "".join(tokens)
    return f"{''.join(tokens[:head])} ... {''.join(tokens[len(tokens) - tail :]) if tail else ''}"
