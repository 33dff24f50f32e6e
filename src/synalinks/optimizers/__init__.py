"""Optimizers: searches over the JSON of trainable variables. No weights change."""

from __future__ import annotations

from synalinks._json import JsonObject
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.evolutionary.evolutionary import EvolutionaryOptimizer
from synalinks.optimizers.evolutionary.omega import OMEGA
from synalinks.optimizers.few_shot.random_few_shot import GreedyOptimizer, RandomFewShot
from synalinks.optimizers.optimizer import Optimizer
from synalinks.optimizers.proposals import Batch, Proposal, Step
from synalinks.optimizers.racing.prompt_racing import PromptRacing
from synalinks.optimizers.search import Answer, Case, Place, Problem, State
from synalinks.saving import Kind

OPTIMIZERS: Kind[Optimizer] = Kind(
    "an optimizer",
    Optimizer,
    {
        "greedy_optimizer": GreedyOptimizer,
        "random_few_shot": RandomFewShot,
        "omega": OMEGA,
        "prompt_racing": PromptRacing,
    },
)

deserialize, get = OPTIMIZERS.deserialize, OPTIMIZERS.get


def serialize(optimizer: Optimizer) -> JsonObject:
    """An optimizer's class and settings, as a file has them."""
    return OPTIMIZERS.serialize(optimizer)


__all__ = [
    "OMEGA",
    "Answer",
    "Batch",
    "Candidate",
    "Case",
    "EvolutionaryOptimizer",
    "GreedyOptimizer",
    "Optimizer",
    "Place",
    "Problem",
    "PromptRacing",
    "Proposal",
    "RandomFewShot",
    "State",
    "Step",
    "deserialize",
    "get",
    "serialize",
]
