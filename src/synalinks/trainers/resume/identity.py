"""What a fit is: the program, the settings and the data that make it this fit and no other."""

from __future__ import annotations

from typing import Any

from synalinks import _json
from synalinks.data import tree
from synalinks.errors import ConfigurationError
from synalinks.trainers.data.data import Samples, Source
from synalinks.trainers.fit_parts import FitParts


def identity(parts: FitParts) -> dict[str, Any]:
    """What makes a fit this fit and no other. The number of epochs and the budget may differ: they only end it."""
    config, data = parts.config, parts.data
    try:
        architecture = _json.digest(parts.run.program.to_json().encode())
    except ConfigurationError:  # it holds something that can't be saved; training needs no saving
        architecture = _json.digest(_json.canonical([variable.path for variable in parts.variables]))
    return {
        "program": architecture,
        "seed": str(config.seed),
        "batch_size": config.batch_size,
        "minibatch_size": config.minibatch_size,
        "shuffle": config.shuffle,
        "steps_per_epoch": config.steps_per_epoch,
        "validation_steps": config.validation_steps,
        "validation_freq": config.validation_freq,
        "training samples": _size(data.train),
        "validation samples": _size(data.validation),
    }


def differences(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """In what two fits differ, in words."""
    found = {name: theirs.get(name) for name in ours if theirs.get(name) != ours[name]}
    changed = ["the program or its compilation was changed"] if "program" in found else []
    return changed + [f"{name}: {value} there, {ours[name]} here" for name, value in found.items() if name != "program"]


def digest(parts: FitParts) -> str:
    """A digest of what a fit is: program, settings and data."""
    data = [_examples(parts.data.train), _examples(parts.data.validation)]
    return _json.digest(_json.canonical([identity(parts), data]))


def _size(source: Source | None) -> int | None:
    return len(source) if isinstance(source, Samples) else None


def _examples(source: Source | None) -> list[list[Any]] | None:
    if not isinstance(source, Samples):
        return None
    return [[_values(sample.x), _values(sample.y)] for sample in source.items]


def _values(part: Any) -> list[Any]:
    return [None if leaf is None else leaf.get_json() for leaf in tree.flatten(part)]
