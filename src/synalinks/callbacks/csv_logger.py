"""CSVLogger: a row of logs per epoch, in a file that spreadsheets read."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synalinks.callbacks.callback import Callback, Logs
from synalinks.errors import ConfigurationError

#: Stands where an epoch has no such log.
MISSING = "NA"


class CSVLogger(Callback):
    """A CSV file of the logs: `epoch` (from 0), then their names in alphabetical order; `NA` where there is none.

    The columns are those of the first epoch that is written. A `val_` column stands for each log from the start, for
    validation may come in later epochs only. A row is on disk when its epoch is over.

    Args:
        filepath: the file; folders are made.
        separator: between columns.
        append: go on with a file that is there, under its header; otherwise it is begun anew.

    Raises:
        ConfigurationError: a separator that is not one character.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "logs.csv"
        >>> logger = synalinks.callbacks.CSVLogger(path)
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"reward": 0.5})
        >>> logger.on_train_end()
        >>> print(path.read_text().strip())
        epoch,reward,val_reward
        0,0.5,NA
    """

    def __init__(self, filepath: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if len(separator) != 1:
            raise ConfigurationError(f"CSVLogger(separator={separator!r}): one character is needed")
        self.filepath = Path(filepath)
        self.separator = separator
        self.append = append
        self._names: list[str] | None = None
        self._size = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Read the header of a file to go on with.

        Raises:
            ConfigurationError: the file has another header.
        """
        self._names, self._size = None, 0
        if not self.append or not self.filepath.exists():
            return
        self._size = self.filepath.stat().st_size
        with self.filepath.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file, delimiter=self.separator), None)
        if header is None:
            return
        if header[0] != "epoch":
            raise ConfigurationError(
                f"CSVLogger(append=True): {self.filepath} is no file of logs, its header is {header}"
            )
        self._names = header[1:]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's row."""
        logs = logs or {}
        rows = []
        if self._names is None:
            plain = {name.removeprefix("val_") for name in logs}
            self._names = sorted({*logs, *plain, *(f"val_{name}" for name in plain)})
            rows.append(["epoch", *self._names])
        rows.append([str(epoch), *(_text(logs.get(name)) for name in self._names)])
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self.separator, lineterminator="\n").writerows(rows)
        self._write(text.getvalue().encode("utf-8"))

    def _write(self, data: bytes) -> None:
        """Put the rows behind what this run has written; whatever stood there is of a run that was cut off."""
        self.filepath.parent.mkdir(parents=True, exist_ok=True)
        with self.filepath.open("r+b" if self.filepath.exists() else "w+b") as file:
            file.seek(self._size)
            file.write(data)
            file.truncate()
        self._size += len(data)

    def get_state(self) -> dict[str, Any]:
        """The columns, and how much is written."""
        return {"names": self._names, "size": self._size}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on behind the rows that were written; if they are gone, begin anew."""
        there = self.filepath.stat().st_size if self.filepath.exists() else 0
        if state["size"] <= there:
            self._names, self._size = state["names"], state["size"]


def _text(value: object) -> str:
    return MISSING if value is None else str(value)
