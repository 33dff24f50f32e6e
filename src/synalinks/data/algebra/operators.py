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

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

from synalinks._json import JsonObject
from synalinks.data import schema as schemas
from synalinks.data.algebra import keys, values
from synalinks.data.convert import as_operand
from synalinks.data.json_data_model import JsonDataModel
from synalinks.data.node import Node
from synalinks.data.operand import OPERATORS
from synalinks.data.symbolic_data_model import SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.session import auto_name

Pair = tuple[JsonObject, JsonObject]
Schema = JsonObject
Operands = Sequence[JsonDataModel | None]
Schemas = Sequence[Schema | None]

#: Schemas already made, by operator and by the identity of the schemas they were made from. The entry holds
#: these schemas, so their ids stay theirs.
_made: dict[tuple[object, ...], tuple[tuple[Schema, ...], Schema]] = {}
_MADE_SIZE = 1024  # entries; a program has some ten


def _once(key: object, make: Callable[..., Schema], *sources: Schema) -> Schema:
    """The schema that `make` derives from `sources`, derived once."""
    place = (key, *map(id, sources))
    found = _made.get(place)
    if found is None:
        if len(_made) >= _MADE_SIZE:
            _made.clear()
        found = _made[place] = (sources, make(*sources))
    return found[1]


class Operator(ABC):
    """One operator, ready to be applied; it is the operation of the nodes it makes.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> question, answer = Question(question="2 + 2?"), Answer(answer=4)
        >>> synalinks.data.Concat(name="pair").apply(question, answer).get_json()
        {'question': '2 + 2?', 'answer': 4}
    """

    #: Whether it makes of types what `typing.Union` makes of them.
    is_union: ClassVar[bool] = False

    def __init__(self, name: str | None = None, description: str | None = None) -> None:
        self._name = name
        self.description = description or (type(self).__doc__ or "").partition("\n")[0]

    @property
    def name(self) -> str:
        """The name given, or an automatic one after the class, made when it is first asked for."""
        if self._name is None:
            self._name = auto_name(type(self).__name__)
        return self._name

    def apply(self, *operands: Any) -> Any:
        """The result: a `JsonDataModel`, a `SymbolicDataModel` if any operand is symbolic, or None.

        Raises:
            ConfigurationError: an operand that is no data model.
        """
        values = [as_operand(operand, type(self).__name__) for operand in operands]
        if any(isinstance(value, SymbolicDataModel) for value in values):
            return self._record(values)
        made = self.compute(values)
        if made is None:
            return None
        result = JsonDataModel(made[0], made[1])
        result._name = self  # asked for its name when the result is asked for its own
        return result

    def _record(self, operands: list[Any]) -> Any:
        found = self.output_schema([None if item is None else item.get_schema() for item in operands])
        if found is None:
            return None
        output = SymbolicDataModel(schema=found)
        output._name = self
        return Node(self, operands, {}, output).outputs

    async def run_node(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the operator to the values of a node's parents."""
        return self.apply(*args, **kwargs)

    @abstractmethod
    def compute(self, operands: Operands) -> Pair | None:
        """Schema and value of the result; None if there is none."""

    @abstractmethod
    def output_schema(self, found: Schemas) -> Schema | None:
        """Schema of a symbolic result; None if the result is always None."""

    def get_config(self) -> JsonObject:
        """What `from_config` needs."""
        return {"name": self.name, "description": self.description}

    @classmethod
    def from_config(cls, config: JsonObject) -> Operator:
        """The operator that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self._name!r}>"


def _concat_schema(first: Schema, second: Schema) -> Schema:
    return _once("concat", schemas.concat, first, second)


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


class Or(Operator):
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

    def compute(self, operands: Operands) -> Pair | None:
        first, second = operands
        if first is not None and second is not None:
            return _concat(first, second)
        return _pair(first or second)

    def output_schema(self, found: Schemas) -> Schema | None:
        first, second = found
        return second if first is None else first


class Xor(Operator):
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

    def compute(self, operands: Operands) -> Pair | None:
        first, second = operands
        if first is not None and second is not None:
            return None
        return _pair(first or second)

    def output_schema(self, found: Schemas) -> Schema | None:
        first, second = found
        return second if first is None else first


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


def _pair(value: JsonDataModel | None) -> Pair | None:
    return None if value is None else (value._schema, value._json)


class _Unary(Operator):
    """An operator on one value; None stays None."""

    def compute(self, operands: Operands) -> Pair | None:
        value = operands[0]
        if value is None:
            return None
        return _once(self._key(), self.change_schema, value._schema), self.change(value)

    def output_schema(self, found: Schemas) -> Schema | None:
        schema = found[0]
        return None if schema is None else _once(self._key(), self.change_schema, schema)

    @abstractmethod
    def _key(self) -> tuple[object, ...]:
        """The part of the cache's key that differs between operators."""

    @abstractmethod
    def change(self, value: JsonDataModel) -> JsonObject:
        """The new value."""

    @abstractmethod
    def change_schema(self, schema: Schema) -> Schema:
        """The new schema."""


class Factorize(_Unary):
    """Fields of one base name gathered in lists.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> (Answer(answer=4) + Answer(answer=5)).factorize().get_json()
        {'answers': [4, 5]}
    """

    def _key(self) -> tuple[object, ...]:
        return ("factorize",)

    def change(self, value: JsonDataModel) -> JsonObject:
        return values.factorize(value._json, schemas.properties(value._schema))

    def change_schema(self, schema: Schema) -> Schema:
        return schemas.factorize(schema)


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

    def _key(self) -> tuple[object, ...]:
        return (type(self), self.mask, self.pattern, self.recursive)

    def get_config(self) -> JsonObject:
        """What `from_config` needs."""
        return {
            "mask": None if self.mask is None else list(self.mask),
            "pattern": self.pattern,
            "recursive": self.recursive,
            **super().get_config(),
        }


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

    def change(self, value: JsonDataModel) -> JsonObject:
        return values.in_mask(value._json, self.mask, self.pattern, self.recursive)

    def change_schema(self, schema: Schema) -> Schema:
        return schemas.in_mask(schema, self.mask, self.pattern, self.recursive)


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

    def change(self, value: JsonDataModel) -> JsonObject:
        return values.out_mask(value._json, self.mask, self.pattern, self.recursive)

    def change_schema(self, schema: Schema) -> Schema:
        return schemas.out_mask(schema, self.mask, self.pattern, self.recursive)


class Prefix(_Unary):
    """Every top-level field renamed to `prefix_name`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> Answer(answer=4).prefix("gold").get_json()
        {'gold_answer': 4}
    """

    def __init__(self, prefix: str, name: str | None = None, description: str | None = None) -> None:
        super().__init__(name, description)
        self.prefix = _word("prefix", prefix)

    def _key(self) -> tuple[object, ...]:
        return ("prefix", self.prefix)

    def change(self, value: JsonDataModel) -> JsonObject:
        return values.prefix(value._json, self.prefix)

    def change_schema(self, schema: Schema) -> Schema:
        return schemas.prefix(schema, self.prefix)

    def get_config(self) -> JsonObject:
        """What `from_config` needs."""
        return {"prefix": self.prefix, **super().get_config()}


class Suffix(_Unary):
    """Every top-level field renamed to `name_suffix`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> Answer(answer=4).suffix("gold").get_json()
        {'answer_gold': 4}
    """

    def __init__(self, suffix: str, name: str | None = None, description: str | None = None) -> None:
        super().__init__(name, description)
        self.suffix = _word("suffix", suffix)

    def _key(self) -> tuple[object, ...]:
        return ("suffix", self.suffix)

    def change(self, value: JsonDataModel) -> JsonObject:
        return values.suffix(value._json, self.suffix)

    def change_schema(self, schema: Schema) -> Schema:
        return schemas.suffix(schema, self.suffix)

    def get_config(self) -> JsonObject:
        """What `from_config` needs."""
        return {"suffix": self.suffix, **super().get_config()}


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


OPERATORS.update(
    {
        "concat": _expression(Concat),
        "and": _expression(And),
        "or": _expression(Or),
        "xor": _expression(Xor),
        "not": _expression(Not),
        "factorize": _expression(Factorize),
        "in_mask": _expression(InMask),
        "out_mask": _expression(OutMask),
        "prefix": _expression(Prefix),
        "suffix": _expression(Suffix),
    }
)
