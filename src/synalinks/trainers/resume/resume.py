"""`fit(resume=...)`: a BackupAndRestore whose folder is named for the fit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from synalinks import session
from synalinks.callbacks import BackupAndRestore, Callback
from synalinks.callbacks.callback import Logs
from synalinks.lm import current_run

#: Fits that came to their end in this session, by what they are: a script may run one and the same twice.
_completed: Counter[str] = Counter()
session.on_clear(_completed.clear)


class Resume(BackupAndRestore):
    """Keeps the state of a `fit` in the user's cache directory, in a folder named for program, settings and data."""

    def __init__(self) -> None:
        super().__init__(current_run().directory / "fits")
        self._digest = ""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Find the folder, and what is in it."""
        self._digest = self.program.fitting.digest
        self.backup_dir = current_run().directory / "fits" / f"{self._digest[:32]}-{_completed[self._digest]}"
        super().on_train_begin(logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Delete the state of a training that has come to its end."""
        super().on_train_end(logs)
        _completed[self._digest] += self.program.fitting.complete


def with_resume(resume: bool | str | os.PathLike[str], callbacks: Sequence[Callback] | None) -> list[Callback]:
    """The callbacks of a fit, with one that resumes it if that is wanted and none of them does.

    Args:
        resume: True, or the folder to keep the state in.
    """
    given = list(callbacks or ())
    if not resume or any(isinstance(callback, BackupAndRestore) for callback in given):
        return given
    return [*given, Resume() if resume is True else BackupAndRestore(Path(resume))]
