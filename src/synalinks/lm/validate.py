"""The validate layer: an answer that does not obey its request becomes an error that says why."""

from __future__ import annotations

from dataclasses import replace

from synalinks import _json
from synalinks._base.json_in_text import json_in
from synalinks._json import Json
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
            error: LMError | None = None
            if request.kind == "embed":
                error = _vector_fault(request, reply)
            elif reply.finish == "content_filter" or reply.refusal:
                error = _refused(request, reply)
            elif not reply.tool_calls:
                reply, problem = _read(call, reply)
                if problem is not None:
                    error = _fault(request, reply, problem)
            if error is not None:
                raise error
            return reply

        return check


def _fault(request: Request, reply: Reply, problem: str) -> LMError:
    """The error of a chat answer that can't be used."""
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


def _read(call: Call, reply: Reply) -> tuple[Reply, str | None]:
    """A chat answer without what stands around it, and what is wrong with it, in a few words, or None.

    It is the one JSON value in the text that obeys the schema and that the check of the call accepts, however often it
    is repeated. There is none where the answer was cut.
    """
    text, schema = reply.text, call.request.schema
    if not text or text.isspace():
        return reply, "the answer is empty"
    if schema is None:
        return reply, None
    try:
        value = _json.exact(text)
        problem = schema.problem(value)
        said = None if problem is None else f"the answer breaks its schema: {problem}"
    except _json.JSONDecodeError as error:
        said = f"the answer is not JSON: {error}"
    if said is None:
        said = _check(call, reply, value)
    if said is None or reply.finish not in ("stop", None):
        return reply, said
    found, refused = _values_in(call, reply)
    if len(found) == 1:
        return found[0], None
    return reply, said if found or len(refused) != 1 else refused[0]


def _values_in(call: Call, reply: Reply) -> tuple[list[Reply], list[str]]:
    """Replies of the different JSON values in the text that obey the schema, and why those of the rest are refused."""
    schema = call.request.schema
    assert schema is not None
    values: dict[bytes, tuple[str, Json]] = {}
    for text in json_in(reply.text):
        try:
            value = _json.exact(text)
        except _json.JSONDecodeError:  # nested too deeply
            continue
        if schema.problem(value) is None:
            values.setdefault(_json.canonical(value), (text, value))
    found, refused = [], []
    for text, value in values.values():
        one = replace(reply, text=text)
        if (said := _check(call, one, value)) is None:
            found.append(one)
        else:
            refused.append(said)
    return found, refused


def _check(call: Call, reply: Reply, value: Json) -> str | None:
    """What the check of the call has against a value that obeys the schema; None, and the value is noted, where it has
    nothing."""
    if call.check is not None:
        try:
            reply.note_value(call.check(value))
        except ValueError as error:
            return f"the answer is refused: {error}"
    return None


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
