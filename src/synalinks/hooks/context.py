"""Whom and what the calls of a block are for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from synalinks.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class TraceContext:
    """What traces of calls say besides the calls.

    Attributes:
        user_id: whom the calls are for.
        session_id: the conversation that they are of.
        metadata, tags: anything else, as text.
    """

    user_id: str | None = None
    session_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


_context: ContextVar[TraceContext | None] = ContextVar("synalinks_trace_context", default=None)


@contextmanager
def trace_context(
    user_id: str | None = None,
    session_id: str | None = None,
    metadata: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
) -> Iterator[TraceContext]:
    """Say in the traces of a block's calls whom and what the calls are for.

    Blocks side by side, e.g. requests to a server, don't see each other's; within a block it holds for tasks that are
    started there, too. A block in another adds to what that says, and wins where both say something.

    Args:
        user_id: whom the calls are for.
        session_id: the conversation that they are of.
        metadata, tags: anything else; names and values become text.

    Raises:
        ConfigurationError: `metadata` or `tags` is no dict.

    Example:
        >>> with synalinks.trace_context(user_id="ann", tags={"part": "search"}):
        ...     with synalinks.trace_context(session_id="7") as context:
        ...         print(context.user_id, context.session_id, context.tags)
        ann 7 {'part': 'search'}
    """
    outer = current_trace_context() or TraceContext()
    inner = TraceContext(
        outer.user_id if user_id is None else str(user_id),
        outer.session_id if session_id is None else str(session_id),
        {**outer.metadata, **_texts("metadata", metadata)},
        {**outer.tags, **_texts("tags", tags)},
    )
    token = _context.set(inner)
    try:
        yield inner
    finally:
        _context.reset(token)


def current_trace_context() -> TraceContext | None:
    """What the blocks around this say; None outside of any."""
    return _context.get()


def _texts(what: str, values: Mapping[str, object] | None) -> dict[str, str]:
    if not isinstance(values, Mapping | None):
        raise ConfigurationError(
            f"trace_context({what}=...) takes a dict of names and values such as {{'part': 'search'}}, got {values!r}"
        )
    return {str(name): str(value) for name, value in (values or {}).items()}
