"""The layouts that prompts of DSPy name in words, where a request has no schema: marked fields, or a JSON object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from synalinks._json import Json, JsonObject

#: The words before the fields that are asked for, in either layout.
_MARKED = re.compile(r"output fields, starting with the field (?P<fields>.+)", re.DOTALL)
_OBJECT = re.compile(r"JSON object in the following order of fields: (?P<fields>.+)", re.DOTALL)
_FIELD = re.compile(
    r"`(?:\[\[ ## )?(?P<name>\w+)(?: ## \]\])?`(?: \(must be formatted as a valid Python (?P<kind>\w+)\))?"
)
_KINDS = {"int": "integer", "float": "number", "bool": "boolean"}
#: The marker after the last field.
_END = "completed"


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of an answer, in their order, and how it is written.

    Example:
        >>> from synalinks.testing.fake_models.layout import Layout
        >>> print(Layout({"answer": "integer"}, marked=True).written({"answer": 4}))
        [[ ## answer ## ]]
        4
        <BLANKLINE>
        [[ ## completed ## ]]

    Attributes:
        fields: JSON types by name.
        marked: whether each field stands below a marker; else they are a JSON object.
    """

    fields: Mapping[str, str]
    marked: bool

    @classmethod
    def asked_in(cls, prompt: str) -> Layout | None:
        """The layout that a prompt names, or None."""
        for pattern in (_MARKED, _OBJECT):
            if found := pattern.search(prompt):
                fields = {
                    one["name"]: _KINDS.get(one["kind"] or "", "string") for one in _FIELD.finditer(found["fields"])
                }
                fields.pop(_END, None)
                return cls(fields, pattern is _MARKED) if fields else None
        return None

    @property
    def schema(self) -> JsonObject:
        """The JSON schema of the fields."""
        properties = {name: {"type": kind} for name, kind in self.fields.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}

    def written(self, values: Mapping[str, Json]) -> str:
        """The fields below their markers."""
        parts = [f"[[ ## {name} ## ]]\n{values[name]}" for name in self.fields]
        return "\n\n".join([*parts, f"[[ ## {_END} ## ]]"])
