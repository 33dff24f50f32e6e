"""The report of a call that a cassette doesn't hold: what was asked, the nearest row, how they differ."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable, Mapping
from typing import Any

from synalinks import _json
from synalinks.lm.cassette.rows import Row
from synalinks.lm.core.call import Call, Request
from synalinks.lm.core.errors import CassetteMiss

#: Rows whose texts are compared in earnest; the rest are distinguished by model, place and length.
_CANDIDATES = 200
#: Words of a request that are compared: more than most prompts have, and still under a millisecond.
_WORDS = 1000
#: The share of words in common, in their order, from which on a request is near another; `difflib`'s own measure
#: of "close matches" (0.6), and a little less, for prompts are longer than words.
_NEAR = 0.5
#: Lines of the diff that are shown.
_DIFF_LINES = 40


def report(
    call: Call,
    near: Row | None,
    *,
    cassette: object,
    mode: str,
    answers: int,
    unfinished: bool = False,
    so_far: str | None = None,
) -> CassetteMiss:
    """The error for a call that can't be answered from a cassette.

    Args:
        call: what was asked, and from where.
        near: the row whose request is most like it, see `nearest`.
        cassette: its path.
        mode: its record mode.
        answers: how many answers the cassette holds to this very request, all of them played.
        unfinished: whether the cassette's first recording never came to its end.
        so_far: how the run fitted the cassette until now, and what asking would cost.
    """
    request = call.request
    lines = [
        f"the cassette {cassette} has no answer for this call, and record_mode={mode!r} only replays",
        f"  asked: {request.model} at {call.scope}, draw {call.draw}",
    ]
    if answers:
        one = "1 answer" if answers == 1 else f"{answers} answers"
        lines.append(f"  the cassette holds {one} to this request and all were played: it is asked more often now")
    elif near is None:
        lines.append("  the cassette is empty")
    else:
        lines += _compare(request, near)
    if so_far is not None:
        lines.append(f"so far: {so_far}")
    if unfinished:
        lines.append(
            'The first recording of this cassette was cut off. To go on with it: record_mode="once", or '
            "--record-mode once"
        )
    else:
        lines.append('To record what is missing: record_mode="new_episodes", or --record-mode new_episodes')
    error = CassetteMiss("\n".join(lines))
    vars(error).update(request=request, scope=call.scope, nearest=request if answers else near and near.request)
    return error


def _compare(request: Request, row: Row) -> list[str]:
    if row.request.digest == request.digest:
        return [
            f"  {row} holds this very request under another digest: it was edited by hand",
            f'  Record it again, or put "digest":"{request.digest}" there',
        ]
    return [f"  nearest: {row}", *diff(row.request, request, f"line {row.line} of the cassette", "asked now")]


def nearest(call: Call, rows: Iterable[Row]) -> Row | None:
    """The row whose request is most like a call's: of the same kind and model if there is one."""
    request = call.request
    wanted = _words(request.to_dict())
    size = len(_text(request.to_dict()))
    scope = call.scope.to_dict()

    def distance(row: Row) -> tuple[bool, int, int]:
        asked, place = row.value["request"], row.value["scope"]
        other = asked["kind"] != request.kind or asked["model"] != request.model
        same = sum(place.get(name) == value for name, value in scope.items())
        return other, -same, abs(len(_text(asked)) - size)

    candidates = heapq.nsmallest(_CANDIDATES, rows, key=distance)
    matcher: difflib.SequenceMatcher[str] = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    best, best_rank = None, (False, -1.0)
    for row in candidates:
        asked = row.value["request"]
        alike = asked["kind"] == request.kind and asked["model"] == request.model
        matcher.set_seq1(_words(asked))
        if (alike, matcher.real_quick_ratio()) <= best_rank or (alike, matcher.quick_ratio()) <= best_rank:
            continue
        rank = (alike, matcher.ratio())
        if rank > best_rank:
            best, best_rank = row, rank
    return best


def is_near(request: Request, row: Row | None) -> bool:
    """Whether the request of a row is nearly the same: most words are the same, of whichever model."""
    if row is None or row.value["request"]["kind"] != request.kind:
        return False
    before, after = _words(row.value["request"]), _words(request.to_dict())
    return difflib.SequenceMatcher(None, before, after, autojunk=False).ratio() >= _NEAR


def _text(request: Mapping[str, Any]) -> str:
    """What was said in a request, as one text."""
    if request["kind"] == "embed":
        return "\n".join(request.get("texts", ()))
    contents = (message.get("content") for message in request.get("messages", ()))
    return "\n".join(content if isinstance(content, str) else _json.dumps(content) for content in contents)


def _words(request: Mapping[str, object]) -> list[str]:
    return _text(request).split()[:_WORDS]


def diff(before: Request, after: Request, before_name: str, after_name: str) -> list[str]:
    """How two requests differ, line by line; texts are broken at their own line ends."""
    lines = list(difflib.unified_diff(_pretty(before), _pretty(after), before_name, after_name, n=2, lineterm=""))
    if len(lines) > _DIFF_LINES:
        rest = len(lines) - _DIFF_LINES
        lines = [*lines[:_DIFF_LINES], f"... {rest} more lines differ"]
    return lines


def _pretty(request: Request) -> list[str]:
    return [line for text in _json.pretty(request.to_dict()).splitlines() for line in text.split("\\n")]
