"""The words of the documents and of the code: the vocabulary of the design, and sentences whose subject is a thing.

    python tests/test_prose.py            # what is left, with file and line
    python tests/test_prose.py lm/budget  # in paths with these words

Checked are documents, the docstrings, comments, messages and identifiers of `src`, `scripts`, `examples` and
`benchmarks`, and the identifiers of `tests`.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Private words of earlier versions, and the word of the field for each.
VOCABULARY = {
    r"tapes?|taped": "cassette",
    r"gates?|gated": "budget layer",
    r"purses?": "budget tracker, budget",
    r"meters?": "ledger layer",
    r"heeds?|heeded|heeding": "update",
    r"flavours?": "variant",
    r"lanes?": "connection",
    r"wasted": "cost of failed attempts",
    r"preflight": "checks before the run",
    r"rehears(?:e|es|ed|al|als|ing)": "dry run",
    r"pretend(?:s|ed|ing)?": "simulated",
    r"lessons?": "usage statistics",
    r"nearness": "lexical similarity",
    r"payoffs?": "similarity effect",
    r"unspoken": "not supported",
    r"miss reports?": "mismatch report",
    r"put(?:s|ting)? aside": "isolated",
    r"ke(?:ep|eps|pt|eping) back": "earmark",
    r"stands? in for|stood in for": "is a fallback, takes the place of",
}
#: Words that make a person of a thing.
PERSONS = {
    r"somebody|someone|nobody|no one|everybody|everyone|anybody|anyone|whoever": "name the thing",
    r"worlds?": "provider, server, environment",
    r"thinks": "name what is computed",
    r"knows?|knew|known to": "has, contains, refers to",
    r"(?<!you )wants?|wanted by": "needs, takes",
    r"asks|pays|sees": "calls, requests; is billed; gets",
    r"(?:is|are|was|were|be|been) told": "gets, is given, is called with",
    r"tells": "says, shows, returns",
    r"c(?:ome|omes|ame|oming) home": "is awaited",
    r"holds? (?:its|their) breath": "waits",
    r"(?<!you )(?:forgets?|remembers?)": "drops, keeps",
}
FORBIDDEN = {
    re.compile(rf"(?<![\w./`<])(?:{words})\b", re.IGNORECASE): instead
    for words, instead in (VOCABULARY | PERSONS).items()
}
#: Parts of identifiers that are words of earlier versions.
IDENTIFIERS = re.compile(rf"(?:^|_)(?:{'|'.join(words for words in VOCABULARY if ' ' not in words)})(?:_|$)")
#: Words that are meant as they stand, by file, each with the reason; `*` is every word.
ALLOWED = {
    ("src/synalinks/data/plurals.py", "*"): "a list of English words",
    ("src/synalinks/rewards/rubric_table.py", "asks"): "the text of a prompt",
    ("src/synalinks/rewards/rubric_classes.py", "asks"): "the text of a prompt",
    ("src/synalinks/rewards/rubrics.py", "asks"): "a variable, in a message",
    ("src/synalinks/testing/fake_models/proposals.py", "Remember"): "an instruction that the fake model proposes",
    ("src/synalinks/_support/templates.py", "meter"): "counts the work of a template",
    ("src/synalinks/_support/templates.py", "_meter"): "counts the work of a template",
}
Found = tuple[str, int, str, str]


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of prose of a file: of a Python file its comments and strings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from enumerate(text.splitlines(), 1)
        return
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in kinds and " " in token.string:  # one word alone is a key, not prose
            yield from enumerate(token.string.splitlines(), token.start[0])


def _names(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], re.sub(r"(?<=[a-z])(?=[A-Z])", "_", token.string).lower()


def found_in(path: Path) -> list[Found]:
    """The forbidden words of a file: path, line, word, what to write instead."""
    name = path.relative_to(ROOT).as_posix()
    if (name, "*") in ALLOWED:
        return []
    words = [
        (name, line, match[0], instead)
        for line, text in _texts(path)
        for pattern, instead in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    if path.suffix == ".py":
        words += names_in(path)
    return [found for found in words if (name, found[2]) not in ALLOWED]


def names_in(path: Path) -> list[Found]:
    """The identifiers of a file that have a word of earlier versions."""
    name = path.relative_to(ROOT).as_posix()
    return [(name, line, text, "a word of the vocabulary") for line, text in _names(path) if IDENTIFIERS.search(text)]


def everything() -> list[Found]:
    """The forbidden words of the documents, of `src` and of the folders of programs, in order."""
    folders = [ROOT / name for name in ("docs", "cassettes", "src", "scripts", "examples", "benchmarks")]
    paths = [path for folder in folders for ending in ("md", "py") for path in folder.rglob(f"*.{ending}")]
    paths += [*ROOT.glob("*.md"), ROOT / "tests/semantics/README.md"]
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__).resolve()]
    return [found for path in sorted(paths) for found in found_in(path)] + [
        found for path in sorted(tests) for found in names_in(path)
    ]


def test_the_words_are_those_of_the_field() -> None:
    lines = [f"{name}:{line}: {word} -> {instead}" for name, line, word, instead in everything()]
    assert not lines, "\n".join(lines)


def test_a_forbidden_word_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "code.py"
    path.write_text(
        '"""The layer knows it."""\n# on the tape\nx = "Nobody is here"\nopen_gate = "gate"\n', encoding="utf-8"
    )
    assert [(line, word) for _, line, word, _ in found_in(path)] == [
        (1, "knows"), (2, "tape"), (3, "Nobody"), (4, "open_gate")
    ]  # fmt: skip
    path.write_text('"""Tapered; a gateway; escapes; the `tape` and lm/tape.py."""\n', encoding="utf-8")
    assert found_in(path) == []


if __name__ == "__main__":
    left = [found for found in everything() if any(part in found[0] for part in sys.argv[1:] or [""])]
    for name, line, word, instead in left:
        print(f"{name}:{line}: {word} -> {instead}")
    print(sorted(Counter(name.rpartition("/")[0] for name, *_ in left).items()))
