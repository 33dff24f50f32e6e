"""The state of a `fit` between two epochs, as JSON: everything that the epochs to come depend on.

Put back before the first of them, by a process that knows nothing of the epochs before, it makes the rest of the
training what it would have been.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synalinks import _json
from synalinks.callbacks import Callback
from synalinks.errors import ConfigurationError
from synalinks.lm.runtime import RUNTIME
from synalinks.trainers.budgeting.epoch_costs import amount_from_dict, amount_to_dict
from synalinks.trainers.data.data import Samples, Source

if TYPE_CHECKING:
    from synalinks.trainers.fit_loop import Fitting


def state_of(fitting: Fitting, epoch: int) -> dict[str, Any]:
    """The state before an epoch (counted from 0)."""
    spent = None if fitting.tracker is None else amount_to_dict(fitting.tracker.settled)
    return {
        "epoch": epoch,
        "fit": identity(fitting),
        "variables": fitting.program.get_state_tree(),
        "optimizer": fitting.optimizer.get_state(),
        # As text: the generator's integers have 128 bits, more than JSON readers agree on.
        "rng": json.dumps(fitting.rng.bit_generator.state),
        "scores": fitting.scores.get_state(),
        "costs": fitting.costs.get_state(),
        "spent": spent,
        "answers": RUNTIME.draws.get_state(),
        "callbacks": {name: callback.get_state() for name, callback in _named(fitting.told.callbacks).items()},
    }


def restore(fitting: Fitting, state: Mapping[str, Any], where: str) -> None:
    """Put a state back.

    Raises:
        ConfigurationError: it is of another fit.
    """
    if different := _differences(state["fit"], identity(fitting)):
        raise ConfigurationError(
            f"the training state in {where} is of another fit: {'; '.join(different)}. Run the fit it was written by, "
            "or delete it to begin anew"
        )
    fitting.program.set_state_tree(state["variables"])
    if state["optimizer"] is not None:
        fitting.optimizer.set_state(state["optimizer"])
    for population in fitting.optimizer.populations.values():
        population.reindex()
    fitting.rng.bit_generator.state = json.loads(state["rng"])
    fitting.scores.set_state(state["scores"])
    if "costs" in state:  # states of versions before don't have them
        fitting.costs.set_state(state["costs"])
    if fitting.tracker is not None and state["spent"] is not None:
        fitting.tracker.settled = amount_from_dict(state["spent"])
    RUNTIME.draws.set_state(state["answers"], state["epoch"])
    if RUNTIME.cassette is not None:
        RUNTIME.cassette.begin_at(state["epoch"])
    for name, callback in _named(fitting.told.callbacks).items():
        if (known := state["callbacks"].get(name)) is not None:
            callback.set_state(known)


def identity(fitting: Fitting) -> dict[str, Any]:
    """What makes a fit this fit and no other. The number of epochs and the budget may differ: they only end it."""
    program = fitting.program
    try:
        architecture = _json.digest(program.to_json().encode())
    except ConfigurationError:  # it holds something that can't be saved, which training does not mind
        architecture = _json.digest(_json.canonical([variable.path for variable in fitting.variables]))
    return {
        "program": architecture,
        "seed": str(fitting.seed),
        "batch_size": fitting.batch_size,
        "minibatch_size": fitting.minibatch_size,
        "shuffle": fitting.shuffle,
        "steps_per_epoch": fitting.steps_per_epoch,
        "validation_steps": fitting.validation_steps,
        "validation_freq": fitting.validation_freq,
        "training samples": _size(fitting.train),
        "validation samples": _size(fitting.validation),
    }


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    found = {name: theirs.get(name) for name in ours if theirs.get(name) != ours[name]}
    changed = ["the program or its compilation was changed"] if "program" in found else []
    return changed + [f"{name}: {value} there, {ours[name]} here" for name, value in found.items() if name != "program"]


def _size(source: Source | None) -> int | None:
    return len(source) if isinstance(source, Samples) else None


def _named(callbacks: list[Callback]) -> dict[str, Callback]:
    """Callbacks by class and number: `EarlyStopping 1`."""
    seen: Counter[str] = Counter()
    named = {}
    for callback in callbacks:
        kind = type(callback).__name__
        seen[kind] += 1
        named[f"{kind} {seen[kind]}"] = callback
    return named
