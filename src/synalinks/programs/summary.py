"""The table that `program.summary()` prints."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synalinks.programs.program import Program


def summarise(program: Program) -> str:
    """Modules in the order they run, with output schemas and numbers of variables."""
    from rich.console import Console  # 60 ms that only those who look at a table pay
    from rich.table import Table

    table = Table(title=f"Program: {program.name}", caption=program.description)
    for column in ("Module (type)", "Output", "Variables", "Trainable"):
        table.add_column(column)
    for module in program.modules:
        schema = "" if module.output_spec is None else _fields(module.output_spec)
        count = len(module.variables)
        table.add_row(
            f"{module.name} ({type(module).__name__})", schema, str(count), "yes" if module.trainable_variables else ""
        )
    trainable = len(program.trainable_variables)
    table.add_section()
    table.add_row("total", "", str(len(program.variables)), f"{trainable} variables")
    screen = Console(file=io.StringIO(), width=100)
    screen.print(table)
    text: str = screen.file.getvalue()  # type: ignore[attr-defined]
    return text.rstrip()


def _fields(output: Any) -> str:
    if not hasattr(output, "get_schema"):
        return "several"
    properties = output.get_schema().get("properties", {})
    return "\n".join(f"{name}: {kind.get('type', 'any')}" for name, kind in properties.items())
