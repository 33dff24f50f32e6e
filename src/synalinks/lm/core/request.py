"""Request: the input of one call to a model, in no provider's dialect, and the digest that identifies it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NoReturn

from synalinks import _json
from synalinks._base.media import Medium, media_in, without_bytes
from synalinks._base.patterns import engines
from synalinks._base.references import MOST_PARTS, parts_of, without_unique_items
from synalinks._base.visits import MOST_VISITS, visits
from synalinks.lm.core.errors import ConfigurationError

#: The form of requests on cassettes. Digests on a cassette of an older form are computed anew when it is opened.
REQUEST_FORMAT = 2
#: Goes into every digest. Change it when the meaning of requests changes, and no old answer will match.
DIGEST_FORMAT = 1

#: Options that bound the answer, as OpenAI's older and newer API and Ollama's call them.
OUTPUT_LIMITS = ("max_tokens", "max_completion_tokens", "num_predict")

Kind = Literal["chat", "embed"]


#: References with which no schema that fits a request is large.
FEW = 16
#: Levels of a value that are validated soon under every schema that fits a request.
SHALLOW = 6


class Schema:
    """A JSON schema with everything derived from it made once: canonical bytes and validator.

    A schema refers to itself only: a `$ref` to another document is refused, and nothing is fetched for it. An array
    with `uniqueItems` is a set: what is in it twice is in it.

    Example:
        >>> from synalinks.lm import Schema
        >>> Schema({"type": "object", "properties": {"answer": {"type": "integer"}}}).problem({"answer": "four"})
        '"four" is not of type "integer" (at answer)'
    """

    __slots__ = ("_refers", "_validator", "canonical", "value")

    def __init__(self, value: Mapping[str, Any]) -> None:
        if _json.is_deep(value):
            raise ConfigurationError(f"not a schema that can be sent: {_json.TOO_DEEP}")
        self.value: dict[str, Any] = _own(value)
        self.canonical = _json.canonical_schema(self.value)
        if self.canonical.count(b'"$ref"') >= FEW and parts_of(self.value) > MOST_PARTS:
            raise ConfigurationError(
                f"not a schema that can be sent: with its references written out it has more than {MOST_PARTS:,} parts"
            )
        self._refers = b'Ref":' in self.canonical or b'"$ref":' in self.canonical
        self._validator: Any = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Schema:
        return self  # immutable

    def __reduce__(self) -> tuple[Callable[[Mapping[str, Any]], Schema], tuple[dict[str, Any]]]:
        return schema_of, (self.value,)

    @property
    def validator(self) -> Any:
        """The compiled validator, a `jsonschema_rs.Validator`.

        Raises:
            ConfigurationError: the schema is not a valid JSON schema, or it refers to another document.
        """
        if self._validator is None:
            import jsonschema_rs  # as in _compiled

            try:
                self._validator = _compiled(
                    without_unique_items(self.value) if b'"uniqueItems"' in self.canonical else self.value
                )
            except (jsonschema_rs.ValidationError, ValueError) as error:
                raise ConfigurationError(f"not a valid JSON schema: {str(error).partition(chr(10))[0]}") from error
        return self._validator

    def problem(self, value: Any) -> str | None:
        """What is wrong with `value`, in one line, or None if it obeys the schema."""
        validator = self._validator or self.validator
        if self._refers and _json.is_deep(value, SHALLOW) and visits(value, self.value) > MOST_VISITS:
            return "it is nested too deeply for a schema that leads to itself in more than one way"
        if validator.is_valid(value):
            return None
        error = next(iter(validator.iter_errors(value)))
        where = "/".join(str(part) for part in error.instance_path)
        return f"{error.message}" + (f" (at {where})" if where else "")


def _compiled(schema: dict[str, Any]) -> Any:
    """The validator; its patterns run on the engine that takes linear time, or, where one looks around or back, on the
    other one with a limit of steps, at which a text does not match."""
    import jsonschema_rs  # 15 MB of native code, not needed to import the package

    linear, limited = engines()
    try:
        return jsonschema_rs.validator_for(schema, retriever=_refuse_reference, pattern_options=linear)
    except jsonschema_rs.ValidationError:
        return jsonschema_rs.validator_for(schema, retriever=_refuse_reference, pattern_options=limited)


def _refuse_reference(uri: str) -> NoReturn:
    raise ValueError("a schema refers to itself only ('#/$defs/...'); copy the other document into its $defs")


@lru_cache(maxsize=512)
def _schema_of(text: str) -> Schema:
    try:
        return Schema(_json.loads(text))
    except _json.JSONDecodeError:  # a lone surrogate or a number that orjson does not read
        return Schema(json.loads(text))


def schema_of(value: Mapping[str, object]) -> Schema:
    """The `Schema` of a plain dict; dicts that are written alike share one."""
    return _schema_of(_json.dumps(value))


def _whole(options: dict[str, Any]) -> dict[str, Any]:
    """Options with 0.0 as 0: one number is one request, however it was written."""
    if not any(type(value) is float and value.is_integer() for value in options.values()):
        return options
    return {
        name: int(value) if type(value) is float and value.is_integer() and abs(value) < 2**53 else value
        for name, value in options.items()
    }


class Request:
    """The input of one call to a model, in no provider's dialect; immutable, and identified by its digest.

    Host, headers, keys, streaming and time-outs are not part of a request, so a cassette is valid on every machine and
    no secret reaches it. Messages, schema, tools and options are copied at construction: what becomes of the caller's
    dicts later changes neither the digest nor the body that is sent nor the row of a cassette.

    Example:
        >>> from synalinks.lm import Request
        >>> message = {"role": "user", "content": "hello"}
        >>> request = Request("chat", "ollama/llama3.2", messages=[message], options={"temperature": 0})
        >>> message["content"] = "changed"
        >>> request.messages[0]["content"], request.single_answer
        ('hello', True)

    Attributes:
        kind: `chat` or `embed`.
        model: with its provider's prefix, e.g. `ollama/llama3.2:latest`.
        messages: chat only; each a JSON object with `role` and `content` (a string, or a list of parts).
        texts: embed only; the texts to embed.
        schema: the schema of the answer, or None for free text; may be given as a dict.
        tools: tools the model may call, each `{"name", "description", "parameters"}`.
        digest: SHA-256 of the canonical JSON, in hexadecimal; what identifies the request everywhere.
        size: bytes of the canonical JSON.
        options: options that were given: `temperature`, `max_tokens`, `top_p`, `seed`, ... (see `lm/core/options.py`).
        single_answer: whether there is one answer only, however often it is sent: embeddings, and chat at temperature
            0.

    Raises:
        ConfigurationError: messages, tools or options that are not JSON.
    """

    __slots__ = (
        "digest", "kind", "messages", "model", "options", "schema", "single_answer", "size", "texts", "tools",
        "written",
    )  # fmt: skip

    kind: Kind
    model: str
    messages: tuple[Mapping[str, Any], ...]
    texts: tuple[str, ...]
    schema: Schema | None
    tools: tuple[Mapping[str, Any], ...]
    options: Mapping[str, Any]
    digest: str
    size: int
    single_answer: bool
    #: The messages, with the digest and size of each picture, sound and file in place of its bytes; `messages` itself
    #: where the content of none is a list of parts.
    written: Sequence[Mapping[str, Any]]

    def __init__(
        self,
        kind: Kind,
        model: str,
        *,
        messages: Sequence[Mapping[str, Any]] = (),
        texts: Sequence[str] = (),
        schema: Schema | Mapping[str, object] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "kind", kind)
        put(self, "model", model)
        put(self, "texts", tuple(texts))
        put(self, "schema", schema_of(schema) if isinstance(schema, dict) else schema)
        try:
            own: list[Mapping[str, Any]] = []
            for message in messages:
                if type(message) is dict and _PLAIN.issuperset(map(type, message.values())):  # as most, and as in _own
                    own.append(message.copy())
                else:
                    own.append(_own(message))
            put(self, "messages", tuple(own))
            put(self, "tools", tuple([_own(tool) for tool in tools]) if tools else ())
            put(self, "options", given := _whole(_own(options)) if options else {})
        except RecursionError:
            raise ConfigurationError(f"not a request that can be sent: {_json.TOO_DEEP}") from None
        put(self, "single_answer", kind == "embed" or given.get("temperature") == 0)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Request is immutable; make another one instead of setting {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Request is immutable; {name!r} can't be deleted")

    def __deepcopy__(self, memo: object) -> Request:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (self.kind, self.model, self.messages, self.texts, self.schema, self.tools, self.options)

    @property
    def canonical(self) -> bytes:
        """The canonical JSON that the digest is taken of; the schema's part is made once per schema.

        Keys are sorted, but for the properties of schemas, whose order is part of what is asked.
        """
        rest: dict[str, Any] = {"messages": self.written} if self.kind == "chat" else {}
        rest["model"] = self.model
        if self.options:
            rest["options"] = self.options
        tail: dict[str, Any] = {"texts": self.texts} if self.kind == "embed" else {}
        middle = b""
        if self.schema is not None:
            middle = b'"schema":' + self.schema.canonical
        parts = [
            b'"format":%d,"kind":"%s"' % (DIGEST_FORMAT, self.kind.encode()),
            _json.canonical(rest)[1:-1],
            middle,
            _json.canonical(tail)[1:-1] if tail else b"",
            b'"tools":' + _json.canonical_schema(self.tools) if self.tools else b"",
        ]
        return b"{" + b",".join(filter(None, parts)) + b"}"

    @property
    def media(self) -> Iterator[Medium]:
        """The pictures, sounds and files in the messages."""
        for message in self.messages:
            if isinstance(content := message.get("content"), list | tuple):
                yield from media_in(content)

    def __getattr__(self, name: str) -> Any:
        if name not in ("digest", "size", "written"):
            raise AttributeError(f"a Request has no attribute {name!r}")
        put = object.__setattr__  # the first time; then the attributes are there
        written = self.messages
        for message in written:
            if isinstance(message.get("content"), list | tuple):  # only parts can be media
                written = tuple([without_bytes(message) for message in written])
                break
        put(self, "written", written)
        text = self.canonical
        put(self, "digest", hashlib.sha256(text).hexdigest())
        put(self, "size", len(text))
        return getattr(self, name)

    @property
    def output_limit(self) -> int | None:
        """The most answer tokens the caller allows: the least of the options that say so, or None."""
        options = self.options
        found = [options[name] for name in OUTPUT_LIMITS if name in options]
        limits = [int(limit) for limit in found if isinstance(limit, (int, float)) and limit > 0]
        return min(limits) if limits else None

    @property
    def tools_used(self) -> list[str]:
        """The names of the tools that earlier messages call, each once."""
        calls = (call for message in self.messages for call in message.get("tool_calls") or ())
        return list(dict.fromkeys(str(call.get("function", call).get("name")) for call in calls))

    def with_texts(self, texts: Sequence[str]) -> Request:
        """The same embedding request for other texts."""
        return Request("embed", self.model, texts=texts, options=self.options)

    def with_messages(self, messages: Sequence[Mapping[str, Any]]) -> Request:
        """The same chat request with other messages."""
        return Request(
            self.kind,
            self.model,
            messages=messages,
            schema=self.schema,
            tools=self.tools,
            options=self.options,
        )

    def with_options(self, **options: Any) -> Request:
        """The same request with some options changed."""
        return Request(
            self.kind,
            self.model,
            messages=self.messages,
            texts=self.texts,
            schema=self.schema,
            tools=self.tools,
            options={**self.options, **options},
        )

    def to_dict(self, *, copied: bool = True) -> dict[str, Any]:
        """The whole request as JSON, as cassettes keep it: a medium by its digest and size.

        Args:
            copied: whether messages, tools and options are; to be compared only, they need not be.
        """
        value: dict[str, Any] = {"kind": self.kind, "model": self.model}
        if self.kind == "chat":
            value["messages"] = list(map(dict, self.written)) if copied else [*self.written]
        else:
            value["texts"] = [*self.texts]
        if self.schema is not None:
            value["schema"] = self.schema.value
        if self.tools:
            value["tools"] = list(map(dict, self.tools)) if copied else [*self.tools]
        if self.options:
            value["options"] = dict(self.options) if copied else self.options
        return value

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Request:
        """The request that `to_dict` wrote."""
        schema = value.get("schema")
        return cls(
            value["kind"],
            value["model"],
            messages=value.get("messages", ()),
            texts=value.get("texts", ()),
            schema=None if schema is None else schema_of(schema),
            tools=value.get("tools", ()),
            options=value.get("options"),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Request) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        size = f"{len(self.messages)} messages" if self.kind == "chat" else f"{len(self.texts)} texts"
        return f"<Request {self.kind} {self.model} {size} {self.digest[:12]}>"


def _remade(
    kind: Kind,
    model: str,
    messages: Sequence[Mapping[str, object]],
    texts: Sequence[str],
    schema: Schema | None,
    tools: Sequence[Mapping[str, object]],
    options: Mapping[str, object],
) -> Request:
    return Request(kind, model, messages=messages, texts=texts, schema=schema, tools=tools, options=options)


#: Types of values that can't be changed.
_PLAIN = frozenset({str, int, float, bool, type(None)})


def _own(value: object) -> Any:
    """A copy of a JSON value that shares nothing mutable with it; what is not plain JSON is written as it is sent."""
    if isinstance(value, dict):
        if _PLAIN.issuperset(map(type, value.values())):  # most are flat, and this is quick to tell
            return value.copy()
        return {name: _own(item) for name, item in value.items()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, list):
        return [_own(item) for item in value]
    if isinstance(value, tuple):
        return tuple([_own(item) for item in value])
    if isinstance(value, Mapping):
        return _own(dict(value))
    return _json.loads(_json.dumps(value))
