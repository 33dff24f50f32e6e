"""Metric: a number over many predictions; training does not depend on it."""

from __future__ import annotations

import copy
import inspect
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from synalinks import session
from synalinks._json import Json, JsonObject
from synalinks._support.copying import Copyable
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks.errors import ConfigurationError
from synalinks.metrics.exact import ExactSum
from synalinks.rewards import BatchReward, Reward, get
from synalinks.rewards.leaves import leaves_of
from synalinks.rewards.reward import Masks, add_location
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object


class Metric(Copyable):
    """A number over many predictions, in float64. Subclasses write `update`, `result` and `reset_state`.

    Args:
        name: in logs.
        in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `rewards.Masks`.

    Example:
        >>> class Longest(synalinks.metrics.Metric):
        ...     async def update(self, y_true, y_pred):
        ...         self.longest = max(self.longest, len(y_pred.get("answer")))
        ...
        ...     def reset_state(self):
        ...         self.longest = 0
        ...
        ...     def result(self):
        ...         return self.longest
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = Longest()
        >>> asyncio.run(metric.update_state(Answer(answer="red"), Answer(answer="blue")))
        >>> metric.name, metric.result()
        ('longest', 4)
    """

    #: Whether more is better (`up`) or less (`down`), for callbacks in mode `auto`; None where it depends.
    direction: ClassVar[Literal["up", "down"] | None] = None
    #: Whether `update_batch` is called, with the predictions of a whole batch, in place of `update_state`.
    takes_batches: bool = False

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

    async def update_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> None:
        """Take in the predictions of a batch, in the order of their samples."""
        for pair in zip(y_true, y_pred, strict=True):
            await self.update_state(*pair)

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Take in one masked prediction with its masked target."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def update(self, y_true, y_pred)`")

    def reset_state(self) -> None:
        """Begin anew, without predictions."""

    def result(self) -> Any:
        """The number, or a dict of numbers by name."""
        raise ConfigurationError(f"{type(self).__name__} does not define `def result(self)`")

    def check_schema(self, schema: Mapping[str, Json], whose: str) -> None:
        """Refuse masks that name no field of a prediction or of a target."""
        self.masks.check(schema, f"{type(self).__name__} for the {whose}: {self.name}")

    def twin(self) -> Self:
        """A metric that measures the same and has taken in nothing: what `compile` keeps of the one it is given."""
        made = copy.copy(self)
        made.reset_state()
        return made

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"name": self.name, **self.masks.config}

    @classmethod
    def from_config(cls, config: Mapping[str, Json]) -> Any:
        """The metric that `get_config` described."""
        return cls(**{name: deserialize_synalinks_object(value) for name, value in config.items()})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


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

    def reset_state(self) -> None:
        """Begin anew, without predictions."""
        self._sum, self._weight = ExactSum(), ExactSum()

    def add(self, value: float, weight: float = 1.0) -> None:
        """Take in a number."""
        self._sum.add(float(value * weight))
        self._weight.add(float(weight))

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Take in the numbers of a prediction, wherever they are in it; true counts as 1."""
        for number in leaves_of(y_pred, lambda leaf: isinstance(leaf, (int, float))).values():
            self.add(number)

    def result(self) -> float:
        """The weighted mean."""
        weight = self._weight.known
        return self._sum.known / weight if weight else 0.0


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
        self.kwargs = kwargs

    async def update_state(self, y_true: Any, y_pred: Any) -> None:
        """Take in the function's value for one prediction.

        Raises:
            ConfigurationError: the value is no finite number.
        """
        masked = [self.masks.apply(_plain(side)) for side in (y_true, y_pred)]
        with add_location(f"the metric {self.name!r}"):
            found = self.fn(*masked, **self.kwargs)
            value = await found if inspect.isawaitable(found) else found
        self._take(value)

    async def update_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> None:
        """Take in the values of a batch; a `BatchReward` is called once, with all of it."""
        if not isinstance(self.fn, BatchReward):
            await super().update_batch(y_true, y_pred)
            return
        masked = [[self.masks.apply(_plain(one)) for one in side] for side in (y_true, y_pred)]
        for value in await self.fn.of_batch(*masked):
            self._take(value)

    def _take(self, value: Any) -> None:
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


def _plain(value: Any) -> Any:
    return value.to_json_data_model() if hasattr(value, "to_json_data_model") else value
