"""Markdown: its sections, and folders of it as a dataset."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import PurePath

from markdown_it import MarkdownIt

from synalinks._json import Json, JsonObject
from synalinks.data import DataModel, Field
from synalinks.datasets.folders import DocumentDataset

#: YAML between two lines of dashes at the start of a file.
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?=\S).*?^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
#: Stands between the headings of a path.
_BETWEEN = " / "


class MarkdownSection(DataModel):
    """What stands between two headings of a file."""

    section_id: str = Field(description="The file and the path, with # between them; the same at every reading")
    filepath: str = Field(description="The path of the file within its folder")
    path: str = Field(description="The headings above the section and its own, with ' / ' between them")
    section_name: str = Field(description="The section's own heading; empty before the first heading")
    level: int = Field(description="The level of the heading from 1 to 6; 0 before the first heading")
    text: str = Field(description="The text from the heading to the next one")


class MarkdownDocument(DataModel):
    """A file of Markdown."""

    filepath: str = Field(description="The path of the file within its folder")
    title: str = Field(description="The first heading of level 1, or else the name of the file without its ending")
    sections: list[MarkdownSection] = Field(description="The sections, in order")


def parse_markdown_sections(text: str) -> list[JsonObject]:
    """The sections of a Markdown text: `section_name`, `level`, `path` and `text` of each, in order.

    Headings are those of CommonMark, underlined ones included; lines in code, quotations and lists are none. YAML at
    the start of the text is left out. Text before the first heading is a section of level 0.

    Example:
        >>> for section in synalinks.parse_markdown_sections("# Tea\\n\\nHot.\\n\\n## Green\\n\\nLess hot."):
        ...     print(section["path"], "-", section["text"])
        Tea - Hot.
        Tea / Green - Less hot.
    """
    text = _FRONT_MATTER.sub("", text.replace("\r\n", "\n").replace("\r", "\n"), count=1)
    lines = text.split("\n")
    tokens = MarkdownIt("commonmark").parse(text)
    #: Level, heading, and the lines from the heading and after it.
    found: list[tuple[int, str, int, int]] = [(0, "", 0, 0)]
    for token, content in itertools.pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            start, end = token.map
            found.append((int(token.tag[1:]), content.content.strip(), start, end))
    sections: list[JsonObject] = []
    above: list[tuple[int, str]] = []
    ends = [start for _, _, start, _ in found[1:]] + [len(lines)]
    for (level, name, _, begin), until in zip(found, ends, strict=True):
        above = [*(one for one in above if one[0] < level), *([(level, name)] if level else [])]
        body = "\n".join(lines[begin:until]).strip("\n")
        if level or body.strip():
            path = _BETWEEN.join(heading for _, heading in above)
            sections.append({"section_name": name, "level": level, "path": path, "text": body})
    return sections


class MarkdownDataset(DocumentDataset):
    """The Markdown files of a folder: each as a `MarkdownDocument`, or by templates of their fields.

    Args:
        root: the folder.
        encoding: of the files; a byte order mark at the start is no part of the text.
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
        >>> _ = (folder / "tea.md").write_text("# Tea\\n\\nHot.")
        >>> ((documents,),) = synalinks.MarkdownDataset(folder)
        >>> documents[0].title, documents[0].sections[0].section_id
        ('Tea', 'tea.md#Tea')
    """

    document = MarkdownDocument
    default_glob_pattern = ".md"

    def _row(self, filepath: str, text: str) -> Mapping[str, Json]:
        sections, times = [], dict[str, int]()
        for section in parse_markdown_sections(text):
            times[section["path"]] = number = times.get(section["path"], 0) + 1
            again = f" ({number})" if number > 1 else ""  # headings may repeat, and ids do not
            identity = f"{filepath}#{section['path']}{again}"
            sections.append({"section_id": identity, "filepath": filepath, **section})
        title = next((one["section_name"] for one in sections if one["level"] == 1), PurePath(filepath).stem)
        return {"filepath": filepath, "title": title, "sections": sections}
