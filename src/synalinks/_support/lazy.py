"""Names of a package that are loaded when they are first used, so that a part costs no more than itself."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping

from synalinks._not_here_yet import attribute_of


def loading(namespace: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of a package that loads names when they are first used.

    Args:
        namespace: the package.
        homes: modules of the package, each with the names it defines.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}
    missing = attribute_of(namespace)

    def load(name: str) -> object:
        if (home := home_of.get(name)) is None:
            return missing(name)
        value: object = getattr(importlib.import_module(f"{namespace}.{home}"), name)
        setattr(sys.modules[namespace], name, value)
        return value

    return load
