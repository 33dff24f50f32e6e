"""Copyable: the base of objects that `copy.deepcopy` and pickling copy attribute by attribute."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Self

from synalinks.errors import CopyError


class Copyable:
    """An object whose deep copy names the attribute that can't be copied.

    `__getstate__` gives the attributes that a copy, or a pickle, takes over, and `__setstate__` sets them. A subclass
    that holds a lock, a connection or a file leaves it out in the first and makes it anew in the second.

    Raises:
        CopyError: from `copy.deepcopy`, naming the object and the attribute.
    """

    __slots__ = ()
    #: Attributes that are never changed, so that a deep copy shares them.
    shared_by_copies: ClassVar[tuple[str, ...]] = ()

    def __setstate__(self, state: Any) -> None:
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        for name, value in (slots or {}).items():
            setattr(self, name, value)
        if attributes:
            vars(self).update(attributes)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        cls = type(self)
        made = memo[id(self)] = cls.__new__(cls)
        memo.update((id(shared), shared) for shared in (getattr(self, name) for name in self.shared_by_copies))
        state: Any = self.__getstate__()
        if isinstance(state, dict):
            state = {name: self._copied(name, value, memo) for name, value in state.items()}
        else:
            state = copy.deepcopy(state, memo)
        made.__setstate__(state)
        return made

    def _copied(self, name: str, value: object, memo: dict[int, Any]) -> Any:
        try:
            return copy.deepcopy(value, memo)
        except CopyError:  # of an object further in, which is the one to name
            raise
        except (TypeError, ValueError, RuntimeError, copy.Error) as error:
            kind = type(self).__name__
            raise CopyError(
                f"{getattr(self, 'name', kind)} ({kind}) can't be copied: its attribute {name!r}, of type "
                f"{type(value).__name__}: {error}. Leave it out in {kind}.__getstate__ and make it anew in "
                f"{kind}.__setstate__, or give {type(value).__name__} a __deepcopy__"
            ) from error
