"""Dataset: rows from somewhere, as batches of data models, streamed anew at every pass."""

from __future__ import annotations

import itertools
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from synalinks import _json
from synalinks._base.lazy import LazyModule
from synalinks._json import Json, JsonObject
from synalinks._support.signature import PassedOnSignature
from synalinks.data import ChatMessage, ChatMessages, Field, JsonDataModel, schema_of
from synalinks.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from synalinks._support import templates
else:
    templates = LazyModule("synalinks._support.templates")  # jinja2 takes 30 ms, and most data sets have no template

#: What a pass gives: inputs, or inputs and targets. Shapes: (batch,) object arrays of data models.
Array = np.ndarray[Any, Any]
Batch = tuple[Array] | tuple[Array, Array]


class DatasetOptions(TypedDict, total=False):
    """What the kinds of datasets pass on to `Dataset`."""

    input_data_model: object
    input_schema: JsonObject | str | None
    input_template: str | None
    output_data_model: object
    output_schema: JsonObject | str | None
    output_template: str | None
    tools_template: str | None
    limit: int | None
    repeat: int


class ChatMessagesWithTools(ChatMessages):
    """A conversation, and the tools that may be called in it."""

    tools: list[JsonObject] = Field(default=[], description="The tools, each with its name and the schema it takes")


class Dataset(ABC):
    """Examples made from rows, given in batches; `fit`, `evaluate` and `predict` take it as `x`.

    A subclass writes `_iter_rows`. A row becomes an example by a jinja2 template that renders the JSON of the
    data model (run in the sandbox, an unknown name is an error); without a template the fields of the data
    model are taken from the row by name.

    Args:
        input_data_model, output_data_model: the classes to make; `ChatMessages` and `ChatMessage` where only a
            template is given. Without an output model and an output template there are no targets.
        input_schema, output_schema: JSON schemas, in the place of the classes; dicts, or their JSON text.
        input_template, output_template: jinja2 templates of the row's columns.
        tools_template: a jinja2 template of the row's columns that renders a JSON list of tools: the field `tools` of
            the inputs. Without an input model those are chat messages with that field.
        batch_size: examples in a batch; None gives all in one.
        limit: rows to read; None reads all.
        repeat: how many times each example follows itself, e.g. for pass@k.

    Raises:
        ConfigurationError: sizes below 1, neither a model nor a template for the inputs, or tools for inputs without
            the field `tools`.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Sums(synalinks.datasets.Dataset):
        ...     def _iter_rows(self):
        ...         return ({"first": n, "second": n} for n in range(4))
        ...
        >>> sums = Sums(Question, input_template='{"question": "{{ first }} + {{ second }}?"}', batch_size=3)
        >>> [[one.question for one in x] for (x,) in sums]
        [['0 + 0?', '1 + 1?', '2 + 2?'], ['3 + 3?']]
    """

    #: Whether an empty text of a row is null for a field that admits null, as in CSV.
    _empty_is_null = False
    __signature__ = PassedOnSignature()

    def __init__(
        self,
        input_data_model: object = None,
        input_schema: JsonObject | str | None = None,
        input_template: str | None = None,
        output_data_model: object = None,
        output_schema: JsonObject | str | None = None,
        output_template: str | None = None,
        tools_template: str | None = None,
        batch_size: int | None = None,
        limit: int | None = None,
        repeat: int = 1,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("limit", limit), ("repeat", repeat)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ConfigurationError(
                    f"{type(self).__name__}({name}={value!r}): a whole number is wanted, at least 1 is needed"
                )
        self.batch_size = batch_size
        self.limit = limit
        self.repeat = repeat
        empty, chat = self._empty_is_null, ChatMessagesWithTools if tools_template is not None else ChatMessages
        complete = self._completed
        make = _maker(input_data_model, input_schema, input_template, chat, "input", empty, complete, tools_template)
        if make is None:
            raise ConfigurationError(
                f"{type(self).__name__} needs input_data_model=, input_schema= or input_template=, which say what an "
                "example is"
            )
        self.__input = make
        self.__output = _maker(
            output_data_model, output_schema, output_template, ChatMessage, "output", empty, complete
        )

    @abstractmethod
    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        """The rows of one pass, from the first."""

    def _completed(self, value: JsonObject) -> JsonObject:
        """The fields of an example, as they are given to its data model; for subclasses."""
        return value

    def iter_examples(self) -> Iterator[tuple[Any, Any]]:
        """(x, y) for every example of one pass; y is None without targets.

        Raises:
            DataError: a row that makes no example, with its number.
        """
        for number, row in enumerate(itertools.islice(self._iter_rows(), self.limit), start=1):
            try:
                x = self.__input(row)
                y = None if self.__output is None else self.__output(row)
            except ValueError as error:
                raise DataError(f"{type(self).__name__}: row {number} makes no example: {error}") from error
            for _ in range(self.repeat):
                yield x, y

    def __iter__(self) -> Iterator[Batch]:
        examples = self.iter_examples()
        while batch := list(itertools.islice(examples, self.batch_size)):
            xs = object_array([x for x, _ in batch])
            yield (xs,) if self.__output is None else (xs, object_array([y for _, y in batch]))

    def __call__(self) -> Iterator[Batch]:
        """The batches of a new pass."""
        return iter(self)

    @cached_property
    def __count(self) -> int:
        return sum(1 for _ in itertools.islice(self._iter_rows(), self.limit))

    def __len__(self) -> int:
        """Batches in one pass; the rows are counted once, by reading them."""
        return self._total_batches(self.__count)

    def _total_batches(self, num_rows: int) -> int:
        """Batches in one pass over that many rows, for subclasses that have the number at hand."""
        examples = num_rows * self.repeat
        return math.ceil(examples / (self.batch_size or max(examples, 1)))

    def materialize(self) -> Batch:
        """All examples at once: `(x,)` or `(x, y)`.

        Raises:
            DataError: there are none.
        """
        examples = list(self.iter_examples())
        if not examples:
            raise DataError(f"{type(self).__name__} has no rows")
        xs = object_array([x for x, _ in examples])
        return (xs,) if self.__output is None else (xs, object_array([y for _, y in examples]))


def split_train_test(
    x: Array, y: Array, validation_split: float = 0.2
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """`((x_train, y_train), (x_test, y_test))`: the last fraction is for testing, and neither part is empty.

    Raises:
        DataError: lengths that differ, or fewer than two examples.
        ConfigurationError: a fraction that is not between 0 and 1.
    """
    if len(x) != len(y):
        raise DataError(f"x has {len(x)} examples and y has {len(y)}; they are paired by position")
    if len(x) < 2:
        raise DataError(f"split_train_test needs at least 2 examples, got {len(x)}")
    if not 0.0 < validation_split < 1.0:
        raise ConfigurationError(f"validation_split={validation_split!r}: a fraction between 0 and 1 is needed")
    at = min(max(1, math.floor(len(x) * (1.0 - validation_split) + 1e-9)), len(x) - 1)  # as `fit` divides
    return (x[:at], y[:at]), (x[at:], y[at:])


def object_array(values: Sequence[object]) -> Array:
    """An object array of the values, whatever they are: NumPy would look inside those that have a length."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _maker(
    model: Any,
    schema: JsonObject | str | None,
    template: str | None,
    default: object,
    what: str,
    empty_is_null: bool,
    complete: Callable[[JsonObject], JsonObject],
    tools_template: str | None = None,
) -> Callable[[Mapping[str, Json]], Any] | None:
    """What makes an example of a row; None if nothing was asked for."""
    if model is not None and schema is not None:
        raise ConfigurationError(f"give either {what}_data_model= or {what}_schema=, not both")
    if model is None and schema is None:
        if template is None:
            return None
        model = default
    parsed = _parsed(schema, what)
    fields = (schema_of(model) if parsed is None else parsed).get("properties", {})
    nullable = {name for name, field in fields.items() if empty_is_null and _admits_null(field)}
    render = _renderer(template, f"{what}_template", dict) if template is not None else None
    tools = _renderer(tools_template, "tools_template", list) if tools_template is not None else None
    if tools is not None and "tools" not in fields:
        raise ConfigurationError(f"tools_template= fills the field 'tools', and the {what}s have only {sorted(fields)}")

    def make(row: Mapping[str, Json]) -> Any:
        if render is not None:
            value = render(row)
        else:
            value = {name: row[name] for name in fields if name in row}
            value.update({name: None for name in nullable if value.get(name) == ""})
        if tools is not None:
            value["tools"] = tools(row)
        value = complete(value)
        return model(**value) if parsed is None else JsonDataModel(schema=parsed, json=value)

    return make


def _parsed(schema: JsonObject | str | None, what: str) -> JsonObject | None:
    """A schema given as a dict or as JSON text."""
    try:
        parsed = _json.exact(schema) if isinstance(schema, str) else schema
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{what}_schema is no JSON: {error}") from error
    if parsed is not None and not isinstance(parsed, dict):
        raise ConfigurationError(f"{what}_schema: a dict or JSON string is wanted, got {type(parsed).__name__}")
    return parsed


def _admits_null(field: Mapping[str, Json]) -> bool:
    """Whether null obeys the schema of a field."""
    kind = field.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return True
    return any(_admits_null(choice) for word in ("anyOf", "oneOf") for choice in field.get(word, ()))


def _renderer(template: str, name: str, kind: type) -> Callable[[Mapping[str, Json]], Json]:
    """What renders a row as JSON, an object or a list."""
    compiled = templates.Template(template, name, strict=True)
    wanted = "a JSON object" if kind is dict else "a JSON list"

    def render(row: Mapping[str, Json]) -> Json:
        try:
            text = compiled.render(row)
            value = _json.exact(text)
        except ConfigurationError as error:
            raise DataError(f"{error}; the row has {sorted(row)}") from error
        except json.JSONDecodeError as error:
            raise DataError(
                f"{name} renders no JSON ({error}): {text[:200]!r}. Write {{{{ column | tojson }}}} for text"
            ) from error
        if not isinstance(value, kind):
            raise DataError(f"{name} must render {wanted}, got {type(value).__name__}: {text[:200]!r}")
        return value

    return render
