"""Make the files of classes that tables describe: operational metrics, and judges by one rubric.

    python scripts/make_classes.py

Written are `metrics/operational/classes.py`, from the rows of `table.py` beside it, and `rewards/rubric_classes.py`,
from `rubric_table.py`. Both are committed, so that type checkers, editors and readers see ordinary classes; a test
compares them with what this script makes.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = Path(__file__).parent.parent / "src/synalinks"
WIDTH = 116


def _table(path: str) -> ModuleType:
    """A table's module, by its path: its package imports the classes, which need not be there yet."""
    name = path.replace("/", "_").removesuffix(".py")
    spec = importlib.util.spec_from_file_location(name, PACKAGE / path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def operational_metrics() -> str:
    """The text of `metrics/operational/classes.py`."""
    rows = sorted(_table("metrics/operational/table.py").classes())
    bases = sorted({base for _, base, _ in rows})
    head = [
        '"""Operational metrics: a class for each row of the table and each phase that the row has.',
        "",
        "Made by scripts/make_classes.py from table.py. Change the table and run the script; a test compares the two.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from synalinks.metrics.operational.metric import (",
        *(f"    {base}," for base in bases),
        ")",
        "",
        *_names(name for name, _, _ in rows),
    ]
    return "\n".join(head) + "".join(_operational(name, base, row) for name, base, row in rows)


def _operational(name: str, base: str, row: Any) -> str:
    caller = "rewards'" if "Rewards" in base else "optimizer's" if "Optimizers" in base else "program's"
    kind = "chat " if base.startswith("LM") else "embedding " if base.startswith("Embedding") else ""
    calls = f"the {caller} {kind}calls"
    unknown = "None if a part is unknown" if row.denominator is None else "None if it is unknown"
    return _class(name, base, f"{row.says.format(calls=calls)}, in {row.unit}; {unknown}.")


def rubric_judges() -> str:
    """The text of `rewards/rubric_classes.py`."""
    rubrics = sorted(_table("rewards/rubric_table.py").RUBRICS, key=lambda rubric: rubric.title)
    head = [
        '"""Judges by one rubric: a class for each rubric of the table.',
        "",
        "Made by scripts/make_classes.py from rubric_table.py. Change the table and run the script; a test compares "
        "the two.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from synalinks.rewards.rubrics import RubricAsJudge",
        "",
        *_names(rubric.title for rubric in rubrics),
    ]
    made = (
        _class(rubric.title, "RubricAsJudge", f"A judge by one rubric: {rubric.asks[0].lower()}{rubric.asks[1:]}")
        for rubric in rubrics
    )
    return "\n".join(head) + "".join(made)


def _names(names: Iterable[str]) -> list[str]:
    """`__all__`, with as many names in a line as there is room for."""
    lines = ["    "]
    for name in names:
        word = f'"{name}", '
        if len(lines[-1]) + len(word) > WIDTH:
            lines.append("    ")
        lines[-1] += word
    return ["# fmt: off", "__all__ = [", *(line.rstrip() for line in lines), "]", "# fmt: on", ""]


def _class(name: str, base: str, document: str) -> str:
    lines, line = [], '    """'
    for word in document.split():
        if len(line) + len(word) > WIDTH:
            lines.append(line.rstrip())
            line = "    "
        line += word + " "
    quotes = [line.rstrip() + '"""'] if not lines else [line.rstrip(), '    """']
    return "\n".join(["", "", f"class {name}({base}):", *lines, *quotes, ""])


#: What each file holds, by its path in the package.
FILES = {"metrics/operational/classes.py": operational_metrics, "rewards/rubric_classes.py": rubric_judges}


def main() -> None:
    """Write the files."""
    for path, text in FILES.items():
        (PACKAGE / path).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
