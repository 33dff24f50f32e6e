"""`fit(resume=...)`: a BackupAndRestore that finds its folder by itself."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks import _json, session
from synalinks.callbacks import BackupAndRestore, Callback
from synalinks.data import tree
from synalinks.lm.cache.store import default_directory
from synalinks.trainers.data.data import Samples, Source
from synalinks.trainers.resume import checkpoint

if TYPE_CHECKING:
    from synalinks.trainers.fit_loop import Fitting

#: Fits that came to their end in this session, by what they are: a script may run one and the same twice.
_completed: Counter[str] = Counter()
session.on_clear(_completed.clear)


class Resume(BackupAndRestore):
    """Keeps the state of a `fit` in the user's cache directory, in a folder named for program, settings and data."""

    def __init__(self) -> None:
        super().__init__(default_directory() / "fits")
        self._name = ""

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Find the folder, and what is in it."""
        self._name = name_of(self.program.fitting)
        self.backup_dir = default_directory() / "fits" / f"{self._name[:32]}-{_completed[self._name]}"
        super().on_train_begin(logs)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Delete the state of a training that has come to its end."""
        super().on_train_end(logs)
        _completed[self._name] += self.program.fitting.complete


def with_resume(resume: bool | str | os.PathLike[str], callbacks: Sequence[Callback] | None) -> list[Callback]:
    """The callbacks of a fit, with one that resumes it if that is asked for and none of them does.

    Args:
        resume: True, or the folder to keep the state in.
    """
    given = list(callbacks or ())
    if not resume or any(isinstance(callback, BackupAndRestore) for callback in given):
        return given
    return [*given, Resume() if resume is True else BackupAndRestore(Path(resume))]


def name_of(fitting: Fitting) -> str:
    """A digest of what a fit is: program, settings and data."""
    data = [_data_of(fitting.train), _data_of(fitting.validation)]
    return _json.digest(_json.canonical([checkpoint.identity(fitting), data]))


def _data_of(source: Source | None) -> Any:
    if not isinstance(source, Samples):
        return None
    return [[_values(sample.x), _values(sample.y)] for sample in source.items]


def _values(part: Any) -> list[Any]:
    return [None if leaf is None else leaf.get_json() for leaf in tree.flatten(part)]
