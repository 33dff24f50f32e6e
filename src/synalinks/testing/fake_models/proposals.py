"""Instructions that a rule proposes to an optimizer.

A request of an evolutionary optimizer shows a `current_variable` and, for a crossover, an `other_variable`,
as JSON in its input. The rule keeps what stands there, takes over the sentences of the other one, and adds
one phrase that the draw picks. Most phrases hold a cue of `model.CUES` and so help; some are of no use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PHRASES = (
    "Think step by step.",
    "Calculate the exact value.",
    "Check the result before you answer.",
    "The answer is only the number.",
    "Give it without units.",
    "Follow the order of operations.",
    "Mind the sign of each term.",
    "Be friendly.",
    "Use plain words.",
    "Remember that every problem is different.",
)
#: The fields of the requests that hold variables; the first one found is improved.
CURRENT, OTHER = ("current_variable", "current_candidate"), ("other_variable", "other_candidate")
_SENTENCE = re.compile(r"[^.!?]+[.!?]+|[^.!?]+$")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A request for a better variable: the current texts by field name, and those to take over."""

    current: Mapping[str, Any]
    other: Mapping[str, Any]

    def text(self, name: str, uniform: Callable[[str], float]) -> str:
        """What to write into the field `name`: a better text for a variable's, else a reason."""
        if name not in self.current:
            return "Mistakes come from vague instructions, so I make one thing more precise."
        return improved(str(self.current[name] or ""), str(self.other.get(name) or ""), uniform)


def read(value: object) -> Proposal | None:
    """The proposal for a request, or None if the request is for none."""
    if not isinstance(value, Mapping):
        return None
    found = {
        part: next((value[name] for name in names if isinstance(value.get(name), Mapping)), None)
        for part, names in (("current", CURRENT), ("other", OTHER))
    }
    if found["current"] is None:
        return None
    return Proposal({"instructions": "", **found["current"]}, found["other"] or {})


def improved(current: str, other: str, uniform: Callable[[str], float]) -> str:
    """`current`, with the sentences of `other` that it lacks, and one phrase more."""
    parts = [part.strip() for part in _SENTENCE.findall(current) if part.strip()]
    parts += [part for one in _SENTENCE.findall(other) if (part := one.strip()) and part not in parts]
    new = [phrase for phrase in PHRASES if phrase not in parts]
    if new:
        parts.append(new[int(uniform("phrase") * len(new))])
    return " ".join(parts)
