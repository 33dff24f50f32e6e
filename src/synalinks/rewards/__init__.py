"""Rewards: scores in [0, 1] for predictions, what training maximises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._not_here_yet import attribute_of
from synalinks.rewards import rubric_classes
from synalinks.rewards.agent_as_judge import AgentAsJudge
from synalinks.rewards.batch_reward import BatchReward, BatchRewardFunctionWrapper
from synalinks.rewards.composable import ComposableReward
from synalinks.rewards.cosine_similarity import CosineSimilarity, cosine_similarity
from synalinks.rewards.exact_match import ExactMatch, exact_match
from synalinks.rewards.lm_as_judge import LMAsJudge
from synalinks.rewards.lookup import NAMES, REWARDS, deserialize, get, serialize
from synalinks.rewards.program_as_judge import ProgramAsJudge
from synalinks.rewards.reward import Reward, RewardFunctionWrapper
from synalinks.rewards.rubric_classes import *  # noqa: F403
from synalinks.rewards.rubric_table import Rubric, get_rubric, list_rubrics
from synalinks.rewards.rubrics import RubricAsJudge, RubricsAsJudge
from synalinks.rewards.score import Score

__all__ = [
    "NAMES",
    "REWARDS",
    "AgentAsJudge",
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
    "Score",
    "cosine_similarity",
    "deserialize",
    "exact_match",
    "get",
    "get_rubric",
    "list_rubrics",
    "serialize",
]
__all__ += rubric_classes.__all__

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
