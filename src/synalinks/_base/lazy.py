"""Names of a package that are loaded when they are first used, so that a part costs no more than itself."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from typing import NoReturn


def loading(
    namespace: str,
    homes: Mapping[str, str],
    missing: Callable[[str], NoReturn] | None = None,
    submodules: Collection[str] = (),
) -> Callable[[str], object]:
    """The `__getattr__` of a package that loads names when they are first used.

    Args:
        namespace: the package.
        homes: modules of the package, each with the names it defines.
        missing: raises an `AttributeError` of its own for a name that the package does not have.
        submodules: modules of the package that are names of it themselves.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def load(name: str) -> object:
        value: object
        if (home := home_of.get(name)) is not None:
            value = getattr(importlib.import_module(f"{namespace}.{home}"), name)
        elif name in submodules:
            value = importlib.import_module(f"{namespace}.{name}")
        elif missing is not None:
            missing(name)
        else:
            raise AttributeError(f"module {namespace!r} has no attribute {name!r}")
        setattr(sys.modules[namespace], name, value)
        return value

    return load
