"""What lasts as long as a session: automatic names, default models, logging flags.

`clear_session()` starts a new one. Objects that keep state for a session register what to do then with
`on_clear`.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

#: Seed where neither `fit` nor the session gives one; fixed, so that a second run of a script costs nothing.
DEFAULT_SEED = 123

#: The automatic name of a program of inputs and outputs, as in the reference, where such a program is a Functional.
GRAPH = "functional"

_names: dict[str, int] = {}
_settings: dict[str, Any] = {}
_on_clear: list[Callable[[], None]] = []
#: Names and settings of a `forked` block, instead of those of the process.
_forked: ContextVar[tuple[dict[str, int], dict[str, Any]] | None] = ContextVar("synalinks_session", default=None)

_ACRONYM = re.compile(r"(.)([A-Z][a-z0-9]+)")
_HUMP = re.compile(r"([a-z])([A-Z])")
_ODD = re.compile(r"\W+")


def to_snake_case(name: str) -> str:
    """`RAGAgent` becomes `rag_agent`."""
    name = _ODD.sub("", name)
    name = _ACRONYM.sub(r"\1_\2", name)
    return _HUMP.sub(r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """The next free name for `prefix` in this session: `generator`, `generator_1`, `generator_2`, ..."""
    prefix = to_snake_case(prefix)
    names, _ = _forked.get() or (_names, _settings)
    count = names.get(prefix, -1) + 1
    names[prefix] = count
    return prefix if count == 0 else f"{prefix}_{count}"


def get_uid(prefix: str = "") -> int:
    """The next number for `prefix` in this session: 1, 2, 3, ...

    Example:
        >>> synalinks.backend.get_uid("query"), synalinks.backend.get_uid("query"), synalinks.backend.get_uid("answer")
        (1, 2, 1)
    """
    names, _ = _forked.get() or (_names, _settings)
    key = f"uid {prefix}"  # no automatic name has a space
    names[key] = names.get(key, 0) + 1
    return names[key]


def get_setting(name: str, default: object = None) -> Any:
    """A session-wide setting, such as the default language model."""
    _, settings = _forked.get() or (_names, _settings)
    return settings.get(name, default)


def set_setting(name: str, value: object) -> None:
    """Keep a setting until the process ends; None is as if it had never been set."""
    _, settings = _forked.get() or (_names, _settings)
    if value is None:
        settings.pop(name, None)
    else:
        settings[name] = value


def settings() -> dict[str, Any]:
    """All settings that are not None, by name."""
    _, found = _forked.get() or (_names, _settings)
    return dict(found)


@contextmanager
def isolated_settings() -> Iterator[None]:
    """A block whose changes of settings end with it."""
    before = dict(_settings)
    try:
        yield
    finally:
        _settings.clear()
        _settings.update(before)


@contextmanager
def forked_session() -> Iterator[None]:
    """A block in a session of its own, which begins with the names and settings of the one around it."""
    names, settings = _forked.get() or (_names, _settings)
    token = _forked.set((dict(names), dict(settings)))
    try:
        yield
    finally:
        _forked.reset(token)


def on_clear(callback: Callable[[], None]) -> None:
    """Have `callback` called at every `clear_session()`."""
    _on_clear.append(callback)


def clear_session(free_memory: bool = True) -> None:
    """Drop automatic names, the draws that this run has taken and the calls in the process's ledger.

    Defaults set with `set_default_*`, prices and an open cassette outlive it.
    """
    _names.clear()
    # The LM layer is imported by who uses it: it takes 100 ms.
    if (runtime := sys.modules.get("synalinks.lm.runtime")) is not None:
        runtime.clear()
    for callback in _on_clear:
        callback()
    if free_memory:
        gc.collect()
