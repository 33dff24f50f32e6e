"""StatelessScope: a block in which variables can be changed without being changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Protocol

from synalinks._json import JsonObject
from synalinks.data.algebra.values import copy_json
from synalinks.errors import ConfigurationError


class Scoped(Protocol):
    """A variable, as a scope changes it."""

    name: str

    def stored_json(self) -> JsonObject: ...

    def accepted(self, value: object, what: str) -> JsonObject: ...

    def initialize(self) -> None: ...


_open: ContextVar[StatelessScope | None] = ContextVar("synalinks_stateless_scope", default=None)


class StatelessScope:
    """A block in which every change of a variable is kept apart from the variable.

    Inside, variables read what the block has for them: the value of `state_mapping`, then whatever was assigned,
    updated or appended. The variables themselves stay as they are; `get_current_value` gives what they would be.

    Args:
        state_mapping: pairs of a variable and its value in the block.
        collect_rewards: whether `add_reward` keeps rewards, in `rewards`.
        initialize_variables: whether variables made inside from an initializer get their first value when the
            outermost block ends; else at their first use.

    Raises:
        ConfigurationError: a pair whose first item is no variable, or a value the variable can't hold.

    Example:
        >>> class Note(synalinks.Trainable):
        ...     note: str = ""
        ...
        >>> note = synalinks.Variable({"note": "old"}, data_model=Note, name="note")
        >>> with synalinks.StatelessScope() as scope:
        ...     note.update({"note": "new"})
        ...     inside = note.get("note")
        >>> (inside, note.get("note"), scope.get_current_value(note)["note"])
        ('new', 'old', 'new')
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Scoped, object]] | None = None,
        collect_rewards: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_rewards = collect_rewards
        self.initialize_variables = initialize_variables
        self.rewards: list[float] = []
        self.original_scope: StatelessScope | None = None
        self._values: dict[int, tuple[Scoped, JsonObject]] = {}  # the variable beside the value keeps its id
        self._pending: list[Scoped] = []
        self._tokens: list[Token[StatelessScope | None]] = []
        for pair in state_mapping or ():
            self.add_update(pair)

    @property
    def state_mapping(self) -> list[tuple[Scoped, JsonObject]]:
        """The variables that the block has another value for, with that value."""
        return [(variable, value) for variable, value in self._values.values() if value != variable.stored_json()]

    def add_update(self, update: tuple[Scoped, object]) -> None:
        """Give a variable, first of a pair, the value that is second, in this block."""
        variable, value = update
        if not hasattr(variable, "stored_json"):
            raise ConfigurationError(
                f"a StatelessScope maps variables to values, got {type(variable).__name__}: {variable!r}"
            )
        self._values[id(variable)] = (variable, variable.accepted(value, "the state of a StatelessScope"))

    def get_current_value(self, variable: Scoped) -> JsonObject | None:
        """The variable's value in this block; None where the block has not changed it."""
        found = self._values.get(id(variable))
        return None if found is None or found[1] == variable.stored_json() else found[1]

    def add_reward(self, reward: float) -> None:
        """Keep a reward in `rewards`.

        Raises:
            ConfigurationError: the block was opened without `collect_rewards=True`.
        """
        if not self.collect_rewards:
            raise ConfigurationError("this StatelessScope keeps no rewards; open it with collect_rewards=True")
        self.rewards.append(reward)

    def value_of(self, variable: Scoped) -> JsonObject:
        """The value that the variable reads and changes in this block: a copy, made at its first use."""
        if id(variable) not in self._values:
            around = variable.stored_json() if self.original_scope is None else self.original_scope.value_of(variable)
            self._values[id(variable)] = (variable, copy_json(around))
        return self._values[id(variable)][1]

    def initialize_later(self, variable: Scoped) -> None:
        """Have the first value of a variable made when the outermost block ends."""
        outermost = self
        while outermost.original_scope is not None:
            outermost = outermost.original_scope
        outermost._pending.append(variable)

    def __enter__(self) -> StatelessScope:
        self.original_scope = _open.get()
        self._tokens.append(_open.set(self))
        return self

    def __exit__(self, *exception: object) -> None:
        _open.reset(self._tokens.pop())
        pending, self._pending = self._pending, []
        if self.initialize_variables:
            for variable in pending:
                variable.initialize()


#: Gives the innermost open block, or None.
stateless_scope: Callable[[], StatelessScope | None] = _open.get


@contextmanager
def stateful() -> Iterator[None]:
    """A block outside of all stateless ones: what a module builds is there afterwards."""
    token = _open.set(None)
    try:
        yield
    finally:
        _open.reset(token)
