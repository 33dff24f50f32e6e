"""The validate layer: an answer that does not obey its request becomes an error that says why."""

from __future__ import annotations

from dataclasses import replace

from synalinks import _json
from synalinks._base.json_in_text import json_in
from synalinks.lm.core.call import Call, Handler, Reply, Request
from synalinks.lm.core.errors import BadReply, LMError, SampleRefused

#: Characters of an answer that a message quotes.
QUOTE = 200
#: Bytes of one float32.
FLOAT = 4


class ValidateLayer:
    """Lets an answer pass only if it obeys its schema and is whole. Text that stands around JSON which obeys the schema
    is removed: code fences, an introduction, a second encoding.

    Raises:
        BadReply: broken JSON, JSON that breaks the schema, an empty answer, or vectors that don't match
            the texts; another attempt may be better.
        SampleRefused: the model declined (`refusal`, `content_filter`), or its answer was cut at the
            limit of tokens before it could be used (`length`).
    """

    name = "validate"

    def __call__(self, below: Handler) -> Handler:
        async def check(call: Call) -> Reply:
            reply = await below(call)
            request = call.request
            if request.kind == "embed":
                error: LMError | None = _vector_fault(request, reply)
            elif (error := _chat_fault(call, reply)) is not None and (answer := _answer_in(request, reply)):
                return replace(reply, text=answer)
            if error is not None:
                raise error
            return reply

        return check


def _chat_fault(call: Call, reply: Reply) -> LMError | None:
    request = call.request
    if reply.finish == "content_filter" or reply.refusal:
        return _refused(request, reply)
    if reply.tool_calls:
        return None
    problem = _problem(call, reply)
    if problem is None:
        return None
    if reply.finish == "length":
        return SampleRefused(
            f"{request.model}: the answer was cut at the limit of tokens{_limit_of(request)} before it was "
            f"whole ({problem}); raise max_tokens or ask for less. It begins: {_start(reply.text)}",
            kind="length",
            reply=reply,
        )
    error = BadReply(
        f"{request.model}: {problem}. Finish: {reply.finish or 'not said'}. It begins: {_start(reply.text)}",
        reply=reply,
    )
    error.problem = None if request.schema is None else problem
    return error


def _problem(call: Call, reply: Reply) -> str | None:
    """What is wrong with a chat answer, in a few words, or None."""
    text = reply.text
    if not text or text.isspace():
        return "the answer is empty"
    schema = call.request.schema
    if schema is None:
        return None
    try:
        value = _json.exact(text)
    except _json.JSONDecodeError as error:
        return f"the answer is not JSON: {error}"
    if (problem := schema.problem(value)) is not None:
        return f"the answer breaks its schema: {problem}"
    if call.check is not None:
        try:
            value = call.check(value)
        except ValueError as error:
            return f"the answer is refused: {error}"
        reply.note_value(value)
    return None


def _answer_in(request: Request, reply: Reply) -> str | None:
    """The one JSON value in the text that obeys the schema; None if there is none, or several, or the text was cut."""
    schema = request.schema
    if schema is None or reply.finish not in ("stop", None) or reply.refusal:
        return None
    found = {text for text in json_in(reply.text) if schema.problem(_json.loads(text)) is None}
    return found.pop() if len(found) == 1 else None


def _refused(request: Request, reply: Reply) -> SampleRefused:
    if reply.refusal:
        return SampleRefused(
            f"{request.model} declined to answer: {_start(reply.refusal)}", kind="refusal", reply=reply
        )
    return SampleRefused(
        f"{request.model}: the provider's content filter stopped the answer",
        kind="content_filter",
        reply=reply,
    )


def _vector_fault(request: Request, reply: Reply) -> BadReply | None:
    vectors, texts = reply.vectors, request.texts
    if len(vectors) != len(texts):
        return BadReply(f"{request.model}: {len(texts)} texts got {len(vectors)} vectors", reply=reply)
    widths = {len(vector) for vector in vectors}
    if len(widths) > 1 or any(width == 0 or width % FLOAT for width in widths):
        sizes = ", ".join(f"{width / FLOAT:g}" for width in sorted(widths))
        return BadReply(
            f"{request.model}: vectors of one request must have one length, got {sizes} float32 numbers",
            reply=reply,
        )
    return None


def _limit_of(request: Request) -> str:
    limit = request.options.get("max_tokens")
    return "" if limit is None else f" (max_tokens={limit})"


def _start(text: str) -> str:
    return repr(text if len(text) <= QUOTE else text[:QUOTE] + "...")
