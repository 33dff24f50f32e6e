"""Monitor: a callback that writes a run to MLflow: settings, logs, cost, plots and the program."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synalinks import session
from synalinks._base.warning import warn
from synalinks._support.mlflow import check_mlflow
from synalinks.callbacks.callback import Callback, Logs
from synalinks.callbacks.monitor.program_model import save_model
from synalinks.callbacks.monitor.tracking import Tracked
from synalinks.errors import ConfigurationError
from synalinks.version import __version__


class Monitor(Callback):
    """A run of MLflow for each `fit`, named `<run_name>_train`, and for each `evaluate` on its own, `<run_name>_test`.

    Written are, as parameters, the settings of the fit and of its optimizer, rewards and metrics; as metrics the logs
    of each epoch with calls, tokens and dollars so far; as artifacts a plot of the program, its state and the program
    itself, as `SynalinksProgramModel` serves it. A fit that goes on after a crash goes on with its run.

    Args:
        experiment_name: made where it is not there; that of `enable_observability`, else `Default`.
        run_name: the program's name where None.
        tracking_uri: of the server or database, e.g. `sqlite:///mlflow.db`; that of `enable_observability`, else of
            MLflow's environment.
        log_batch_metrics: write the logs of each step, too, as `batch_<name>`.
        log_epoch_metrics: write the logs of each epoch.
        log_program_plot: write `program.png` (extra `plots`).
        log_program_model: write the program.
        tags: of the run.
        run_id: write to this run in place of a new one.
        resume: write to the last run of this name, if there is one.
        log_assessments: write the reward and metrics of an evaluation as `assessments.json`, too.

    Raises:
        ConfigurationError: MLflow is not installed; when a run begins, the server does not answer.

    Example:
        >>> monitor = synalinks.callbacks.Monitor("maths", tracking_uri="sqlite:///mlflow.db", tags={"team": "blue"})
        >>> monitor.experiment_name, monitor.log_program_model
        ('maths', True)
    """

    def __init__(
        self,
        experiment_name: str | None = None,
        run_name: str | None = None,
        tracking_uri: str | None = None,
        log_batch_metrics: bool = False,
        log_epoch_metrics: bool = True,
        log_program_plot: bool = True,
        log_program_model: bool = True,
        tags: Mapping[str, str] | None = None,
        run_id: str | None = None,
        resume: bool = False,
        log_assessments: bool = True,
    ) -> None:
        super().__init__()
        check_mlflow("callbacks.Monitor")
        defaults = session.get_setting("observability", {})
        self.experiment_name = experiment_name or defaults.get("experiment_name")
        self.tracking_uri = tracking_uri or defaults.get("tracking_uri")
        self.run_name = run_name
        self.log_batch_metrics = log_batch_metrics
        self.log_epoch_metrics = log_epoch_metrics
        self.log_program_plot = log_program_plot
        self.log_program_model = log_program_model
        self.tags = dict(tags or {})
        self.run_id = run_id
        self.resume = resume
        self.log_assessments = log_assessments
        self._run: Tracked | None = None
        self._training = False
        self._step = 0

    @property
    def last_run_id(self) -> str | None:
        """The run that was written to last, or None."""
        return self._run.run_id if self._run is not None else None

    async def _begin(self, suffix: str, run_id: str | None) -> Tracked:
        run = Tracked(self.tracking_uri, self.experiment_name)
        name = f"{self.run_name or self.program.name}_{suffix}"
        tags = {"synalinks.version": __version__, "synalinks.program": self.program.name, **self.tags}
        await asyncio.to_thread(run.begin, name, tags, run_id, self.resume)
        await asyncio.to_thread(run.parameters, self._settings())
        self._run = run
        return run

    def _settings(self) -> dict[str, object]:
        """The settings of the run, by name; those that are None, or no single value, are left out."""
        program, optimizer = self.program, self.program.optimizer if self._training else None
        found: dict[str, object] = {key: value for key, value in self.params.items() if key != "verbose"}
        for number, reward in enumerate(program.compilation.rewards):
            found["reward" if not number else f"reward_{number}"] = reward.name
        if names := program.compilation.names():
            found["metrics"] = ", ".join(names)
        if optimizer is not None:
            found |= {f"optimizer.{key}": value for key, value in optimizer.get_config().items()}
            found["optimizer"] = type(optimizer).__name__
        single = (str, int, float, bool)
        return {key: value for key, value in found.items() if isinstance(value, single) and value != ""}

    # --- training --------------------------------------------------------------------------------------------------

    async def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the run, and write the plot of the program."""
        self._training, self._step = True, 0
        run = await self._begin("train", self.run_id)
        if self.log_program_plot:
            await asyncio.to_thread(self._plot, run)

    async def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the step's logs, with `log_batch_metrics`."""
        if self.log_batch_metrics and self._run is not None:
            named = {f"batch_{name}": value for name, value in (logs or {}).items()}
            await asyncio.to_thread(self._run.metrics, named, self._step)
        self._step += 1

    async def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's logs, and the bill so far."""
        if self.log_epoch_metrics and self._run is not None:
            await asyncio.to_thread(self._run.metrics, {**(logs or {}), **self._bill()}, epoch)

    def _bill(self) -> dict[str, float]:
        total = self.program.run_ledger.total
        bill = {"calls": total.calls, "tokens": total.tokens, "failed_calls": total.failed}
        money = total.as_if.exact
        return bill if money is None else {**bill, "cost_usd": float(money)}

    async def on_train_end(self, logs: Logs | None = None) -> None:
        """Write the program, and close the run."""
        run, history = self._run, self.program.history
        self._training = False
        if run is None:
            return
        if history.stopped_by is not None:
            await asyncio.to_thread(run.tag, "synalinks.stopped_by", history.stopped_by)
        if self.log_program_model:
            await asyncio.to_thread(self._write_program, run)
        complete = self.program.fitting is None or self.program.fitting.complete or history.stopped_by == "budget"
        await asyncio.to_thread(run.end, "FINISHED" if complete else "FAILED")

    def _plot(self, run: Tracked) -> None:
        import synalinks  # the public names: plots stand above callbacks

        with tempfile.TemporaryDirectory() as folder:
            try:
                synalinks.utils.plot_program(self.program, to_file="program.png", to_folder=folder)
            except ConfigurationError as error:
                warn(f"Monitor writes no plot of the program: {error}")
                return
            run.file(Path(folder) / "program.png")

    def _write_program(self, run: Tracked) -> None:
        program = self.program
        info = {"name": program.name, "description": program.description, "synalinks_version": __version__}
        run.json(program.get_state_tree(), "state_tree.json")
        run.json({**info, "metrics": program.metrics_names}, "model_info.json")
        with tempfile.TemporaryDirectory() as folder:
            try:
                save_model(program, Path(folder) / "program")
            except ConfigurationError as error:  # after a training that was paid for
                warn(f"Monitor writes no model of the program, which can't be saved: {error}")
                return
            run.file(Path(folder) / "program", "program")

    # --- evaluation ------------------------------------------------------------------------------------------------

    async def on_test_begin(self, logs: Logs | None = None) -> None:
        """Open a run for an evaluation that is no validation."""
        if not self._training:
            await self._begin("test", self.run_id)

    async def on_test_end(self, logs: Logs | None = None) -> None:
        """Write the logs and the bill, and close the run."""
        run = self._run
        if self._training or run is None:
            return
        values = dict(logs or {})
        await asyncio.to_thread(run.metrics, {**values, **self._bill()}, 0)
        if self.log_assessments:
            await asyncio.to_thread(run.json, values, "assessments.json")
        await asyncio.to_thread(run.end, "FINISHED")

    # --- going on after a crash ------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """The run, and how many steps were written."""
        return {"run_id": self.last_run_id, "step": self._step}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on with the run of the process that was cut off, in place of the one that was opened."""
        run = self._run
        self._step = state["step"]
        if run is None or state["run_id"] in (None, run.run_id):
            return
        run.drop()
        run.begin(self.program.name, {}, state["run_id"], False)
