"""Plain dicts and pydantic models as the inputs and targets of a program's graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeGuard

from synalinks.data import (
    ChatMessage,
    ChatMessages,
    DataModel,
    Form,
    JsonDataModel,
    SymbolicDataModel,
    in_normal_form,
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
from synalinks.modules.core.module import Module
from synalinks.modules.core.operation import to_value
from synalinks.modules.core.walking import modules_below


def read_inputs(program: str, graph: Graph, value: object) -> Any:
    """A value for the inputs of a graph: in their structure, or a dict by their names.

    Raises:
        DataError: a dict of plain data that an input's class or schema refuses.
    """
    if value is None:
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
        if isinstance(value, JsonDataModel):
            return _spelt(value, _form_of(symbols))
        if isinstance(value, list | tuple) and len(value) == 1:
            return [_read(program, symbols, value[0])]
        return _input(program, symbols, value) if _is_fields(value, symbols) else _plainly(value)
    if isinstance(symbols, dict) and isinstance(value, dict) and set(symbols) == set(value):
        return {name: _read(program, symbols[name], item) for name, item in value.items()}
    if isinstance(symbols, list | tuple):
        if len(symbols) == 1 and not isinstance(value, list | tuple):
            return _read(program, symbols[0], value)
        if isinstance(value, list | tuple) and len(value) == len(symbols):
            return [_read(program, *pair) for pair in zip(symbols, value, strict=True)]
    return _plainly(value)


def _plainly(value: object) -> Any:
    """A value that is for no input or output in particular."""
    return in_normal_form(to_value(value))


def _spelt(value: JsonDataModel, form: Form) -> JsonDataModel:
    """A value in its normal form: by the class, too, if its schema is that of the class and the class takes it."""
    if is_schema_equal(value.get_schema(), form.schema):
        with suppress(ValueError):
            return value.with_json(form.read(value.get_json()))
    found: JsonDataModel = in_normal_form(value)
    return found


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


def read_targets(graph: Graph | None, value: object) -> Any:
    """A target for the outputs of a graph, in its normal form.

    Args:
        graph: None where outputs are not known before the program runs.

    Raises:
        DataError: a dict with a field of another type than the output's, or that the output's class refuses.
    """
    return _plain_target(value) if graph is None else _target(graph, graph.outputs, value)


def _target(graph: Graph, outputs: object, value: object) -> Any:
    if isinstance(outputs, SymbolicDataModel):
        schema = outputs.get_schema()
        if isinstance(value, JsonDataModel):
            return _spelt(value, _form_with(graph, schema, schemas.properties(schema)))
        return _fields_of(graph, schema, value) if is_record(value) else _plainly(value)
    if isinstance(outputs, dict) and isinstance(value, dict) and set(outputs) == set(value):
        return {name: _target(graph, outputs[name], item) for name, item in value.items()}
    if isinstance(outputs, list | tuple) and isinstance(value, list | tuple) and len(value) == len(outputs):
        return [_target(graph, *pair) for pair in zip(outputs, value, strict=True)]
    return _plain_target(value)


def _plain_target(value: object) -> Any:
    return record(value) if is_record(value) else _plainly(value)


def _fields_of(graph: Graph, schema: Mapping[str, Any], value: Mapping[str, Any]) -> JsonDataModel:
    """A dict that names some fields of an output, spelt as the output is; its schema has what it names.

    Raises:
        DataError: a field has another type than the output's, or its class refuses it.
    """
    json = {name: item for name, item in plain_json(value).items() if item is not None}
    fields = schemas.properties(schema)
    own = schema_of_record({name: item for name, item in json.items() if name not in fields})
    named = {
        **schema,
        "properties": {name: fields.get(name) or own["properties"][name] for name in json},
        "required": [name for name in json if name in schema.get("required", own["required"])],
    }
    problem = compiled(named).problem(json)
    if problem is None:
        try:
            return JsonDataModel(named, _form_with(graph, schema, json).read_part(json, named))
        except ValueError as error:
            problem = str(error)
    raise DataError(f"not a target for {schema.get('title', 'the output')}: {problem}; got {json!r}")


def _form_with(graph: Graph, schema: Mapping[str, Any], names: Iterable[str]) -> Form:
    """The form by which a module of a graph makes fields of an output, by their schema if there is none."""
    fields = schemas.properties(schema)
    wanted = [(name, fields[name]) for name in names if name in fields]
    for module in (module for operation in graph.operations for module in _with_inner(operation)):
        form = getattr(module, "answers", None)
        if isinstance(form, Form) and all(schemas.properties(form.schema).get(name) == one for name, one in wanted):
            return form
    return Form(schema)


def _with_inner(operation: object) -> list[Module]:
    return [operation, *modules_below(operation)] if isinstance(operation, Module) else []
