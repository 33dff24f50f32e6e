"""What a fit is: the program, the settings and the data that make it this fit and no other."""

from __future__ import annotations

import re
from typing import Any

from synalinks import _json, session
from synalinks.data import tree
from synalinks.errors import ConfigurationError
from synalinks.trainers.data.data import Samples, Source
from synalinks.trainers.fit_parts import FitParts


def identity(parts: FitParts) -> dict[str, Any]:
    """What makes a fit this fit and no other. The number of epochs and the budget may differ: they only end it."""
    config, data = parts.config, parts.data
    try:
        architecture = _json.digest(_json.canonical(_without_numbers(_json.loads(parts.run.program.to_json()))))
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


def _without_numbers(saved: object) -> Any:
    """A saved program with automatic names counted from its own beginning, not from that of the session.

    In a notebook, a cell that is run again makes the same program with other numbers: `generator_1`, then
    `generator_2`.
    """
    automatic: dict[str, str] = {}

    def find(value: object) -> None:
        if isinstance(value, list):
            for item in value:
                find(item)
        elif isinstance(value, dict):
            config = value.get("config")
            name = config.get("name") if isinstance(config, dict) else None
            prefix = session.to_snake_case(str(value.get("class_name")))
            if isinstance(name, str) and re.fullmatch(rf"({prefix}|{session.GRAPH})(_\d+)?", name):
                automatic.setdefault(name, f"{prefix} {len(automatic)}")
            for item in value.values():
                find(item)

    def renamed(value: object) -> Any:
        if isinstance(value, list):
            return [renamed(item) for item in value]
        if isinstance(value, dict):
            return {key: renamed(item) for key, item in value.items()}
        return automatic.get(value, value) if isinstance(value, str) else value

    find(saved)
    return renamed(saved)


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


def _values(part: object) -> list[Any]:
    return [None if leaf is None else leaf.get_json() for leaf in tree.flatten(part)]
