"""Datasets in files: JSON Lines, JSON and CSV, read row by row where the format allows it."""

from __future__ import annotations

import csv
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from synalinks import _json
from synalinks.datasets.dataset import Dataset
from synalinks.errors import DataError


class FileDataset(Dataset):
    """Rows of one text file.

    Args:
        path: the file.
        encoding: of its text.
        columns: the columns to keep; None keeps all.
        batch_size: examples in a batch.
        options: as for `Dataset`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        encoding: str = "utf-8",
        columns: Sequence[str] | None = None,
        batch_size: int | None = 1,
        **options: Any,
    ) -> None:
        super().__init__(batch_size=batch_size, **options)
        self.path = Path(path)
        self.encoding = encoding
        self.columns = columns

    def _iter_rows(self) -> Iterable[Mapping[str, Any]]:
        """The rows, with the columns that are kept.

        Raises:
            DataError: no such file, or a row that can't be read or lacks a column.
        """
        if not self.path.is_file():
            raise DataError(f"{type(self).__name__}: there is no file {self.path}")
        for number, row in enumerate(self._read(), start=1):
            if not isinstance(row, dict):
                raise DataError(
                    f"{self.path}: row {number} is a {type(row).__name__}, an object is wanted: {row!r:.200}"
                )
            if self.columns is None:
                yield row
                continue
            if missing := [name for name in self.columns if name not in row]:
                raise DataError(f"{self.path}: row {number} lacks the columns {missing}; it has {sorted(row)}")
            yield {name: row[name] for name in self.columns}

    @abstractmethod
    def _read(self) -> Iterable[Any]:
        """The rows as the format gives them."""


class JSONLDataset(FileDataset):
    """Rows of a file of JSON Lines: an object a line, empty lines aside."""

    def _read(self) -> Iterable[Any]:
        with self.path.open(encoding=self.encoding) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    yield _json.loads(line)
                except json.JSONDecodeError as error:
                    raise DataError(f"{self.path}: line {number} is no JSON ({error}): {line[:200]!r}") from error


class JSONDataset(FileDataset):
    """Rows of a JSON file that holds a list of objects."""

    def _read(self) -> Iterable[Any]:
        try:
            rows = _json.loads(self.path.read_text(encoding=self.encoding))
        except json.JSONDecodeError as error:
            raise DataError(f"{self.path} is no JSON: {error}") from error
        if not isinstance(rows, list):
            raise DataError(f"{self.path} holds a {type(rows).__name__}; a list of objects is wanted")
        return rows


class CSVDataset(FileDataset):
    """Rows of a CSV file; every value is text.

    Args:
        path: the file.
        delimiter, quotechar: of the format.
        column_names: names of the columns; None takes them from the first line.
        options: as for `FileDataset`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        delimiter: str = ",",
        quotechar: str = '"',
        column_names: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, **options)
        self.delimiter = delimiter
        self.quotechar = quotechar
        self.column_names = column_names

    def _read(self) -> Iterable[Any]:
        with self.path.open(encoding=self.encoding, newline="") as lines:
            reader = csv.DictReader(
                lines, fieldnames=self.column_names, delimiter=self.delimiter, quotechar=self.quotechar
            )
            for row in reader:
                if None in row or None in row.values():
                    raise DataError(
                        f"{self.path}: line {reader.line_num} has not the {len(reader.fieldnames or ())} columns "
                        f"{list(reader.fieldnames or ())}"
                    )
                yield row
