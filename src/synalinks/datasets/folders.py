"""Datasets over the files of a folder: an example a file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Unpack
from urllib.parse import urlsplit
from urllib.request import url2pathname

from synalinks._base.files import check_size
from synalinks._json import Json, JsonObject
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks.data import ChatMessages, DataModel, Field, Image
from synalinks.datasets.dataset import Dataset, DatasetOptions
from synalinks.datasets.files import decoding
from synalinks.errors import DataError, MissingFileError


class TextDocument(DataModel):
    """A file of text."""

    filepath: str = Field(description="The path of the file within its folder")
    text: str = Field(description="What the file says")


class FolderDataset(Dataset):
    """Files of a folder, sorted by name, those of a folder before those of its subfolders.

    Args:
        root: the folder.
        recursive: whether the files of subfolders are read, too.
        batch_size: examples in a batch.
        options: as for `Dataset`.

    Raises:
        MissingFileError: no such folder.
    """

    #: How the names of the files end, in small letters; names may have capitals.
    endings: tuple[str, ...]

    def __init__(
        self,
        root: str | Path,
        *,
        recursive: bool = True,
        batch_size: int | None = 8,
        **options: Unpack[DatasetOptions],
    ) -> None:
        refuse_unknown_keywords(type(self), options, Dataset.__init__)
        super().__init__(batch_size=batch_size, **options)
        self.root = Path(root)
        if not self.root.is_dir():
            raise MissingFileError(f"{type(self).__name__}: there is no folder {root}")
        self.recursive = recursive

    def _files(self, folder: Path | None = None) -> Iterator[Path]:
        try:
            inside = sorted((folder or self.root).iterdir())
        except OSError as error:
            raise DataError(f"{type(self).__name__}: {folder or self.root} can't be read: {error.strerror}") from error
        yield from (one for one in inside if one.is_file() and one.name.lower().endswith(self.endings))
        if self.recursive:
            for one in inside:
                if one.is_dir() and not one.is_symlink():  # a link may lead back
                    yield from self._files(one)

    def __len__(self) -> int:
        """Batches in one pass; the files are counted, not read."""
        files = sum(1 for _ in self._files())
        return self._total_batches(files if self.limit is None else min(files, self.limit))


class DocumentDataset(FolderDataset):
    """Files of text, as documents where no data model is given.

    Args:
        root, recursive, batch_size, options: as for `FolderDataset`.
        glob_pattern: how the names of the files end, in letters of any case; as the class says where None.
        encoding: of the texts; a byte order mark at the start is no part of them.

    Raises:
        ConfigurationError: no such encoding.
    """

    #: The data model of a document.
    document: type[DataModel]
    #: How the names of the files end where nothing else is said.
    default_glob_pattern: ClassVar[str]

    def __init__(
        self,
        root: str | Path,
        *,
        encoding: str = "utf-8",
        recursive: bool = True,
        glob_pattern: str | None = None,
        batch_size: int | None = 8,
        **options: Unpack[DatasetOptions],
    ) -> None:
        if options.get("input_data_model") is None and options.get("input_schema") is None:
            options["input_data_model"] = self.document
        super().__init__(root, recursive=recursive, batch_size=batch_size, **options)
        self.endings = ((self.default_glob_pattern if glob_pattern is None else glob_pattern).lower(),)
        self.encoding = decoding(encoding, type(self).__name__)

    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        for path in self._files():
            try:
                text = check_size(path).read_text(encoding=self.encoding)
            except UnicodeError as error:
                raise DataError(f"{path} is not text in the encoding {self.encoding}: {error}") from error
            except OSError as error:
                raise DataError(f"{path} can't be read: {error.strerror}") from error
            yield self._row(str(path.relative_to(self.root)), text)

    @abstractmethod
    def _row(self, filepath: str, text: str) -> Mapping[str, Json]:
        """The columns of a file."""


class TextDataset(DocumentDataset):
    """The texts of a folder: each as a `TextDocument`, or by templates of `filepath` and `text`.

    Args:
        root: the folder.
        encoding: of the texts; a byte order mark at the start is no part of them.
        recursive: whether the files of subfolders are read, too.
        glob_pattern: how the names of the files end, in letters of any case.
        batch_size: examples in a batch.
        options: as for `Dataset`.

    Raises:
        MissingFileError: no such folder.
        ConfigurationError: no such encoding.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "note.txt").write_text("Tea at four.")
        >>> [x[0].text for (x,) in synalinks.TextDataset(folder)]
        ['Tea at four.']
    """

    document = TextDocument
    default_glob_pattern = ".txt"

    def _row(self, filepath: str, text: str) -> Mapping[str, Json]:
        return {"filepath": filepath, "text": text}


class ImageFolderDataset(FolderDataset):
    """The pictures of a folder, each in a chat message with a prompt; a picture is read when its batch is made.

    A template of the inputs or of the targets has the columns `file_uri`, for a part of type `image_url`, `image_path`
    within the folder, `name` without its ending, `prompt`, and `label`: the name of the subfolder that the picture is
    in, or empty text.

    Args:
        root: the folder.
        prompt: the text beside each picture.
        recursive: whether the pictures of subfolders are read, too.
        extensions: how the names of pictures end, in letters of any case.
        batch_size: examples in a batch.
        options: as for `Dataset`.

    Raises:
        MissingFileError: no such folder.

    Example:
        >>> import base64, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp()) / "cats"
        >>> folder.mkdir()
        >>> _ = (folder / "tom.png").write_bytes(b"\\x89PNG\\r\\n\\x1a\\n")
        >>> class Kind(synalinks.DataModel):
        ...     label: str
        ...
        >>> dataset = synalinks.ImageFolderDataset(folder.parent, prompt="What is it?", output_data_model=Kind)
        >>> [(x[0].messages[0].content[0]["text"], y[0].label) for x, y in dataset]
        [('What is it?', 'cats')]
    """

    def __init__(
        self,
        root: str | Path,
        *,
        prompt: str = "Describe this image.",
        recursive: bool = True,
        extensions: Sequence[str] = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"),
        batch_size: int | None = 8,
        **options: Unpack[DatasetOptions],
    ) -> None:
        if all(options.get(name) is None for name in ("input_data_model", "input_schema", "input_template")):
            options["input_data_model"] = ChatMessages
        super().__init__(root, recursive=recursive, batch_size=batch_size, **options)
        self.endings = tuple(ending.lower() for ending in extensions)
        self.prompt = prompt

    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        for path in self._files():
            within = path.relative_to(self.root)
            yield {
                "messages": [{"role": "user", "content": [self.prompt, Image(path=str(path))]}],
                "file_uri": path.absolute().as_uri(),
                "image_path": str(within),
                "name": path.stem,
                "label": within.parent.name,
                "prompt": self.prompt,
            }

    def _completed(self, value: JsonObject) -> JsonObject:
        return _with_pictures(value)  # type: ignore[no-any-return]


def _with_pictures(value: Json) -> Json:
    """JSON with the bytes of files where parts of messages have their addresses."""
    if isinstance(value, list):
        return [_with_pictures(one) for one in value]
    if not isinstance(value, dict):
        return value
    source = value.get("image_url")
    if isinstance(source, dict) and str(source.get("url")).startswith("file:"):
        part = Image(path=url2pathname(urlsplit(source["url"]).path)).to_part()
        return {**value, "image_url": {**source, **part["image_url"]}}
    return {key: _with_pictures(one) for key, one in value.items()}
