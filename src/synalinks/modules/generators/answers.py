"""Answers: what makes a model's JSON a value in its normal form, by its schema and, where there is one, its class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError

from synalinks.data import DataModel
from synalinks.data.algebra.normal import has_one_spelling, normal_form


class Answers:
    """The form of the answers to one schema.

    Args:
        schema: what the answers obey.
        model: the class that the schema is of, whose validators run; None where only the schema is known, as in a
            program that was loaded or unpickled.
    """

    __slots__ = ("_model", "_one_spelling", "_schema")

    def __init__(self, schema: Mapping[str, Any], model: type[DataModel] | None = None) -> None:
        self._schema = schema
        self._model = model
        self._one_spelling = has_one_spelling(schema)

    def read(self, value: Any) -> Any:
        """An answer that obeys the schema, in its normal form.

        Raises:
            ValueError: the class refuses it; the message says where and why.
        """
        if self._model is not None:
            try:
                return self._model.model_validate(value).get_json()
            except ValidationError as error:
                raise ValueError(_in_words(error)) from error
        return value if self._one_spelling else normal_form(value, self._schema)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # never changed

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._schema,))  # a pickle, as a saved file, has the schema only


def _in_words(error: ValidationError) -> str:
    found = [
        (".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(f"{where}: {what}" if where else what for where, what in found)
