"""Datasets in files of text: JSON Lines, JSON and CSV, read row by row where the format allows it."""

from __future__ import annotations

import codecs
import csv
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Unpack

from synalinks import _json
from synalinks._base.files import lines_within, read_whole
from synalinks._json import Json
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks.datasets.dataset import Dataset, DatasetOptions
from synalinks.errors import ConfigurationError, DataError, MissingFileError

#: A file, or several.
Paths = str | Path | Sequence[str | Path]
#: Characters of the longest cell of a CSV file that is read; the module `csv` stops at 131,072 by default.
_LONGEST_CELL = 2**31 - 1


class FileDataset(Dataset):
    """Rows of one file or of several, one after another.

    Args:
        path: the file, or a list of files.
        columns: the columns to keep; None keeps all.
        batch_size: examples in a batch.
        options: as for `Dataset`.

    Raises:
        MissingFileError: no such file.
        ConfigurationError: an empty list of files.
    """

    def __init__(
        self,
        path: Paths,
        *,
        columns: Sequence[str] | None = None,
        batch_size: int | None = 1,
        **options: Unpack[DatasetOptions],
    ) -> None:
        refuse_unknown_keywords(type(self), options, Dataset.__init__)
        super().__init__(batch_size=batch_size, **options)
        self.paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
        if not self.paths:
            raise ConfigurationError(f"{type(self).__name__}: the list of files is empty")
        for one in self.paths:
            if not one.is_file():
                raise MissingFileError(f"{type(self).__name__}: there is no file {one}")
        self.columns = columns

    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        """The rows, with the columns that are kept.

        Raises:
            DataError: a file is gone or can't be decoded, or a row can't be read or lacks a column.
        """
        for path in self.paths:
            for number, row in enumerate(self._read(path), start=1):
                if not isinstance(row, dict):
                    raise DataError(
                        f"{path}: row {number} is a {type(row).__name__}, an object is wanted: {row!r:.200}"
                    )
                if self.columns is None:
                    yield row
                    continue
                if missing := [name for name in self.columns if name not in row]:
                    raise DataError(f"{path}: row {number} lacks the columns {missing}; it has {sorted(row)}")
                yield {name: row[name] for name in self.columns}

    @abstractmethod
    def _read(self, path: Path) -> Iterable[Json]:
        """The rows of a file as the format gives them."""


class TextFileDataset(FileDataset):
    """Rows of files of text.

    Args:
        path, columns, options: as for `FileDataset`.
        encoding: of the text; a byte order mark at the start is no part of it.

    Raises:
        ConfigurationError: no such encoding.
    """

    def __init__(
        self,
        path: Paths,
        *,
        encoding: str = "utf-8",
        columns: Sequence[str] | None = None,
        batch_size: int | None = 1,
        **options: Unpack[DatasetOptions],
    ) -> None:
        super().__init__(path, columns=columns, batch_size=batch_size, **options)
        self.encoding = decoding(encoding, type(self).__name__)

    def _read(self, path: Path) -> Iterable[Json]:
        try:
            yield from self._parse(path)
        except UnicodeError as error:
            raise DataError(f"{path} is not text in the encoding {self.encoding}: {error}") from error
        except OSError as error:
            raise DataError(f"{type(self).__name__}: {path} can't be read: {error.strerror}") from error

    @abstractmethod
    def _parse(self, path: Path) -> Iterable[Json]:
        """The rows of a file; a `UnicodeError` says that it is not in the encoding."""


def decoding(encoding: str, whose: str) -> str:
    """The codec to read text of an encoding with: a byte order mark of UTF-8 is read, and is no part of the text.

    Raises:
        ConfigurationError: no such encoding.
    """
    try:
        return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    except LookupError:
        raise ConfigurationError(f"{whose}: there is no encoding {encoding!r}") from None


class JSONLDataset(TextFileDataset):
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

    def _parse(self, path: Path) -> Iterable[Json]:
        with path.open(encoding=self.encoding) as lines:
            for number, line in enumerate(lines_within(lines, path), start=1):
                if not line.strip():
                    continue
                try:
                    yield _json.exact(line)
                except json.JSONDecodeError as error:
                    raise DataError(f"{path}: line {number} is no JSON ({error}): {line[:200]!r}") from error


class JSONDataset(TextFileDataset):
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

    def _parse(self, path: Path) -> Iterable[Json]:
        try:
            rows = _json.exact(read_whole(path).decode(self.encoding))
        except json.JSONDecodeError as error:
            raise DataError(f"{path} is no JSON: {error}") from error
        if not isinstance(rows, list):
            raise DataError(f"{path} holds a {type(rows).__name__}; a list of objects is wanted")
        return rows


class CSVDataset(TextFileDataset):
    r"""Rows of a CSV file; every value is text. An empty cell is null for a field that admits null.

    A line has 32 million characters at most.

    Args:
        path: the file, or a list of files.
        delimiter, quotechar: of the format.
        encoding: of the text.
        column_names: names of the columns; None takes them from the first line of each file.
        columns, batch_size, options: as for `FileDataset`.

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
        path: Paths,
        *,
        delimiter: str = ",",
        quotechar: str = '"',
        encoding: str = "utf-8",
        column_names: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        batch_size: int | None = 1,
        **options: Unpack[DatasetOptions],
    ) -> None:
        super().__init__(path, encoding=encoding, columns=columns, batch_size=batch_size, **options)
        self.delimiter = delimiter
        self.quotechar = quotechar
        self.column_names = column_names

    def _parse(self, path: Path) -> Iterable[Json]:
        with path.open(encoding=self.encoding, newline="") as lines:
            reader = csv.DictReader(
                lines_within(lines, path),
                fieldnames=self.column_names,
                delimiter=self.delimiter,
                quotechar=self.quotechar,
            )
            for number, row in enumerate(_rows_of(reader, path), start=1):
                if None in row or None in row.values():
                    names = list(reader.fieldnames or ())
                    more: Sequence[str] = row.get(None, ())  # type: ignore[call-overload]
                    raise DataError(
                        f"{path}: line {reader.line_num} has not the {len(names)} columns {names}: row {number} has "
                        f"{sum(value is not None for value in row.values()) - bool(more) + len(more)} cells"
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
