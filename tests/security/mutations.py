"""Mutated files: bytes changed, cut and repeated, and JSON values replaced by hostile ones."""

from __future__ import annotations

import json
import random
from typing import Any

#: Values that stand where another is wanted.
HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1.5, -0.0, 2**63, 2**64, -(2**64), 10**400, 1e308, "", "-5", "NaN", "1e999999"),
    *(
        [],
        {},
        [[]],
        [None],
        {"": None},
        {"a": {"a": 1}},
        "a" * 3000,
        "\x00",
        "\ud800",
        "\u202e",
        "{{ x }}",
        "../../etc",
    ),
    *(
        "__class__",
        "__main__",
        "os.system",
        "function",
        "__shared__",
        "*",
        "^(a+)+$",
        "null",
        ["a", "a"],
        {"$ref": "#"},
    ),
    {"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}},
    {"class_name": "function", "config": {"module": "os", "name": "system"}},
    {"class_name": "__shared__", "config": 0},
    {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a*)*b", "minLength": 10**12}}},
    {"type": "array", "items": {"type": "string"}, "minItems": 10**9},
]
_BYTES = b'{}[]",:0123456789-eE.\\\x00\n\r\t\xff\xef\xbb\xbfnulltruefalse '


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A file like `data`, with one to four mutations."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice((_in_json, _in_json, _in_json, _in_bytes, _in_lines))(data, rng)
    return data


def _in_bytes(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice((0, 1, 1, 2, 20, 2000)))
    put = bytes(rng.choice(_BYTES) for _ in range(rng.choice((0, 1, 1, 3, 30))))
    if rng.random() < 0.05:
        put = rng.choice((b"[", b'{"a":')) * 3000
    return data[:start] + put + data[end:] if rng.random() < 0.8 else data[:start]


def _in_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    at = rng.randrange(len(lines))
    what = rng.randrange(4)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(at, rng.choice(lines))
    elif what == 2:
        rng.shuffle(lines)
    else:
        lines.insert(at, rng.choice((b"\n", b"{}\n", b"[]\n", b"null\n", b"1\n", b'""\n')))
    return b"".join(lines)


def _in_json(data: bytes, rng: random.Random) -> bytes:
    """One value of the whole, or of one line, replaced, removed, doubled or moved."""
    lines = data.splitlines(keepends=True) or [b""]
    whole = lines[0].strip() in (b"{", b"[")
    at = rng.randrange(len(lines))
    try:
        value = json.loads(data if whole else lines[at])
    except (ValueError, RecursionError):
        return _in_bytes(data, rng)
    text = json.dumps(_changed(value, rng)).encode() + b"\n"
    return text if whole else b"".join((*lines[:at], text, *lines[at + 1 :]))


def _changed(value: Any, rng: random.Random) -> Any:
    places: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        held = left.pop()
        keys = list(held) if isinstance(held, dict) else range(len(held)) if isinstance(held, list) else ()
        places += [(held, key) for key in keys]
        left += [held[key] for key in keys]
    if not places or rng.random() < 0.02:
        return rng.choice(HOSTILE)
    held, key = rng.choice(places)
    what = rng.random()
    if what < 0.6:
        held[key] = rng.choice(HOSTILE)
    elif what < 0.75:
        del held[key]
    elif what < 0.85:
        other, at = rng.choice(places)
        if at in other if isinstance(other, dict) else at < len(other):
            held[key] = json.loads(json.dumps(other[at]))
    elif isinstance(held, dict):
        held[rng.choice(("x", "$ref", "type", "name", "model", "error", "class_name"))] = rng.choice(HOSTILE)
    else:
        held.append(rng.choice(HOSTILE))
    return value
