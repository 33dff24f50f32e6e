"""Make the stubs: the public names, and the modules of benchmark sets, as type checkers and editors read them.

    python scripts/make_stub.py

`src/synalinks/__init__.pyi` is made of the table in `__init__.py`, which loads a name when it is first used, and
`src/synalinks/datasets/<set>.pyi` of the functions that a set has; a test compares them.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from synalinks.datasets.built_in import BenchmarkModule

PACKAGE = Path(__file__).parent.parent / "src/synalinks"
STUB = PACKAGE / "__init__.pyi"
HEAD = '''"""The public names. Made by scripts/make_stub.py from the table in __init__.py; a test compares the two."""

# fmt: off
'''
INDENT = 4 * " "
#: Characters of a line.
WIDTH = 120
#: The types that functions of benchmark sets name, by their homes.
TYPES = {
    "synalinks.data": ("DataModel",),
    "synalinks.datasets.built_in.benchmark": ("Arrays",),
    "synalinks.datasets.dataset": ("Array", "Dataset"),
}


def _imports(home: str, names: Iterable[str]) -> str:
    pairs = (f"{name}~as~{name}" for name in sorted(names))  # not broken within a pair
    rows = textwrap.fill(", ".join(pairs), 119, initial_indent=INDENT, subsequent_indent=INDENT).replace("~", " ")
    return f"from {home} import (\n{rows},\n)\n"


def stub() -> str:
    """The text of the stub."""
    spec = importlib.util.spec_from_file_location("synalinks", PACKAGE / "__init__.py")
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    homes = {f"synalinks.{home}": names.split() for home, names in package._HOMES.items()}
    homes |= {"synalinks": package._NAMESPACES, "synalinks.version": ["__version__", "version"]}
    return HEAD + "".join(_imports(home, names) for home, names in sorted(homes.items()))


def dataset_stubs() -> dict[Path, str]:
    """The texts of the stubs of benchmark sets, by path."""
    datasets = importlib.import_module("synalinks.datasets")
    sets = {name: one for name, one in vars(datasets).items() if isinstance(one, BenchmarkModule)}
    return {PACKAGE / f"datasets/{name}.pyi": _of_module(one) for name, one in sets.items()}


def _of_module(module: BenchmarkModule) -> str:
    text = "\n".join(_function(name, inspect.signature(getattr(module, name))) for name in sorted(module.__all__))
    named = {home: [name for name in names if re.search(rf"\b{name}\b", text)] for home, names in TYPES.items()}
    imports = [f"from {home} import {', '.join(names)}" for home, names in named.items() if names]
    doc = f'"""{module.__doc__} Made by scripts/make_stub.py; a test compares the two."""'
    return "\n".join([doc, "", *imports, "", text, ""])


def _function(name: str, signature: inspect.Signature) -> str:
    written = ", ".join(f"{one.name}: {one.annotation} = {_default(one)}" for one in signature.parameters.values())
    line = f"def {name}({written}) -> {signature.return_annotation}: ..."
    return line if len(line) <= WIDTH else line.replace("(", f"(\n{INDENT}", 1).replace(") ->", "\n) ->")


def _default(parameter: inspect.Parameter) -> str:
    default = parameter.default
    return json.dumps(default) if isinstance(default, str) else repr(default)


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
    for path, text in dataset_stubs().items():
        path.write_text(text, encoding="utf-8")
