"""Layers of one's own in a model's stack: where they stand, and how they are put there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synalinks.lm.core.call import Layer
from synalinks.lm.core.errors import ConfigurationError

#: The place of the model's provider, below all layers.
PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Above:
    """The position directly above a layer of the stack, nearer to the caller.

    Example:
        >>> import asyncio, synalinks
        >>> from synalinks.lm import Above
        >>> class Shout:
        ...     name = "shout"
        ...     def __call__(self, below):
        ...         async def handler(call):
        ...             reply = await below(call)
        ...             return dataclasses.replace(reply, text=reply.text.upper())
        ...         return handler
        >>> import dataclasses
        >>> model = synalinks.LanguageModel("ollama/llama3.2", layers=[(Shout(), Above("cache"))])
        >>> names = repr(model.client.stack)
        >>> "shout > cache" in names
        True

    Attributes:
        layer: its name as the repr of the stack shows it, or `provider`.
    """

    layer: str


@dataclass(frozen=True, slots=True)
class Below:
    """The position directly below a layer of the stack, nearer to the provider.

    Example:
        >>> import synalinks
        >>> from synalinks.lm import Below
        >>> def untouched(below):
        ...     return below
        >>> model = synalinks.LanguageModel("ollama/llama3.2", layers=[(untouched, Below("retry"))])
        >>> "retry > untouched" in repr(model.client.stack)
        True

    Attributes:
        layer: its name as the repr of the stack shows it.
    """

    layer: str


Position = Above | Below
#: The position of a layer that is given without one: it gets each call of the program once, cached and replayed ones
#: included, and the ledger counts what it answers.
DEFAULT_POSITION = Below("ledger")
#: A layer, or a layer and its position.
Placed = Layer | tuple[Layer, Position]


def pairs_of(layers: Sequence[Placed]) -> tuple[tuple[Layer, Position], ...]:
    """Layers with their positions.

    Raises:
        ConfigurationError: something that is neither a layer nor a pair of a layer and a position.
    """
    return tuple(_pair(given) for given in layers)


def _pair(given: Placed) -> tuple[Layer, Position]:
    layer, position = given if isinstance(given, tuple) and len(given) == 2 else (given, DEFAULT_POSITION)
    if isinstance(layer, (tuple, list, type)) or not callable(layer) or not isinstance(position, (Above, Below)):
        raise ConfigurationError(
            "layers=[...]: each is a layer, a callable that takes the handler below and returns a handler, or a pair "
            f"(layer, Above('cache')) or (layer, Below('retry')); got {given!r}"
        )
    return layer, position


def name_of(part: object) -> str:
    """What the repr of a stack calls a layer: its `name`, else that of the function or class."""
    return getattr(part, "name", None) or getattr(part, "__name__", None) or type(part).__name__


def place(layers: Sequence[Layer], added: Sequence[tuple[Layer, Position]]) -> list[Layer]:
    """The layers of a stack, outermost first, with others put in; of several at one position the first is outermost.

    Raises:
        ConfigurationError: a position that names no layer of the stack.
    """
    names = [name_of(layer) for layer in layers]
    above: dict[int, list[Layer]] = {}
    for layer, position in added:
        if position.layer == PROVIDER and isinstance(position, Above):
            index = len(layers)
        elif position.layer in names:
            index = names.index(position.layer) + isinstance(position, Below)
        else:
            raise ConfigurationError(
                f"layers=[...]: {position!r} names no layer of the stack, which is {' > '.join([*names, PROVIDER])}"
            )
        above.setdefault(index, []).append(layer)
    placed: list[Layer] = []
    for index in range(len(layers) + 1):
        placed += above.get(index, ())
        placed += layers[index : index + 1]
    return placed
