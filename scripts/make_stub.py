"""Make `src/synalinks/__init__.pyi`, the public names as type checkers and editors read them.

    python scripts/make_stub.py

It is made of the table in `__init__.py`, which loads a name when it is first used; a test compares the two.
"""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src/synalinks"
STUB = PACKAGE / "__init__.pyi"
HEAD = '''"""The public names. Made by scripts/make_stub.py from the table in __init__.py; a test compares the two."""

# fmt: off
'''
INDENT = 4 * " "


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
    homes = {home: names.split() for home, names in package._HOMES.items()}
    homes |= {"synalinks": package._NAMESPACES, "synalinks.version": ["__version__", "version"]}
    return HEAD + "".join(_imports(home, names) for home, names in sorted(homes.items()))


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
