"""Optimizers: searches over the JSON of trainable variables. No weights change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks.errors import ConfigurationError
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.evolutionary.evolutionary import EvolutionaryOptimizer
from synalinks.optimizers.evolutionary.omega import OMEGA
from synalinks.optimizers.few_shot.random_few_shot import GreedyOptimizer, RandomFewShot
from synalinks.optimizers.optimizer import Optimizer, Proposal, Step
from synalinks.saving import deserialize_synalinks_object, serialize_synalinks_object
from synalinks.session import to_snake_case

_ALL = {to_snake_case(cls.__name__): cls for cls in (GreedyOptimizer, RandomFewShot)} | {"omega": OMEGA}

serialize = serialize_synalinks_object
deserialize = deserialize_synalinks_object


def get(identifier: Any) -> Any:
    """An optimizer from an instance, a name such as `random_few_shot`, a saved config, or None.

    Raises:
        ConfigurationError: anything else.
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        cls = _ALL.get(to_snake_case(identifier))
        if cls is None:
            raise ConfigurationError(f"no optimizer is called {identifier!r}; there are {sorted(_ALL)}")
        return cls()
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    raise ConfigurationError(f"not an optimizer: {identifier!r}; pass an instance such as RandomFewShot()")


__all__ = [
    "OMEGA",
    "Candidate",
    "EvolutionaryOptimizer",
    "GreedyOptimizer",
    "Optimizer",
    "Proposal",
    "RandomFewShot",
    "Step",
    "deserialize",
    "get",
    "serialize",
]
