"""Rewards: scores in [0, 1] for predictions, what training maximises."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from synalinks.errors import ConfigurationError
from synalinks.rewards import rubric_classes
from synalinks.rewards.batch_reward import BatchReward, BatchRewardFunctionWrapper
from synalinks.rewards.composable import ComposableReward
from synalinks.rewards.cosine_similarity import CosineSimilarity, cosine_similarity
from synalinks.rewards.exact_match import ExactMatch, exact_match
from synalinks.rewards.lm_as_judge import LMAsJudge
from synalinks.rewards.program_as_judge import ProgramAsJudge
from synalinks.rewards.reward import Reward, RewardFunctionWrapper
from synalinks.rewards.rubric_classes import *  # noqa: F403
from synalinks.rewards.rubric_table import Rubric, get_rubric, list_rubrics
from synalinks.rewards.rubrics import RubricAsJudge, RubricsAsJudge
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object
from synalinks.session import to_snake_case

_ALL: dict[str, type[Reward]] = {
    **{to_snake_case(cls.__name__): cls for cls in (ExactMatch, CosineSimilarity)},
    "lm_as_judge": LMAsJudge,
    **{cls.rubric.name: cls for cls in RubricAsJudge.__subclasses__()},
}

#: The names that `get` knows.
NAMES = tuple(sorted(_ALL))

serialize = serialize_synalinks_object
deserialize = deserialize_synalinks_object


def get(identifier: Any) -> Any:
    """A reward from an instance, a name such as `exact_match`, a saved config, a function, or None.

    Raises:
        ConfigurationError: anything else.
    """
    if identifier is None or isinstance(identifier, Reward):
        return identifier
    if isinstance(identifier, str):
        cls = _ALL.get(to_snake_case(identifier))
        if cls is None:
            near = difflib.get_close_matches(to_snake_case(identifier), NAMES, n=3)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {list(NAMES)}"
            raise ConfigurationError(f"no reward is called {identifier!r}; {hint}")
        made: Reward = cls()
        return made
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if callable(identifier):
        return RewardFunctionWrapper(identifier)
    raise ConfigurationError(f"not a reward: {identifier!r}")


__all__ = [
    "NAMES",
    "BatchReward",
    "BatchRewardFunctionWrapper",
    "ComposableReward",
    "CosineSimilarity",
    "ExactMatch",
    "LMAsJudge",
    "ProgramAsJudge",
    "Reward",
    "RewardFunctionWrapper",
    "Rubric",
    "RubricAsJudge",
    "RubricsAsJudge",
    "cosine_similarity",
    "deserialize",
    "exact_match",
    "get",
    "get_rubric",
    "list_rubrics",
    "serialize",
]
__all__ += rubric_classes.__all__
