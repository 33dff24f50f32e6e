"""SynalinksProgramModel: a saved program as a model of MLflow."""

from __future__ import annotations

import asyncio
import types
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from synalinks._support.mlflow import check_mlflow
from synalinks.callbacks.monitor.tracking import pyfunc
from synalinks.errors import DataError
from synalinks.version import __version__

#: The file that MLflow runs to load the model; no pickle.
CODE = Path(__file__).with_name("served.py")


class SynalinksProgramModel:
    """A saved program as a model of MLflow (`mlflow.pyfunc`), which answers rows of inputs with rows of outputs.

    `Monitor` writes one at the end of a training. `mlflow.pyfunc.load_model("runs:/<run id>/program")` loads it, and
    `mlflow models serve` serves it; custom objects of the program have to be registered there. MLflow loads it by the
    code of a file and the program's JSON, so that no pickle is involved.

    Raises:
        ConfigurationError: MLflow is not installed.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     text: str
        ...
        >>> question = synalinks.Input(data_model=Question)
        >>> same = asyncio.run(synalinks.Identity()(question))
        >>> model = synalinks.callbacks.SynalinksProgramModel()
        >>> model.program = synalinks.Program(inputs=question, outputs=same)
        >>> model.predict(None, [{"text": "hello"}])
        [{'text': 'hello'}]
    """

    program: Any = None

    def __new__(cls) -> Self:
        """An instance that is a model of MLflow's, too."""
        check_mlflow("SynalinksProgramModel")
        base = pyfunc().PythonModel
        if issubclass(cls, base):
            return super().__new__(cls)
        made: Any = types.new_class(cls.__name__, (cls, base))
        return object.__new__(made)  # type: ignore[no-any-return]

    def load_context(self, context: Any) -> None:
        """Load the program that was saved with the model."""
        import synalinks  # the public names: programs stand above callbacks

        self.program = synalinks.Program.load(context.artifacts["program"])

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """The outputs for some rows; None for one without an answer.

        Args:
            model_input: one dict, a list of dicts, or a data frame.

        Raises:
            DataError: rows that are none, or lack a field.
        """
        rows = _rows(model_input)
        outputs = _run(self.program.predict_on_batch(rows))
        return [None if one is None else one.get_json() for one in outputs]


def _rows(given: object) -> Sequence[Any]:
    rows = given.to_dict("records") if hasattr(given, "to_dict") else given
    rows = [rows] if isinstance(rows, Mapping) else rows
    if not isinstance(rows, (list, tuple)) or not rows:
        raise DataError(f"the model takes rows: a dict, a list of dicts or a data frame; got {given!r}")
    return list(rows)


def _run(work: Any) -> Any:
    """The result of a coroutine, in a thread of its own: the caller's may run a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def save_model(program: Any, folder: Path) -> None:
    """Write a program as a model of MLflow into a folder that is not there yet."""
    saved = folder.with_name("saved") / "program.json"
    saved.parent.mkdir(parents=True, exist_ok=True)
    program.save(saved)
    with warnings.catch_warnings():  # `predict` has no type hints in MLflow's sense, which it warns of
        warnings.simplefilter("ignore")
        pyfunc().save_model(
            path=str(folder),
            python_model=str(CODE),
            artifacts={"program": str(saved)},
            pip_requirements=[f"synalinks-replay[mlflow]=={__version__}"],
        )
