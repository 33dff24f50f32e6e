"""Names of a package, and modules, that are loaded when they are first used: a part costs no more than itself."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn


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


class LazyModule:
    """A module that is imported when something of it is first used, by the name that the module importing it gives it.

    Type checkers, and the checks of what imports what, read the import that stands beside it under `TYPE_CHECKING`.

    Example:
        >>> from synalinks._base.lazy import LazyModule
        >>> LazyModule("synalinks.version").__version__ == synalinks.__version__
        True

    Args:
        name: of the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)
