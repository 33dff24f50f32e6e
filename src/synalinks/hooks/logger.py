"""A hook that logs calls to the logger `synalinks.<module name>`."""

from __future__ import annotations

import logging

from synalinks import _json
from synalinks._base.media import without_bytes
from synalinks.data import JsonDataModel, tree
from synalinks.hooks.hook import Hook


class Logger(Hook):
    """Logs inputs and outputs at INFO, their schemas at DEBUG, and exceptions at ERROR.

    Every module has one after `synalinks.enable_logging()`, and where the program sets the logger `synalinks` to INFO.

    Example:
        >>> class Same(synalinks.Module):
        ...     async def call(self, inputs):
        ...         return inputs
        ...
        >>> module = Same(name="same", hooks=[synalinks.hooks.Logger()])
        >>> module.name
        'same'
    """

    def _log(self) -> logging.Logger:
        return logging.getLogger(f"synalinks.{self.module.name if self.module else 'module'}")

    def on_call_begin(self, call_id: str, parent_call_id: str | None, inputs: object, kwargs: object) -> None:
        """Log the inputs."""
        log = self._log()
        if log.isEnabledFor(logging.INFO):
            log.info("call %s (parent %s) inputs: %s", call_id, parent_call_id, _text(inputs))
            log.debug("call %s schemas of inputs: %s", call_id, _Schemas(inputs))

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: object = None, exception: BaseException | None = None
    ) -> None:
        """Log the outputs, or the exception."""
        log = self._log()
        if exception is not None:
            log.error("call %s failed: %s", call_id, exception)
        elif log.isEnabledFor(logging.INFO):
            log.info("call %s outputs: %s", call_id, _text(outputs))
            log.debug("call %s schemas of outputs: %s", call_id, _Schemas(outputs))


class _Schemas:
    """The schemas of values, as text where they are written."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        leaves = tree.map_structure(
            lambda leaf: leaf.get_schema() if isinstance(leaf, JsonDataModel) else None, self._value
        )
        return _json.dumps(leaves)


def _text(value: object) -> str:
    plain = tree.map_structure(lambda leaf: leaf.get_json() if isinstance(leaf, JsonDataModel) else repr(leaf), value)
    return _json.dumps(without_bytes(plain))
