"""Tests of logging, of where progress goes, and of what observability was given."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import synalinks
from programs_under_test import Question
from synalinks import config
from synalinks.config import logs
from synalinks.errors import ConfigurationError
from synalinks.session import isolated_settings


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    logger = logging.getLogger("synalinks")
    before = logger.handlers[:], logger.level, logger.propagate
    with isolated_settings():
        yield
    synalinks.hooks.stop_everywhere(synalinks.hooks.Logger)
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:], logger.level, logger.propagate = before


def test_a_level_is_a_name_or_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    synalinks.enable_logging("warning", log_to_file=True)
    synalinks.enable_logging(logging.INFO, log_to_file=True)
    logging.getLogger("synalinks.x").info("once")
    assert (tmp_path / "synalinks.log").read_text(encoding="utf-8").count("once") == 1
    for bad in ("loud", None, True):
        with pytest.raises(ConfigurationError, match="debug, info, warning or error"):
            synalinks.enable_logging(bad)  # type: ignore[arg-type]


def test_progress_goes_to_the_logger_where_interactive_logging_is_off(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "synalinks")
    inputs = synalinks.Input(data_model=Question)
    program, x = synalinks.Program(inputs, inputs + inputs), [Question(question="2")]
    assert config.is_interactive_logging_enabled()
    config.disable_interactive_logging()
    asyncio.run(program.predict(x, verbose=2))
    assert capsys.readouterr().out == ""
    assert [record.getMessage()[:3] for record in caplog.records if record.name == "synalinks"] == ["1/1"]
    caplog.clear()
    config.enable_interactive_logging()
    asyncio.run(program.predict(x, verbose=2))
    assert capsys.readouterr().out.startswith("1/1 - ")
    assert [record for record in caplog.records if record.name == "synalinks"] == []


def test_a_new_session_is_interactive_again() -> None:
    synalinks.utils.disable_interactive_logging()
    assert not synalinks.utils.is_interactive_logging_enabled()
    synalinks.clear_session()
    assert synalinks.utils.is_interactive_logging_enabled()


def test_what_observability_was_given_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (config.mlflow_tracking_uri(), config.mlflow_experiment_name()) == (None, None)
    monkeypatch.setattr(logs, "check_mlflow", lambda whose: None)
    synalinks.enable_observability("file:/tmp/runs", "first")
    assert (config.mlflow_tracking_uri(), config.mlflow_experiment_name()) == ("file:/tmp/runs", "first")


def test_home_is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNALINKS_HOME", "/somewhere")
    assert synalinks.synalinks_home() == config.synalinks_home() == "/somewhere"
    monkeypatch.delenv("SYNALINKS_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert config.synalinks_home() == str(Path("/home/me/.synalinks"))


def test_calls_of_modules_are_logged_once_logging_is_enabled(caplog: pytest.LogCaptureFixture) -> None:
    class Same(synalinks.Module):
        async def call(self, inputs: object, training: bool = False) -> object:
            if inputs is None:
                raise RuntimeError("nothing given")
            return inputs

    def logged(level: str, value: object, hooks: list[synalinks.hooks.Hook] | None = None) -> list[str]:
        synalinks.enable_logging(level)
        logging.getLogger("synalinks").addHandler(caplog.handler)
        caplog.clear()
        with contextlib.suppress(RuntimeError):
            asyncio.run(Same(name="same", hooks=hooks)(value))
        assert {record.name for record in caplog.records} <= {"synalinks.same"}
        return [f"{record.levelname} {record.getMessage().partition(': ')[2]}" for record in caplog.records]

    question = Question(question="2")
    assert logged("info", question) == ['INFO [{"question":"2"}]', 'INFO {"question":"2"}']
    assert len(logged("info", question, [synalinks.hooks.Logger()])) == 2
    levels = [line.partition(" ")[0] for line in logged("debug", question)]
    assert levels == ["INFO", "DEBUG", "INFO", "DEBUG"]
    assert logged("warning", question) == []
    assert logged("warning", None) == ["ERROR nothing given"]


def test_without_logging_no_call_has_a_hook(caplog: pytest.LogCaptureFixture) -> None:
    module = synalinks.Identity()
    assert synalinks.hooks.hooks_of(module.hooks) == []
    synalinks.enable_logging()
    assert [type(hook) for hook in synalinks.hooks.hooks_of(module.hooks)] == [synalinks.hooks.Logger]
    synalinks.hooks.stop_everywhere(synalinks.hooks.Logger)
    logging.getLogger("synalinks").setLevel(logging.WARNING)
    assert synalinks.hooks.hooks_of(module.hooks) == []


def test_a_program_that_sets_up_logging_itself_has_the_calls_in_its_log(caplog: pytest.LogCaptureFixture) -> None:
    module = synalinks.Identity(name="same")
    for level, count in ((logging.WARNING, 0), (logging.INFO, 2), (logging.DEBUG, 4)):
        caplog.set_level(level, "synalinks")
        caplog.clear()
        asyncio.run(module(Question(question="2")))
        assert [record.name for record in caplog.records] == ["synalinks.same"] * count
