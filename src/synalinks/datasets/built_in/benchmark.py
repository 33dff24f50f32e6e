"""A benchmark set: its files, and its examples as a dataset."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from synalinks._json import Json, JsonObject
from synalinks.data import DataModel
from synalinks.datasets.dataset import Array, Dataset, split_train_test
from synalinks.datasets.download import Remote, local_file, own_file
from synalinks.datasets.files import FileDataset, JSONDataset, JSONLDataset
from synalinks.datasets.parquet import ParquetDataset, arrow
from synalinks.errors import ConfigurationError, DataError

Arrays = tuple[Array, Array]
#: What reads a file, by the ending of its name; those of a user's are looked for in this order.
READERS: Mapping[str, type[FileDataset]] = {".parquet": ParquetDataset, ".jsonl": JSONLDataset, ".json": JSONDataset}


class Source(Protocol):
    """Where the files of a set are published."""

    def files(self, dataset: str, split: str) -> list[Remote]:
        """The files of a split, in order."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A set of Hugging Face, as the Parquet files that the Hub makes of it.

    Attributes:
        repository: the set's name there.
        config: the part of the set.
        shards: files of the splits that have more than one.
    """

    repository: str
    config: str = "default"
    shards: Mapping[str, int] = field(default_factory=dict)

    def files(self, dataset: str, split: str) -> list[Remote]:
        """The files of a split, in order."""
        folder = f"https://huggingface.co/datasets/{self.repository}/resolve/refs%2Fconvert%2Fparquet/{self.config}"
        shards = self.shards.get(split, 1)
        names = [f"{split}.parquet"] if shards == 1 else [f"{split}-{number:04}.parquet" for number in range(shards)]
        return [Remote(dataset, name, f"{folder}/{split}/{number:04}.parquet") for number, name in enumerate(names)]


@dataclass(frozen=True, slots=True)
class Published:
    """Files that a set's authors publish, a file a split, with the SHA-256 of each."""

    url: str
    suffix: str
    sha256: Mapping[str, str]

    def files(self, dataset: str, split: str) -> list[Remote]:
        """The file of a split."""
        name = f"{split}{self.suffix}"
        return [Remote(dataset, name, f"{self.url}/{name}", self.sha256[split])]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A row of the table.

    Attributes:
        title: what the set is, and who made it.
        source: where its files are published.
        splits: its splits; none where they are not listed here, as of a set with a file for each category.
        train: the split to train on.
        test: the split to test on; None where the set has no second one with answers, and the first is divided.
        inputs, outputs: the data models.
        fields: the fields of both, made of a record.
    """

    title: str
    source: Source
    splits: tuple[str, ...]
    train: str
    test: str | None
    inputs: type[DataModel]
    outputs: type[DataModel]
    fields: Callable[[JsonObject], JsonObject]

    def paths(self, name: str, split: str) -> list[Path]:
        """The files of a split on this machine; those that are missing are downloaded.

        Raises:
            ConfigurationError: no such split, or PyArrow is needed and not installed.
            DataError: a file is missing and can't be downloaded; the message says what to put where.
        """
        if split not in self.splits if self.splits else not re.fullmatch(r"[\w-]+", split):
            raise ConfigurationError(f"{name} has the splits {sorted(self.splits)}, got {split!r}")
        for suffix in READERS:
            if (own := own_file(name, f"{split}{suffix}")) is not None:
                return [own]
        remotes = self.source.files(name, split)
        if remotes[0].name.endswith(".parquet"):
            arrow()  # its lack is known before the download
        return [local_file(remote) for remote in remotes]

    def dataset(self, name: str, split: str, batch_size: int | None, limit: int | None, repeat: int) -> Dataset:
        """The examples of a split."""
        paths = self.paths(name, split)
        return _Examples(self, paths, batch_size=batch_size, limit=limit, repeat=repeat)

    def arrays(self, name: str, split: str) -> Arrays:
        """The examples of a split, all at once."""
        x, *y = self.dataset(name, split, None, None, 1).materialize()
        return x, y[0]


class _Examples(Dataset):
    """The records of files, mapped to the fields of examples."""

    def __init__(
        self, benchmark: Benchmark, paths: list[Path], batch_size: int | None, limit: int | None, repeat: int
    ) -> None:
        super().__init__(
            input_data_model=benchmark.inputs,
            output_data_model=benchmark.outputs,
            batch_size=batch_size,
            limit=limit,
            repeat=repeat,
        )
        self.paths = paths
        self._fields = benchmark.fields

    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        for path in self.paths:
            for number, record in enumerate(records(path), start=1):
                try:
                    yield self._fields(record)
                except KeyError as error:
                    raise DataError(
                        f"{path}: record {number} lacks {[error.args[0]]}; it has {sorted(record)}"
                    ) from error
                except (ValueError, TypeError, IndexError, AttributeError) as error:
                    raise DataError(f"{path}: record {number}: {error}") from error


def records(path: Path) -> Iterable[JsonObject]:
    """The records of a file, as its ending says."""
    return READERS[path.suffix](path, input_schema={"type": "object"})._iter_rows()  # type: ignore[return-value]


def functions_of(name: str, benchmark: Benchmark) -> Iterator[Callable[..., object]]:
    """The functions of a set's module. Their parameters are those that the set has a use for."""

    def get_input_data_model() -> type[DataModel]:
        """The data model of questions."""
        return benchmark.inputs

    def get_output_data_model() -> type[DataModel]:
        """The data model of answers."""
        return benchmark.outputs

    yield get_input_data_model
    yield get_output_data_model
    yield _load(name, benchmark)
    yield _stream(name, benchmark)


def _load(name: str, benchmark: Benchmark) -> Callable[..., tuple[Arrays, Arrays]]:
    if benchmark.test is not None:
        train, test = benchmark.train, benchmark.test

        def load_data() -> tuple[Arrays, Arrays]:
            """`((x_train, y_train), (x_test, y_test))`: object arrays of data models, two splits of the set.

            The files come from `SYNALINKS_DATA_DIR` (`<set>/<split>.parquet`, `.jsonl` or `.json` in it), else from
            earlier downloads, else they are downloaded once.

            Raises:
                DataError: a file is missing and can't be downloaded; the message says what to put where.
            """
            return benchmark.arrays(name, train), benchmark.arrays(name, test)

        return load_data

    def halves(split: str, validation_split: float) -> tuple[Arrays, Arrays]:
        return split_train_test(*benchmark.arrays(name, split), validation_split=validation_split)

    def load_data_of_one(validation_split: float = 0.2) -> tuple[Arrays, Arrays]:
        """`((x_train, y_train), (x_test, y_test))`: object arrays of data models, the last fraction for testing.

        The files come from `SYNALINKS_DATA_DIR` (`<set>/<split>.parquet`, `.jsonl` or `.json` in it), else from
        earlier downloads, else they are downloaded once.

        Raises:
            DataError: a file is missing and can't be downloaded; the message says what to put where.
        """
        return halves(benchmark.train, validation_split)

    def load_data_of_category(category: str = benchmark.train, validation_split: float = 0.2) -> tuple[Arrays, Arrays]:
        """`((x_train, y_train), (x_test, y_test))` of a category, the last fraction for testing.

        The files come from `SYNALINKS_DATA_DIR` (`<set>/<category>.parquet`, `.jsonl` or `.json` in it), else from
        earlier downloads, else they are downloaded once.

        Raises:
            DataError: a file is missing and can't be downloaded; the message says what to put where.
        """
        return halves(category, validation_split)

    return load_data_of_one if benchmark.splits else load_data_of_category


def _stream(name: str, benchmark: Benchmark) -> Callable[..., Dataset]:
    def iterable_dataset(
        repeat: int = 1, batch_size: int | None = 1, limit: int | None = None, split: str = benchmark.train
    ) -> Dataset:
        """The examples of one split as a stream of batches.

        Args:
            repeat: how many times each example follows itself.
            batch_size: examples in a batch; None gives all in one.
            limit: examples to read; None reads all.
            split: the split.

        Raises:
            ConfigurationError: another split.
            DataError: as for `load_data`.
        """
        return benchmark.dataset(name, split, batch_size, limit, repeat)

    def iterable_dataset_of_category(
        repeat: int = 1, batch_size: int | None = 1, limit: int | None = None, category: str = benchmark.train
    ) -> Dataset:
        """The examples of one category as a stream of batches.

        Args:
            repeat: how many times each example follows itself.
            batch_size: examples in a batch; None gives all in one.
            limit: examples to read; None reads all.
            category: the category.

        Raises:
            DataError: as for `load_data`.
        """
        return benchmark.dataset(name, category, batch_size, limit, repeat)

    return iterable_dataset if benchmark.splits else iterable_dataset_of_category
