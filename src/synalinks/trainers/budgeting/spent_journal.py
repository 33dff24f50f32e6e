"""SpentJournal: what a fit has spent, in a file that is up to date at every attempt and so survives a crash."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from synalinks import _json
from synalinks._base.files import read_whole, replacing
from synalinks._base.numbers import is_whole
from synalinks.errors import ConfigurationError
from synalinks.lm import NOTHING, Amount, BudgetTracker

#: Bytes of the file: always the same, so that each write puts a whole line in the place of another.
_LENGTH = 384


class Spent(NamedTuple):
    """What a journal says of a run.

    Attributes:
        settled: what its budget was charged.
        in_flight: the bounds of the attempts that were sent and not settled.
        uncertain: the part of `settled` that is bounds of attempts whose cost is not known.
    """

    settled: Amount
    in_flight: Amount
    uncertain: Amount


class SpentJournal:
    """What a tracker has settled and what is in flight, on disk; a killed process loses nothing of it.

    An attempt is in the file before it is sent, and what is only reserved for one is not. What was in flight when the
    process died may have been billed, so it counts as spent, once, at its bound. The file is made whole under another
    name and put in the place of the last one; after that each line replaces the line before, in one write.

    Args:
        path: the file; its folder is made.

    Example:
        >>> import tempfile, pathlib, synalinks
        >>> from synalinks.trainers.budgeting.spent_journal import SpentJournal
        >>> journal = SpentJournal(pathlib.Path(tempfile.mkdtemp()) / "spent.json")
        >>> with synalinks.use_budget(synalinks.Budget(calls=9)) as tracker:
        ...     journal.begin(tracker)
        ...     journal.close()
        >>> journal.read().settled.calls
        0
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._tracker: BudgetTracker | None = None
        self._lock = threading.Lock()

    def read(self) -> Spent | None:
        """What the file says; None if there is none.

        Raises:
            ConfigurationError: it can't be read. Lines replace each other whole, so no crash leaves such a file.
        """
        try:
            value = _json.loads(read_whole(self.path))
            return Spent(*(_amount(value[name]) for name in Spent._fields))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise ConfigurationError(
                f"{self.path} should say what this fit has spent of its budget, and can't be read "
                f"({type(error).__name__}: {error}). Put it back from a copy; or delete it, so that what was spent "
                f"since the last whole epoch is not counted; or delete the folder {self.path.parent} to begin anew"
            ) from error

    def go_on(self, tracker: BudgetTracker) -> Amount:
        """Carry over to a tracker what the file says beyond it; gives what that was."""
        found = self.read()
        if found is None:
            return NOTHING
        more = (found.settled + found.in_flight - tracker.settled).at_least(NOTHING)
        tracker.carry_over(more, (found.uncertain + found.in_flight - tracker.uncertain).at_least(NOTHING))
        return more

    def begin(self, tracker: BudgetTracker) -> None:
        """Write down what happens to a tracker from now on."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as file:
            file.write(_line(tracker))
        self._file, self._tracker = os.open(self.path, os.O_WRONLY), tracker
        tracker.watch = self._write

    def _write(self, tracker: BudgetTracker) -> None:
        with self._lock:
            if self._file is not None:
                os.lseek(self._file, 0, os.SEEK_SET)
                os.write(self._file, _line(tracker))

    def close(self) -> None:
        """Write nothing more; the file stays."""
        with self._lock:
            if self._tracker is not None:
                self._tracker.watch = None
            if self._file is not None:
                os.close(self._file)
            self._file = self._tracker = None


def _amount(value: Mapping[str, object]) -> Amount:
    amount = Amount.from_dict(value)
    if not (is_whole(amount.tokens) and is_whole(amount.calls) and amount.usd.is_finite()) or (
        amount.at_least(NOTHING) != amount
    ):
        raise ValueError(f"no amount: {value!r}")
    return amount


def _line(tracker: BudgetTracker) -> bytes:
    spent = Spent(tracker.settled, tracker.in_flight, tracker.uncertain)
    return _json.dumps({name: amount.to_dict() for name, amount in spent._asdict().items()}).encode().ljust(_LENGTH)
