"""Datasets in Parquet files, read in parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from synalinks._json import Json
from synalinks.datasets.dataset import DatasetOptions
from synalinks.datasets.files import FileDataset, Paths
from synalinks.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from types import ModuleType


class ParquetDataset(FileDataset):
    """Rows of a Parquet file (extra `parquet`), or of several, a part of a file in memory at a time.

    Args:
        path: the file, or a list of files.
        columns: the columns to read; None reads all.
        batch_size_rows: rows that are read at once.
        batch_size, options: as for `FileDataset`.

    Raises:
        ConfigurationError: PyArrow is not installed, or `batch_size_rows` is below 1.
        MissingFileError: no such file.
        DataError: a file that is no Parquet, or that lacks a column.

    Example:
        >>> import pathlib, tempfile
        >>> import pyarrow, pyarrow.parquet
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "questions.parquet"
        >>> pyarrow.parquet.write_table(pyarrow.table({"question": ["2 + 2?"]}), file)
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> dataset = synalinks.ParquetDataset(file, input_data_model=Question, batch_size=2)
        >>> [x[0].question for (x,) in dataset]
        ['2 + 2?']
    """

    def __init__(
        self,
        path: Paths,
        *,
        columns: Sequence[str] | None = None,
        batch_size_rows: int = 1024,
        batch_size: int | None = 1,
        **options: Unpack[DatasetOptions],
    ) -> None:
        super().__init__(path, columns=columns, batch_size=batch_size, **options)
        if batch_size_rows < 1:
            raise ConfigurationError(f"{type(self).__name__}(batch_size_rows={batch_size_rows}): at least 1 is needed")
        self.batch_size_rows = batch_size_rows
        for one in self.paths:
            names = _opened(one).schema_arrow.names
            if missing := [name for name in columns or () if name not in names]:
                raise DataError(f"{one} lacks the columns {missing}; it has {names}")

    def _read(self, path: Path) -> Iterable[Json]:
        columns = None if self.columns is None else list(self.columns)
        for part in _opened(path).iter_batches(batch_size=self.batch_size_rows, columns=columns):
            yield from part.to_pylist()


def _opened(path: Path) -> Json:
    parquet = arrow()
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:  # `ArrowInvalid` is a ValueError
        raise DataError(f"{path} can't be read as Parquet: {error}") from error


def arrow() -> ModuleType:
    """PyArrow's Parquet.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ConfigurationError("Parquet files need PyArrow: pip install 'synalinks-replay[parquet]'") from error
    return pyarrow.parquet  # type: ignore[no-any-return]
