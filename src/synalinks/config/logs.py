"""Where the library writes what it does: the logger `synalinks`, and a tracker of runs."""

from __future__ import annotations

import logging

from synalinks import session
from synalinks._support.mlflow import check_mlflow
from synalinks.errors import ConfigurationError
from synalinks.hooks import Logger, use_everywhere

#: The file of `enable_logging(log_to_file=True)`, in the working directory.
LOG_FILE = "synalinks.log"


def enable_logging(log_level: str | int = "debug", log_to_file: bool = False) -> None:
    """Show what the logger `synalinks` says, on standard error or in `synalinks.log`.

    Every call of a module is logged: its inputs and outputs at `info`, their schemas at `debug`, a failure at `error`.
    A program that sets up `logging` by itself, to INFO or below, has the same without this.

    Raises:
        ConfigurationError: an unknown level.
    """
    level = logging.getLevelNamesMapping().get(log_level.upper()) if isinstance(log_level, str) else log_level
    if not isinstance(level, int) or isinstance(level, bool):
        raise ConfigurationError(f"enable_logging({log_level!r}): write debug, info, warning or error")
    logger = logging.getLogger("synalinks")
    handler = logging.FileHandler(LOG_FILE, encoding="utf-8") if log_to_file else logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    for earlier in logger.handlers:
        earlier.close()
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
    use_everywhere(Logger)


def enable_observability(tracking_uri: str | None = None, experiment_name: str | None = None) -> None:
    """Write every `fit` and `evaluate` from now on to MLflow, as a `callbacks.Monitor` with its defaults does.

    Nothing is contacted before the first of them. A `Monitor` among a run's callbacks takes the place of this one.

    Args:
        tracking_uri: of the server or database, e.g. `http://localhost:5000`; that of MLflow's environment where None.
        experiment_name: `Default` where None.

    Where MLflow is not installed, the log names the extra and nothing is written: scripts with this line run in a plain
    installation, too. A `callbacks.Monitor` of one's own is an error there.
    """
    try:
        check_mlflow("enable_observability")
    except ConfigurationError as error:
        logging.getLogger("synalinks").warning("%s. Until then nothing is written", error)
        return
    session.set_setting("observability", {"tracking_uri": tracking_uri, "experiment_name": experiment_name})


def is_observability_enabled() -> bool:
    """Whether `enable_observability` was called."""
    return session.get_setting("observability") is not None


def mlflow_tracking_uri() -> str | None:
    """The address that `enable_observability` was given, or None."""
    return _observability().get("tracking_uri")


def mlflow_experiment_name() -> str | None:
    """The experiment's name that `enable_observability` was given, or None."""
    return _observability().get("experiment_name")


def _observability() -> dict[str, str | None]:
    return session.get_setting("observability", {})  # type: ignore[no-any-return]
