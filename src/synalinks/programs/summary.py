"""The table that `program.summary()` prints."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from synalinks.modules import Module


def summarise(title: str, caption: str, modules: Sequence[Module], variables: int, trainable: int) -> str:
    """A table of modules in the order they run, with output schemas and numbers of variables.

    Args:
        variables, trainable: how many the program has.
    """
    from rich.console import Console  # takes 60 ms; only tables need it
    from rich.table import Table

    table = Table(title=title, caption=caption)
    for column in ("Module (type)", "Output", "Variables", "Trainable"):
        table.add_column(column)
    for module in modules:
        schema = "" if module.output_spec is None else _fields(module.output_spec)
        count = len(module.variables)
        table.add_row(
            f"{module.name} ({type(module).__name__})", schema, str(count), "yes" if module.trainable_variables else ""
        )
    table.add_section()
    table.add_row("total", "", str(variables), f"{trainable} variables")
    screen = Console(file=io.StringIO(), width=100)
    screen.print(table)
    text: str = screen.file.getvalue()  # type: ignore[attr-defined]
    return text.rstrip()


def _fields(output: Any) -> str:
    if not hasattr(output, "get_schema"):
        return "several"
    properties = output.get_schema().get("properties", {})
    return "\n".join(f"{name}: {kind.get('type', 'any')}" for name, kind in properties.items())
