"""Tests of datasets over folders: texts, Markdown and pictures."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

import synalinks
from synalinks.datasets import ImageFolderDataset, MarkdownDataset, TextDataset, parse_markdown_sections
from synalinks.errors import ConfigurationError, DataError

PNG = b"\x89PNG\r\n\x1a\n"


def write(path: Path, text: str = "", encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)


# --- texts -------------------------------------------------------------------------------------------------------


def test_files_become_documents_in_order(tmp_path: Path) -> None:
    for name in ("c.txt", "a.TXT", "z/b.txt", "a.md"):
        write(tmp_path / name, name)
    data = TextDataset(tmp_path, batch_size=2, repeat=2)
    (x,) = data.materialize()
    assert [one.filepath for one in x[::2]] == ["a.TXT", "c.txt", str(Path("z/b.txt"))]
    assert isinstance(x[0], synalinks.TextDocument) and x[0] is x[1] and x[0].text == "a.TXT"
    assert len(data) == len(list(data())) == 3
    assert [len(one) for one in (TextDataset(tmp_path, recursive=False), TextDataset(tmp_path, limit=9))] == [1, 1]
    assert len(TextDataset(tmp_path, glob_pattern=".md").materialize()[0]) == 1


def test_texts_by_a_template_and_by_a_schema(tmp_path: Path) -> None:
    class Body(synalinks.DataModel):
        body: str

    write(tmp_path / "a.txt", 'say "hi"')
    (x,) = TextDataset(tmp_path, input_data_model=Body, input_template='{"body": {{ text | tojson }}}').materialize()
    assert x[0].body == 'say "hi"'
    schema = '{"type": "object", "properties": {"text": {"type": "string"}}}'
    assert TextDataset(tmp_path, input_schema=schema).materialize()[0][0].get_json() == {"text": 'say "hi"'}


def test_encodings(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "café", encoding="latin-1")
    assert TextDataset(tmp_path, encoding="latin-1").materialize()[0][0].text == "café"
    with pytest.raises(DataError, match=r"a\.txt is not text in the encoding"):
        list(TextDataset(tmp_path))
    with pytest.raises(ConfigurationError, match="no encoding 'utf-9'"):
        TextDataset(tmp_path, encoding="utf-9")


@pytest.mark.parametrize("kind", [TextDataset, MarkdownDataset, ImageFolderDataset])
def test_a_folder_that_is_not_there_and_one_that_is_empty(tmp_path: Path, kind: type[TextDataset]) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder .*absent"):
        kind(tmp_path / "absent")
    assert list(kind(tmp_path)) == [] and len(kind(tmp_path)) == 0
    with pytest.raises(ConfigurationError, match="no argument of this name"):
        kind(tmp_path, folder="x")  # type: ignore[call-arg]


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b.txt", "x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert len(TextDataset(tmp_path, batch_size=1)) == 1


# --- Markdown ----------------------------------------------------------------------------------------------------


def outline(text: str) -> list[tuple[int, str, str]]:
    return [(one["level"], one["path"], one["text"]) for one in parse_markdown_sections(text)]


def test_sections_have_the_path_of_the_headings_above() -> None:
    text = "# A\n\nintro\n\n### Deep\n\n### Deeper\n\nx\n\n## B\n\ny\n# C"
    assert outline(text) == [
        (1, "A", "intro"), (3, "A / Deep", ""), (3, "A / Deeper", "x"), (2, "A / B", "y"), (1, "C", ""),
    ]  # fmt: skip


def test_what_is_no_heading() -> None:
    assert outline("before\n\n# A\n\n```\n# code\n```\n\n> # said\n\n- # item\n") == [
        (0, "", "before"), (1, "A", "```\n# code\n```\n\n> # said\n\n- # item"),
    ]  # fmt: skip
    assert outline("Under\n=====\n\nbody\r\n\r\nMore\r\n----\r\n") == [(1, "Under", "body"), (2, "Under / More", "")]
    assert outline("just\nprose\n") == [(0, "", "just\nprose")]
    assert outline("") == outline("  \n\n ") == []
    assert outline("a\u2028b\x0c\n\n# H\n\nc\n") == [(0, "", "a\u2028b\x0c"), (1, "H", "c")]


def test_front_matter_is_left_out_and_a_rule_is_not() -> None:
    assert outline("---\ntitle: x\ntags: [a]\n---\n\n# A\n") == [(1, "A", "")]
    assert outline("---\n\nfirst\n\n---\n\n# A\n") == [(0, "", "---\n\nfirst\n\n---"), (1, "A", "")]


def test_files_become_documents_with_sections(tmp_path: Path) -> None:
    write(tmp_path / "b.md", "# Tea\n\n## Notes\n\nx\n\n## Notes\n\ny\n")
    write(tmp_path / "sub" / "a.MD", "## Only\n")
    (x,) = synalinks.MarkdownDataset(tmp_path).materialize()
    assert [(one.filepath, one.title) for one in x] == [("b.md", "Tea"), (str(Path("sub/a.MD")), "a")]
    assert [one.section_id for one in x[0].sections] == ["b.md#Tea", "b.md#Tea / Notes", "b.md#Tea / Notes (2)"]
    assert isinstance(x[0].sections[0], synalinks.MarkdownSection) and isinstance(x[0], synalinks.MarkdownDocument)


# --- pictures ----------------------------------------------------------------------------------------------------


class Kind(synalinks.DataModel):
    label: str


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("top.png", "cats/tom 1.PNG", "dogs/rex.png", "dogs/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(PNG)
    return tmp_path


def test_pictures_with_a_prompt_and_their_folder_as_label(pictures: Path) -> None:
    data = synalinks.ImageFolderDataset(pictures, prompt="What is it?", output_data_model=Kind, batch_size=2)
    x, y = data.materialize()
    assert [one.label for one in y] == ["", "cats", "dogs"] and len(data) == 2
    text, picture = x[1].messages[0].content
    assert text == {"type": "text", "text": "What is it?"}
    assert picture["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert len(ImageFolderDataset(pictures, recursive=False, extensions=[".PNG"]).materialize()[0]) == 1


def test_the_address_of_a_file_in_a_template_becomes_its_bytes(pictures: Path) -> None:
    template = (
        '{"messages": [{"role": "user", "content": [{"type": "text", "text": "{{ name }} {{ image_path }}"},'
        ' {"type": "image_url", "image_url": {"url": {{ file_uri | tojson }}, "detail": "low"}}]}]}'
    )
    (x,) = ImageFolderDataset(pictures / "cats", input_template=template).materialize()
    text, picture = x[0].messages[0].content
    assert text["text"] == "tom 1 tom 1.PNG"
    assert picture["image_url"] == {
        "url": "data:image/png;base64," + base64.b64encode(PNG).decode(), "detail": "low",
    }  # fmt: skip


def test_a_picture_is_read_when_its_batch_is_made(pictures: Path) -> None:
    batches = iter(ImageFolderDataset(pictures, batch_size=1))
    next(batches)
    (pictures / "cats" / "tom 1.PNG").write_bytes(PNG + b"!")
    ((x,),) = (next(batches),)
    assert x[0].messages[0].content[1]["image_url"]["url"].endswith(base64.b64encode(PNG + b"!").decode())
