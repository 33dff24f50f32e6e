"""Datasets in files: JSON Lines, JSON and CSV, read row by row where the format allows it."""

from __future__ import annotations

import codecs
import csv
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from synalinks import _json
from synalinks._json import Json
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks.datasets.dataset import Dataset
from synalinks.errors import ConfigurationError, DataError

#: Characters of the longest cell of a CSV file that is read; the module `csv` stops at 131,072 by default.
_LONGEST_CELL = 2**31 - 1


class FileDataset(Dataset):
    """Rows of one text file.

    Args:
        path: the file.
        encoding: of its text; a byte order mark at the start is no part of it.
        columns: the columns to keep; None keeps all.
        batch_size: examples in a batch.
        options: as for `Dataset`.

    Raises:
        DataError: no such file.
        ConfigurationError: no such encoding.
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
        refuse_unknown_keywords(type(self), options, Dataset.__init__)
        super().__init__(batch_size=batch_size, **options)
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(f"{type(self).__name__}: there is no file {self.path}")
        try:
            utf8 = codecs.lookup(encoding).name == "utf-8"
        except LookupError:
            raise ConfigurationError(f"{type(self).__name__}: there is no encoding {encoding!r}") from None
        self.encoding = "utf-8-sig" if utf8 else encoding  # reads text without a byte order mark too
        self.columns = columns

    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        """The rows, with the columns that are kept.

        Raises:
            DataError: the file is gone or its text is not in the encoding, or a row can't be read or lacks a column.
        """
        for number, row in enumerate(self._decoded(), start=1):
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

    def _decoded(self) -> Iterable[Json]:
        """The rows as the format gives them.

        Raises:
            DataError: the text is not in the encoding.
        """
        try:
            yield from self._read()
        except UnicodeError as error:
            raise DataError(f"{self.path} is not text in the encoding {self.encoding}: {error}") from error

    def _open(self, newline: str | None = None) -> TextIO:
        try:
            return self.path.open(encoding=self.encoding, newline=newline)
        except OSError as error:
            raise DataError(f"{type(self).__name__}: {self.path} can't be read: {error.strerror}") from error

    @abstractmethod
    def _read(self) -> Iterable[Json]:
        """The rows as the format gives them."""


class JSONLDataset(FileDataset):
    """Rows of a file of JSON Lines: an object a line, empty lines aside.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "questions.jsonl"
        >>> _ = file.write_text('{"question": "2 + 2?"}')
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> dataset = synalinks.datasets.JSONLDataset(file, input_data_model=Question, batch_size=2)
        >>> [x[0].question for (x,) in dataset]
        ['2 + 2?']
    """

    def _read(self) -> Iterable[Json]:
        with self._open() as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    yield _json.exact(line)
                except json.JSONDecodeError as error:
                    raise DataError(f"{self.path}: line {number} is no JSON ({error}): {line[:200]!r}") from error


class JSONDataset(FileDataset):
    """Rows of a JSON file that holds a list of objects.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "questions.json"
        >>> _ = file.write_text('[{"question": "2 + 2?"}]')
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> dataset = synalinks.datasets.JSONDataset(file, input_data_model=Question, batch_size=2)
        >>> [x[0].question for (x,) in dataset]
        ['2 + 2?']
    """

    def _read(self) -> Iterable[Json]:
        try:
            with self._open() as text:
                rows = _json.exact(text.read())
        except json.JSONDecodeError as error:
            raise DataError(f"{self.path} is no JSON: {error}") from error
        if not isinstance(rows, list):
            raise DataError(f"{self.path} holds a {type(rows).__name__}; a list of objects is wanted")
        return rows


class CSVDataset(FileDataset):
    r"""Rows of a CSV file; every value is text, of any length. An empty cell is null for a field that admits null.

    Args:
        path: the file.
        delimiter, quotechar: of the format.
        column_names: names of the columns; None takes them from the first line.
        options: as for `FileDataset`.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "questions.csv"
        >>> _ = file.write_text("\n".join(["question", "2 + 2?"]))
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> dataset = synalinks.datasets.CSVDataset(file, input_data_model=Question, batch_size=2)
        >>> [x[0].question for (x,) in dataset]
        ['2 + 2?']
    """

    _empty_is_null = True

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

    def _read(self) -> Iterable[Json]:
        with self._open(newline="") as lines:
            reader = csv.DictReader(
                lines, fieldnames=self.column_names, delimiter=self.delimiter, quotechar=self.quotechar
            )
            for row in _rows_of(reader, self.path):
                if None in row or None in row.values():
                    raise DataError(
                        f"{self.path}: line {reader.line_num} has not the {len(reader.fieldnames or ())} columns "
                        f"{list(reader.fieldnames or ())}"
                    )
                yield row


def _rows_of(reader: csv.DictReader[str], path: Path) -> Iterable[dict[str, str]]:
    """The rows of a CSV reader; a row that is no CSV is a `DataError`."""
    while True:
        before = csv.field_size_limit(_LONGEST_CELL)  # of the whole process, and read while a row is parsed
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataError(f"{path}: line {reader.line_num} is no CSV: {error}") from error
        finally:
            csv.field_size_limit(before)
        if row is None:
            return
        yield row
