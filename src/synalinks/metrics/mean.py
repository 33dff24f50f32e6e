"""Mean: the mean of numbers, or of what a function makes of predictions."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synalinks._json import Json, JsonObject
from synalinks._support.calling import check_takes
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks.data import DataModel, Field
from synalinks.errors import ConfigurationError
from synalinks.metrics.exact import grow
from synalinks.metrics.metric import Metric
from synalinks.rewards import BatchReward, Reward, get
from synalinks.rewards.leaves import leaves_of
from synalinks.rewards.reward import add_location, plain
from synalinks.saving import serialize_synalinks_object


class Sums(DataModel):
    """Two sums, each as numbers that add up to it exactly."""

    total: list[float] = Field(default=[], description="What was taken in, each times its weight.")
    weight: list[float] = Field(default=[], description="The weights.")


#: Says that `update_state` was given numbers, and no prediction with its target.
_NUMBERS: Any = object()


class Mean(Metric):
    """The mean of the numbers taken in with `add`, each with a weight; 0 before the first.

    The sums are exact, so the mean does not depend on the order of the numbers, nor on when it was looked at.

    Args: see `Metric`.

    Example:
        >>> metric = synalinks.metrics.Mean()
        >>> metric.add(1.0)
        >>> metric.add(0.5, weight=3.0)
        >>> metric.result()
        0.625
        >>> asyncio.run(metric([0.25, 0.75]))
        0.5833333333333334
    """

    def __init__(
        self,
        name: str | None = "mean",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self.sums = self.add_variable(data_model=Sums, name="sums")

    def add(self, value: float, weight: float = 1.0) -> None:
        """Take in a number."""
        grow(self.sums.get("total"), float(value * weight))
        grow(self.sums.get("weight"), float(weight))

    @property
    def weight(self) -> float:
        """The sum of the weights: how many numbers were taken in, where each weighs 1."""
        return math.fsum(self.sums.get("weight"))

    async def update_state(self, y_true: Any, y_pred: Any = _NUMBERS) -> None:
        """Take in the numbers of a prediction; given one argument, the numbers in that: one, a list, an array."""
        if y_pred is not _NUMBERS:
            await super().update_state(y_true, y_pred)
            return
        for number in _numbers_in(y_true, self.name):
            self.add(number)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Take in the numbers of a prediction, wherever they are in it; true counts as 1."""
        for number in leaves_of(y_pred, _is_number).values():
            self.add(number)

    def result(self) -> float:
        """The weighted mean."""
        weight = math.fsum(self.sums.get("weight"))
        return math.fsum(self.sums.get("total")) / weight if weight else 0.0


class MeanMetricWrapper(Mean):
    """The mean of a function of prediction and target over all predictions; any reward will do.

    Args:
        fn: `fn(y_true, y_pred) -> float`, async or not, a reward, or a reward's name; it is called with missing
            predictions (None), too. `**kwargs` are passed on to it.
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Metric`.

    Example:
        >>> def is_long(y_true, y_pred):
        ...     return float(len(y_pred.get("answer")) > 3)
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = synalinks.metrics.MeanMetricWrapper(is_long)
        >>> asyncio.run(metric.update_batch([None, None], [Answer(answer="red"), Answer(answer="blue")]))
        >>> metric.result()
        0.5
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
        self.takes_batches = isinstance(self.fn, BatchReward)
        refuse_unknown_keywords(type(self), kwargs, self.fn)
        check_takes(self.fn, ("y_true", "y_pred"), f"the metric {self.name!r}", kwargs)
        self.kwargs = kwargs

    async def update_state(self, y_true: Any, y_pred: Any = None) -> None:
        """Take in the function's value for one prediction.

        Raises:
            ConfigurationError: the value is no finite number.
        """
        masked = [self.field_masks.apply(plain(side)) for side in (y_true, y_pred)]
        with add_location(f"the metric {self.name!r}"):
            found = self.fn(*masked, **self.kwargs)
            value = await found if inspect.isawaitable(found) else found
        self._take(value)

    async def update_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> None:
        """Take in the values of a batch; a `BatchReward` is called once, with all of it."""
        if not isinstance(self.fn, BatchReward):
            await super().update_batch(y_true, y_pred)
            return
        masked = [[self.field_masks.apply(plain(one)) for one in side] for side in (y_true, y_pred)]
        for value in await self.fn.of_batch(*masked):
            self._take(value)

    def _take(self, value: object) -> None:
        if not isinstance(value, numbers.Real) or not math.isfinite(value):
            raise ConfigurationError(
                f"the metric {self.name!r} got {value!r} from its function; return a finite number"
            )
        self.add(float(value))

    def check_schema(self, schema: Mapping[str, Json], whose: str) -> None:
        """Refuse masks, the reward's included, that name no field of a prediction or of a target."""
        super().check_schema(schema, whose)
        if isinstance(self.fn, Reward):
            self.fn.check_schema(schema, whose)

    def get_config(self) -> JsonObject:
        """The function by name, or the reward, and its arguments."""
        return {"fn": serialize_synalinks_object(self.fn), **super().get_config(), **self.kwargs}


def _is_number(leaf: object) -> bool:
    return isinstance(leaf, (int, float))


def _numbers_in(value: object, name: str) -> list[float]:
    """The numbers of a value: a number, an array, a list of such, or a data model; None has none.

    Raises:
        ConfigurationError: something that is no number.
    """
    value = value.tolist() if hasattr(value, "tolist") else value
    if value is None:
        return []
    if hasattr(value, "get_json"):
        return list(leaves_of(value, _is_number).values())
    if isinstance(value, (list, tuple)):
        return [number for one in value for number in _numbers_in(one, name)]
    if not isinstance(value, numbers.Real):
        raise ConfigurationError(f"the metric {name!r} takes numbers, or a target and a prediction; got {value!r}")
    return [float(value)]
