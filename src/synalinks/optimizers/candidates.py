"""Candidates: what a variable might hold, with the evidence for it.

A candidate is a JSON object: the learnable fields and `examples`, as they would be written, plus `reward` (mean
over the samples it was scored on), `reward_count` (how many) and, where a validation has measured it, `validated`. Two
candidates are one if all they would write is the same, examples included.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from synalinks import _json
from synalinks.data import BOOKKEEPING, Variable, copy_json
from synalinks.errors import ConfigurationError

Candidate = dict[str, Any]
EVIDENCE = ("reward", "reward_count", "validated")


def learnable_fields(variable: Variable) -> list[str]:
    """The fields an optimizer may rewrite: all but the bookkeeping."""
    return [name for name in variable.get_json() if name not in BOOKKEEPING]


def check_fields(variable: Variable) -> None:
    """Refuse a variable that no candidate could describe.

    Raises:
        ConfigurationError: a learnable field is named as evidence is, so it would never be written.
    """
    if clash := [name for name in learnable_fields(variable) if name in EVIDENCE]:
        raise ConfigurationError(
            f"the variable {variable.path} has a trainable field {clash[0]!r}; candidates keep their evidence under "
            f"{', '.join(EVIDENCE)}. Give the field another name, e.g. '{clash[0]}_text'"
        )


def current(variable: Variable) -> Candidate:
    """What the variable holds now, as a candidate without evidence."""
    value = variable.get_json()
    fields = {name: value[name] for name in learnable_fields(variable)}
    copied: Candidate = copy_json({**fields, "examples": [_bare(example) for example in value["examples"]]})
    return copied


def content(candidate: Mapping[str, Any]) -> Candidate:
    """What the candidate would write."""
    return {name: value for name, value in candidate.items() if name not in EVIDENCE}


def key(candidate: Mapping[str, Any]) -> str:
    """Identifies a candidate by all it would write."""
    written = content(candidate)
    written["examples"] = [_bare(example) for example in written.get("examples", ())]
    return _json.digest(_json.canonical(written))


def _bare(example: Mapping[str, Any]) -> dict[str, Any]:
    """An example as prompts show it: inputs and outputs."""
    return {"inputs": example["inputs"], "outputs": example["outputs"], "reward": None}


def write(variable: Variable, candidate: Mapping[str, Any]) -> None:
    """Put the candidate into the variable's fields."""
    variable.update(content(candidate))


def add_scored_predictions(candidate: Candidate, rewards: Iterable[float]) -> None:
    """Fold rewards of further samples into the candidate's mean."""
    new = list(rewards)
    if not new:
        return
    count = candidate.get("reward_count", 0)
    total = math.fsum([candidate.get("reward", 0.0) * count, *new])
    candidate["reward_count"] = count + len(new)
    candidate["reward"] = total / candidate["reward_count"]


def merge(pools: Iterable[Iterable[Candidate]]) -> list[Candidate]:
    """All candidates of some pools, each once, evidence of equal ones folded together; in order of arrival."""
    merged: dict[str, Candidate] = {}
    for pool in pools:
        for candidate in pool:
            known = merged.get(key(candidate))
            if known is None:
                merged[key(candidate)] = dict(candidate)
            else:
                add_scored_predictions(known, [candidate.get("reward", 0.0)] * candidate.get("reward_count", 0))
                if candidate.get("validated"):
                    known["validated"] = True
    return list(merged.values())


def lower_bound(candidate: Mapping[str, Any], uncertainty: float) -> float:
    """The lower confidence bound by which candidates are ranked: mean reward - uncertainty / sqrt(samples).

    A candidate without evidence ranks below all others.
    """
    count = candidate.get("reward_count", 0)
    if not count:
        return -math.inf
    return float(candidate["reward"]) - uncertainty / math.sqrt(count)


def ranked(pool: Iterable[Candidate], uncertainty: float) -> list[Candidate]:
    """Candidates from best to worst; equal ones in order of arrival."""
    return sorted(pool, key=lambda candidate: -lower_bound(candidate, uncertainty))
