"""Metric: a number watched over many predictions; it never steers training."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synalinks import session
from synalinks.errors import ConfigurationError
from synalinks.rewards import Reward, get
from synalinks.rewards.reward import Masks
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object


class Metric:
    """A number over many predictions, in float64. Subclasses write `update`, `result` and `reset_state`.

    Args:
        name: in logs.
        in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `rewards.Masks`.
    """

    def __init__(
        self,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        self.name = name or session.to_snake_case(type(self).__name__)
        self.masks = Masks(in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self.reset_state()

    async def update_state(self, y_true: Any, y_pred: Any) -> None:
        """Take in one prediction; one that is missing on either side is passed over."""
        if y_true is None or y_pred is None:
            return
        await self.update(self.masks.apply(_plain(y_true)), self.masks.apply(_plain(y_pred)))

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Take in one masked prediction with its masked target."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def update(self, y_true, y_pred)`")

    def reset_state(self) -> None:
        """Forget everything taken in."""

    def result(self) -> Any:
        """The number, or a dict of numbers by name."""
        raise ConfigurationError(f"{type(self).__name__} does not define `def result(self)`")

    def check_schema(self, schema: Mapping[str, Any], whose: str) -> None:
        """Refuse masks that name no field of a prediction or of a target."""
        self.masks.check(schema, f"{type(self).__name__} for the {whose}: {self.name}")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, **self.masks.config}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The metric that `get_config` described."""
        return cls(**{name: deserialize_synalinks_object(value) for name, value in config.items()})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class Mean(Metric):
    """The mean of the numbers taken in with `add`, each with a weight; 0 before the first.

    The sums are exact, so the mean does not depend on the order of the numbers, nor on when it was looked at.
    """

    def reset_state(self) -> None:
        """Forget everything taken in."""
        self._sum: list[float] = []
        self._weight: list[float] = []

    def add(self, value: float, weight: float = 1.0) -> None:
        """Take in a number."""
        _grow(self._sum, value * weight)
        _grow(self._weight, weight)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Take in the mean of the numbers in a prediction."""
        numbers = [float(leaf) for leaf in y_pred.get_json().values() if isinstance(leaf, (int, float))]
        for number in numbers:
            self.add(number)

    def result(self) -> float:
        """The weighted mean."""
        weight = math.fsum(self._weight)
        return math.fsum(self._sum) / weight if weight else 0.0


def _grow(parts: list[float], number: float) -> None:
    """Add a number to a sum that is kept, exactly, as floats that don't overlap.

    Grow-expansion of Shewchuk, "Adaptive Precision Floating-Point Arithmetic" (1997), section 2.4; there are as many
    parts as the magnitudes of the numbers ask for, two or three as a rule.
    """
    kept = []
    for part in parts:
        large, small = (number, part) if abs(number) >= abs(part) else (part, number)
        number = large + small
        if rest := small - (number - large):
            kept.append(rest)
    parts[:] = [*kept, number]


class MeanMetricWrapper(Mean):
    """The mean of a function of prediction and target over all predictions; any reward will do.

    Args:
        fn: `fn(y_true, y_pred) -> float`, async or not, a reward, or a reward's name; it also sees missing
            predictions. `**kwargs` are passed on to it.
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Metric`.
    """

    def __init__(
        self,
        fn: Callable[..., Any] | Reward | str,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self.fn = get(fn) if isinstance(fn, (str, Mapping)) else fn
        self.kwargs = kwargs

    async def update_state(self, y_true: Any, y_pred: Any) -> None:
        """Take in the function's value for one prediction."""
        masked = [self.masks.apply(_plain(side)) for side in (y_true, y_pred)]
        found = self.fn(*masked, **self.kwargs)
        self.add(float(await found if inspect.isawaitable(found) else found))

    def check_schema(self, schema: Mapping[str, Any], whose: str) -> None:
        """Refuse masks, the reward's included, that name no field of a prediction or of a target."""
        super().check_schema(schema, whose)
        if isinstance(self.fn, Reward):
            self.fn.check_schema(schema, whose)

    def get_config(self) -> dict[str, Any]:
        """The function by name, or the reward, and its arguments."""
        return {"fn": serialize_synalinks_object(self.fn), **super().get_config(), **self.kwargs}


def _plain(value: Any) -> Any:
    return value.to_json_data_model() if hasattr(value, "to_json_data_model") else value
