"""pass@k, pass^k and their gap: how often one of k tries, or each of them, solves a problem."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from synalinks._concurrency import run_all
from synalinks._json import Json, JsonObject
from synalinks.errors import ConfigurationError
from synalinks.metrics.mean import Mean
from synalinks.rewards import BatchReward, ExactMatch, Reward, get
from synalinks.saving import serialize_synalinks_object


class BatchMetric(Mean):
    """A mean over batches, each of them the tries at one problem, or any other number of whole batches.

    Subclasses write `batch`, the number of one batch; or `update_state`, which gets two lists, and `result`. A missing
    prediction is None there. Args: see `Metric`.

    Example:
        >>> class Distinct(synalinks.metrics.BatchMetric):
        ...     async def batch(self, y_true, y_pred):
        ...         return len({one.get("answer") for one in y_pred}) / len(y_pred)
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> metric = Distinct()
        >>> tries = [Answer(answer=n) for n in (7, 7, 8, 7)]
        >>> asyncio.run(metric([None] * 4, tries))
        0.5
    """

    takes_batches = True

    def __init__(
        self,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)

    async def update_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> None:
        """Take in a batch."""
        found: Any = self.update_state(list(y_true), list(y_pred))
        if inspect.isawaitable(found):  # that of a subclass may be a plain function
            await found

    async def update_state(self, y_true: Any, y_pred: Any = None) -> None:
        """Take in the tries at one problem, two lists (or one try); missing predictions are failed tries."""
        if not isinstance(y_pred, (list, tuple)):
            y_true, y_pred = [y_true], [y_pred]
        if y_pred:
            self.add(await self.batch(y_true, y_pred))

    async def batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> float:
        """The number for the tries at one problem."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def batch(self, y_true, y_pred)`")


class PassAtK(BatchMetric):
    """The chance that at least one of k tries passes: 1 - C(n - c, k) / C(n, k) for c of n tries passed.

    Evaluate with one problem per batch, its tries side by side (`batch_size` = n).

    Source: Chen et al., Evaluating Large Language Models Trained on Code, arXiv 2107.03374, equation 1 (unbiased).

    Args:
        k: tries; a batch holds at least as many.
        reward: says whether a try passes; `ExactMatch` where None.
        pass_threshold: the reward from which it does.
        name: in logs.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> metric = synalinks.metrics.PassAtK(k=1)
        >>> tries = [Answer(answer=n) for n in (7, 7, 8)]
        >>> asyncio.run(metric.update_batch([Answer(answer=7)] * 3, tries))
        >>> round(metric.result(), 3)
        0.667
    """

    direction: ClassVar[Literal["up", "down"] | None] = "up"

    def __init__(self, k: int = 1, reward: Any = None, pass_threshold: float = 1.0, name: str = "pass_at_k") -> None:
        super().__init__(name)
        if k < 1:
            raise ConfigurationError(f"{type(self).__name__}(k={k!r}): at least 1 is needed")
        self.k = k
        self.reward: Reward = get(ExactMatch() if reward is None else reward)
        self.pass_threshold = pass_threshold

    async def batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> float:
        """The estimate for one problem.

        Raises:
            ConfigurationError: fewer tries than k.
        """
        tries = len(y_pred)
        if tries < self.k:
            raise ConfigurationError(
                f"{self.name}: a batch holds the tries at one problem, and {tries} are fewer than k={self.k}; "
                "repeat each problem and set batch_size to the number of its tries"
            )
        if isinstance(self.reward, BatchReward):
            rewards = await self.reward.of_batch(y_true, y_pred)
        else:
            rewards = await run_all(self.reward(*pair) for pair in zip(y_true, y_pred, strict=True))
        return self.estimate(tries, sum(reward >= self.pass_threshold for reward in rewards))

    def estimate(self, tries: int, passed: int) -> float:
        """From how many tries there were, and how many of them passed."""
        return pass_at(tries, passed, self.k)

    def check_schema(self, schema: Mapping[str, Json], whose: str) -> None:
        """Refuse masks of the reward that name no field of a prediction or of a target."""
        self.reward.check_schema(schema, whose)

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        reward = serialize_synalinks_object(self.reward)
        return {"k": self.k, "reward": reward, "pass_threshold": self.pass_threshold, "name": self.name}


class PassHatK(PassAtK):
    """The chance that all of k tries pass: C(c, k) / C(n, k) for c of n tries passed. Arguments: see `PassAtK`.

    Source: Yao et al., tau-bench, arXiv 2406.12045, section 3.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> metric = synalinks.metrics.PassHatK(k=2)
        >>> tries = [Answer(answer=n) for n in (7, 7, 8)]
        >>> asyncio.run(metric.update_batch([Answer(answer=7)] * 3, tries))
        >>> round(metric.result(), 3)
        0.333
    """

    def __init__(self, k: int = 1, reward: Any = None, pass_threshold: float = 1.0, name: str = "pass_hat_k") -> None:
        super().__init__(k, reward, pass_threshold, name)

    def estimate(self, tries: int, passed: int) -> float:
        """From how many tries there were, and how many of them passed."""
        return pass_hat(tries, passed, self.k)


class GapK(PassAtK):
    """pass@k less pass^k: what a lucky try gains over relying on each. Arguments: see `PassAtK`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: int
        ...
        >>> metric = synalinks.metrics.GapK(k=2)
        >>> tries = [Answer(answer=n) for n in (7, 7, 8)]
        >>> asyncio.run(metric.update_batch([Answer(answer=7)] * 3, tries))
        >>> round(metric.result(), 3)
        0.667
    """

    direction = "down"

    def __init__(self, k: int = 1, reward: Any = None, pass_threshold: float = 1.0, name: str = "gap_k") -> None:
        super().__init__(k, reward, pass_threshold, name)

    def estimate(self, tries: int, passed: int) -> float:
        """From how many tries there were, and how many of them passed."""
        return pass_at(tries, passed, self.k) - pass_hat(tries, passed, self.k)


def pass_at(tries: int, passed: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k)."""
    whole = math.comb(tries, k)
    return (whole - math.comb(tries - passed, k)) / whole  # of integers, so that pass@1 is pass^1 to the last bit


def pass_hat(tries: int, passed: int, k: int) -> float:
    """C(c, k) / C(n, k)."""
    return math.comb(passed, k) / math.comb(tries, k)
