"""What every kind of value can do in an expression: `+ & | ^ ~ in`, masks, prefix, suffix, factorize.

The four kinds of value (a `DataModel` class, an instance of one, a `JsonDataModel`, a `SymbolicDataModel`)
and `Variable` inherit these methods, and each method is one line: look the operator up and apply it. The
operators themselves are in `operators.py`, which needs the kinds of value and therefore can't be imported
from here; it enters them in `OPERATORS` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from pydantic import BaseModel

from synalinks._json import JsonObject
from synalinks.data import schema as schemas
from synalinks.data.model_json import is_model_class, schema_of_model
from synalinks.errors import ConfigurationError

P = ParamSpec("P")
R = TypeVar("R")

#: The operators by name, filled by `operators.py`.
OPERATORS: dict[str, Callable[..., Any]] = {}


class either(Generic[P, R]):  # noqa: N801  used like a function
    """A method that binds to the instance, or to the class when there is none.

    A class can't get such a method from its metaclass, because its own attributes come first.
    """

    def __init__(self, function: Callable[Concatenate[Any, P], R]) -> None:
        self.__func__ = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: Any) -> Callable[P, R]:
        return MethodType(self.__func__, owner if instance is None else instance)


def is_operand(value: object) -> bool:
    """Whether a value can stand beside an operator: data models, other pydantic models and their classes, None."""
    return value is None or isinstance(value, Operand | BaseModel) or is_model_class(value)


class Operand:
    """A value with a schema, that the data algebra works on.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> (question + answer).get_json()
        {'question': '2 + 2?', 'answer': 4}
        >>> Answer in (question + answer)
        True
    """

    __slots__ = ()

    def _shared_schema(self) -> JsonObject:
        """The schema, uncopied: not to be changed."""
        raise TypeError(f"{type(self).__name__} has no schema")

    def __add__(self, other: object) -> Any:
        return OPERATORS["concat"](self, other) if is_operand(other) else NotImplemented

    def __radd__(self, other: object) -> Any:
        return OPERATORS["concat"](other, self) if is_operand(other) else NotImplemented

    def __and__(self, other: object) -> Any:
        return OPERATORS["and"](self, other) if is_operand(other) else NotImplemented

    def __rand__(self, other: object) -> Any:
        return OPERATORS["and"](other, self) if is_operand(other) else NotImplemented

    def __or__(self, other: object) -> Any:
        return OPERATORS["or"](self, other) if is_operand(other) else NotImplemented

    def __ror__(self, other: object) -> Any:
        return OPERATORS["or"](other, self) if is_operand(other) else NotImplemented

    def __xor__(self, other: object) -> Any:
        return OPERATORS["xor"](self, other) if is_operand(other) else NotImplemented

    def __rxor__(self, other: object) -> Any:
        return OPERATORS["xor"](other, self) if is_operand(other) else NotImplemented

    def __invert__(self) -> Any:
        return OPERATORS["not"](self)

    def __contains__(self, other: object) -> bool:
        own = self._shared_schema()
        if isinstance(other, str):
            return other in schemas.properties(own)
        if other is not None and is_operand(other):
            return schemas.contains_schema(own, schema_of(other))
        raise ConfigurationError(
            f"`x in data_model` takes a field's name or a data model, got {type(other).__name__}: {other!r}"
        )

    @either
    def factorize(self: Any) -> Any:
        """Fields of one base name gathered in lists: `answer`, `answer_1` become `answers`."""
        return OPERATORS["factorize"](self)

    @either
    def in_mask(
        self: Any, mask: Sequence[str] | None = None, pattern: str | None = None, recursive: bool = True
    ) -> Any:
        """Only the fields that match a name of `mask` or the regular expression `pattern`."""
        return OPERATORS["in_mask"](self, mask=mask, pattern=pattern, recursive=recursive)

    @either
    def out_mask(
        self: Any, mask: Sequence[str] | None = None, pattern: str | None = None, recursive: bool = True
    ) -> Any:
        """All but the fields that match a name of `mask` or the regular expression `pattern`."""
        return OPERATORS["out_mask"](self, mask=mask, pattern=pattern, recursive=recursive)

    @either
    def prefix(self: Any, prefix: str) -> Any:
        """Every top-level field renamed to `prefix_name`."""
        return OPERATORS["prefix"](self, prefix=prefix)

    @either
    def suffix(self: Any, suffix: str) -> Any:
        """Every top-level field renamed to `name_suffix`."""
        return OPERATORS["suffix"](self, suffix=suffix)


def schema_of(value: object) -> JsonObject:
    """The schema of any kind of value, shared and uncopied: not to be changed. For hot paths and caches.

    Raises:
        ConfigurationError: neither a data model nor another pydantic model.
    """
    if isinstance(value, Operand):
        return value._shared_schema()
    cls = type(value) if isinstance(value, BaseModel) else value
    if is_model_class(cls):
        return schema_of_model(cls)
    raise ConfigurationError(
        f"a data model was expected, got {type(value).__name__}: {value!r}. Give a DataModel, or another class or "
        "instance of pydantic's BaseModel"
    )
