"""The operators of the data algebra: each defined once, for every kind of value.

An operator on real values computes at once; with a symbolic value among its operands it makes a symbolic
value and the `Node` it came from. With N for None:

    ======  ========  ==========  ==========  ==========  =================
    a ? b   both      a, N        N, b        N, N        symbolic schema
    ======  ========  ==========  ==========  ==========  =================
    a + b   concat    error       error       error       concat
    a & b   concat    None        None        None        concat
    a | b   concat    a           b           None        that of the first
    a ^ b   None      a           b           None        that of the first
    ~a      None      None                                that of a
    ======  ========  ==========  ==========  ==========  =================

All others turn None into None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from synalinks._json import JsonObject
from synalinks.data import schema as schemas
from synalinks.data.algebra import keys, values
from synalinks.data.algebra.operator import Operands, Operator, Pair, Schema, Schemas, derived_once
from synalinks.data.json_data_model import JsonDataModel
from synalinks.data.operand import OPERATORS
from synalinks.errors import ConfigurationError
from synalinks.session import to_snake_case


def _concat_schema(first: Schema, second: Schema) -> Schema:
    return derived_once("concat", schemas.concat, first, second)


def _concat(first: JsonDataModel, second: JsonDataModel) -> Pair:
    one, two = first._schema, second._schema
    value = values.concat(first._json, second._json, schemas.properties(one), schemas.properties(two))
    return _concat_schema(one, two), value


def _refuse_none(operands: Sequence[object]) -> NoReturn:
    which = " and ".join(side for side, item in zip(("left", "right"), operands, strict=True) if item is None)
    raise ConfigurationError(
        f"`a + b` needs both values and the {which} one is None: a module before it gave no result. "
        "Write `a & b` to get None when one is missing, or `a | b` to get the one that is there."
    )


class Concat(Operator):
    """Both values side by side: `a + b`.

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
    """

    def compute(self, operands: Operands) -> Pair:
        first, second = operands
        if first is None or second is None:
            _refuse_none(operands)
        return _concat(first, second)

    def output_schema(self, found: Schemas) -> Schema:
        first, second = found
        if first is None or second is None:
            _refuse_none(found)
        return _concat_schema(first, second)


class And(Operator):
    """Both values side by side, or None if one is missing: `a & b`.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> (question & answer).get_json()
        {'question': '2 + 2?', 'answer': 4}
        >>> (question & None) is None
        True
    """

    def compute(self, operands: Operands) -> Pair | None:
        first, second = operands
        return None if first is None or second is None else _concat(first, second)

    def output_schema(self, found: Schemas) -> Schema | None:
        first, second = found
        return None if first is None or second is None else _concat_schema(first, second)


class _Either(Operator):
    """An operator that gives the one value that is there."""

    def compute(self, operands: Operands) -> Pair | None:
        first, second = operands
        if first is not None and second is not None:
            return self.compute_both(first, second)
        value = first or second
        return None if value is None else (value._schema, value._json)

    def compute_both(self, first: JsonDataModel, second: JsonDataModel) -> Pair | None:
        """Schema and value of the result where both values are there."""
        return None

    def output_schema(self, found: Schemas) -> Schema | None:
        first, second = found
        return second if first is None else first


class Or(_Either):
    """Both values side by side, or the one that is there: `a | b`.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> (question | None).get_json()
        {'question': '2 + 2?'}
    """

    is_union = True

    def compute_both(self, first: JsonDataModel, second: JsonDataModel) -> Pair:
        """Both."""
        return _concat(first, second)


class Xor(_Either):
    """The one value that is there, or None if both are: `a ^ b`.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> (question ^ None).get_json()
        {'question': '2 + 2?'}
        >>> (question ^ answer) is None
        True
    """


class Not(Operator):
    """Always None: `~a`; beside `|` it switches a branch off.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> (~Answer(answer=4)) is None
        True
    """

    def compute(self, operands: Operands) -> Pair | None:
        return None

    def output_schema(self, found: Schemas) -> Schema | None:
        return found[0]


class _Unary(Operator):
    """An operator on one value; None stays None. Its settings are attributes of their names."""

    #: Names of its settings, which its two functions take after what they change.
    settings: ClassVar[tuple[str, ...]] = ()
    #: The operator on JSON, and on a schema.
    of_values: ClassVar[Callable[..., JsonObject]]
    of_schemas: ClassVar[Callable[..., Schema]]

    @cached_property
    def _given(self) -> list[Any]:
        return [getattr(self, name) for name in self.settings]

    def compute(self, operands: Operands) -> Pair | None:
        value = operands[0]
        return None if value is None else (self._derived(value._schema), self.change(value))

    def change(self, value: JsonDataModel) -> JsonObject:
        """The new value."""
        return type(self).of_values(value._json, *self._given)

    def output_schema(self, found: Schemas) -> Schema | None:
        schema = found[0]
        return None if schema is None else self._derived(schema)

    def _derived(self, schema: Schema) -> Schema:
        given = self._given
        return derived_once((type(self), *given), lambda source: type(self).of_schemas(source, *given), schema)

    def get_config(self) -> JsonObject:
        """What `from_config` needs."""
        given = {name: getattr(self, name) for name in self.settings}
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
        return {**lists, **super().get_config()}


class Factorize(_Unary):
    """Fields of one base name gathered in lists.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> (Answer(answer=4) + Answer(answer=5)).factorize().get_json()
        {'answers': [4, 5]}
    """

    of_schemas = schemas.factorize

    def change(self, value: JsonDataModel) -> JsonObject:
        """The new value."""
        return values.factorize(value._json, schemas.properties(value._schema))


class _Masking(_Unary):
    """An operator that chooses fields by name.

    Args:
        mask: names of fields, compared by base name.
        pattern: a regular expression searched for in the names.
        recursive: whether nested objects are masked too.
        name: automatic if None.
        description: the class's if None.

    Raises:
        ConfigurationError: the mask is no list of names, or the pattern no regular expression.
    """

    settings = ("mask", "pattern", "recursive")

    def __init__(
        self,
        mask: Sequence[str] | None = None,
        pattern: str | None = None,
        recursive: bool = True,
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__(name, description)
        keys.mask_of(mask, pattern)
        self.mask = None if mask is None else tuple(mask)
        self.pattern = pattern
        self.recursive = recursive


class InMask(_Masking):
    """Only the fields that match.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> (question + answer).in_mask(mask=["answer"]).get_json()
        {'answer': 4}
    """

    of_values, of_schemas = values.in_mask, schemas.in_mask


class OutMask(_Masking):
    """All but the fields that match.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> (question + answer).out_mask(mask=["answer"]).get_json()
        {'question': '2 + 2?'}
    """

    of_values, of_schemas = values.out_mask, schemas.out_mask


class Prefix(_Unary):
    """Every top-level field renamed to `prefix_name`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> Answer(answer=4).prefix("gold").get_json()
        {'gold_answer': 4}
    """

    settings = ("prefix",)
    of_values, of_schemas = values.prefix, schemas.prefix

    def __init__(self, prefix: str, name: str | None = None, description: str | None = None) -> None:
        super().__init__(name, description)
        self.prefix = _word("prefix", prefix)


class Suffix(_Unary):
    """Every top-level field renamed to `name_suffix`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> Answer(answer=4).suffix("gold").get_json()
        {'answer_gold': 4}
    """

    settings = ("suffix",)
    of_values, of_schemas = values.suffix, schemas.suffix

    def __init__(self, suffix: str, name: str | None = None, description: str | None = None) -> None:
        super().__init__(name, description)
        self.suffix = _word("suffix", suffix)


def _word(what: str, word: object) -> str:
    if not isinstance(word, str) or not word:
        raise ConfigurationError(f"a {what} is a word to put at every field's name, got {word!r}")
    return word


#: Every operator by its class name, for loading saved programs.
OPERATOR_CLASSES: dict[str, type[Operator]] = {
    kind.__name__: kind for kind in (Concat, And, Or, Xor, Not, Factorize, InMask, OutMask, Prefix, Suffix)
}


def _expression(kind: type[Operator]) -> Callable[..., Any]:
    """What an expression calls: make the operator, apply it."""

    def evaluate(*operands: Any, **options: Any) -> Any:
        return kind(**options).apply(*operands)

    return evaluate


OPERATORS.update({to_snake_case(name): _expression(kind) for name, kind in OPERATOR_CLASSES.items()})
