"""The built-in benchmark sets as modules `synalinks.datasets.<set>`, made of the rows of one table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from synalinks._base.lazy import LazyModule

if TYPE_CHECKING:
    from synalinks.data import DataModel
    from synalinks.datasets.built_in import benchmark, hotpotqa, table
    from synalinks.datasets.built_in.benchmark import Arrays
    from synalinks.datasets.dataset import Array, Dataset
else:
    benchmark = LazyModule("synalinks.datasets.built_in.benchmark")
    hotpotqa = LazyModule("synalinks.datasets.built_in.hotpotqa")
    table = LazyModule("synalinks.datasets.built_in.table")

_FUNCTIONS = ("get_input_data_model", "get_output_data_model", "iterable_dataset", "load_data")


class BenchmarkModule(ModuleType):
    """The module of a set; the table is read when a function of it is first used, which takes some milliseconds."""

    __all__: list[str]
    get_input_data_model: Callable[[], type[DataModel]]
    get_output_data_model: Callable[[], type[DataModel]]
    load_data: Callable[..., tuple[Arrays, Arrays]]
    iterable_dataset: Callable[..., Dataset]

    def __getattr__(self, name: str) -> object:
        if name not in self.__all__:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        self._load()
        return vars(self)[name]

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *self.__all__})

    def _load(self) -> None:
        own = self.__name__.rpartition(".")[2]
        for function in benchmark.functions_of(own, table.BENCHMARKS[own]):
            name = function.__name__.partition("_of_")[0]
            function.__name__ = function.__qualname__ = name
            function.__module__ = self.__name__
            setattr(self, name, function)


class HotpotModule(BenchmarkModule):
    """The module of HotpotQA, whose paragraphs are a knowledge of their own."""

    get_knowledge_data_model: Callable[[], type[DataModel]]
    load_knowledge: Callable[[], Array]

    def _load(self) -> None:
        super()._load()
        self.get_knowledge_data_model = hotpotqa.get_knowledge_data_model
        self.load_knowledge = hotpotqa.load_knowledge


def benchmark_module(name: str) -> BenchmarkModule:
    """The module `synalinks.datasets.<name>`, which `import` then finds."""
    return _registered(BenchmarkModule(f"synalinks.datasets.{name}", f"The benchmark set {name}."), _FUNCTIONS)


def hotpot_module() -> HotpotModule:
    """The module `synalinks.datasets.hotpotqa`, which `import` then finds."""
    module = HotpotModule("synalinks.datasets.hotpotqa", "The benchmark set hotpotqa, and its paragraphs.")
    _registered(module, (*_FUNCTIONS, "get_knowledge_data_model", "load_knowledge"))
    return module


def _registered(module: BenchmarkModule, names: tuple[str, ...]) -> BenchmarkModule:
    module.__all__ = list(names)
    sys.modules[module.__name__] = module
    return module
