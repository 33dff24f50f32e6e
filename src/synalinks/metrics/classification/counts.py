"""Tally: the base of metrics that count per field, and turn the counts into a score at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from synalinks import _json
from synalinks._json import JsonObject
from synalinks._support.signature import NamedSignature
from synalinks.data import DataModel
from synalinks.errors import ConfigurationError
from synalinks.metrics.metric import Metric
from synalinks.session import to_snake_case

AVERAGES = (None, "micro", "macro", "weighted")
#: A label, or the place of a field in a data model.
Field = str | tuple[object, ...]


class Counts(DataModel):
    """What was counted, by field or label, each written as JSON."""

    by_field: dict[str, list[int]] = {}


class Tally(Metric):
    """Counts by field (or label), summed over samples. Subclasses write `update`, which calls `count`, and `score`.

    Fields are matched by name, not by position: one that is left out of a sample shifts no other.

    Args:
        average: over the fields: `micro` (counts are summed), `macro` (mean of scores), `weighted` (by what the
            targets hold), or None (a score per field; a single number for a single field).
        name, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Metric`.
    """

    __signature__ = NamedSignature()
    #: The name where none is given; a class states another one than its own with `class MyScore(Tally, name="...")`.
    default_name: ClassVar[str] = "tally"
    direction = "up"
    needs_target = True
    #: Which of the counts weighs a field in the weighted average.
    weighs: ClassVar[int] = -1

    def __init_subclass__(cls, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.default_name = name or to_snake_case(cls.__name__)

    def __init__(
        self,
        average: str | None = None,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        if average not in AVERAGES:
            raise ConfigurationError(f"{type(self).__name__}(average={average!r}): write one of {AVERAGES}")
        self.average = average
        super().__init__(name or self.default_name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self.counts = self.add_variable(data_model=Counts, name="counts")

    def count(self, field: Field, *counts: int) -> None:
        """Add to the counts of a field, or of a label."""
        known = self.counts.get("by_field").setdefault(_json.dumps(field), [0] * len(counts))
        for place, number in enumerate(counts):
            known[place] += number

    def score(self, *counts: int) -> float:
        """The score of counts, in [0, 1]; 0 where there is nothing to divide by."""
        raise ConfigurationError(f"{type(self).__name__} does not define `def score(self, *counts)`")

    def result(self) -> float | list[float]:
        """The score, or a list of scores by field."""
        counted = list(self._counted().values())
        if not counted:
            return 0.0
        if self.average == "micro":
            return self.score(*map(sum, zip(*counted, strict=True)))
        scores = [self.score(*counts) for counts in counted]
        if self.average == "macro":
            return math.fsum(scores) / len(scores)
        if self.average == "weighted":
            weights = [counts[self.weighs] for counts in counted]
            total = sum(weights)
            whole = math.fsum(s * w for s, w in zip(scores, weights, strict=True))
            return whole / total if total else 0.0
        return scores[0] if len(scores) == 1 else scores

    @property
    def result_labels(self) -> list[str]:
        """The fields, or labels, that the scores of a list are of: `answer`, `items_0`."""
        return ["_".join(map(str, field)) if isinstance(field, tuple) else field for field in self._counted()]

    def _counted(self) -> dict[Field, list[int]]:
        """Counts by field, in an order that does not depend on which sample had one first; labels keep theirs."""
        counts: dict[str, list[int]] = self.counts.get("by_field")
        fields = {_field(_json.loads(written)): numbers for written, numbers in counts.items()}
        return {field: fields[field] for field in sorted(fields, key=_rank)}

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"average": self.average, **super().get_config()}


def _field(written: object) -> Field:
    return tuple(written) if isinstance(written, list) else str(written)


def _rank(field: Field) -> Any:
    if not isinstance(field, tuple):
        return ()
    return tuple((1, 0, part) if isinstance(part, str) else (0, part, "") for part in field)


def ratio(part: int, whole: int) -> float:
    """part / whole; 0 where there is no whole."""
    return part / whole if whole else 0.0


class Share(Tally):
    """A tally of two counts, whose score is the share of the first in the second.

    Args: see `Tally`.
    """

    def score(self, *counts: int) -> float:
        """The share of the first count in the second."""
        return ratio(*counts)
