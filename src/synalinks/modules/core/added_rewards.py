"""Rewards that modules add, while they are called, to that which the program is compiled with, if there is one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

from synalinks.data.scopes.stateless_scope import stateless_scope
from synalinks.errors import ConfigurationError
from synalinks.hooks import ENTRY
from synalinks.modules.core.walking import modules_below

_collected: ContextVar[list[float] | None] = ContextVar("synalinks_added_rewards", default=None)


@contextmanager
def collecting_rewards() -> Iterator[list[float]]:
    """A block that collects the rewards which modules called inside it add."""
    found: list[float] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def collect_rewards(values: Sequence[float]) -> bool:
    """Add rewards to those that the block around collects; False where there is none."""
    if (collected := _collected.get()) is None:
        return False
    collected += values
    return True


class AddedRewards:
    """The methods of a module with which it adds rewards of its own."""

    name: str
    #: Whether a call of this module, with no other around it, has added rewards.
    has_added: ClassVar[bool] = False

    def add_reward(self, reward: float | Sequence[float]) -> None:
        """Add a reward, or several, to that of the sample: `call` may, of what it can see there and a reward can't.

        The reward of a sample is the mean of the compiled one, if there is one, and of those added; in `evaluate` and
        `fit` alike. A sample without an answer has none. In a `StatelessScope` that collects rewards, it collects this
        one.

        Raises:
            ConfigurationError: not a number in [0, 1].

        Example:
            >>> class Text(synalinks.DataModel):
            ...     text: str
            ...
            >>> class Brief(synalinks.Module):
            ...     async def call(self, inputs, training=False):
            ...         self.add_reward(1.0 if len(inputs.get("text")) < 20 else 0.0)
            ...         return inputs
            ...
            >>> brief = Brief()
            >>> answer = asyncio.run(brief(Text(text="hello")))
            >>> brief.rewards
            [1.0]
        """
        values = [_checked(one, self.name) for one in (reward if isinstance(reward, (list, tuple)) else (reward,))]
        if (scope := stateless_scope()) is not None:
            for value in values if scope.collect_rewards else ():
                scope.add_reward(value)
            return
        if not collect_rewards(values):
            vars(self).setdefault("own_rewards", []).extend(values)
            vars(ENTRY.get() or self)["has_added"] = True

    @property
    def rewards(self) -> list[float]:
        """The rewards that it and its sub-modules added in its last call, or in that of the module around it.

        Those of a run are in the rewards of its samples.
        """
        return [one for module in (self, *modules_below(self)) for one in vars(module).get("own_rewards", ())]  # type: ignore[type-var]

    def clear_rewards(self) -> None:
        """Drop the rewards that it and its sub-modules have added, before a call that is of no run."""
        if _collected.get() is not None:
            return
        for module in (self, *modules_below(self)):  # type: ignore[type-var]
            vars(module).pop("own_rewards", None)
        vars(self).pop("has_added", None)


def _checked(reward: Any, name: str) -> float:
    try:
        value = float(reward)
    except (TypeError, ValueError):
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"{name}.add_reward({reward!r}): a reward is a number in [0, 1]; rescale it")
    return value
