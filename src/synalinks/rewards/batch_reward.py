"""BatchReward: a reward computed from the predictions of a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synalinks._support.calling import awaited
from synalinks.errors import ConfigurationError
from synalinks.rewards.reward import OfFunction, Reward, add_location, check_reward, plain


class BatchReward(Reward):
    """Scores in [0, 1] for the predictions of a batch, which may depend on one another, such as ranks.

    Subclasses implement `async def call(self, y_true, y_pred)`, which is given two lists and returns one of as many
    floats. Missing predictions are worth 0 and are not among them. It may be the reward of one output among several,
    or a metric; called with lists it scores them as a batch, with one prediction a batch of one. Arguments: see
    `Reward`.

    Example:
        >>> class Rank(synalinks.rewards.BatchReward):
        ...     async def call(self, y_true, y_pred):
        ...         answers = [one.get("answer") for one in y_pred]
        ...         return [sum(other < one for other in answers) / len(answers) for one in answers]
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> asyncio.run(Rank()([None] * 2, [Answer(answer=5), Answer(answer=2)]))
        [0.5, 0.0]
    """

    async def __call__(self, y_true: Any, y_pred: Any) -> Any:
        """The rewards of the predictions of a batch, as `of_batch`; of one prediction alone its reward."""
        if isinstance(y_pred, (list, tuple)) or hasattr(y_pred, "__array__"):
            return await self.of_batch([None] * len(y_pred) if y_true is None else y_true, list(y_pred))
        return (await self.of_batch([y_true], [y_pred]))[0]

    async def of_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> list[float]:
        """The rewards of a batch, each in the place of its prediction.

        Shapes: `(batch,)` each; rewards are floats in [0, 1].

        Raises:
            ConfigurationError: another number of rewards, or of targets, than predictions, or something that is no
                reward.
        """
        if len(y_true) != len(y_pred):
            raise ConfigurationError(
                f"the batch reward {self.name!r} got {len(y_true)} targets and {len(y_pred)} predictions; they are "
                "paired by position"
            )
        rewards = [0.0] * len(y_pred)
        places = [place for place, prediction in enumerate(y_pred) if prediction is not None]
        if not places:
            return rewards
        targets, predictions = (
            [self.field_masks.apply(plain(side[place])) for place in places] for side in (y_true, y_pred)
        )
        with add_location(f"the batch reward {self.name!r}"):
            found = await awaited(self.call(targets, predictions))
        values = list(found) if hasattr(found, "__iter__") else [found]
        if len(values) != len(places):
            raise ConfigurationError(
                f"the batch reward {self.name!r} gave {len(values)} rewards for {len(places)} predictions; "
                "return a list with one for each"
            )
        for place, value in zip(places, values, strict=True):
            rewards[place] = check_reward(value, self.name)
        return rewards

    async def compute_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> list[float]:
        """As `of_batch`."""
        return await self.of_batch(y_true, y_pred)

    async def call(self, y_true: Any, y_pred: Any) -> Any:
        """The rewards of masked predictions against their masked targets: lists of one length."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def call(self, y_true, y_pred)`")


class BatchRewardFunctionWrapper(OfFunction, BatchReward):
    """A batch reward made of a function of two lists, async or not. Arguments: see `OfFunction`.

    Example:
        >>> def first_only(y_true, y_pred):
        ...     return [1.0] + [0.0] * (len(y_pred) - 1)
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> reward = synalinks.rewards.BatchRewardFunctionWrapper(first_only)
        >>> asyncio.run(reward.of_batch([None] * 2, [Answer(answer=5), Answer(answer=2)]))
        [1.0, 0.0]
    """
