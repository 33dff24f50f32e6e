"""The data algebra on JSON schemas, and questions about schemas.

Schemas are shared and treated as immutable: every function returns a new dict whose untouched parts are those
of its argument. Keys come out in the order pydantic writes them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence

from synalinks._json import Json, JsonObject
from synalinks.data.algebra import keys
from synalinks.errors import ConfigurationError

Schema = JsonObject
_REF = "#/$defs/"
#: Where a schema holds other schemas: one, or a list of them.
_NESTED = ("items", "prefixItems", "anyOf", "oneOf", "allOf")


def properties(schema: Mapping[str, Json]) -> JsonObject:
    """The definitions of a schema's fields, by name."""
    found: JsonObject = schema.get("properties") or {}
    return found


def standardize_schema(schema: Schema) -> Schema:
    """The schema itself; it is here because programs call it."""
    return schema


def is_schema_equal(first: Mapping[str, Json], second: Mapping[str, Json]) -> bool:
    """Whether two schemas define the same fields, in any order."""
    return properties(first) == properties(second)


def contains_schema(schema: Mapping[str, Json], part: Mapping[str, Json]) -> bool:
    """Whether every field of `part` is a field of `schema`, with exactly the same definition."""
    if schema is part:
        return True
    own = properties(schema)
    return all(own.get(name) == definition for name, definition in properties(part).items())


def concat(first: Mapping[str, Json], second: Mapping[str, Json]) -> Schema:
    """The fields of `first`, then those of `second`; a clash is numbered.

    A definition of `second` that differs from one of the same name in `first` is numbered as well.
    """
    second, defs = _merge_defs(first, second)
    names = keys.renames(properties(first), properties(second))
    fields = dict(properties(first))
    for name, definition in properties(second).items():
        new = names[name]
        fields[new] = definition if new == name else _numbered(name, new, definition)
    required = [*first.get("required", ()), *(names[name] for name in second.get("required", ()))]
    return _object(fields, required, first.get("title", ""), defs)


def _numbered(name: str, new: str, definition: Mapping[str, Json]) -> Schema:
    number = new.rpartition("_")[2]
    title = definition.get("title") or _title_of(keys.unnumbered(name))
    return {**definition, "title": f"{title} {number}"}


def _object(fields: Schema, required: list[str], title: str, defs: Mapping[str, Json]) -> Schema:
    result: Schema = {"$defs": dict(defs)} if defs else {}
    result["additionalProperties"] = False
    result["properties"] = fields
    if required:
        result["required"] = required
    if title:
        result["title"] = title
    result["type"] = "object"
    return result


def _merge_defs(first: Mapping[str, Json], second: Mapping[str, Json]) -> tuple[Mapping[str, Json], JsonObject]:
    """`second` with clashing definitions renamed, and the definitions of both."""
    defs = dict(first.get("$defs") or {})
    theirs = second.get("$defs") or {}
    moved: dict[str, str] = {}
    for name, definition in theirs.items():
        if name in defs and defs[name] != definition:
            moved[name] = keys.free_name(name, {*defs, *theirs, *moved.values()})
    if moved:
        second = _point(second, {_REF + old: _REF + new for old, new in moved.items()})
        theirs = second["$defs"]
    defs.update((moved.get(name, name), definition) for name, definition in theirs.items())
    return second, defs


def _point(schema: Json, moves: Mapping[str, str]) -> Json:
    """`schema` with its references changed."""
    if isinstance(schema, Mapping):
        return {
            key: moves.get(value, value) if key == "$ref" and isinstance(value, str) else _point(value, moves)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_point(item, moves) for item in schema]
    return schema


def factorize(schema: Mapping[str, Json]) -> Schema:
    """The schema of a factorised value: fields of one base name become one list."""
    old = properties(schema)
    fields: Schema = {}
    for group in keys.groups(old):
        if group.many:
            fields[group.name] = _array(group, [old[member] for member in group.members])
        else:
            fields[group.name] = old[group.members[0]]
    defs = reachable(fields, schema.get("$defs") or {})
    return _object(fields, list(fields), schema.get("title", ""), defs)


def _array(group: keys.Group, definitions: Sequence[Mapping[str, Json]]) -> Schema:
    kinds: list[Schema] = []
    for definition in definitions:
        for item in _items(definition):
            if item not in kinds:
                kinds.append(item)
    items = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {"items": items, "title": group.name.title(), "type": "array"}


def _items(definition: Mapping[str, Json]) -> Iterator[Schema]:
    """What a field contributes to a list: its items if it is a list, else itself; None is left out."""
    if "$ref" in definition:
        yield {"$ref": definition["$ref"]}
    elif "anyOf" in definition:
        members = [member for member in definition["anyOf"] if member.get("type") != "null"]
        for member in members:
            yield from _items(member)
    elif definition.get("type") == "array":
        yield dict(definition.get("items") or {})
    else:
        yield {"type": definition.get("type", "string")}


def in_mask(
    schema: Mapping[str, Json],
    mask: Sequence[str] | None = None,
    pattern: str | None = None,
    recursive: bool = True,
) -> Schema:
    """Only the fields that match; none with neither mask nor pattern."""
    return _masked(schema, keys.mask_of(mask, pattern), recursive)


def out_mask(
    schema: Mapping[str, Json],
    mask: Sequence[str] | None = None,
    pattern: str | None = None,
    recursive: bool = True,
) -> Schema:
    """All but the fields that match."""
    if mask is None and pattern is None:
        return dict(schema)
    test = keys.mask_of(mask, pattern)
    return _masked(schema, lambda name: not test(name), recursive)


def _masked(schema: Mapping[str, Json], keep: Callable[[str], bool], recursive: bool) -> Schema:
    result = _select(schema, keep, recursive)
    if "$defs" in schema:
        defs = schema["$defs"]
        if recursive:
            defs = {name: _select(definition, keep, True) for name, definition in defs.items()}
        result["$defs"] = reachable(result["properties"], defs)
    return result


def _select(schema: Mapping[str, Json], keep: Callable[[str], bool], recursive: bool) -> Schema:
    """One object's schema with the fields that pass, and in `recursive` all objects below it."""
    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {
            name: _descend(definition, keep) if recursive else definition
            for name, definition in schema["properties"].items()
            if keep(name)
        }
        required = [name for name in schema.get("required", ()) if keep(name)]
        if required:
            result["required"] = required
        else:
            result.pop("required", None)
    return result


def _descend(schema: Json, keep: Callable[[str], bool]) -> Json:
    if not isinstance(schema, Mapping):
        return schema
    result = _select(schema, keep, True)
    for place in _NESTED:
        if place in result:
            inner = result[place]
            result[place] = (
                [_descend(item, keep) for item in inner] if isinstance(inner, list) else _descend(inner, keep)
            )
    return result


def reachable(fields: Json, defs: Mapping[str, Json]) -> Schema:
    """The definitions that `fields` refer to, also through one another, in their own order."""
    found: set[str] = set()
    waiting = list(_references(fields))
    while waiting:
        name = waiting.pop()
        if name in defs and name not in found:
            found.add(name)
            waiting.extend(_references(defs[name]))
    return {name: definition for name, definition in defs.items() if name in found}


def _references(schema: Json) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix(_REF)
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


def prefix(schema: Mapping[str, Json], prefix: str) -> Schema:
    """Every top-level field renamed to `prefix_name`; all become required."""
    words = _title_of(prefix)
    return _renamed(schema, lambda name: f"{prefix}_{name}", lambda title: f"{words} {title}")


def suffix(schema: Mapping[str, Json], suffix: str) -> Schema:
    """Every top-level field renamed to `name_suffix`; all become required."""
    words = _title_of(suffix)
    return _renamed(schema, lambda name: f"{name}_{suffix}", lambda title: f"{title} {words}")


def _renamed(schema: Mapping[str, Json], rename: Callable[[str], str], retitle: Callable[[str], str]) -> Schema:
    fields = {
        rename(name): {**definition, "title": retitle(definition.get("title") or _title_of(name))}
        for name, definition in properties(schema).items()
    }
    return {**schema, "properties": fields, "required": list(fields)}


def _title_of(name: str) -> str:
    return name.replace("_", " ").title()


def field_names(schema: Mapping[str, Json]) -> list[str]:
    """The names of all fields, top-level ones first, then nested ones, each once."""
    names = dict.fromkeys(properties(schema))
    names.update(dict.fromkeys(_nested_names({**schema, "properties": list(properties(schema).values())})))
    return list(names)


def _nested_names(schema: Json) -> Iterator[str]:
    if isinstance(schema, Mapping):
        inner = schema.get("properties")
        if isinstance(inner, Mapping):
            yield from inner
            yield from _nested_names(list(inner.values()))
        for key, value in schema.items():
            if key == "$defs":
                yield from _nested_names(list(value.values()))
            elif key in _NESTED or (key == "properties" and not isinstance(value, Mapping)):
                yield from _nested_names(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _nested_names(item)


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """The known name that `name` was most likely meant to be, or None."""
    bases = {keys.base_name(other): other for other in reversed(known)}
    close = difflib.get_close_matches(keys.base_name(name), list(bases), n=1, cutoff=0.5)
    return bases[close[0]] if close else None


def no_attribute(title: str, name: str, known: Sequence[str]) -> str:
    """The words for an attribute that a value does not have, with the nearest of the fields that it has."""
    names = list(dict.fromkeys(known))
    near = nearest_name(name, names)
    hint = f"; did you mean {near!r}?" if near else "."
    return f"{title} has no field or attribute {name!r}{hint} Its fields are: {names}"


def check_mask(
    mask: Sequence[str] | None,
    schema: Mapping[str, Json],
    pattern: str | None = None,
    where: str = "mask",
    keeps: bool = False,
) -> None:
    """Refuse a mask that names no field of a schema.

    Args:
        mask: names, compared by base name with all fields of the schema, nested ones included.
        schema: the schema of what will be masked.
        pattern: a regular expression that some field has to match.
        where: what the mask is called in the error, e.g. `ExactMatch(in_mask=...)`.
        keeps: it is an `in_mask`, so at least one top-level field must match, or nothing would be left.

    Raises:
        ConfigurationError: naming the entry and the nearest field.
    """
    test = keys.mask_of(mask, pattern)
    known = field_names(schema)
    bases = {keys.base_name(name) for name in known}
    title = schema.get("title", "the schema")
    for name in test.names:
        if keys.base_name(name) not in bases:
            near = nearest_name(name, known)
            hint = f"; did you mean {near!r}?" if near else "."
            raise ConfigurationError(
                f"{where} names {name!r}, but {title} has no such field{hint} Its fields are: {known}"
            )
    only_pattern = keys.mask_of(None, pattern)
    if pattern is not None and not any(only_pattern(name) for name in known):
        raise ConfigurationError(
            f"{where} has the pattern {pattern!r}, which matches no field of {title}. Its fields are: {known}"
        )
    top = list(properties(schema))
    if keeps and (test.names or pattern is not None) and not any(test(name) for name in top):
        raise ConfigurationError(
            f"{where} {list(test.names)} matches no top-level field of {title}, so nothing would be left. "
            f"Name the field that holds it as well. Its top-level fields are: {top}"
        )
