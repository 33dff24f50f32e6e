"""Datasets of Hugging Face, by its own library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synalinks._json import Json, JsonObject
from synalinks._support.keywords import refuse_misspelt_keywords
from synalinks.datasets.dataset import Batch, Dataset
from synalinks.errors import ConfigurationError, DataError, OfflineError
from synalinks.lm import current_run

if TYPE_CHECKING:
    from types import ModuleType

_OPTIONS = frozenset({
    *("input_data_model", "input_schema", "input_template", "output_data_model", "output_schema", "output_template"),
    *("tools_template", "limit", "repeat"),
})  # fmt: skip


class HuggingFaceDataset(Dataset):
    """A dataset of Hugging Face (extra `huggingface`), or local files read by its library.

    Args:
        path: the dataset, or the kind of files: `json`, `csv`, `parquet`, `text` with `data_files=`.
        name: the part of the dataset.
        split: the split; None reads all, one after another.
        revision: the version of the dataset: a commit, a branch or a tag.
        streaming: whether rows are fetched as they are read; else the dataset is downloaded first.
        batch_size: examples in a batch.
        kwargs: the options of `Dataset`, and those of `datasets.load_dataset`.

    Raises:
        ConfigurationError: the library is not installed.
        UnknownArgument: a keyword that is nearly the name of an argument.
        DataError: there is no such dataset, or it can't be loaded.
        OfflineError: it is not on this machine and the network is forbidden.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "questions.jsonl"
        >>> _ = file.write_text('{"question": "2 + 2?"}')
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> dataset = synalinks.HuggingFaceDataset(
        ...     "json", data_files=str(file), split="train", input_data_model=Question
        ... )
        >>> [x[0].question for (x,) in dataset]
        ['2 + 2?']
    """

    def __init__(
        self,
        path: str,
        *,
        name: str | None = None,
        split: str | None = None,
        revision: str | None = None,
        streaming: bool = True,
        batch_size: int | None = 1,
        **kwargs: Any,
    ) -> None:
        refuse_misspelt_keywords(kwargs, type(self), Dataset)
        super().__init__(batch_size=batch_size, **{key: kwargs.pop(key) for key in _OPTIONS & kwargs.keys()})
        self.path, self.name, self.split, self.revision, self.streaming = path, name, split, revision, streaming
        library = _library()
        if current_run().offline and not _is_local(path, kwargs):
            raise OfflineError(
                f"HuggingFaceDataset({path!r}) would be fetched, and the network is forbidden in this run. Give a "
                "folder of this machine, or data_files="
            )
        try:
            self.dataset: Any = library.load_dataset(
                path, name=name, split=split, revision=revision, streaming=streaming, **kwargs
            )
        except (OSError, ValueError, library.exceptions.DatasetsError) as error:
            raise DataError(f"HuggingFaceDataset({path!r}) can't be loaded: {error}") from error

    def _splits(self) -> list[Any]:
        return list(self.dataset.values()) if isinstance(self.dataset, dict) else [self.dataset]

    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        for split in self._splits():
            yield from split

    def __len__(self) -> int:
        """Batches in one pass.

        Raises:
            TypeError: a stream without a limit has no length.
        """
        if not self.streaming:
            rows = sum(map(len, self._splits()))
            return self._total_batches(rows if self.limit is None else min(rows, self.limit))
        if self.limit is None:
            raise TypeError(f"HuggingFaceDataset({self.path!r}) is a stream of unknown length; give limit=")
        return super().__len__()


def load_split(
    path: str,
    *,
    name: str | None = None,
    split: str,
    input_data_model: object,
    input_template: str,
    output_data_model: object = None,
    output_template: str | None = None,
    tools_template: str | None = None,
    limit: int | None = None,
    **load_kwargs: Any,
) -> Batch:
    """All examples of a split of Hugging Face: `(x, y)`, or `(x,)` where nothing says what targets are.

    Args:
        path, name, split: as for `HuggingFaceDataset`.
        input_data_model, input_template, output_data_model, output_template, tools_template: as for `Dataset`.
        limit: rows to read; None reads all.
        load_kwargs: the options of `datasets.load_dataset`.

    Raises:
        ConfigurationError, DataError, OfflineError: as for `HuggingFaceDataset`.
    """
    return HuggingFaceDataset(
        path,
        name=name,
        split=split,
        batch_size=None,
        limit=limit,
        input_data_model=input_data_model,
        input_template=input_template,
        output_data_model=output_data_model,
        output_template=output_template,
        tools_template=tools_template,
        **{"streaming": False, **load_kwargs},
    ).materialize()


def _library() -> ModuleType:
    try:
        import datasets.config

        import datasets as library  # a second, for those who use it
    except ImportError as error:
        raise ConfigurationError(
            "datasets of Hugging Face need its library: pip install 'synalinks-replay[huggingface]'"
        ) from error
    return library  # type: ignore[no-any-return]


def _is_local(path: str, options: JsonObject) -> bool:
    files = options.get("data_files", options.get("data_dir"))
    return Path(path).exists() or (files is not None and "://" not in str(files))
