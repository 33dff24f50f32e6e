"""Candidate: what a variable might hold, with the scores measured of it.

A candidate is saved as one JSON object: the learnable fields and `examples`, beside them `reward` (mean over the
samples it was scored on), `reward_count` (how many) and, where a validation has measured it, `validated`. This file
alone reads and writes that form.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from synalinks import _json
from synalinks._base import html as _html
from synalinks._json import Json, JsonObject
from synalinks.data import BOOKKEEPING, Variable, copy_json
from synalinks.errors import ConfigurationError

#: Names under which scores are saved beside a candidate's fields.
SCORES = ("reward", "reward_count", "validated")


@dataclass(frozen=True, slots=True)
class Scores:
    """The rewards measured of a candidate.

    Attributes:
        reward: mean over the samples, 0 before the first.
        count: samples it was scored on.
        validated: whether a validation has measured it.
    """

    reward: float = 0.0
    count: int = 0
    validated: bool = False

    def plus(self, rewards: Sequence[float]) -> Scores:
        """These scores and the rewards of further samples."""
        if not rewards:
            return self
        count = self.count + len(rewards)
        return replace(self, reward=math.fsum([self.reward * self.count, *rewards]) / count, count=count)

    def merged(self, other: Scores) -> Scores:
        """These scores and those of an equal candidate."""
        return replace(self.plus([other.reward] * other.count), validated=self.validated or other.validated)

    def lower_bound(self, uncertainty: float) -> float:
        """The lower confidence bound of the mean reward: mean - uncertainty / sqrt(samples); -inf without scores."""
        return self.reward - uncertainty / math.sqrt(self.count) if self.count else -math.inf


@dataclass(frozen=True)
class Candidate:
    """What a variable might hold, and the scores measured of it.

    Two candidates are one if all they would write is the same, examples included: they have the same `key`.

    Attributes:
        fields: the learnable fields and `examples`, as they would be written. JSON, not to be changed in place.
        scores: measured so far; an update makes another candidate.

    Example:
        >>> from synalinks.optimizers import Candidate
        >>> short = Candidate({"instructions": "Be brief.", "examples": []})
        >>> scored = short.scored([1.0, 0.5])
        >>> scored.to_json()
        {'instructions': 'Be brief.', 'examples': [], 'reward': 0.75, 'reward_count': 2}
        >>> scored.key == short.key
        True
    """

    fields: Mapping[str, Json]
    scores: Scores = field(default=Scores())

    @classmethod
    def of(cls, variable: Variable) -> Candidate:
        """What the variable holds now, without scores."""
        value = variable.get_json()
        fields = {name: value[name] for name in learnable_fields(variable)}
        return cls(copy_json({**fields, "examples": [_bare(example) for example in value["examples"]]}))

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Candidate:
        """The candidate that was saved as a JSON object; one without scores has none."""
        scores = Scores(value.get("reward", 0.0), value.get("reward_count", 0), bool(value.get("validated")))
        return cls({name: part for name, part in value.items() if name not in SCORES}, scores)

    def to_json(self) -> JsonObject:
        """The JSON object as which it is saved."""
        saved = dict(self.fields)
        if self.scores.count:
            saved |= {"reward": self.scores.reward, "reward_count": self.scores.count}
        return saved | {"validated": True} if self.scores.validated else saved

    def _repr_html_(self) -> str:
        scores = (
            f"reward {self.scores.reward:.3f} on {self.scores.count:,} samples" if self.scores.count else "no scores"
        )
        return _html.fields(f"Candidate {self.key[:12]}, {scores}", self.fields)

    @cached_property
    def key(self) -> str:
        """A digest of all that the candidate would write."""
        shown = [_bare(example) for example in self.fields.get("examples", ())]
        return _json.digest(_json.canonical({**self.fields, "examples": shown}))

    @property
    def learnable(self) -> JsonObject:
        """The fields without the examples."""
        return {name: value for name, value in self.fields.items() if name != "examples"}

    def with_fields(self, values: Mapping[str, Json]) -> Candidate:
        """A candidate with other values for some fields, and so without scores."""
        return Candidate({**self.fields, **values})

    def scored(self, rewards: Sequence[float]) -> Candidate:
        """This candidate with the rewards of further samples."""
        return self.with_scores(self.scores.plus(rewards))

    def with_scores(self, scores: Scores) -> Candidate:
        """This candidate with other scores."""
        other = Candidate(self.fields, scores)
        vars(other)["key"] = self.key  # which no scores are part of, so that it is worked out once
        return other

    def write_to(self, variable: Variable) -> None:
        """Put the candidate into the variable's fields."""
        variable.update(self.fields)


def learnable_fields(variable: Variable) -> list[str]:
    """The fields an optimizer may rewrite: all but the bookkeeping."""
    return [name for name in variable.get_json() if name not in BOOKKEEPING]


def check_fields(variable: Variable) -> None:
    """Refuse a variable that no candidate could describe.

    Raises:
        ConfigurationError: a learnable field is named as a score is, so it would never be written.
    """
    if clash := [name for name in learnable_fields(variable) if name in SCORES]:
        raise ConfigurationError(
            f"the variable {variable.path} has a trainable field {clash[0]!r}; candidates are saved with their scores "
            f"under {', '.join(SCORES)}. Give the field another name, e.g. '{clash[0]}_text'"
        )


def _bare(example: Mapping[str, Json]) -> JsonObject:
    """An example as prompts show it: inputs and outputs."""
    return {"inputs": example["inputs"], "outputs": example["outputs"], "reward": None}


def merge(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each candidate once, with the scores of equal ones together; in order of arrival."""
    merged: dict[str, Candidate] = {}
    for candidate in candidates:
        known = merged.get(candidate.key)
        merged[candidate.key] = candidate if known is None else known.with_scores(known.scores.merged(candidate.scores))
    return list(merged.values())
