"""The schema of what an optimizer may rewrite of a variable, as a proposer answers with it."""

from __future__ import annotations

from collections.abc import Mapping

from synalinks._json import Json, JsonObject
from synalinks.data import BOOKKEEPING, Variable
from synalinks.data import schema as schemas

#: Fields of an object schema that a proposer's schema takes over.
_PASSED_ON = ("title", "description")


def learnable_schema(variable: Variable) -> JsonObject:
    """The schema of the fields an optimizer may rewrite, all required."""
    schema = variable.get_schema()
    fields = {name: kind for name, kind in schema.get("properties", {}).items() if name not in BOOKKEEPING}
    passed = {name: schema[name] for name in _PASSED_ON if name in schema}
    kinds = {name: _present(kind) for name, kind in fields.items()}
    if defs := schemas.reachable(kinds, schema.get("$defs") or {}):
        passed["$defs"] = defs
    return {**passed, "type": "object", "properties": kinds, "required": list(kinds), "additionalProperties": False}


def _present(kind: Mapping[str, Json]) -> JsonObject:
    """A field that must be there: `X or null` with a default becomes X."""
    options = [option for option in kind.get("anyOf", ()) if option.get("type") != "null"]
    rest = {name: value for name, value in kind.items() if name not in ("default", "anyOf")}
    if "anyOf" not in kind:
        return rest
    return {**rest, **options[0]} if len(options) == 1 else {**rest, "anyOf": options}
