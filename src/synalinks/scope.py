"""A place in a run, carried by every call, reward, cost and line of a cassette.

The trainer's loop enters epoch, step, phase and sample; `Module.__call__` enters the module. The LM
runtime reads the scope in one line. Nothing else looks at it.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Any


@dataclass(frozen=True, slots=True)
class Scope:
    """A place in a run; None means "not inside one".

    Attributes:
        epoch: from 0.
        step: from 0, within the epoch. Validation and evaluation have none: their batches are only a
            unit of concurrency, and a cassette recorded at one batch size must replay at another.
        phase: `train`, `candidate`, `validation`, `reward`, `optimizer`, `metric`, `evaluate` or `predict`.
        sample: index of the example in its data set.
        module: path of the module that made the call, outermost first, e.g. `agent/generator_1`.
    """

    epoch: int | None = None
    step: int | None = None
    phase: str | None = None
    sample: int | None = None
    module: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields that are set, in order."""
        pairs = ((name, getattr(self, name)) for name in FIELDS)
        return {name: value for name, value in pairs if value is not None}

    @property
    def sort_key(self) -> tuple[int, int, str, int, str]:
        """An order for places: None first, then by value."""
        return (
            -1 if self.epoch is None else self.epoch,
            -1 if self.step is None else self.step,
            self.phase or "",
            -1 if self.sample is None else self.sample,
            self.module or "",
        )

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.to_dict().items()) or "outside any run"


FIELDS = ("epoch", "step", "phase", "sample", "module")
NOWHERE = Scope()
_current: ContextVar[Scope] = ContextVar("synalinks_scope", default=NOWHERE)


def current() -> Scope:
    """The place this task is in."""
    return _current.get()


class enter:  # noqa: N801  used like a function
    """A `with` block inside a place that differs from the current one in the fields given."""

    __slots__ = ("_changes", "_token")

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._token: Token[Scope] | None = None

    def __enter__(self) -> Scope:
        here = _current.get()
        get = self._changes.get
        there = Scope(
            get("epoch", here.epoch),
            get("step", here.step),
            get("phase", here.phase),
            get("sample", here.sample),
            get("module", here.module),
        )
        self._token = _current.set(there)
        return there

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)


def enter_module(name: str) -> Token[Scope]:
    """Go one module deeper; give the token to `leave` (the short form for the hot path)."""
    here = _current.get()
    path = name if here.module is None else f"{here.module}/{name}"
    return _current.set(Scope(here.epoch, here.step, here.phase, here.sample, path))


def leave(token: Token[Scope]) -> None:
    """Go back to the place that `token` was taken in."""
    _current.reset(token)
