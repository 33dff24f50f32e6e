"""No cycle between modules, imports for type checking included."""

from __future__ import annotations

import grimp
import pytest


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """The modules of the package, each with those that it imports."""
    graph = grimp.build_graph("synalinks", cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Sets of modules that import one another, directly or not (Tarjan, Depth-First Search and Linear Graph
    Algorithms, 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in sorted(imports.get(module, ())):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            at = stack.index(module)
            together, stack[at:] = stack[at:], []
            if len(together) > 1:
                found.append(sorted(together))

    for module in sorted(imports):
        if module not in number:
            visit(module)
    return found


def test_cycles_are_found() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"f"}, "f": set()}) == [["a", "b", "c"]]


def test_no_modules_import_one_another(imports: dict[str, set[str]]) -> None:
    assert len(imports) > 300
    assert cycles(imports) == []
