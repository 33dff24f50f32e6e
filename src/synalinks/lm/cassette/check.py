"""The check of a cassette's rows: types, counts and amounts, before a row is played, charged or shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from synalinks import _json
from synalinks._json import Json
from synalinks.lm.core import errors
from synalinks.lm.core.errors import LMError
from synalinks.lm.core.reply import USAGE_BUCKETS

#: The greatest count of tokens, calls or attempts in a row: whole numbers up to here are exact in every JSON reader.
MOST_COUNTED = 2**53
#: The greatest amount of a row, in USD.
MOST_USD = Decimal(10**9)
#: The longest time in a row, in seconds.
LONGEST = 10.0**9
_MONEY = re.compile(r"[0-9]{1,10}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,2})?")
#: Amounts that are below `MOST_USD` by their length.
_SHORT_MONEY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,60})?")
#: Bytes of one float32.
_FLOAT = 4
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")

#: A test of one field; what it requires, in words; and the types all of whose values are right, which are not tested.
Field = tuple[Callable[[Json], bool], str, frozenset[type]]
#: The type of null.
_NULL = type(None)


def problem_of(row: Json) -> str | None:
    """What is wrong with a row whose shape `is_row` admits: the field, what was wanted and what was got; else None."""
    if not isinstance(row.get("event"), dict):
        return _of_call(row)
    needs = ("name", "message", "budget")
    return _of_fields(row["event"], _EVENT, "event", needs) or _of_fields(row["scope"], _SCOPE, "scope")


def _of_call(row: Mapping[str, Json]) -> str | None:
    problem = (
        _of_fields(row["scope"], _SCOPE, "scope")
        or _of_fields(row, _ROW, "")
        or _of_fields(row["request"], _REQUEST, "request")
    )
    if problem is None and "settled" in row:
        problem = _of_fields(row["settled"], _SETTLED, "settled", ("usd", "tokens", "calls"))
    if problem is not None:
        return problem
    if "reply" in row:
        problem = _of_reply(row["reply"], "reply")
        if problem is None and row["request"]["kind"] == "embed":
            return _of_embeddings(row["request"].get("texts", ()), row["reply"])
        return problem
    if "error" in row:
        return _of_error(row["error"], "error")
    refused = row["refused"]
    problem = _of_fields(refused, _REFUSED, "refused", ("message", "budget"))
    if problem is None and "after" in refused:
        return _of_error(refused["after"], "refused.after")
    return problem


def _of_reply(reply: Mapping[str, Json], place: str) -> str | None:
    problem = _of_fields(reply, _REPLY, place)
    if problem is None and "usage" in reply:
        return _of_fields(reply["usage"], _USAGE, f"{place}.usage")
    return problem


def _of_error(error: Mapping[str, Json], place: str) -> str | None:
    problem = _of_fields(error, _ERROR, place, ("class", "message", "kind", "attempts", "wasted_tokens"))
    if problem is None and error.get("reply") is not None:
        return _of_reply(error["reply"], f"{place}.reply")
    return problem


def _of_embeddings(texts: list[str], reply: Mapping[str, Json]) -> str | None:
    lists = ("vectors", "tokens", "costs")
    if (problem := _of_fields(reply, _EMBEDDINGS, "reply", lists)) is not None:
        return problem
    for name in lists:
        if reply[name] is not None and len(reply[name]) != len(texts):
            return f"reply.{name} must have one item a text ({len(texts)}), got {len(reply[name])}"
    return None


def _of_fields(
    value: Mapping[str, Json], fields: Mapping[str, Field], place: str, needs: tuple[str, ...] = ()
) -> str | None:
    for name in needs:
        if name not in value:
            return f"{place} lacks {name!r}"
    for name, found in value.items():
        field = fields.get(name)
        if field is not None and type(found) not in field[2] and not field[0](found):
            return f"{place}{'.' if place else ''}{name} must be {field[1]}, got {found!r:.80}"
    return None


def _is_text(value: Json) -> bool:
    return type(value) is str


def _is_count(value: Json) -> bool:
    return type(value) is int and 0 <= value <= MOST_COUNTED


def _is_time(value: Json) -> bool:
    return type(value) in (int, float) and 0 <= value <= LONGEST  # NaN is neither


def _is_money(value: Json) -> bool:
    if type(value) is not str:
        return _is_time(value)  # a number, as written by hand
    if _SHORT_MONEY.fullmatch(value) is not None:  # as most
        return True
    return _MONEY.fullmatch(value) is not None and Decimal(value) <= MOST_USD


def _is_vector(value: Json) -> bool:
    if type(value) is not str or len(value) % 4 or _BASE64.fullmatch(value) is None:
        return False
    size = len(value) // 4 * 3 - (len(value) - len(value.rstrip("=")))
    return size % _FLOAT == 0


def _is_object(value: Json) -> bool:
    return type(value) is dict


def _is_budget(value: Json) -> bool:
    return type(value) is dict and {str}.issuperset(map(type, value.values()))


def _are_objects(value: Json) -> bool:
    return type(value) is list and {dict}.issuperset(map(type, value))


def _are_texts(value: Json) -> bool:
    return type(value) is list and {str}.issuperset(map(type, value))


def _are_pieces(value: Json) -> bool:
    return type(value) is list and all(_are_texts(piece) and len(piece) == 2 for piece in value)


def _is_failure(value: Json) -> bool:
    found = getattr(errors, value, None) if type(value) is str else None
    return isinstance(found, type) and issubclass(found, LMError)


def _or_null(field: Field) -> Field:
    test, words, types = field
    return test, f"{words} or null", types | {_NULL}


def _several(field: Field) -> Field:
    test, words, types = field
    return (
        lambda value: type(value) is list and all(type(item) in types or test(item) for item in value),
        f"a list, each {words}",
        _NONE,
    )


_NONE: frozenset[type] = frozenset()
_TEXT: Field = (_is_text, "text", frozenset({str}))
_COUNT: Field = (_is_count, "a whole number >= 0", _NONE)
_TIME: Field = (_is_time, "a finite number of seconds >= 0", _NONE)
_USD: Field = (_is_money, "a finite number of dollars >= 0, written as text", _NONE)
_OBJECT: Field = (_is_object, "an object", frozenset({dict}))
_OBJECTS: Field = (_are_objects, "a list of objects", _NONE)
_PIECES: Field = (_are_pieces, "a list of [text, reasoning]", _NONE)
_BUDGET: Field = (_is_budget, "an object whose values are text", _NONE)
_SCOPE = {name: _or_null(_COUNT) for name in ("epoch", "step", "sample")} | {
    name: _or_null(_TEXT) for name in ("phase", "module")
}
_ROW = {"digest": _TEXT, "draw": _COUNT, "capped": _or_null(_COUNT), "settled": _OBJECT}
_REQUEST = {
    "model": _TEXT,
    "messages": _OBJECTS,
    "texts": (_are_texts, "a list of texts", _NONE),
    "schema": _or_null(_OBJECT),
    "tools": _OBJECTS,
    "options": _or_null(_OBJECT),
}
_SETTLED = {"usd": _USD, "tokens": _COUNT, "calls": _COUNT}
_SPENT = {
    "attempts": _COUNT,
    "wasted": _or_null(_USD),
    "wasted_known": _USD,
    "wasted_tokens": _COUNT,
    "uncertain_attempts": _COUNT,
    "seconds": _or_null(_TIME),
}
_REPLY = {
    **_SPENT,
    "text": _TEXT,
    **{name: _or_null(_TEXT) for name in ("reasoning", "finish", "refusal", "model")},
    "tool_calls": _OBJECTS,
    "usage": _OBJECT,
    "cost": _or_null(_USD),
    "loading": _or_null(_TIME),
    "machine_seconds": _or_null(_TIME),
    "first_token": _or_null(_TIME),
    "chunks": _or_null(_PIECES),
    "extra": _or_null(_OBJECT),
}
_USAGE = {name: _or_null(_COUNT) for name in USAGE_BUCKETS} | {"raw": _or_null(_OBJECT)}
_ERROR = {
    **_SPENT,
    "class": (_is_failure, "the name of a class below LMError", _NONE),
    "message": _TEXT,
    "kind": _TEXT,
    "status": _or_null(_COUNT),
    "retry_after": _or_null(_TIME),
    "uncertain": ((lambda value: type(value) is bool), "true or false", frozenset({bool})),
    "heard": _or_null(_PIECES),
    "reply": _or_null(_OBJECT),
}
_EMBEDDINGS = {
    "vectors": _several((_is_vector, "base64 of float32 numbers", _NONE)),
    "tokens": _or_null(_several(_COUNT)),
    "costs": _several(_or_null(_USD)),
}
_REFUSED = {"message": _TEXT, "budget": _BUDGET, "after": _OBJECT}
_EVENT = {"name": _TEXT, "message": _TEXT, "budget": _BUDGET}


def depth_problem(line: bytes, row: Json) -> str | None:
    """What is wrong with a row that is nested too deeply, or None; `line` is tested first, which is quick."""
    if _json.may_be_deep(line) and _json.is_deep(row):
        return f"nested deeper than {_json.MOST_DEPTH} levels"
    return None
