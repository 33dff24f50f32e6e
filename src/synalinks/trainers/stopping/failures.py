"""FailureWatch: when so many calls of a training fail that going on would only cost."""

from __future__ import annotations

from collections import Counter, deque

from synalinks.lm import Ledger

#: Steps in a row whose calls are counted together.
STEPS = 3
#: A kind of failure that is the budget's matter: the call was not sent.
NOT_SENT = "over_budget"


class FailureWatch:
    """The share of failed calls in the last three steps of a fit.

    Args:
        most: the share from 0 to 1 above which the training ends; never at 1.
        ledger: of the run.

    Example:
        >>> from synalinks.lm import Ledger
        >>> FailureWatch(0.5, Ledger()).after_step() is None
        True
    """

    def __init__(self, most: float, ledger: Ledger) -> None:
        self._most, self._ledger = most, ledger
        self._mark = ledger.mark
        self._steps: deque[tuple[int, Counter[str]]] = deque(maxlen=STEPS)

    def begin(self) -> None:
        """A step begins: calls before it, as those of a validation, are not counted."""
        self._mark = self._ledger.mark

    def after_step(self) -> str | None:
        """Count the calls of a step; gives the reason to end the training, or None."""
        calls, failed, last = 0, Counter[str](), None
        for entry in self._ledger.recorded(self._mark):
            calls += entry.error != NOT_SENT
            if entry.error is not None and entry.error != NOT_SENT:
                failed[entry.error] += 1
                last = entry.error_message or last
        self._mark = self._ledger.mark
        self._steps.append((calls, failed))
        if len(self._steps) < STEPS or last is None:
            return None
        made = sum(count for count, _ in self._steps)
        kinds = sum((step for _, step in self._steps), Counter[str]())
        if kinds.total() <= self._most * made:
            return None
        listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
        return (
            f"{kinds.total():,} of {made:,} calls of the last {STEPS} steps failed ({listed}), more than "
            f"max_failed_share={self._most:g} allows. The last: {last.rstrip('.')}. The program holds the best "
            "candidate so far; fit(max_failed_share=1.0) goes on whatever fails"
        )
