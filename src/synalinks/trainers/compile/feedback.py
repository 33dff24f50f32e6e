"""Feedback: the words of rewards, by the places that the ledger has."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from synalinks._json import JsonObject
from synalinks.lm import Entry
from synalinks.rewards.score import feedback_of
from synalinks.scope import Scope

#: Rows of feedback that are kept.
ROWS = 1_000


class Feedback:
    """The words of rewards, the newest last.

    Several candidates may answer a sample in one place: a row of phase `candidate` has the calls that it is about.

    Attributes:
        rows: as `History.feedback` has them.
    """

    def __init__(self) -> None:
        self.rows: deque[JsonObject] = deque(maxlen=ROWS)

    def add(self, place: Scope, samples: Sequence[int], rewards: Sequence[float], entries: Iterable[Entry]) -> None:
        """Add the rewards of a batch.

        Args:
            samples, rewards: of the batch, `(batch,)` each.
            entries: of the ledger, since the batch began.
        """
        where, calls = {"epoch": place.epoch, "step": place.step, "phase": place.phase}, dict[object, list[str]]()
        for entry in entries if place.phase == "candidate" else ():
            if entry.scope.phase == place.phase:
                calls.setdefault(entry.scope.sample, []).append(entry.digest)
        for sample, reward in zip(samples, rewards, strict=True):
            if (words := feedback_of(reward)) is not None:
                row = {**where, "sample": sample, "reward": float(reward), "feedback": words}
                self.rows.append({**row, "calls": sorted(calls[sample])} if sample in calls else row)
