"""The state of a `fit` between two epochs, as JSON: everything that the epochs to come depend on.

Restored before the first of them, in a process that has run none of the epochs before, it makes the rest of the
training what it would have been.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from synalinks.callbacks import Callback
from synalinks.errors import ConfigurationError
from synalinks.lm import BudgetTracker, current_run
from synalinks.trainers.budgeting.amounts import amount_from_dict, amount_to_dict
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.resume.identity import differences, identity


def take(parts: FitParts, epoch: int, callbacks: Sequence[Callback], tracker: BudgetTracker | None) -> dict[str, Any]:
    """The state before an epoch (counted from 0)."""
    return {
        "epoch": epoch,
        "fit": identity(parts),
        "paths": _paths(parts),
        "variables": parts.run.program.get_state(),
        "optimizer": parts.optimizer.get_state(),
        # As text: the generator's integers have 128 bits, more than JSON readers agree on.
        "rng": json.dumps(parts.rng.bit_generator.state),
        "memory": parts.memory.get_state(),
        "costs": parts.costs.get_state(),
        "spent": None if tracker is None else amount_to_dict(tracker.settled),
        "answers": current_run().snapshot(),
        "callbacks": {name: callback.get_state() for name, callback in _named(callbacks).items()},
    }


def restore(
    state: Mapping[str, Any],
    parts: FitParts,
    callbacks: Sequence[Callback],
    tracker: BudgetTracker | None,
    where: str,
) -> None:
    """Put a state back; `where` it comes from is for messages.

    Raises:
        ConfigurationError: it is of another fit.
    """
    if different := differences(state["fit"], identity(parts)):
        raise ConfigurationError(
            f"the training state in {where} is of another fit: {'; '.join(different)}. Run the fit it was written by, "
            "or delete it to begin anew"
        )
    state = with_paths(state, parts)
    parts.run.program.set_state(state["variables"])
    if state["optimizer"] is not None:
        parts.optimizer.set_state(state["optimizer"])
    parts.memory.set_state(state.get("memory", ()))  # states of versions before don't have it
    for population in parts.optimizer.populations.values():
        population.reindex()
    parts.rng.bit_generator.state = json.loads(state["rng"])
    if "costs" in state:  # states of versions before don't have them
        parts.costs.set_state(state["costs"])
    parts.costs.first_epoch = state["epoch"]
    if tracker is not None and state["spent"] is not None:
        tracker.settled = amount_from_dict(state["spent"])
    current_run().restore(state["answers"], state["epoch"])
    for name, callback in _named(callbacks).items():
        if (known := state["callbacks"].get(name)) is not None:
            callback.set_state(known)


def with_paths(state: Mapping[str, Any], parts: FitParts) -> Mapping[str, Any]:
    """A state whose variables have the paths that they have in this session, where automatic names count on."""
    now = dict(zip(state.get("paths", ()), _paths(parts), strict=False))

    def renamed(value: object) -> Any:
        if isinstance(value, Mapping):
            return {now.get(key, key): renamed(item) for key, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    changed: dict[str, Any] = renamed(state)
    return changed if any(old != new for old, new in now.items()) else state


def _paths(parts: FitParts) -> list[str]:
    """Paths of all variables, in the order of the program; a JSON object does not keep it."""
    return [path for variables in parts.run.program.get_state().values() for path in variables]


def _named(callbacks: Sequence[Callback]) -> dict[str, Callback]:
    """Callbacks by class and number: `EarlyStopping 1`."""
    seen: Counter[str] = Counter()
    named = {}
    for callback in callbacks:
        kind = type(callback).__name__
        seen[kind] += 1
        named[f"{kind} {seen[kind]}"] = callback
    return named
