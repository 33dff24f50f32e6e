"""Pictures and sounds among the fields of an ordinary data model: sent as parts, named in the JSON beside them."""

from __future__ import annotations

from collections.abc import Mapping

from synalinks._base.media import without_bytes
from synalinks._json import Json, JsonObject
from synalinks.data import Audio, Image, is_schema_equal, schema_of, value_of

_REF = "#/$defs/"
_BY_FIELDS: Mapping[frozenset[str], type[Image] | type[Audio]] = {
    frozenset(Image.model_fields): Image,
    frozenset(Audio.model_fields): Audio,
}


def parted(value: JsonObject, schema: Mapping[str, Json]) -> tuple[JsonObject, list[JsonObject]]:
    """A value's JSON with a name in place of each `Image` and `Audio` in it, and these as parts of a message.

    Args:
        value: the JSON of a data model.
        schema: its schema, which says what is an `Image`.

    Raises:
        DataError: a picture or sound that can't be read.

    Example:
        >>> class Sight(synalinks.DataModel):
        ...     question: str
        ...     picture: synalinks.Image
        ...
        >>> sight = Sight(question="What?", picture=synalinks.Image(url="https://example.com/cat.png"))
        >>> parted(sight.get_json(), Sight.get_schema())[0]
        {'question': 'What?', 'picture': 'https://example.com/cat.png'}
    """
    parts: list[JsonObject] = []
    if not mentions_media(schema):
        return value, parts
    found = _walk(value, schema, schema.get("$defs", {}), parts)
    return found if isinstance(found, dict) else {parts[0]["type"].partition("_")[0]: found}, parts


def recorded(value: object) -> JsonObject:
    """A data model's JSON, or a dict, as predictions and examples have it: media by digest and size, no file's path."""
    json = value_of(value)
    named: JsonObject = without_bytes(json if isinstance(value, dict) else parted(json, schema_of(value))[0])
    return named


def mentions_media(schema: Mapping[str, Json]) -> bool:
    """Whether a schema is that of an `Image` or `Audio`, or has a field that is one."""
    return _class_of(schema) is not None or any(map(_class_of, schema.get("$defs", {}).values()))


def _class_of(schema: Mapping[str, Json]) -> type[Image] | type[Audio] | None:
    cls = _BY_FIELDS.get(frozenset(schema.get("properties", ())))
    return cls if cls is not None and is_schema_equal(schema, schema_of(cls)) else None


def _walk(value: Json, schema: Json, defs: Mapping[str, Json], parts: list[JsonObject]) -> Json:
    choices = [schema] if isinstance(schema, Mapping) else []
    for choice in choices:  # grows while it is gone through: references, and the alternatives of a union
        if isinstance(reference := choice.get("$ref"), str):
            choices.append(defs.get(reference.removeprefix(_REF), {}))
        choices += choice.get("anyOf") or choice.get("oneOf") or choice.get("allOf") or ()
    if isinstance(value, dict):
        for choice in choices:
            if (cls := _class_of(choice)) is not None:
                return _name_of(cls(**value), parts)
        fields: JsonObject = next((found for choice in choices if (found := choice.get("properties"))), {})
        return {name: _walk(item, fields.get(name), defs, parts) for name, item in value.items()}
    if isinstance(value, list):
        items = next((found for choice in choices if (found := choice.get("items"))), None)
        return [_walk(item, items, defs, parts) for item in value]
    return value


def _name_of(medium: Image | Audio, parts: list[JsonObject]) -> str:
    parts.append(medium.to_part())
    return medium.url or medium.read().name
