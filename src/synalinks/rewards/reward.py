"""Reward: a score in [0, 1] for one prediction against its target."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from synalinks import scope, session
from synalinks._base.patterns import searcher
from synalinks._json import Json, JsonObject
from synalinks._support.calling import awaited, check_takes
from synalinks._support.copying import Copyable
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks.data import InMask, JsonDataModel, OutMask, as_value, check_mask, in_normal_form
from synalinks.errors import ConfigurationError, SynalinksError
from synalinks.rewards.score import Score, feedback_of
from synalinks.saving import constructed, serialize_synalinks_object


class Masks:
    """Which fields of predictions and targets count.

    Args:
        in_mask, out_mask: names of the fields to keep, or to leave out; `answer` also means `answers` and
            `answer_1`.
        in_mask_pattern, out_mask_pattern: regular expressions for the same.

    Raises:
        ConfigurationError: a string for a list, or a pattern that is no regular expression.
    """

    def __init__(
        self,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        for what, mask in (("in_mask", in_mask), ("out_mask", out_mask)):
            if isinstance(mask, str):
                raise ConfigurationError(f"{what} is a list of field names, got the string {mask!r}; write [{mask!r}]")
        for what, pattern in (("in_mask_pattern", in_mask_pattern), ("out_mask_pattern", out_mask_pattern)):
            try:
                searcher(pattern or "")
            except ConfigurationError as error:
                raise ConfigurationError(f"{what}: {error}") from error
        self.config: JsonObject = {
            "in_mask": None if in_mask is None else list(in_mask),
            "out_mask": None if out_mask is None else list(out_mask),
            "in_mask_pattern": in_mask_pattern,
            "out_mask_pattern": out_mask_pattern,
        }
        given = ((InMask, in_mask, in_mask_pattern), (OutMask, out_mask, out_mask_pattern))
        self._operators = [
            kind(mask, pattern) for kind, mask, pattern in given if mask is not None or pattern is not None
        ]

    def apply(self, value: JsonDataModel | None) -> JsonDataModel | None:
        """The value without the fields that don't count."""
        if value is None:
            return None
        for operator in self._operators:
            value = operator.apply(value)
        return value

    def check(self, schema: Mapping[str, Json], where: str) -> None:
        """Refuse names that no field of `schema` has.

        Raises:
            ConfigurationError: naming the nearest field.
        """
        for what in ("in_mask", "out_mask"):
            mask, pattern = self.config[what], self.config[f"{what}_pattern"]
            if mask or pattern:
                check_mask(mask, schema, pattern, where=f"{what} of {where}", keeps=what == "in_mask")


class Masked(Copyable):
    """What has masks, and shows them as they were given."""

    field_masks: Masks

    @property
    def in_mask(self) -> list[str] | None:
        """Names of the fields to keep."""
        return self.field_masks.config["in_mask"]  # type: ignore[no-any-return]

    @property
    def out_mask(self) -> list[str] | None:
        """Names of the fields to leave out."""
        return self.field_masks.config["out_mask"]  # type: ignore[no-any-return]

    @property
    def in_mask_pattern(self) -> str | None:
        """A regular expression for the fields to keep."""
        return self.field_masks.config["in_mask_pattern"]  # type: ignore[no-any-return]

    @property
    def out_mask_pattern(self) -> str | None:
        """A regular expression for the fields to leave out."""
        return self.field_masks.config["out_mask_pattern"]  # type: ignore[no-any-return]


class Reward(Masked):
    """A score in [0, 1] for one prediction. Subclasses write `async def call(self, y_true, y_pred)`.

    Args:
        name: in logs.
        reduction: kept for programs that pass it; a batch's reward is the mean over its samples.
        in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Masks`.

    Example:
        >>> class Short(synalinks.rewards.Reward):
        ...     async def call(self, y_true, y_pred):
        ...         return 1.0 if len(y_pred.get("answer")) <= 3 else 0.0
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> asyncio.run(Short()(None, Answer(answer="red")))
        1.0
        >>> asyncio.run(Short()(None, None))
        0.0
    """

    #: Whether every reward is 0 where there is no target; `fit` and `evaluate` then refuse data without targets.
    needs_target: ClassVar[bool] = False
    #: Whether `call` awaits nothing, so that samples are scored one after another, without a task for each.
    awaits_nothing: ClassVar[bool] = False

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "mean",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        self.name = name or session.to_snake_case(type(self).__name__)
        self.reduction = reduction
        self.field_masks = Masks(in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    async def __call__(self, y_true: Any, y_pred: Any) -> float:
        """The reward of one prediction; a missing prediction is worth 0.

        Raises:
            ConfigurationError: not a number in [0, 1].
        """
        if y_pred is None:
            return 0.0
        with add_location(f"the reward {self.name!r}"):
            value = await awaited(
                self.call(self.field_masks.apply(plain(y_true)), self.field_masks.apply(plain(y_pred)))
            )
        return check_reward(value, self.name)

    async def call(self, y_true: Any, y_pred: Any) -> float:
        """The reward of one masked prediction against its masked target, in [0, 1]."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def call(self, y_true, y_pred)`")

    def check_schema(self, schema: Mapping[str, Json], whose: str) -> None:
        """Refuse masks that name no field of a prediction or of a target."""
        self.field_masks.check(schema, f"{type(self).__name__} for the {whose}: {self.name}")

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"name": self.name, "reduction": self.reduction, **self.field_masks.config}

    @classmethod
    def from_config(cls, config: Mapping[str, Json]) -> Any:
        """The reward that `get_config` described."""
        return constructed(cls, config)

    def __repr__(self) -> str:
        masks = {name: value for name, value in self.field_masks.config.items() if value is not None}
        shown = "".join(f", {name}={value!r}" for name, value in masks.items())
        return f"<{type(self).__name__} name={self.name}{shown}>"


class OfFunction(Reward):
    """What rewards made of a function share: they keep it, call it, async or not, and save it by name.

    Args:
        fn: the function; `**kwargs` are passed on to it.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "mean",
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name or getattr(fn, "__name__", None), reduction, in_mask, out_mask, in_mask_pattern, out_mask_pattern
        )
        refuse_unknown_keywords(type(self), kwargs, fn)
        if type(self).call is OfFunction.call:
            check_takes(fn, ("y_true", "y_pred"), f"the reward {self.name!r}", kwargs)
        self.fn = fn
        self.kwargs = kwargs

    async def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of the function."""
        found = self.fn(y_true, y_pred, **self.kwargs)
        return await found if inspect.isawaitable(found) else found

    def get_config(self) -> JsonObject:
        """The function by name, and its arguments."""
        return {"fn": serialize_synalinks_object(self.fn), **super().get_config(), **self.kwargs}


class RewardFunctionWrapper(OfFunction):
    """A reward made of a function `fn(y_true, y_pred) -> float`, async or not. Arguments: see `OfFunction`.

    Example:
        >>> def close(y_true, y_pred):
        ...     return 1.0 / (1 + abs(y_true.get("answer") - y_pred.get("answer")))
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> reward = synalinks.rewards.RewardFunctionWrapper(close)
        >>> asyncio.run(reward(Answer(answer=3), Answer(answer=4)))
        0.5
    """


def check_reward(value: Any, name: str) -> float:
    """A reward as a float, or a `Score` where it has words.

    Raises:
        ConfigurationError: not a number, NaN, or outside [0, 1].
    """
    if isinstance(value, bool):
        return float(value)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"the reward {name!r} gave {value!r}; a reward is a number in [0, 1] (at {scope.current()})"
        ) from error
    if math.isnan(number) or not 0.0 <= number <= 1.0:
        raise ConfigurationError(
            f"the reward {name!r} gave {number}; a reward lies in [0, 1]. Rescale it (at {scope.current()})"
        )
    words = feedback_of(value)
    return number if words is None else Score(number, words)


class add_location:  # noqa: N801  used like a function
    """A `with` block that adds to errors, but for this library's own, where and at which sample they were raised."""

    def __init__(self, whose: str) -> None:
        self._whose = whose

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, SynalinksError):
            error.add_note(f"raised in {self._whose} (at {scope.current()})")


def plain(value: object) -> Any:
    """A target or prediction as a JSON data model in its normal form; plain values pass."""
    return in_normal_form(as_value(value))
