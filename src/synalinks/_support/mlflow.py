"""MLflow where it is installed: imported at its first use, which takes seconds."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from synalinks.errors import ConfigurationError


def check_mlflow(whose: str) -> None:
    """Refuse to go on without MLflow; nothing is imported.

    Raises:
        ConfigurationError: naming the extra.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise ConfigurationError(f"{whose} needs MLflow: pip install 'synalinks-replay[mlflow]'")


def mlflow() -> Any:
    """The module; its telemetry is off unless the environment says otherwise."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow as module

    return module
