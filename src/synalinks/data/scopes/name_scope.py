"""name_scope: a block whose variables have its name in front of their paths."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass

from synalinks.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    caller: object
    override_parent: str | None


_stack: ContextVar[tuple[_Entry, ...]] = ContextVar("synalinks_name_scope", default=())


class name_scope:  # noqa: N801  a block, written like a function
    """A block whose name stands in front of the paths of the variables and modules made in it.

    Args:
        name: one segment of a path.
        caller: the object that opens the block, such as a module.
        deduplicate: whether a block of the same name and caller as the one around it adds no segment.
        override_parent: the path that the block hangs under, in place of that of the blocks around it.

    Raises:
        ConfigurationError: the name is no text, is empty, or has a `/`.

    Example:
        >>> class Note(synalinks.Trainable):
        ...     note: str = ""
        ...
        >>> with synalinks.name_scope("agent"):
        ...     with synalinks.name_scope("memory"):
        ...         note = synalinks.Variable({}, data_model=Note, name="note")
        >>> note.path
        'agent/memory/note'
    """

    def __init__(
        self, name: str, caller: object = None, deduplicate: bool = True, override_parent: str | None = None
    ) -> None:
        if not isinstance(name, str) or not name or "/" in name:
            raise ConfigurationError(f"the name of a name_scope is a text without '/', got {name!r}")
        self.name = name
        self.caller = caller
        self.deduplicate = deduplicate
        self.override_parent = override_parent
        self._tokens: list[Token[tuple[_Entry, ...]]] = []

    def __enter__(self) -> name_scope:
        stack = _stack.get()
        entry = _Entry(self.name, self.caller, self.override_parent)
        last = stack[-1] if stack else None
        same = last is not None and last.name == self.name and last.caller is self.caller and self.caller is not None
        self._tokens.append(_stack.set(stack if same and self.deduplicate else (*stack, entry)))
        return self

    def __exit__(self, *exception: object) -> None:
        _stack.reset(self._tokens.pop())


def current_path() -> str:
    """The names of the open blocks, outermost first, with `/` between them; empty outside any."""
    parts: list[str] = []
    for entry in _stack.get():
        if entry.override_parent is not None:
            parts = [part for part in entry.override_parent.split("/") if part]
        parts.append(entry.name)
    return "/".join(parts)
