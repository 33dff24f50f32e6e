"""Plain dicts and pydantic models as the inputs and targets of a program's graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from synalinks.data import (
    ChatMessage,
    ChatMessages,
    DataModel,
    Form,
    JsonDataModel,
    SymbolicDataModel,
    is_record,
    is_schema_equal,
    record,
    schema_of,
)
from synalinks.data import schema as schemas
from synalinks.data.inferred import plain_json, schema_of_record
from synalinks.errors import DataError
from synalinks.graph import Graph
from synalinks.lm import schema_of as compiled
from synalinks.modules.core.input_module import InputModule
from synalinks.modules.core.operation import to_value


def read_inputs(program: str, graph: Graph, value: object) -> Any:
    """A value for the inputs of a graph: in their structure, or a dict by their names.

    Raises:
        DataError: a dict of plain data that an input's class or schema refuses.
    """
    if isinstance(value, JsonDataModel) or value is None:
        return value
    if isinstance(value, DataModel):
        return value.to_json_data_model()
    if isinstance(value, Mapping) and not isinstance(graph.inputs, dict) and _by_name(graph, value):
        symbols = dict(zip(graph.input_names, graph.flat_inputs, strict=True))
        return {name: _read(program, symbols[name], item) for name, item in value.items()}
    return _read(program, graph.inputs, value)


def _by_name(graph: Graph, value: Mapping[str, object]) -> bool:
    """Whether a dict has a value for each input under its name, and is not the value of the only one."""
    if set(value) != set(graph.input_names):
        return False
    if len(graph.input_names) > 1:
        return True
    ((name, item),) = value.items()
    return not is_record(value) or (
        isinstance(item, Mapping) and name not in schemas.properties(graph.flat_inputs[0].get_schema())
    )


def _read(program: str, symbols: object, value: object) -> Any:
    if isinstance(symbols, SymbolicDataModel):
        return _input(program, symbols, value) if _is_fields(value, symbols) else to_value(value)
    if isinstance(symbols, dict) and isinstance(value, dict) and set(symbols) == set(value):
        return {name: _read(program, symbols[name], item) for name, item in value.items()}
    if isinstance(symbols, list | tuple):
        if len(symbols) == 1 and not isinstance(value, list | tuple):
            return _read(program, symbols[0], value)
        if isinstance(value, list | tuple) and len(value) == len(symbols):
            return [_read(program, *pair) for pair in zip(symbols, value, strict=True)]
    return to_value(value)


def _is_fields(value: object, symbol: SymbolicDataModel) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is a dict of an input's fields: plain data, or nothing but None."""
    if not isinstance(value, dict):
        return False
    none = all(item is None for item in value.values()) and set(value) <= set(schemas.properties(symbol.get_schema()))
    return none or is_record(value)


def _input(program: str, symbol: SymbolicDataModel, value: Mapping[str, object]) -> JsonDataModel:
    """The value of one input, by its class where that is known, else by its schema.

    Raises:
        DataError: naming what is wrong, and the fields there are.
    """
    schema = symbol.get_schema()
    form = _form_of(symbol)
    try:
        if (made := form.made_by_class(dict(value))) is not None:
            return JsonDataModel(schema, made)
        json = {name: item for name, item in plain_json(value).items() if item is not None}
        problem = compiled(schema).problem(json)
    except ValueError as error:
        problem = str(error)
    if problem is None:
        return JsonDataModel(schema, form.read(json))
    fields = list(schemas.properties(schema))
    near = [
        f"{name!r} may be {close!r}"
        for name in value
        if name not in fields and (close := schemas.nearest_name(name, fields))
    ]
    raise DataError(
        f"{program}: not a value of the input {symbol.name!r}: {problem.removesuffix('.')}; "
        f"{'; '.join([*near, f'its fields are {fields}'])}; got {sorted(value)}"
    )


def _form_of(symbol: SymbolicDataModel) -> Form:
    """The form of an input; a chat has its class also where only the schema is known, as in a loaded program."""
    schema = symbol.get_schema()
    for chat in (ChatMessages, ChatMessage):
        if is_schema_equal(schema, schema_of(chat)):
            return Form(schema, chat)
    made_by = None if symbol.node is None else symbol.node.operation
    return made_by.form if isinstance(made_by, InputModule) else Form(schema)


def read_targets(outputs: object, value: object) -> Any:
    """A target for the outputs of a program; None where its outputs are not known before it runs."""
    if isinstance(outputs, SymbolicDataModel):
        return _target(outputs.get_schema(), value) if is_record(value) else to_value(value)
    if isinstance(outputs, dict) and isinstance(value, dict) and set(outputs) == set(value):
        return {name: read_targets(outputs[name], item) for name, item in value.items()}
    if isinstance(outputs, list | tuple) and isinstance(value, list | tuple) and len(value) == len(outputs):
        return [read_targets(*pair) for pair in zip(outputs, value, strict=True)]
    return record(value) if is_record(value) else to_value(value)


def _target(schema: Mapping[str, Any], value: Mapping[str, Any]) -> JsonDataModel:
    """A dict that names some fields of an output, spelt as the output is; its schema has what it names.

    Raises:
        DataError: a field has another type than the output's.
    """
    json = {name: item for name, item in plain_json(value).items() if item is not None}
    fields = schemas.properties(schema)
    own = schema_of_record({name: item for name, item in json.items() if name not in fields})
    named = {
        **schema,
        "properties": {name: fields.get(name) or own["properties"][name] for name in json},
        "required": [name for name in json if name in schema.get("required", own["required"])],
    }
    if (problem := compiled(named).problem(json)) is not None:
        raise DataError(f"not a target for {schema.get('title', 'the output')}: {problem}; got {json!r}")
    return JsonDataModel(named, Form(named).read(json))
