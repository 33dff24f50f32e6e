"""Schema and JSON of pydantic models: of `DataModel` classes, and of those that programs bring along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard, get_args

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks.data.algebra.normal import DECIMAL, normal_form
from synalinks.errors import ConfigurationError, DataError

#: The attribute of a class that its schema is kept in.
SCHEMA = "__synalinks_schema__"
_WRITING = "__synalinks_writing__"


class SchemaGenerator(GenerateJsonSchema):
    """Writes schemas alike with every version of pydantic, and says which texts are Decimals."""

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        """A number, or a text with the format of Decimals: else it would be that of `float | str`.

        One that the class writes in its own way has no such format. Pydantic 2.12 and 2.13 add patterns that refuse
        exponents.
        """
        found = super().decimal_schema(schema)
        for part in found.get("anyOf", (found,)):
            if part.get("type") == "string":
                part.pop("pattern", None)
                if "serialization" not in schema:
                    part["format"] = DECIMAL
        return found


def is_model_class(x: object) -> TypeGuard[type[BaseModel]]:
    """Whether this is a class of pydantic models, `DataModel` classes among them."""
    return isinstance(x, type) and issubclass(x, BaseModel)


def schema_of_model(cls: type[BaseModel]) -> JsonObject:
    """The JSON schema of what makes a value of the class, made once and shared: not to be changed.

    Raises:
        ConfigurationError: the class has no fields, for it is a `RootModel`.
    """
    found: JsonObject | None = cls.__dict__.get(SCHEMA)
    if found is None:
        if cls.__pydantic_root_model__:
            raise ConfigurationError(
                f"{cls.__name__} is a RootModel, and a data model has fields; write a class with one: "
                f"`class {cls.__name__}(synalinks.DataModel): items: ...`"
            )
        found = _inlined(cls.model_json_schema(schema_generator=SchemaGenerator))
        type.__setattr__(cls, SCHEMA, found)
    return found


def json_of_model(value: BaseModel) -> JsonObject:
    """A value as plain JSON, by the names of its schema: aliases where there are some, no computed fields.

    Fields that are None are left out, sets are sorted, and a Decimal is text in one spelling (`1.5`, not `1.50`).
    """
    cls = type(value)
    writing: _Writing | None = cls.__dict__.get(_WRITING)
    if writing is None:
        writing = _writing_of(cls)
        type.__setattr__(cls, _WRITING, writing)
    try:
        found: JsonObject = value.__pydantic_serializer__.to_python(
            value,
            mode="json",
            by_alias=not writing.otherwise,
            exclude_none=not writing.spelt,
            serialize_as_any=not writing.custom,
            fallback=_held,
        )
    except UnicodeDecodeError as error:
        raise DataError(
            f"a {cls.__name__} holds bytes that are no text ({error}); declare the field as pydantic.Base64Bytes"
        ) from error
    if writing.otherwise:
        found = _by_schema(value, found)
    return normal_form(found, schema_of_model(cls), prune=True) if writing.spelt else found


def _held(value: Any) -> Json:
    """The JSON of a result that was put into a field, such as an answer at the end of a list of messages."""
    if hasattr(value, "get_json"):
        return value.get_json()
    raise DataError(f"a field of a data model holds no JSON: {type(value).__name__} {value!r}")


class _Writing(NamedTuple):
    """How pydantic writes values of a class, compared with their normal form.

    Attributes:
        otherwise: with computed fields, or under other names than the schema has.
        spelt: with sets, which come in any order, formats and Decimals that keep how a value was given, numbers whose
            default is not of their type, or without a None that is not the default.
        custom: by serializers of the class's own, which pydantic does not run where it writes what a value is and not
            what its field says.
    """

    otherwise: bool
    spelt: bool
    custom: bool


def _writing_of(cls: type[BaseModel]) -> _Writing:
    models = [cls, *_models_in(cls)]
    for model in models:
        model.model_rebuild()  # a class whose building was deferred has no serializer of its own yet
    fields = [pair for model in models for pair in model.model_fields.items()]
    renamed = any(name_read(*pair) != (pair[1].serialization_alias or pair[0]) for pair in fields)
    schema = _json.dumps(schema_of_model(cls))
    return _Writing(
        otherwise=renamed or any(model.model_computed_fields for model in models),
        spelt=any(word in schema for word in _SPELT) or any(_may_be_no_default(field) for _, field in fields),
        custom=_has_serializer(cls.__pydantic_core_schema__),
    )


#: What is in the schema of a class whose values pydantic writes in more than one way.
_SPELT = ('"uniqueItems"', '"format"', '"number"')


def _may_be_no_default(field: FieldInfo) -> bool:
    """Whether a field may be None and is something else where it is absent."""
    return not field.is_required() and field.default is not None and type(None) in _types_in(field.annotation)


def _has_serializer(core: object) -> bool:
    """Whether a core schema of pydantic has a serializer that is a Python function."""
    if isinstance(core, Mapping):
        how = core.get("serialization")
        if isinstance(how, Mapping) and str(how.get("type")).startswith("function-"):
            return True
        return any(_has_serializer(part) for name, part in core.items() if name != "metadata")
    return isinstance(core, list | tuple) and any(map(_has_serializer, core))


def name_read(name: str, field: FieldInfo) -> str:
    """What the schema calls a field."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    return alias if isinstance(alias, str) else name


def _by_schema(value: object, written: Json) -> Json:
    """What pydantic wrote of a value by the names of fields, by the names of the schema, less computed fields."""
    if isinstance(value, BaseModel) and isinstance(written, dict):
        names = {name: name_read(name, field) for name, field in type(value).model_fields.items()}
        computed = type(value).model_computed_fields
        return {
            names.get(name, name): _by_schema(getattr(value, name, None), item)
            for name, item in written.items()
            if name not in computed
        }
    if isinstance(value, Mapping) and isinstance(written, dict):
        return {
            name: _by_schema(inner, item) for inner, (name, item) in zip(value.values(), written.items(), strict=False)
        }
    if isinstance(value, list | tuple | set | frozenset) and isinstance(written, list):
        return [_by_schema(*pair) for pair in zip(value, written, strict=True)]
    return written


def _models_in(cls: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that a model's fields are made of, however deep."""
    found: list[type[BaseModel]] = []
    waiting: list[Any] = [cls]
    while waiting:
        for one in _types_in(waiting.pop()):
            if is_model_class(one) and one not in found:
                found.append(one)
                waiting += [field.annotation for field in one.model_fields.values()]
    return found


def _types_in(annotation: Any) -> list[Any]:
    """An annotation and all that it is made of."""
    found = [annotation]
    for one in found:
        found += get_args(one)
    return found


def _inlined(schema: JsonObject) -> JsonObject:
    """A schema whose fields are at the top, also where the model refers to itself.

    Pydantic writes the schema of a recursive model as a reference into its own definitions.
    """
    target = schema.get("$ref", "").removeprefix("#/$defs/")
    if not target or "$defs" not in schema:
        return schema
    return {"$defs": schema["$defs"], **schema["$defs"][target]}


def in_words(error: ValidationError) -> str:
    """What pydantic has against a value: places and problems, without the input and without addresses."""
    found = [
        (".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(f"{where}: {what}" if where else what for where, what in found)
