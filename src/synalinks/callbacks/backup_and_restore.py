"""BackupAndRestore: a `fit` that was cut off goes on from the end of its last epoch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from synalinks import _json
from synalinks._base.files import PRIVATE, read_whole, replacing
from synalinks._base.warning import warn
from synalinks._support.interactive import report
from synalinks.callbacks.callback import Callback, Logs
from synalinks.callbacks.program_checkpoint import checked_frequency
from synalinks.errors import ConfigurationError

LATEST = "training_state.json"
PREVIOUS = "training_state.previous.json"
#: What the budget was charged so far, the epoch under way included.
SPENT = "spent.json"
#: Version of the file's layout.
LAYOUT = 1


class BackupAndRestore(Callback):
    """Keeps the state of `fit` on disk; after a crash the same `fit` goes on from it.

    The state is that between two epochs: variables with their pools, the optimizer's own state, the state of the random
    generator, scores, logs, and the state of callbacks. The epoch under way begins anew; with the cache on, or a
    cassette, the calls it had made before the crash cost nothing. The program at the end is the one that an
    uninterrupted run ends with.

    A budget is for all runs of the fit together: what was spent in the epoch that was cut off counts too, and so do, at
    their bound, the calls that were in flight when the process ended.

    A `fit` that a budget, Ctrl-C or an error ended keeps its state; one that came to its end deletes it.

    Args:
        backup_dir: a folder for this fit alone; it is made.
        save_freq: `epoch`, or a number of steps: at the first end of an epoch after so many.
        double_checkpoint: keep the state before the last one too, and use it if the last can't be read.
        delete_checkpoint: whether to delete the state when training has come to its end.

    Raises:
        ConfigurationError: no frequency; when training begins, a state of another fit or layout, or one that
            can't be read.

    Example:
        >>> backup = synalinks.callbacks.BackupAndRestore("backup", save_freq=100)
        >>> str(backup.backup_dir), backup.last  # the other callbacks come first
        ('backup', True)
    """

    last: ClassVar[bool] = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ConfigurationError("BackupAndRestore(backup_dir=''): give the path of a folder")
        self.backup_dir = Path(backup_dir)
        self.save_freq = checked_frequency("BackupAndRestore", save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._steps = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Put back the state of a run that was cut off; if there is none, keep that of the beginning."""
        self._steps = 0
        state = self._read()
        if state is None:
            self._keep()
            self.program.fitting.keep_spent(self.backup_dir / SPENT, anew=True)
            return
        self.program.fitting.restore(state, str(self.backup_dir))
        self.program.fitting.keep_spent(self.backup_dir / SPENT, anew=False)
        if self.params.get("verbose") and state["epoch"]:
            report(f"Going on from the end of epoch {state['epoch']} ({self.backup_dir})")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Count steps."""
        self._steps += 1

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the state, unless the epoch was cut short."""
        if self.save_freq != "epoch" and self._steps < int(self.save_freq):
            return
        self._keep()

    def _keep(self) -> None:
        state = self.program.fitting.state()
        if state is not None:
            self._write({"synalinks_training_state": LAYOUT, **state})
            self._steps = 0

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Delete the state of a training that has come to its end."""
        if not self.delete_checkpoint or not self.program.fitting.complete:
            return
        for name in (LATEST, PREVIOUS, SPENT):
            (self.backup_dir / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # other files are in it, or it was never made
            self.backup_dir.rmdir()

    def _write(self, state: Mapping[str, object]) -> None:
        """Put the file in place whole: a crash leaves the old one or the new one."""
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        path = self.backup_dir / LATEST
        with replacing(path, PRIVATE) as file:
            file.write(_json.dumps(state).encode())
            file.flush()
            os.fsync(file.fileno())  # before the old one goes
            if self.double_checkpoint and path.exists():
                path.replace(self.backup_dir / PREVIOUS)

    def _read(self) -> dict[str, Any] | None:
        """The last state that can be read, or None where there is none.

        Raises:
            ConfigurationError: there are files, and none can be read.
        """
        paths = [path for name in (LATEST, PREVIOUS) if (path := self.backup_dir / name).exists()]
        for path in paths:
            try:
                state = _json.exact(read_whole(path))
            except OSError as error:
                raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
            except _json.JSONDecodeError as error:
                warn(f"{path} is damaged ({error})", RuntimeWarning)
                continue
            layout = state.get("synalinks_training_state") if isinstance(state, dict) else None
            if layout != LAYOUT:
                raise ConfigurationError(
                    f"{path} is no training state of layout {LAYOUT} (it says {layout!r}); delete it to begin anew"
                )
            return dict(state)
        if paths:
            raise ConfigurationError(
                f"no training state in {self.backup_dir} can be read; delete {[path.name for path in paths]} to begin "
                "anew (with the cache on, what was answered costs nothing again)"
            )
        return None
