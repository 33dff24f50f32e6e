"""The classes of operational metrics, one for each row of the table and each of its phases.

Type checkers read the file of stubs beside this one; a test holds the two together.
"""

from __future__ import annotations

from typing import Any

from synalinks.metrics.operational import metric as operational
from synalinks.metrics.operational.table import Row, classes
from synalinks.session import to_snake_case

_WHOSE = {"": "the program's", "reward": "the rewards'", "optimizer": "the optimizer's"}
_WHAT = {frozenset({"chat"}): "chat calls", frozenset({"embed"}): "embedding calls"}


def _made(name: str, base: Any, row: Row) -> type[operational.OperationalMetric]:
    """A metric of its own name: a row of the table, over the calls that its base counts."""
    default = to_snake_case(name)

    def __init__(self: Any, name: str = default) -> None:  # noqa: N807  it becomes the method
        base.__init__(self, name)

    calls = f"{_WHOSE[base.phase]} {_WHAT.get(base.kinds, 'calls')}"
    unknown = "None if a part is unknown" if row.denominator is None else "None if it is unknown"
    document = f"{row.says.format(calls=calls)}, in {row.unit}; {unknown}. Args: see `OperationalMetric`."
    about = {"__module__": __name__, "__doc__": document, "__init__": __init__, "row": row, "direction": row.direction}
    return type(name, (base,), about)


#: By their names.
CLASSES = {name: _made(name, getattr(operational, base), row) for name, base, row in classes()}
globals().update(CLASSES)
__all__ = list(CLASSES)
