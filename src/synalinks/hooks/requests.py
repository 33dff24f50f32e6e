"""The requests of modules that call models, as hooks see them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from synalinks.lm import use_ledger

if TYPE_CHECKING:
    from synalinks.lm import Client, Entry, Ledger


@runtime_checkable
class CallsModel(Protocol):
    """A module that calls a model.

    Attributes:
        kind: `chat` or `embed`.
        client: what calls it.
        model: its name, with the provider's prefix.
        default_kwargs: the options of every call.
    """

    kind: str
    client: Client
    model: str
    default_kwargs: Mapping[str, Any]


class Requests:
    """The entries in the ledger of calls that are under way, each found by its call, whatever runs beside it."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[ExitStack, Ledger]] = {}

    def begin(self, call_id: str, module: object) -> None:
        """Collect the entry of a call that begins, where its module calls a model."""
        if isinstance(module, CallsModel):
            stack = ExitStack()
            self._open[call_id] = stack, stack.enter_context(use_ledger())

    def end(self, call_id: str, module: object) -> Entry | None:
        """What the ledger says of a call that has ended; None where it calls no model, or nothing was sent."""
        if call_id not in self._open or not isinstance(module, CallsModel):
            return None
        stack, ledger = self._open.pop(call_id)
        stack.close()
        return ledger.last(module.client.caller)  # that of a fallback is of another model


def failure_of(entry: Entry | None, exception: BaseException | None) -> str | None:
    """What a call failed of: the exception, or the ledger's words where the failure counts as None."""
    if exception is not None:
        return f"{type(exception).__name__}: {exception}"
    if entry is None or entry.error is None:
        return None
    return f"{entry.error}: {entry.error_message}"
