"""Kind: objects of one kind (rewards, metrics, optimizers, callbacks, initializers), by name, config or instance."""

from __future__ import annotations

import difflib
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from synalinks._json import JsonObject
from synalinks.errors import ConfigurationError
from synalinks.saving import registry
from synalinks.saving.serialization import load_as, serialize_synalinks_object
from synalinks.session import to_snake_case

T = TypeVar("T")


class Kind(Generic[T]):
    """The objects of one kind, and what may stand for one: an instance, a name, a saved config, or a function.

    Names are those of objects registered with `register_synalinks_serializable`, then of this library's classes, in
    snake case or as they are written, with their package (`Custom>MyReward`) or without. A class stands for an instance
    made without arguments, as its name does.

    Example:
        >>> from synalinks.rewards import ExactMatch, Reward
        >>> kind = synalinks.saving.Kind("a reward", Reward, (ExactMatch,))
        >>> kind.get("exact_match")
        <ExactMatch name=exact_match>
        >>> kind.get("exact_mach")
        Traceback (most recent call last):
        synalinks.errors.ConfigurationError: no reward is called 'exact_mach'; did you mean 'exact_match'?

    Args:
        what: the word for one of them, with its article.
        base: the class of all of them.
        classes: this library's, by name.
        wrap: makes one of a function or of an object of `other`; None where neither stands for one.
        other: a kind whose names stand for one of these, too.
        make: whether a name stands for an instance, made without arguments, or for the class.
    """

    def __init__(
        self,
        what: str,
        base: type[T],
        classes: Mapping[str, type[T]] | Iterable[type[T]],
        *,
        wrap: Callable[[Any], Any] | None = None,
        other: Kind[Any] | None = None,
        make: bool = True,
    ) -> None:
        self.what = what
        self.base = base
        named = classes if isinstance(classes, Mapping) else {to_snake_case(cls.__name__): cls for cls in classes}
        self._classes: dict[str, type[T]] = dict(named)
        self._wrap = wrap
        self._other = other
        self._make = make

    @property
    def names(self) -> tuple[str, ...]:
        """This library's names of the kind, sorted."""
        return tuple(sorted({*self._classes, *(self._other.names if self._other else ())}))

    def get(self, identifier: Any) -> Any:
        """The object that an identifier stands for; None for None.

        Raises:
            ConfigurationError: it stands for none, naming the nearest names.
        """
        if identifier is None or isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, str):
            return self._named(identifier)
        if isinstance(identifier, Mapping):
            return self.deserialize(identifier)
        if isinstance(identifier, type) and self._make:
            return self._of_class(identifier)
        if self._wrap is not None and callable(identifier):
            return self._wrap(identifier)
        raise self._refused(identifier)

    def _of_class(self, cls: type) -> Any:
        """What a class stands for where an instance is expected: one made without arguments."""
        if issubclass(cls, self.base):
            return self._made(cls.__name__, cls)
        if self._other is not None and self._wrap is not None and issubclass(cls, self._other.base):
            return self._wrap(self._other._made(cls.__name__, cls))
        raise self._refused(cls)

    def _refused(self, identifier: object) -> ConfigurationError:
        return ConfigurationError(
            f"not {self.what}: {identifier!r}; give an instance of {self.base.__name__}, its name, or a saved config"
            + ("" if self._wrap is None else ", or a function")
        )

    def serialize(self, obj: T) -> JsonObject:
        """The class and settings of an object, as a file has them; no key is among them."""
        saved: JsonObject = serialize_synalinks_object(obj)
        return saved

    def deserialize(self, config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object that a saved config describes, or a name stands for.

        Raises:
            ConfigurationError: it describes something else, or names what a file may not name.
        """
        if isinstance(config, str):
            with registry.custom_object_scope(custom_objects or {}):
                return self._named(config)
        bases = (self.base,) if self._other is None else (self.base, self._other.base)
        found = load_as(bases, config, custom_objects)
        if isinstance(found, self.base):
            return found
        if self._wrap is not None and (isinstance(found, (bases, types.FunctionType))):
            return self._wrap(found)
        raise ConfigurationError(f"the config describes no {self.base.__name__}: {found!r}")

    def _named(self, name: str) -> Any:
        found = self._find(name)
        if found is None and self._other is not None and (theirs := self._other._find(name)) is not None:
            found = self._other._made(name, theirs)
        if found is None:
            known = self.names
            plain = to_snake_case(name)
            near = difflib.get_close_matches(plain, [*known, *map(to_snake_case, self._registered_names())], n=3)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {list(known)}"
            raise ConfigurationError(
                f"no {self.what.partition(' ')[2]} is called {name!r}; {hint} Classes of your own have a name once "
                "they are registered: @synalinks.saving.register_synalinks_serializable()"
            )
        return self._made(name, found)

    def _made(self, name: str, found: object) -> Any:
        if not (isinstance(found, type) and issubclass(found, self.base)):
            return found if self._wrap is None else self._wrap(found)
        if not self._make:
            return found
        try:
            inspect.signature(found).bind()
        except TypeError as error:
            raise ConfigurationError(
                f"{name!r} can't be made without arguments ({error}); pass an instance: {found.__name__}(...)"
            ) from None
        return found()

    def _find(self, name: str) -> Any:
        return self._registered(name) or self._classes.get(to_snake_case(name))

    def _registered(self, name: str) -> Any:
        known = registry.known_objects()
        if (exact := known.get(name)) is not None and self._belongs(exact):
            return exact
        matches = {
            full: obj
            for full, obj in known.items()
            if self._belongs(obj) and name in (full, short := full.rpartition(">")[2], to_snake_case(short))
        }
        if len({id(obj) for obj in matches.values()}) > 1:
            raise ConfigurationError(f"{name!r} names several: {sorted(matches)}; write one of these")
        return next(iter(matches.values()), None)

    def _belongs(self, obj: object) -> bool:
        if isinstance(obj, type):
            return issubclass(obj, self.base)
        return self._wrap is not None and isinstance(obj, types.FunctionType)

    def _registered_names(self) -> list[str]:
        return [name.rpartition(">")[2] for name, obj in registry.known_objects().items() if self._belongs(obj)]
