"""The form of a decision: the choices that a schema is made of, how they are put to a model, and what came out.

A field of a schema is a choice if it is a Boolean, has an `enum`, is a list of such (each value applies or not), or is
a number on a scale: its `examples` are the levels, the first of them its minimum and the last its maximum. The number
`confidence` is no choice but filled in: the probability of the least certain choice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks.errors import BadReply, ConfigurationError, UnsupportedSchemaError
from synalinks.lm import Reply, Schema, schema_of, token_logprobs, value_probabilities

#: The field that is filled with the probability of the least certain choice, and the ending of those in requests.
CONFIDENCE = "confidence"
#: Names of properties that every provider takes; Anthropic's pattern is the narrowest.
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,50}")
_CERTAINTY = {
    "type": "number",
    "minimum": 0,
    "maximum": 1,
    "description": "The probability that this choice is right, from 0 to 1",
}
_TASK = "Make these choices now, and say of each how probable it is that it is right:"
#: The probability of each value of each choice, by the choice's name.
Probabilities = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class DecisionLimits:
    """Probabilities from which a decision counts.

    Attributes:
        threshold: of a value of a list, and of a Boolean.
        min_confidence: of the least certain choice; below it there is no decision. None takes every decision.
    """

    threshold: float = 0.5
    min_confidence: float | None = None


def checked_probability(value: object, where: str) -> float | None:
    """A probability as it was given, or None.

    Raises:
        ConfigurationError: no number from 0 to 1.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1):
        raise ConfigurationError(f"{where}={value!r}: give a probability, a number from 0 to 1")
    return None if value is None else float(value)


class Choice(NamedTuple):
    """One choice as it is put to a model: its name in the request, what is chosen, and the values to choose from."""

    name: str
    text: str
    values: tuple[Json, ...]


class FormField(NamedTuple):
    """A field of the schema and the choices it is made of: one, or with `each` one for every value of a list."""

    name: str
    kind: str  # "one", "each", "scale" or "fixed"
    values: tuple[Json, ...]
    choices: tuple[Choice, ...]


@lru_cache(maxsize=256)
def form_of(schema: Schema) -> DecisionForm:
    """The form of a schema; made once per schema.

    Raises:
        UnsupportedSchemaError: a field is no choice, or there is none.
    """
    return DecisionForm(schema)


class DecisionForm:
    """The choices of a schema.

    Attributes:
        schema: of the answer that the model is asked for: each choice, and how probable it is.
        prompt: the message that puts the choices to the model.
    """

    def __init__(self, schema: Schema) -> None:
        properties = schema.value.get("properties")
        if not isinstance(properties, Mapping):
            raise _unsupported(schema.value, "the schema is no object with properties")
        self.has_confidence = properties.get(CONFIDENCE, {}).get("type") == "number"
        names: set[str] = set()
        self.fields = [
            _field(name, _resolved(definition, schema.value), names, schema.value)
            for name, definition in properties.items()
            if not (name == CONFIDENCE and self.has_confidence)
        ]
        choices = [choice for field in self.fields for choice in field.choices]
        if not choices:
            raise _unsupported(schema.value, "it has no field to decide on")
        self._certainty = {
            choice.name: CONFIDENCE if len(choices) == 1 else f"{choice.name}_{CONFIDENCE}" for choice in choices
        }
        self.schema = schema_of(_request_schema(choices, self._certainty))
        self.prompt = "\n".join([_TASK, *map(_line, choices)])

    def read(self, probabilities: Probabilities, limits: DecisionLimits) -> JsonObject | None:
        """The answer that obeys the schema; None if it is less certain than the limits say."""
        certain = min(max(found) for found in probabilities.values())
        if limits.min_confidence is not None and certain < limits.min_confidence:
            return None
        value = {field.name: _filled(field, probabilities, limits.threshold) for field in self.fields}
        return {**value, CONFIDENCE: certain} if self.has_confidence else value

    def probabilities(self, reply: Reply) -> Probabilities:
        """The probability of each value of each choice, by the choice's name.

        They are those of the answer's tokens. Where the provider gave none, the value that was chosen has the
        probability that the model states, and the others share the rest.

        Raises:
            BadReply: the answer, of a cassette that was edited, makes other choices.
        """
        try:
            said = _json.loads(reply.text)
            problem = self.schema.problem(said)
        except _json.JSONDecodeError as error:
            problem = f"it is not JSON ({error})"
        if problem is not None:
            raise BadReply(f"the {reply.source} answer breaks its schema: {problem}", reply=reply)
        tokens = token_logprobs(reply)
        found: dict[str, list[float]] = {}
        for field in self.fields:
            for choice in field.choices:
                measured = value_probabilities(tokens, choice.name, choice.values) if tokens else None
                found[choice.name] = measured or _stated(
                    choice.values.index(said[choice.name]), len(choice.values), said[self._certainty[choice.name]]
                )
        return found


def _stated(chosen: int, count: int, certainty: float) -> list[float]:
    """Probabilities of values of which one has been chosen; it stays the most probable one."""
    own = max(float(certainty), math.nextafter(1 / count, 1))
    return [own if index == chosen else (1 - own) / max(count - 1, 1) for index in range(count)]


def _filled(field: FormField, probabilities: Probabilities, threshold: float) -> Json:
    if field.kind == "fixed":
        return field.values[0]
    if field.kind == "each":
        applies = [probabilities[choice.name][0] >= threshold for choice in field.choices]
        return [value for value, does in zip(field.values, applies, strict=True) if does]
    found = probabilities[field.choices[0].name]
    if field.kind == "scale":
        return sum(level * share for level, share in zip(field.values, found, strict=True))
    if field.values == (True, False):
        return found[0] >= threshold
    return field.values[found.index(max(found))]


def _request_schema(choices: Sequence[Choice], certainty: Mapping[str, str]) -> JsonObject:
    fields: JsonObject = {}
    for choice in choices:
        kind: JsonObject = {"type": "boolean"} if choice.values == (True, False) else {"enum": list(choice.values)}
        if all(isinstance(value, str) for value in choice.values):
            kind["type"] = "string"
        fields[choice.name] = {**kind, "description": choice.text}
        fields[certainty[choice.name]] = _CERTAINTY
    return {
        "title": "Decision",
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _line(choice: Choice) -> str:
    return f"- {choice.name}: {choice.text} ({' or '.join(map(_json.dumps, choice.values))})"


def _field(name: str, definition: JsonObject, names: set[str], schema: JsonObject) -> FormField:
    text = str(definition.get("description") or definition.get("title") or name)
    kind, values = _kind_of(definition, schema)
    if kind == "each":
        choices = [
            Choice(_free(str(value), name, names), f"{text}: does {value} apply?", (True, False)) for value in values
        ]
        return FormField(name, kind, values, tuple(choices))
    if kind == "fixed":
        return FormField(name, kind, values, ())
    if not kind:
        raise _unsupported(
            schema,
            f"its field {name!r} is no choice: a field is a Boolean, has an enum of two or more texts or numbers, is a "
            "list of such, or a number whose examples are the levels of a scale",
        )
    return FormField(name, kind, values, (Choice(_free(name, name, names), text, values),))


def _kind_of(definition: JsonObject, schema: JsonObject) -> tuple[str, tuple[Json, ...]]:
    if "const" in definition:
        return "fixed", (definition["const"],)
    if (values := _values(definition)) is not None:
        return ("one", values) if len(values) > 1 else ("fixed", values)
    if definition.get("type") == "array":
        values = _values(_resolved(definition.get("items") or {}, schema))
        return ("each", values) if values else ("", ())
    levels = definition.get("examples")
    if definition.get("type") not in ("number", "integer") or not isinstance(levels, list) or len(levels) < 2:
        return "", ()
    ends = definition.get("minimum"), definition.get("maximum")
    return ("scale", tuple(levels)) if (levels[0], levels[-1]) == ends else ("", ())


def _values(definition: JsonObject) -> tuple[Json, ...] | None:
    """The values that a schema allows, if it lists them."""
    if definition.get("type") == "boolean":
        return True, False
    values = definition.get("enum")
    if isinstance(values, list) and values and all(isinstance(value, (str, int, float)) for value in values):
        return tuple(values)
    return None


def _resolved(definition: Json, schema: JsonObject) -> JsonObject:
    """A definition with its reference, its one part, or the part beside `null` in its place; its own words win."""
    found: JsonObject = dict(definition) if isinstance(definition, Mapping) else {}
    for _ in range(8):  # deeper is no schema of a choice
        if isinstance(ref := found.get("$ref"), str):
            target = (schema.get("$defs") or {}).get(ref.removeprefix("#/$defs/"), {})
        else:
            parts = [part for name in ("allOf", "anyOf", "oneOf") for part in found.get(name, ())]
            parts = [part for part in parts if part.get("type") != "null"]
            if len(parts) != 1:
                return found
            target = parts[0]
        own = {name: value for name, value in found.items() if name not in ("$ref", "allOf", "anyOf", "oneOf")}
        found = {**target, **own}
    return found


def _free(wanted: str, field: str, names: set[str]) -> str:
    """A name for a choice that no other choice has and every provider takes."""
    if not _NAME.fullmatch(wanted):
        wanted = field if _NAME.fullmatch(field) else "choice"
    name, number = wanted, 1
    while name in names or f"{name}_{CONFIDENCE}" in names or name == CONFIDENCE:
        number += 1
        name = f"{wanted}_{number}"
    names.update((name, f"{name}_{CONFIDENCE}"))
    return name


def _unsupported(schema: Mapping[str, Json], why: str) -> UnsupportedSchemaError:
    return UnsupportedSchemaError(
        f"a decision model can't fill in {schema.get('title', 'this schema')!r}: {why}. Leave the field out, or use a "
        "language model"
    )


def score_schema(instructions: str, levels: object) -> JsonObject:
    """The schema of a score on a scale, which a decision model gives as the mean of the levels by their probabilities.

    Args:
        instructions: what is scored, and how.
        levels: two or more numbers, lowest first, or an `Enum` of numbers such as `synalinks.Rating`.

    Raises:
        ConfigurationError: no instructions, or levels that are no two different numbers in order.

    Example:
        >>> synalinks.decision_models.score_schema("How polite is it?", [1, 2, 3])["properties"]["score"]["maximum"]
        3
    """
    numbers: list[Any] = [getattr(level, "value", level) for level in levels] if isinstance(levels, Iterable) else []
    if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in numbers) or len(numbers) < 2:
        raise ConfigurationError(f"score_schema(levels={levels!r}): give two or more numbers, or an Enum of numbers")
    if any(high <= low for low, high in pairwise(numbers)):
        raise ConfigurationError(
            f"score_schema(levels={numbers}): give the levels in order, the lowest first, each once"
        )
    if not isinstance(instructions, str) or not instructions.strip():
        raise ConfigurationError(f"score_schema(instructions={instructions!r}): say what is scored")
    field = {"type": "number", "minimum": numbers[0], "maximum": numbers[-1], "examples": numbers}
    return {
        "title": "Score",
        "type": "object",
        "properties": {"score": {**field, "title": "Score", "description": instructions}},
        "required": ["score"],
        "additionalProperties": False,
    }
