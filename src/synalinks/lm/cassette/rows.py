"""A row of a cassette: one call as JSON, and back. Chat replies, failures, and embeddings with their shares.

An event row says that a budget ended something at a place; it has no request, and is no call.

Rows are made of what `Request`, `Reply` and `LMError` hold and of nothing else, so nothing of HTTP (host,
headers, keys) can get into one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from synalinks import _json
from synalinks.lm.core import errors
from synalinks.lm.core.amount import NOTHING, Amount, AttemptCosts
from synalinks.lm.core.call import Call, Delta, Recorded, Reply, Request, Sink, Trace
from synalinks.lm.core.errors import BadReply, BudgetExceeded, LMError, SampleRefused
from synalinks.lm.core.place import Scope
from synalinks.lm.core.secrets import scrubbed

#: The kind of failure that stands for a call which was cancelled.
CANCELLED = "cancelled"
#: The name of the event that an epoch was not begun; in format 1, the model of the row that stands for it.
NOT_BEGUN = "epoch/not-begun"


@dataclass(frozen=True)
class Row:
    """One call on a cassette.

    Attributes:
        line: its line in the file, from 1 (the header).
        digest: what the row is found by.
        scope, draw: the place of the call.
        value: the whole row as JSON.
    """

    line: int
    digest: str
    scope: Scope
    draw: int
    value: Mapping[str, Any]

    @cached_property
    def request(self) -> Request:
        """What was asked."""
        return Request.from_dict(self.value["request"])

    @property
    def failed(self) -> bool:
        """Whether the call failed in the end."""
        return "error" in self.value

    @property
    def cancelled(self) -> bool:
        """Whether the call was cancelled before it ended."""
        return self.failed and self.value["error"]["kind"] == CANCELLED

    @property
    def settled(self) -> Amount:
        """What budgets settled for attempts whose cost is not known: their bounds."""
        return Amount.from_dict(self.value["settled"]) if "settled" in self.value else NOTHING

    @property
    def provider_unavailable(self) -> bool:
        """Whether the provider was unavailable (no server, no key, no credit), not what the model made of the call."""
        found = getattr(errors, self.value["error"]["class"], LMError) if self.failed else BadReply
        return not (isinstance(found, type) and issubclass(found, (BadReply, SampleRefused)))

    @property
    def refused(self) -> bool:
        """Whether the row says that a budget refused the call."""
        return "refused" in self.value

    @property
    def capped(self) -> int | None:
        """The answer tokens a budget had left, where that cut the answer short."""
        return self.value.get("capped")

    @property
    def order(self) -> tuple[Any, ...]:
        """Where the row stands in a finished cassette: by place, then draw, then digest."""
        return (self.scope.sort_key, self.draw, self.digest)

    def feed(self, sink: Sink, answer: Reply | None) -> None:
        """Stream what a failed call had given until then; the answer that failed, where nothing listened then."""
        heard = self.value["error"].get("heard")
        for text, reasoning in heard or ():
            sink(Delta(text, reasoning))
        if heard is None and answer is not None:
            answer.feed(sink)

    def __str__(self) -> str:
        return f"line {self.line} ({self.value['request'].get('model')}, {self.scope}, draw {self.draw})"


def encode(call: Call, request: Request, outcome: str, value: Mapping[str, object], capped: int | None = None) -> bytes:
    """The line of a call; `outcome` is `reply`, `error` or `refused`; `capped` as in `Row`."""
    row: dict[str, Any] = {"digest": request.digest, "scope": call.scope.to_dict(), "draw": call.draw}
    if capped is not None:
        row["capped"] = capped
    if call.trace.settled != NOTHING:
        row["settled"] = call.trace.settled.to_dict()
    row["request"] = request.to_dict()
    return _json.dumps({**row, outcome: value}).encode() + b"\n"


def parse(line: bytes) -> Any:
    """The JSON of a line.

    Raises:
        ValueError: the line is no JSON (also `json.JSONDecodeError` and `UnicodeDecodeError`, which are two).
    """
    try:
        return _json.loads(line)
    except _json.JSONDecodeError:  # orjson refuses lone surrogates, which a model can produce
        try:
            return json.loads(line)
        except RecursionError as error:
            raise ValueError(_json.TOO_DEEP) from error


def encode_event(name: str, scope: Scope, message: str, budget: Mapping[str, str]) -> bytes:
    """The line of an event."""
    event = {"name": name, "message": message, "budget": dict(budget)}
    return _json.dumps({"scope": scope.to_dict(), "event": event}).encode() + b"\n"


def event_of(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The event of an event row, or None for the row of a call."""
    if "event" in value:
        event: Mapping[str, Any] = value["event"]
        return event
    if "refused" in value and value["request"]["model"] == NOT_BEGUN:  # as format 1 has it
        return {"name": NOT_BEGUN, **value["refused"]}
    return None


#: What requests are for, and the types of labels.
_KINDS = ("chat", "embed")
_LABELS = frozenset({str, int, bool})


def is_row(value: Any) -> bool:
    """Whether a JSON value has the shape of a row: most have it, so what is there is read without asking before."""
    try:
        scope = value["scope"]
        if not (isinstance(scope, dict) and _LABELS.issuperset(map(type, scope.values()))):
            return False
        if "event" in value and isinstance(value["event"], dict):
            return True
        outcome = "reply" if "reply" in value else "error" if "error" in value else "refused"
        return (
            isinstance(value["digest"], str)
            and isinstance(value["draw"], int)
            and value["request"]["kind"] in _KINDS
            and "model" in value["request"]
            and isinstance(value[outcome], dict)
            and ("reply" in value) + ("error" in value) + ("refused" in value) == 1
        )
    except (KeyError, TypeError):
        return False


def error_to_dict(error: LMError) -> dict[str, Any]:
    """A call's failure as JSON. A subclass from elsewhere is written as the class of ours it is one of."""
    known = next(cls for cls in type(error).__mro__ if cls.__module__ == errors.__name__)
    value: dict[str, Any] = {
        "class": known.__name__,
        "message": scrubbed(str(error)),
        "kind": error.kind,
    }
    for name in ("status", "retry_after"):
        if (found := getattr(error, name)) is not None:
            value[name] = found
    if error.uncertain:
        value["uncertain"] = True
    value |= {"attempts": error.attempts, **error.failed.to_dict()}
    if error.reply is not None:
        value["reply"] = error.reply.to_dict()
    return value


def error_from_dict(value: Mapping[str, Any]) -> LMError:
    """The failure that `error_to_dict` wrote, as it comes from a cassette."""
    found = getattr(errors, value["class"], LMError)
    cls = found if isinstance(found, type) and issubclass(found, LMError) else LMError
    reply = value.get("reply")
    error = cls(
        value["message"],
        kind=value["kind"],
        status=value.get("status"),
        retry_after=value.get("retry_after"),
        reply=None if reply is None else Reply.from_dict(reply, "cassette"),
        uncertain=value.get("uncertain", False),
    )
    error.attempts = value["attempts"]
    error.failed = AttemptCosts.from_dict(value)
    error.source = "cassette"
    return error


def refusal_to_dict(refusal: BudgetExceeded, budget: Mapping[str, str]) -> dict[str, Any]:
    """A budget's refusal as JSON: the words, the budget's name and caps, and the failure it came after."""
    value: dict[str, Any] = {"message": str(refusal), "budget": dict(budget)}
    if isinstance(refusal.__cause__, LMError):
        value["after"] = error_to_dict(refusal.__cause__)
    return value


def recorded_refusal(
    rows: Iterable[Row], call: Call, budgets: Sequence[Mapping[str, str]], anywhere: bool = False
) -> Recorded | None:
    """Which of `budgets`, and how, refused the call, according to these rows.

    Args:
        anywhere: whether a refusal at another place serves, as of a call that was shared in flight and has one row.
    """
    own_first = sorted(((row.scope, row.draw) != call.place, number, row) for number, row in enumerate(rows))
    for elsewhere, _, row in own_first:
        value, own = row.value["refused"], not elsewhere
        if (own or anywhere) and value["budget"] in budgets:
            error = BudgetExceeded(value["message"])
            error.budget = value["budget"]
            if "after" in value and own:  # what was spent before is the own call's
                error.__cause__ = error_from_dict(value["after"])
            settled = row.settled if own else NOTHING
            return Recorded(error, settled=settled, refused_by=budgets.index(value["budget"]))
    return None


def cancellation(trace: Trace) -> LMError:
    """A cancelled call as the failure that a cassette keeps of it."""
    error = LMError("the call was cancelled", kind=CANCELLED)
    error.attempts = trace.sent
    error.failed = trace.spent
    return error
