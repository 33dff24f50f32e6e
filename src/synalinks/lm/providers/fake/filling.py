"""A value that obeys a JSON schema, filled from suggestions by name and type.

Understood: `$ref` within the document, `$defs`, `anyOf`, `oneOf`, `allOf`, `const`, `enum`, `type` (one or
several), objects, arrays with their bounds, string lengths, patterns and the common formats, number bounds
and `multipleOf`. `not`, `if` and `patternProperties` are not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from synalinks._base.patterns import searcher
from synalinks._base.references import referred
from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.providers.fake.pattern import matching

#: Below this depth only what is required is filled, so that a recursive schema ends.
_DEEP = 6
#: The most items of one list or object, and characters of one text, made where a schema needs that many or more.
_MOST_ITEMS, _LONGEST = 1_000, 100_000
#: Schemas that are looked at for one value.
MOST_LOOKS = 100_000
#: A schema that requires itself has no finite value; give up there.
_BOTTOM = 60
_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
#: Parts of a field's name that say it holds the answer, or how it was found.
ANSWER_NAMES = frozenset(("answer", "result", "number", "value", "solution", "total", "output", "sum"))
WORK_NAMES = frozenset(("thinking", "reasoning", "explanation", "rationale", "steps", "work", "thought"))
_CANDIDATES = ("a", "A", "0", "1", "10", "abc", "ABC", "a-b", "a_b", "000", "1.0", "2026-01-01", "", " ")

#: (path of names, JSON type) -> a suggestion, or None for "anything".
Suggest = Callable[[tuple[str, ...], str], Any]
#: label -> a number in [0, 1).
Uniform = Callable[[str], float]
Schema = Mapping[str, Any]


class Filler:
    """Fills one schema.

    Args:
        schema: the whole document, in which `$ref` is looked up.
        suggest: says what a field of this name and type should hold.
        uniform: draws what is left to chance, by a label that is the place in the value.
        varied: draw among alternatives (`anyOf`, `oneOf`), where else the first one is taken.
    """

    def __init__(self, schema: Schema, suggest: Suggest, uniform: Uniform, *, varied: bool = False) -> None:
        self._root = schema
        self._suggest = suggest
        self._uniform = uniform
        self._varied = varied
        self._looks = 0

    def fill(self) -> Any:
        """A value that obeys the schema.

        Raises:
            ConfigurationError: no value is of a size that can be made.
        """
        return self._value(self._root, (), 0)

    # -------------------------------------------------------------- which schema holds
    def _resolve(self, spec: object, depth: int, path: tuple[str, ...] = ()) -> Schema:
        self._looks += 1
        if self._looks > MOST_LOOKS:
            raise ConfigurationError(f"a value of the schema has, or needs, more than {MOST_LOOKS:,} parts")
        if not isinstance(spec, Mapping) or depth > 2 * _BOTTOM:  # true and false are schemas too
            return {}
        schema: Schema = spec
        for _ in range(_BOTTOM):
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = {**self._look_up(str(schema["$ref"])), **rest}
            elif schema.get("allOf"):
                schema = self._merged(schema, depth)
            elif choices := schema.get("anyOf") or schema.get("oneOf"):
                rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
                schema = {**rest, **self._choose(choices, depth, path)}
            else:
                break
        return schema

    def _look_up(self, reference: str) -> Schema:
        found = referred(reference, self._root)
        return found if isinstance(found, Mapping) else {}

    def _merged(self, spec: Schema, depth: int) -> Schema:
        whole = {key: value for key, value in spec.items() if key != "allOf"}
        for part in spec["allOf"]:
            part = self._resolve(part, depth + 1)
            properties = {**whole.get("properties", {}), **part.get("properties", {})}
            required = [*whole.get("required", ()), *part.get("required", ())]
            whole = {**whole, **part}
            if properties:
                whole["properties"] = properties
            if required:
                whole["required"] = required
        return whole

    def _choose(self, choices: Sequence[object], depth: int, path: tuple[str, ...]) -> Schema:
        """One alternative that is not null, the first or a drawn one; the simplest where the value is deep already."""
        options = [choice for choice in choices if isinstance(choice, Mapping)] or [{}]
        null = [choice for choice in options if choice.get("type") == "null"]
        if depth >= _DEEP:
            flat = [choice for choice in options if choice.get("type") in _SCALARS or "enum" in choice]
            return (null or flat or options)[0]
        rest = [choice for choice in options if choice not in null] or options
        return rest[int(self._draw((*path, "alternative")) * len(rest))] if self._varied else rest[0]

    # -------------------------------------------------------------- values
    def _value(self, spec: object, path: tuple[str, ...], depth: int) -> Any:
        spec = self._resolve(spec, depth, path)
        if "const" in spec:
            return spec["const"]
        kind = self._kind(spec, depth)
        if "enum" in spec:
            return self._enum(list(spec["enum"]), kind, path)
        if depth > _BOTTOM or kind == "null":
            return None
        if kind == "object":
            return self._object(spec, path, depth)
        if kind == "array":
            return self._array(spec, path, depth)
        suggestion = self._suggest(path, kind)
        if kind == "boolean":
            return suggestion if isinstance(suggestion, bool) else self._draw(path) < 0.5
        if kind == "string":
            return self._string(spec, suggestion, path)
        return self._number(spec, suggestion, kind, path)

    def _draw(self, path: tuple[str, ...]) -> float:
        return self._uniform("/".join(path))

    def _kind(self, spec: Schema, depth: int) -> str:
        kind = spec.get("type")
        if isinstance(kind, list):
            named = [one for one in kind if one != "null"]
            kind = "null" if not named or (depth >= _DEEP and "null" in kind) else named[0]
        if isinstance(kind, str):
            return kind
        if "properties" in spec or "required" in spec:
            return "object"
        if "items" in spec or "prefixItems" in spec:
            return "array"
        return "number" if "minimum" in spec or "maximum" in spec else "string"

    def _enum(self, values: list[Any], kind: str, path: tuple[str, ...]) -> Any:
        suggestion = self._suggest(path, kind)
        if suggestion is not None:
            for value in values:
                if not isinstance(value, bool) and value in (suggestion, _plain(suggestion)):
                    return value
        return values[int(self._draw(path) * len(values))] if values else None

    def _object(self, spec: Schema, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = spec.get("properties", {})
        required = spec.get("required", ())
        value = {
            name: self._value(part, (*path, name), depth + 1)
            for name, part in properties.items()
            if depth < _DEEP or name in required
        }
        others = spec.get("additionalProperties", {})
        for name in required:
            if name not in value:
                value[name] = self._value(others, (*path, name), depth + 1)
        while len(value) < min(spec.get("minProperties", 0), _MOST_ITEMS):
            name = f"key_{len(value) + 1}"
            value[name] = self._value(others, (*path, name), depth + 1)
        return value

    def _array(self, spec: Schema, path: tuple[str, ...], depth: int) -> list[Any]:
        first: Sequence[Any] = spec.get("prefixItems", ())
        items = spec.get("items", {})
        size = max(min(spec.get("minItems", 0), _MOST_ITEMS), len(first), 1 if depth < _DEEP else 0)
        if items is False:
            size = len(first)
        size = min(size, spec.get("maxItems", size))
        value: list[Any] = []
        for place in range(size):
            part = first[place] if place < len(first) else items
            item = self._value(part, (*path, str(place)), depth + 1)
            if spec.get("uniqueItems") and item in value:
                item = self._another(part, item, value)
            value.append(item)
        return value

    def _another(self, spec: object, item: object, taken: list[Any]) -> Any:
        """A value of the same schema that is not in `taken`, as far as that is simple to find."""
        spec = self._resolve(spec, 0)
        for value in spec.get("enum", ()):
            if value not in taken:
                return value
        while item in taken and not isinstance(item, bool):
            if isinstance(item, str):
                item += str(len(taken))
            elif isinstance(item, (int, float)):
                item += spec.get("multipleOf", 1)
            else:
                break
        return item

    def _string(self, spec: Schema, suggestion: object, path: tuple[str, ...]) -> str:
        text = _FORMATS.get(spec.get("format", ""))
        if text is None:
            text = path[-1] if suggestion is None and path else str(_plain(suggestion or ""))
        if pattern := spec.get("pattern"):
            text = self._patterned(spec, pattern, text, path)
        text = text.ljust(min(spec.get("minLength", 0), _LONGEST), ".")
        return text[: spec["maxLength"]] if "maxLength" in spec else text

    def _patterned(self, spec: Schema, pattern: str, text: str, path: tuple[str, ...]) -> str:
        """`text`, or what is like it, if it matches; else a text made of the pattern."""
        least, most = spec.get("minLength", 0), spec.get("maxLength", math.inf)
        try:
            found = searcher(pattern)
        except ConfigurationError:  # the dialect of JSON schema is not Python's
            return text
        for one in (text, text.lower(), text.upper(), text.replace(" ", "_"), *_CANDIDATES):
            if least <= len(one) <= most and found(one):
                return one
        made = matching(pattern, lambda label: self._draw((*path, label)), least, most)
        return text if made is None else made

    def _number(self, spec: Schema, suggestion: object, kind: str, path: tuple[str, ...]) -> int | float:
        step = Fraction(str(spec["multipleOf"])) if spec.get("multipleOf") else None
        if kind == "integer":
            step = step if step is not None and step.denominator == 1 else Fraction(1)
        low, high = _bounds(spec, step or Fraction(1, 1000))
        value = suggestion if isinstance(suggestion, Fraction) else None
        if value is None or (low is not None and value < low) or (high is not None and value > high):
            bottom = low if low is not None else min(Fraction(0), high or Fraction(0))
            top = high if high is not None else bottom + 10
            value = bottom + (top - bottom) * Fraction(int(self._draw(path) * 1000), 1000)
        if step is not None:
            value = math.floor(value / step) * step
            if low is not None and value < low:
                value += step
        return _plain_number(value)


_SCALARS = ("string", "integer", "number", "boolean", "null")


def _bounds(spec: Schema, gap: Fraction) -> tuple[Fraction | None, Fraction | None]:
    """The least and the greatest number allowed; an exclusive bound is moved inwards by `gap`."""

    def read(name: str, move: Fraction) -> Fraction | None:
        number = spec.get(name)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            return None
        return Fraction(str(number)) + move

    lows = [one for one in (read("minimum", Fraction(0)), read("exclusiveMinimum", gap)) if one is not None]
    highs = [one for one in (read("maximum", Fraction(0)), read("exclusiveMaximum", -gap)) if one is not None]
    return max(lows, default=None), min(highs, default=None)


def _plain_number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _plain(value: object) -> Any:
    return _plain_number(value) if isinstance(value, Fraction) else value
