"""A hook that logs calls to the logger `synalinks.<module name>`."""

from __future__ import annotations

import logging

from synalinks import _json
from synalinks._media import without_bytes
from synalinks.data import JsonDataModel, tree
from synalinks.hooks.hook import Hook


class Logger(Hook):
    """Logs inputs and outputs at INFO and exceptions at ERROR.

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
        self._log().info("call %s (parent %s) inputs: %s", call_id, parent_call_id, _text(inputs))

    def on_call_end(
        self, call_id: str, parent_call_id: str | None, outputs: object = None, exception: BaseException | None = None
    ) -> None:
        """Log the outputs, or the exception."""
        if exception is not None:
            self._log().error("call %s failed: %s", call_id, exception)
        else:
            self._log().info("call %s outputs: %s", call_id, _text(outputs))


def _text(value: object) -> str:
    plain = tree.map_structure(lambda leaf: leaf.get_json() if isinstance(leaf, JsonDataModel) else repr(leaf), value)
    return _json.dumps(without_bytes(plain))
