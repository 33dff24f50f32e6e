"""A file that says what a fit has spent, brought up to date with every call, so that also what was spent in the epoch
that a crash cut off counts in the run that goes on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import BinaryIO

from synalinks import _json
from synalinks.lm import NOTHING, Amount, BudgetTracker
from synalinks.trainers.budgeting.amounts import amount_from_dict, amount_to_dict

#: Bytes of the file: always the same, so that each write puts a whole line in the place of another.
_LENGTH = 256


class SpentJournal:
    """What a tracker has settled and reserved, on disk; a killed process loses nothing of it.

    What was out when the process died may have been billed, so all that was reserved for it counts as spent.

    Args:
        path: the file; its folder is made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._tracker: BudgetTracker | None = None
        self._lock = threading.Lock()

    def read(self) -> tuple[Amount, Amount] | None:
        """What was settled, and what was out, when the file was last written; None if there is none, or it is torn."""
        try:
            value = _json.loads(self.path.read_bytes())
            return amount_from_dict(value["settled"]), amount_from_dict(value["out"])
        except (OSError, ValueError, KeyError, TypeError, ArithmeticError):
            return None

    def go_on(self, tracker: BudgetTracker) -> Amount:
        """Count in a tracker what the file says beyond it; gives what that was."""
        found = self.read()
        if found is None:
            return NOTHING
        settled, out = found
        more = (settled + out - tracker.settled).at_least(NOTHING)
        tracker.settled += more
        tracker.uncertain += out.at_most(more)
        return more

    def begin(self, tracker: BudgetTracker) -> None:
        """Write down what happens to a tracker from now on."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._tracker = self.path.open("wb", buffering=0), tracker
        tracker.watch = self._write
        self._write(tracker)

    def _write(self, tracker: BudgetTracker) -> None:
        line = _json.dumps({"settled": amount_to_dict(tracker.settled), "out": amount_to_dict(tracker.reserved)})
        with self._lock:
            if self._file is not None:
                self._file.seek(0)
                self._file.write(line.encode().ljust(_LENGTH))

    def close(self) -> None:
        """Write nothing more; the file stays."""
        with self._lock:
            if self._tracker is not None:
                self._tracker.watch = None
            if self._file is not None:
                self._file.close()
            self._file = self._tracker = None
