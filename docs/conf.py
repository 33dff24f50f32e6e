"""Settings of the documentation: `sphinx-build -W --keep-going -c docs . build/docs`, from the project's folder."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from sphinx.application import Sphinx

import synalinks
from synalinks.version import __version__

project = "synalinks-replay"
author = "the synalinks-replay authors"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]

# The source folder is the project's, so that links between documents are those that work in a checkout.
root_doc = "docs/README"
include_patterns = ["*.md", "cassettes/README.md", "docs/**.md", "src/synalinks/lm/README.md"]
exclude_patterns = [".*", "**/.*", "build", "dist", "tests", "benchmarks", "examples", "scripts"]
myst_heading_anchors = 3

# Docstrings write code between single backquotes.
default_role = "code"
napoleon_numpy_docstring = False
autodoc_default_options = {"members": True, "show-inheritance": True, "exclude-members": "model_config"}
autosummary_generate = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"synalinks-replay {__version__}"
html_additional_pages = {"index": "to_start.html"}
templates_path = ["_templates"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["widths.css"]

#: Namespaces with a page of the reference; a name of several is described in the first.
REFERENCE = (Path(__file__).parent / "reference/README.md").read_text(encoding="utf-8")
NAMESPACES = re.findall(r"^- \[(synalinks\.\w+)\]", REFERENCE, re.MULTILINE)
#: A section of an index with its title, a line of its list, and a link to a document.
SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
LISTED = re.compile(r"^(?:-|\d+\.| ) .*", re.MULTILINE)
LINK = re.compile(r"\]\(([^):#]+)\.md\)")
#: Names of arguments up to the end of a line.
ARGUMENTS = re.compile(r"^( +\w+(?:, \*{0,2}\w+)*,)\n +(?=\*{0,2}\w+[,:])", re.MULTILINE)


def put_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add what the lists of an index link to, by section, to the contents at the side."""
    if re.fullmatch(r"docs/(\w+/)?README", docname):
        for title, text in SECTION.findall(source[0]):
            links = LINK.findall("".join(LISTED.findall(text)))
            contents = ["\n```{toctree}", ":hidden:", f":caption: {title}", "", *links, "```\n"]
            source[0] += "\n".join(contents) if links else ""


def put_public_names(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the names of `synalinks` in place of `@public-names`, each by the page that describes it."""
    pages = [importlib.import_module(name) for name in NAMESPACES]
    described = {
        id(getattr(page, name)): f"{page.__name__}.{name}" for page in reversed(pages) for name in page.__all__
    }
    things = {name: getattr(synalinks, name) for name in synalinks.__all__}
    names = [
        described.get(id(thing)) or f"{thing.__module__}.{name}" for name, thing in things.items() if callable(thing)
    ]
    source[0] = source[0].replace("@public-names", "\n   ".join(f"~{name}" for name in names))


def prepare_for_napoleon(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Mend what napoleon reads otherwise than it is meant.

    Names of arguments may go over several lines, and `**settings` among them is no bold text.
    """
    text = "\n".join(lines)
    while (joined := ARGUMENTS.sub(r"\1 ", text)) != text:
        text = joined
    lines[:] = text.replace(", **", r", \**").split("\n")


def mend_property(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Put back what napoleon takes for a property's type: what precedes a colon in its first line."""
    found = [line for line in lines if line.startswith(":type: ")]
    if what == "property" and found:
        lines.remove(found[0])
        lines[0] = f"{found[0].removeprefix(':type: ')}: {lines[0]}"


def setup(app: Sphinx) -> None:
    app.connect("source-read", put_contents)
    app.connect("source-read", put_public_names)
    app.connect("autodoc-process-docstring", prepare_for_napoleon, priority=400)
    app.connect("autodoc-process-docstring", mend_property, priority=600)
