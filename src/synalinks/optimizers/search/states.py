"""Cases, states and answers: the samples of a search, the programs it compares, and what those made of the samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks.data import Variable
from synalinks.optimizers.candidates import Candidate

#: A state: the key of a candidate for each trained variable, in their order.
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A training sample as a search gets it.

    Attributes:
        index: its place in the data set.
        inputs, target: JSON; the target is None where there is none.

    Example:
        >>> synalinks.optimizers.Case(0, {"question": "2 + 2?"}, {"answer": 4}).target
        {'answer': 4}
    """

    index: int
    inputs: Json
    target: Json = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program made of a case, and what that was worth.

    Attributes:
        case: index of the case.
        reward: in [0, 1].
        feedback: the words of the reward, or None; see `rewards.Score`.
        outputs: the program's outputs, JSON; None where a call failed.
        records: `inputs` and `outputs` of each call of a module with a trained variable, by the variable's path.

    Example:
        >>> answer = synalinks.optimizers.Answer(0, 1.0, outputs={"answer": 4})
        >>> synalinks.optimizers.Answer.from_json(answer.to_json()) == answer
        True
    """

    case: int
    reward: float
    feedback: str | None = None
    outputs: Json = None
    records: Mapping[str, Sequence[JsonObject]] = field(default_factory=dict)

    def to_json(self) -> list[Json]:
        """The answer as JSON."""
        records = {path: list(found) for path, found in self.records.items()}
        if self.outputs is None and not records:
            return [self.case, self.reward, *([self.feedback] if self.feedback else [])]
        return [self.case, self.reward, self.feedback, self.outputs, records]

    @classmethod
    def from_json(cls, value: Sequence[Json]) -> Answer:
        """The answer that `to_json` gave."""
        return cls(*value)


@dataclass(frozen=True)
class State:
    """What all trained variables hold at once: a program as a search compares it.

    Two states are one if all they would write is the same: they have the same `key`.

    Attributes:
        candidates: of each variable, by its path.

    Example:
        >>> from synalinks.optimizers import Candidate, State
        >>> start = State({"generator/state": Candidate({"instructions": "Answer.", "examples": []})})
        >>> brief = start.with_fields("generator/state", {"instructions": "Be brief."})
        >>> brief.fields("generator/state")["instructions"], brief.key == start.key
        ('Be brief.', False)
    """

    candidates: Mapping[str, Candidate]

    @classmethod
    def of(cls, variables: Sequence[Variable]) -> State:
        """What the variables hold now."""
        return cls({variable.path: Candidate.of(variable) for variable in variables})

    @cached_property
    def keys(self) -> Keys:
        """The key of each candidate, in the order of the variables."""
        return tuple(candidate.key for candidate in self.candidates.values())

    @cached_property
    def key(self) -> str:
        """A digest of all that the state would write."""
        return self.keys[0] if len(self.keys) == 1 else _json.digest(" ".join(self.keys).encode())

    def fields(self, path: str) -> Mapping[str, Json]:
        """The fields of one variable."""
        return self.candidates[path].fields

    def with_fields(self, path: str, values: Mapping[str, Json]) -> State:
        """A state with other values for some fields of one variable."""
        return State({**self.candidates, path: self.candidates[path].with_fields(values)})

    def changed(self, other: State) -> JsonObject:
        """The fields in which this state differs from another one, by path."""
        found: JsonObject = {}
        for path, candidate in self.candidates.items():
            before = other.candidates[path].fields
            differing = {name: value for name, value in candidate.fields.items() if value != before.get(name)}
            if differing:
                found[path] = differing
        return found

    def write_to(self, variables: Sequence[Variable]) -> None:
        """Put the state into the variables."""
        for variable in variables:
            self.candidates[variable.path].write_to(variable)
