"""The documentation builds without a warning, its links lead somewhere, and it needs no other server."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import synalinks
from playing import ROOT
from test_docstring_examples import public

pytest.importorskip("sphinx", reason="the documentation is built with the extra `docs`")


class Page(HTMLParser):
    """The links of a page, what it loads, and the places that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        self.places.add(given.get("id", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(given["href"])
        elif "src" in given:
            self.loaded.append(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as the command of CONTRIBUTING.md builds them, in a folder of their own."""
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs", "-d", built / "trees", "."]
    found_at = {**os.environ, "PYTHONPATH": str(Path(synalinks.__file__).parent.parent)}
    ended = subprocess.run(
        [*command, built / "html"], cwd=ROOT, env=found_at, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return built / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_links_lead_to_a_place_that_is_there(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            found = target.is_file() and (target not in pages or unquote(parts.fragment) in pages[target].places)
            if not found:
                broken.append(f"{path.name}: {link}")
    assert broken == []
    assert len(pages) > 100


def test_nothing_is_loaded_from_another_server(pages: dict[Path, Page], site: Path) -> None:
    loaded = {link for page in pages.values() for link in page.loaded}
    assert {link for link in loaded if urlsplit(link).netloc} == set()
    assert [path.name for path in site.rglob("*.css") if "url(http" in path.read_text(encoding="utf-8")] == []


def test_every_public_name_is_described(site: Path) -> None:
    from sphinx.util.inventory import InventoryFile  # of the extra

    names = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    described = {name for kind in names.data.values() for name in kind}
    wanted = {id(thing): name for name, thing in public().items() if name != "cli.main"}  # has a guide
    for name in described:
        wanted.pop(id(_value(name)), None)
    assert set(wanted.values()) == set(), "describe each on a page of docs/reference"


def _value(name: str) -> object:
    """What a dotted name of the library is, or None."""
    first, *others = name.split(".")
    value: object = synalinks if first == "synalinks" else None
    for other in others:
        value = getattr(value, other, None)
    return value
