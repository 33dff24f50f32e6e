"""Templates: jinja2 in its sandbox, with a limit on the work and on the text of each rendering.

A saved program is data, and a template in it may be written by an attacker. The sandbox keeps a template from
reaching anything but its values; the limits here keep it from filling the memory or running for ever.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextvars import ContextVar
from functools import lru_cache, wraps
from itertools import islice
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from synalinks import _json
from synalinks.errors import ConfigurationError

#: Calls and rounds of loops in one rendering; a template that lists 10,000 chat messages takes about 50,000.
MOST_STEPS = 100_000
#: Characters, and items of lists, that one rendering may produce, intermediate values included.
MOST_CHARACTERS = 8_000_000
#: Seconds of this thread's CPU for one rendering; ordinary ones take less than a millisecond.
MOST_SECONDS = 0.5
#: Bits of a whole number.
MOST_BITS = 4_096

_STEPS_A_LOOK = 16

_LONG_WIDTH = re.compile(r"\d{6}")
_WIDTH_FROM_VALUE = re.compile(r"\{[^{}]*[:!][^{}]*\{")
_JSON_VALUES = (dict, list, tuple, bool, type(None))


class Template:
    """A compiled template.

    Args:
        source: its text.
        name: what messages call it, e.g. `prompt_template`.
        strict: whether a name that is not among the values is an error; else it is empty text.

    Attributes:
        varies: whether the same values may give another text the next time.

    Raises:
        ConfigurationError: a syntax error, with its line.
    """

    __slots__ = ("_compiled", "_name", "varies")

    def __init__(self, source: str, name: str, *, strict: bool = False) -> None:
        self._name = name
        self.varies = "random" in source  # the one filter that draws
        try:
            self._compiled = _environment(strict).from_string(source)
            self._compiled.globals = dict(self._compiled.globals)  # a ChainMap, which is copied name by name each time
        except jinja2.TemplateSyntaxError as error:
            raise ConfigurationError(f"{name}, line {error.lineno}: {error.message}") from error
        except (RecursionError, SyntaxError, ValueError, MemoryError) as error:  # nested too deep for Python's parser
            raise ConfigurationError(f"{name} can't be compiled: {error} ({type(error).__name__})") from error

    def render(self, values: Mapping[str, Any]) -> str:
        """The text; values that are no text are written as JSON.

        Raises:
            ConfigurationError: the template reaches for what the sandbox forbids, exceeds a limit, or fails at these
                values.
        """
        token = _meter.set(_Meter())
        try:
            return self._compiled.render(values)
        except (
            jinja2.TemplateError,
            TypeError,
            ValueError,
            LookupError,
            ArithmeticError,
            AttributeError,
            RecursionError,
        ) as error:
            kind = type(error).__name__
            raise ConfigurationError(f"{self._name} can't be rendered: {error} ({kind})") from error
        finally:
            _meter.reset(token)


class _Meter:
    """What one rendering has taken so far."""

    __slots__ = ("_characters", "_deadline", "_steps")

    def __init__(self) -> None:
        self._steps = self._characters = 0
        self._deadline = 0.0

    def step(self) -> None:
        self._steps += 1
        if self._steps % _STEPS_A_LOOK == 0:  # the clock takes longer than a step
            self._look()

    def _look(self) -> None:
        if self._steps > MOST_STEPS:
            raise SecurityError(f"it takes more than {MOST_STEPS:,} steps")
        now = time.thread_time()
        if self._deadline == 0.0:
            self._deadline = now + MOST_SECONDS
        elif now > self._deadline:
            raise SecurityError(f"it takes more than {MOST_SECONDS:g} s")

    def produce(self, size: int) -> None:
        self._characters += size
        if self._characters > MOST_CHARACTERS:
            raise SecurityError(f"it makes more than {MOST_CHARACTERS:,} characters")


_meter: ContextVar[_Meter] = ContextVar("synalinks_template_meter", default=_Meter())  # noqa: B039  compiling has one too


def _size(value: object) -> int:
    return len(value) if isinstance(value, Sized) else len(str(value))


# --- what an operation produces, bounded before it is done ---------------------------------------------------


def _joined(separator: Any, items: Any = (), *rest: Any) -> int:
    return len(str(separator)) * len(items) + sum(map(_size, items))


def _replaced(text: object, old: object = "", new: object = "", *rest: Any) -> int:
    text, old, new = str(text), str(old), str(new)
    times = text.count(old) if old else len(text) + 1
    return len(text) + times * len(new)


def _padded(text: Any, width: Any = 80, *rest: Any) -> int:
    return len(str(text)) + abs(int(width))


def _indented(text: Any, width: Any = 4, *rest: Any) -> int:
    each = len(width) if isinstance(width, str) else abs(int(width))
    return len(str(text)) + (str(text).count("\n") + 1) * each


def _tabbed(text: Any, width: Any = 8) -> int:
    return int(len(text) + text.count("\t") * abs(int(width)))


def _formatted(text: object, *values: Any) -> int:
    text = str(text)
    if _LONG_WIDTH.search(text) or "*" in text or _WIDTH_FROM_VALUE.search(text):
        raise SecurityError("a format of it takes its width from a value, or has one of six digits")
    return len(text) + sum(map(_size, values))


def _linked(text: Any, *rest: Any) -> int:
    """Links take 40 times as long as what else is done to a character."""
    return 40 * len(str(text))


def _chunked(items: Any, count: Any, *rest: Any) -> int:
    return int(count)


def _as_text(value: Any, indent: Any = None) -> int:
    return 0 if not indent else int(indent) * 1_000


#: By the name of a text's method or of a filter: the size of what it produces, from above.
_BOUNDS: Mapping[str, Callable[..., int]] = {
    "join": _joined,
    "replace": _replaced,
    "center": _padded,
    "ljust": _padded,
    "rjust": _padded,
    "zfill": _padded,
    "indent": _indented,
    "expandtabs": _tabbed,
    "format": _formatted,
    "batch": _chunked,
    "slice": _chunked,
    "tojson": _as_text,
    "urlize": _linked,
}
#: A text's methods that can make it longer by any factor, and whose result can't be bounded beforehand.
_REFUSED = frozenset({"translate", "format_map"})


def _multiplied(left: object, right: object) -> int:
    for text, count in ((left, right), (right, left)):
        if isinstance(text, (str, list, tuple, bytes)):
            return len(text) * max(0, count) if isinstance(count, int) else 0
    return _digits(left, right, lambda one, other: one.bit_length() + other.bit_length())


def _raised(left: object, right: object) -> int:
    return _digits(left, right, lambda one, other: one.bit_length() * abs(other))


def _digits(left: object, right: object, bits: Callable[[int, int], int]) -> int:
    if isinstance(left, int) and isinstance(right, int) and bits(left, right) > MOST_BITS:
        raise SecurityError(f"a number of it has more than {MOST_BITS:,} bits")
    return 0


def _added(left: object, right: object) -> int:
    return _size(left) + _size(right) if isinstance(left, (str, list, tuple)) else 0


_OPERATORS: Mapping[str, Callable[[Any, Any], int]] = {
    "*": _multiplied,
    "**": _raised,
    "+": _added,
    "%": lambda left, right: _formatted(left, right) if isinstance(left, str) else 0,
}


def _to_json(value: Any) -> str:
    """JSON of a value; jinja2's own filter is for HTML and escapes <, > and &."""
    if isinstance(value, jinja2.Undefined):
        str(value)  # a strict one raises an error that has its name
    return _json.dumps(value)


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, every call, loop round and produced text of it counted."""

    intercepted_binops = frozenset(_OPERATORS)

    def __init__(self, **options: Any) -> None:
        # Constant parts are not computed when a template is compiled: nothing would count them.
        super().__init__(autoescape=False, optimized=False, finalize=_as_json, **options)
        self.globals.pop("lipsum", None)
        self.filters["tojson"] = _to_json
        for name, function in list(self.filters.items()):
            self.filters[name] = _counted(name, function)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        for loop in list(template.find_all(nodes.For)):
            rounds = nodes.Call(nodes.EnvironmentAttribute("rounds"), [loop.iter], [], None, None)
            loop.iter = rounds.set_lineno(loop.lineno)
        _replace_concatenations(template)
        return template

    def rounds(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items of a loop, each counted as it is taken."""
        meter = _meter.get()
        for item in items:
            meter.step()
            yield item

    def joined(self, *parts: Any) -> str:
        """Text of several values one after another: jinja2's operator `~`."""
        return self.concat(list(map(str, parts)))

    @staticmethod
    def concat(parts: Any) -> str:
        """The parts of a text, joined; what every block, macro and rendering ends with."""
        parts = list(parts)
        _meter.get().produce(sum(map(len, parts)))
        return "".join(parts)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        meter = _meter.get()
        meter.step()
        meter.produce(_OPERATORS[operator](left, right))
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        method = getattr(__obj, "__wrapped__", __obj)  # `str.format` has been wrapped by the sandbox
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if not isinstance(owner, (str, bytes)):
            _meter.get().step()
        elif name in _REFUSED:
            raise SecurityError(f"the method {name!r} of a text is not for templates")
        else:
            args = _measured(name, (owner, *args), kwargs)[1:]
        return super().call(__context, __obj, *args, **kwargs)


def _counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    passes = hasattr(function, "jinja_pass_arg")  # jinja2 then gives an environment or a context first

    @wraps(function)
    def count(*args: Any, **kwargs: Any) -> Any:
        first, own = (args[:1], args[1:]) if passes else ((), args)
        if name == "join":  # the filter has the list first, a text's method the separator
            _, items = _measured(name, (kwargs.get("d", own[1] if len(own) > 1 else ""), own[0]), {})
            return function(*first, items, *own[1:], **kwargs)
        return function(*first, *_measured(name, own, kwargs), **kwargs)

    return count


def _measured(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Count a filter or a method: a step, the text it reads, and what it can produce. Returns its arguments."""
    meter = _meter.get()
    meter.step()
    if name == "join" and len(args) > 1 and not isinstance(args[1], Sized):
        args = (args[0], list(islice(args[1], MOST_CHARACTERS)), *args[2:])
    if args and isinstance(args[0], (str, bytes)):
        meter.produce(len(args[0]))
    if (bound := _BOUNDS.get(name)) is not None:
        meter.produce(bound(*args, *kwargs.values()))
    return args


def _replace_concatenations(node: nodes.Node) -> None:
    """Have every `~` of a template go through `_Environment.joined`."""
    for field, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            setattr(node, field, _bounded(value))
        elif isinstance(value, list):
            value[:] = [_bounded(item) if isinstance(item, nodes.Node) else item for item in value]


def _bounded(node: nodes.Node) -> nodes.Node:
    _replace_concatenations(node)
    if not isinstance(node, nodes.Concat):
        return node
    call = nodes.Call(nodes.EnvironmentAttribute("joined"), node.nodes, [], None, None)
    call.environment = node.environment
    return call.set_lineno(node.lineno)


@lru_cache(maxsize=2)
def _environment(strict: bool) -> _Environment:
    return _Environment(undefined=jinja2.StrictUndefined if strict else jinja2.Undefined)


def _as_json(value: object) -> Any:
    """What a template prints for a value: JSON, never Python's own notation."""
    return value if isinstance(value, str) or not isinstance(value, _JSON_VALUES) else _json.dumps(value)
