"""Tracking: one run of an MLflow experiment, and what is written to it.

It goes through a client of its own, so that runs of MLflow that a program has open are left alone. Its methods block
for as long as the server takes; the callback calls them in a thread.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synalinks._base.warning import warn
from synalinks._support.mlflow import mlflow
from synalinks.errors import ConfigurationError
from synalinks.lm import scrubbed

#: An experiment's name where none is given, as in MLflow.
DEFAULT_EXPERIMENT = "Default"
#: Characters of a parameter's value that every MLflow server takes.
LONGEST_PARAMETER = 500


def pyfunc() -> Any:
    """MLflow's part for models of one's own, without its warnings about its own types."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow()
        return importlib.import_module("mlflow.pyfunc")


class Tracked:
    """A run that is written to.

    Once writing fails, for the server has gone, it is warned of once, and no more is written: a training that was paid
    for does not end by it.

    Args:
        tracking_uri: of the server or database; that of MLflow's environment where None.
        experiment: its name; it is made where it is not there.

    Attributes:
        run_id: of the run; empty before `begin`.
    """

    def __init__(self, tracking_uri: str | None, experiment: str | None) -> None:
        self._uri, self._experiment = tracking_uri, experiment or DEFAULT_EXPERIMENT
        self._client: Any = None
        self._lost = False
        self.run_id = ""

    def begin(self, name: str, tags: Mapping[str, str], run_id: str | None, resume: bool) -> None:
        """Open a run: that of an id, the last one of the name with `resume`, or a new one.

        Raises:
            ConfigurationError: the server does not answer, or has no such run.
        """
        module = mlflow()
        try:
            self._client = module.MlflowClient(self._uri)
            if run_id is not None:
                self.run_id = self._client.get_run(run_id).info.run_id
            else:
                experiment = self._client.get_experiment_by_name(self._experiment)
                of = (
                    self._client.create_experiment(self._experiment) if experiment is None else experiment.experiment_id
                )
                self.run_id = (self._last(of, name) if resume else None) or self._new(of, name)
            self._client.update_run(self.run_id, status="RUNNING")
            for key, value in tags.items():
                self._client.set_tag(self.run_id, key, value)
        except module.exceptions.MlflowException as error:
            said = f"MLflow at {self._uri or module.get_tracking_uri()} opens no run of the experiment "
            raise ConfigurationError(scrubbed(f"{said}{self._experiment!r}: {error}")) from error

    def _new(self, experiment: str, name: str) -> str:
        return str(self._client.create_run(experiment, run_name=name).info.run_id)

    def _last(self, experiment: str, name: str) -> str | None:
        written = name.replace("'", "")
        found = self._client.search_runs([experiment], f"attributes.run_name = '{written}'", max_results=1)
        return str(found[0].info.run_id) if found else None

    # --- what is written -----------------------------------------------------------------------------------------

    def parameters(self, values: Mapping[str, object]) -> None:
        """Write parameters; of a run that has them already they stay as they are."""
        known = set() if self._lost else set(self._client.get_run(self.run_id).data.params)
        for key, value in values.items():
            if key not in known:
                self._write("log_param", key, str(value)[:LONGEST_PARAMETER])

    def metrics(self, values: Mapping[str, object], step: int) -> None:
        """Write those of some logs that are numbers."""
        numbers = {key: value for key, value in values.items() if isinstance(value, (int, float)) and value == value}
        now = int(time.time() * 1000)  # milliseconds
        entity = mlflow().entities.Metric
        self._write("log_batch", [entity(key, float(value), now, step) for key, value in numbers.items()])

    def tag(self, key: str, value: str) -> None:
        """Write a tag."""
        self._write("set_tag", key, value)

    def json(self, value: object, name: str) -> None:
        """Write a JSON file."""
        self._write("log_dict", value, name)

    def file(self, path: Path, folder: str | None = None) -> None:
        """Write a file, or what is in a folder."""
        self._write("log_artifacts" if path.is_dir() else "log_artifact", str(path), folder)

    def end(self, status: str) -> None:
        """Close the run: FINISHED, FAILED or KILLED."""
        self._write("set_terminated", status)

    def drop(self) -> None:
        """Delete the run."""
        self._write("delete_run")

    def _write(self, method: str, *args: object) -> None:
        if self._lost:
            return
        module = mlflow()
        try:
            getattr(self._client, method)(self.run_id, *args)
        except (module.exceptions.MlflowException, OSError) as error:
            self._lost = True
            said = scrubbed(str(error))
            warn(f"MLflow takes no more of the run {self.run_id} ({said}); the program goes on without it")
