"""Tests of Monitor and SynalinksProgramModel with MLflow's SQLite store, and of what is said without MLflow."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synalinks
from programs_under_test import compiled, data, fit, learner, provider_of, right, solver
from synalinks import session
from synalinks.callbacks import BackupAndRestore, Callback, Monitor
from synalinks.callbacks.monitor import tracking
from synalinks.errors import ConfigurationError, DataError

needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="the extra mlflow is not installed"
)
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning", "ignore:.*type hint:UserWarning"
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables; they take ten seconds to make."""
    path: Path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tracking.mlflow().MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a store of the test's own, which holds the experiment `maths`."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = tracking.mlflow().MlflowClient(uri)
    client.create_experiment("maths", artifact_location=(tmp_path / "artifacts").as_uri())
    client.uri = uri
    yield client


def monitor(store: Any, **options: Any) -> Monitor:
    return Monitor(**{"experiment_name": "maths", "tracking_uri": store.uri, "log_program_model": False, **options})


def runs(store: Any, experiment: str = "maths") -> list[Any]:
    found = store.get_experiment_by_name(experiment)
    return list(store.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])) if found else []


def metric(store: Any, run: Any, name: str) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in store.get_metric_history(run.info.run_id, name)]


@needs_mlflow
def test_a_fit_is_a_run_with_its_settings_logs_bill_and_plot(store: Any) -> None:
    program = compiled(solver(name="adder"), metrics=["exact_match"])
    callback = monitor(store, tags={"team": "blue"}, log_batch_metrics=True)
    history = fit(
        program, provider_of(right), *data(6), epochs=2, batch_size=2, validation_split=0.34, callbacks=callback
    )
    (run,) = runs(store)
    assert callback.last_run_id == run.info.run_id
    assert (run.info.run_name, run.info.status) == ("adder_train", "FINISHED")
    assert run.data.tags["team"] == "blue" and run.data.tags["synalinks.program"] == "adder"
    wanted = {"epochs": "2", "batch_size": "2", "reward": "exact_match", "metrics": "exact_match"}
    assert wanted.items() <= run.data.params.items()
    assert run.data.params["optimizer.population_size"] == "10"
    for name, values in history.history.items():
        assert metric(store, run, name) == list(enumerate(values))
    assert metric(store, run, "calls")[-1][1] == history.ledger.total.calls
    assert [step for step, _ in metric(store, run, "batch_reward")] == [0, 1, 2, 3]
    if importlib.util.find_spec("matplotlib"):
        assert [one.path for one in store.list_artifacts(run.info.run_id)] == ["program.png"]


@needs_mlflow
def test_the_program_is_a_model_that_mlflow_loads(store: Any) -> None:
    program = compiled(solver(name="adder"))
    fit(program, provider_of(right), *data(4), callbacks=monitor(store, log_program_model=True, log_program_plot=False))
    (run,) = runs(store)
    names = sorted(one.path for one in store.list_artifacts(run.info.run_id))
    assert names == ["model_info.json", "program", "state_tree.json"]
    folder = Path(store.download_artifacts(run.info.run_id, "program"))
    assert json.loads((folder.parent / "program" / "artifacts" / "program.json").read_text())["class_name"]
    assert not list(folder.rglob("*.pkl"))
    model = tracking.mlflow().pyfunc.load_model(str(folder))

    async def ask() -> Any:  # also where a loop runs
        return model.predict([{"question": "number 3"}, {"question": "number 4"}])

    with synalinks.use_provider(provider_of(right)):
        assert asyncio.run(ask()) == [{"answer": 3}, {"answer": 4}]
        assert model.predict({"question": "number 5"}) == [{"answer": 5}]
        with pytest.raises(DataError, match="the model takes rows"):
            model.unwrap_python_model().predict(None, "number 5")


@needs_mlflow
def test_an_evaluation_is_a_run_of_its_own_and_a_validation_none(store: Any) -> None:
    program = compiled(solver(name="adder"), metrics=["exact_match"])
    x, y = data(4)
    with synalinks.use_provider(provider_of(learner)):
        asyncio.run(program.evaluate(x, y, verbose=0, callbacks=[monitor(store, run_name="trial")]))
    (run,) = runs(store)
    assert (run.info.run_name, run.info.status) == ("trial_test", "FINISHED")
    assert metric(store, run, "reward") == [(0, 0.5)]
    assert [one.path for one in store.list_artifacts(run.info.run_id)] == ["assessments.json"]


@needs_mlflow
def test_runs_are_chosen_and_gone_on_with(store: Any) -> None:
    program = compiled(solver(name="adder"))
    options = {"log_program_plot": False}
    fit(program, provider_of(right), *data(4), callbacks=monitor(store, **options))
    fit(program, provider_of(right), *data(4), callbacks=monitor(store, resume=True, **options))
    (first,) = runs(store)
    fit(program, provider_of(right), *data(4), callbacks=monitor(store, **options))
    fit(program, provider_of(right), *data(4), callbacks=monitor(store, run_id=first.info.run_id, **options))
    assert len(runs(store)) == 2
    assert len(metric(store, first, "reward")) == 3
    with pytest.raises(ConfigurationError, match="opens no run of the experiment 'maths'"):
        fit(program, provider_of(right), *data(4), callbacks=monitor(store, run_id="0" * 32))


@needs_mlflow
def test_the_password_of_a_server_that_does_not_answer_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    address = "http://user:hunter22@127.0.0.1:1"
    uses = [
        lambda: fit(
            compiled(solver(name="adder")),
            provider_of(right),
            *data(4),
            callbacks=Monitor("maths", tracking_uri=address),
        ),
        lambda: asyncio.run(hooked(address)(data(1)[0][0])),
        lambda: synalinks.MLflowDataset("golden", tracking_uri=address, input_schema=data(1)[0][0].get_schema()),
    ]
    for use in uses:
        with pytest.raises((ConfigurationError, DataError), match="<secret>") as caught:
            use()
        assert "hunter22" not in str(caught.value)


def hooked(address: str) -> synalinks.Module[Any]:
    return synalinks.Identity(hooks=[synalinks.hooks.Monitor(tracking_uri=address)])


@needs_mlflow
def test_a_fit_that_goes_on_after_a_crash_goes_on_with_its_run(store: Any, tmp_path: Path) -> None:
    class Crashes(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise RuntimeError("power cut")

    def again(*more: Callback) -> Any:
        callbacks = [monitor(store, log_program_plot=False), BackupAndRestore(tmp_path / "backup"), *more]
        return fit(compiled(solver(name="adder")), provider_of(right), *data(4), epochs=3, callbacks=callbacks)

    with pytest.raises(RuntimeError, match="power cut"):
        again(Crashes())
    assert [run.info.status for run in runs(store)] == ["FAILED"]
    again()
    (run,) = runs(store)
    assert run.info.status == "FINISHED" and [step for step, _ in metric(store, run, "reward")] == [0, 1, 2]


@needs_mlflow
def test_a_server_that_goes_away_ends_no_training(store: Any) -> None:
    class Breaks(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                callback._run._client.delete_run(callback.last_run_id)  # type: ignore[union-attr]

    callback = monitor(store, log_program_plot=False)
    with pytest.warns(UserWarning, match="MLflow takes no more of the run") as found:
        history = fit(
            compiled(solver(name="adder")), provider_of(right), *data(4), epochs=3, callbacks=[callback, Breaks()]
        )
    assert history.epoch == [0, 1, 2] and len(found) == 1


@needs_mlflow
def test_observability_writes_every_fit_but_no_forecast_and_no_step(store: Any) -> None:
    program = compiled(solver(name="adder"))
    x, y = data(4)
    with session.isolated_settings():
        synalinks.enable_observability(tracking_uri=store.uri, experiment_name="maths")
        asyncio.run(program.estimate(x, y))
        with synalinks.use_provider(provider_of(right)):
            asyncio.run(program.train_on_batch(0, x, y))
        assert runs(store) == []
        fit(program, provider_of(right), x, y)
        fit(program, provider_of(right), x, y, callbacks=monitor(store, run_name="own"))
    assert [run.info.run_name for run in runs(store)] == ["adder_train", "own_train"]


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    needed = r"needs MLflow: pip install 'synalinks-replay\[mlflow\]'"
    for make in (Monitor, synalinks.callbacks.SynalinksProgramModel):
        with pytest.raises(ConfigurationError, match=needed):
            make()
    synalinks.enable_observability("http://127.0.0.1:9")
    assert re.search(needed, caplog.text)
    assert not synalinks.config.is_observability_enabled()
