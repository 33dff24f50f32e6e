"""Rewards by name, from saved configs and of functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks._json import JsonObject
from synalinks.rewards import rubric_classes  # noqa: F401  the rubrics are the subclasses of RubricAsJudge
from synalinks.rewards.cosine_similarity import CosineSimilarity
from synalinks.rewards.exact_match import ExactMatch
from synalinks.rewards.lm_as_judge import LMAsJudge
from synalinks.rewards.reward import Reward, RewardFunctionWrapper
from synalinks.rewards.rubrics import RubricAsJudge
from synalinks.saving import Kind

REWARDS: Kind[Reward] = Kind(
    "a reward",
    Reward,
    {
        "exact_match": ExactMatch,
        "cosine_similarity": CosineSimilarity,
        "lm_as_judge": LMAsJudge,
        **{cls.rubric.name: cls for cls in RubricAsJudge.__subclasses__()},
    },
    wrap=RewardFunctionWrapper,
)
#: The names of this library's rewards.
NAMES = REWARDS.names

get = REWARDS.get


def serialize(reward: Reward) -> JsonObject:
    """A reward's class and settings, as a file has them."""
    return REWARDS.serialize(reward)


def deserialize(name: str | Mapping[str, object], custom_objects: Mapping[str, object] | None = None) -> Any:
    """The reward that a name stands for, or a saved config describes."""
    return REWARDS.deserialize(name, custom_objects)
