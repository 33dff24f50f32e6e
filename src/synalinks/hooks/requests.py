"""The requests of modules that call models, as hooks see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from synalinks import scope

if TYPE_CHECKING:
    from synalinks.lm import Client, Entry


@runtime_checkable
class CallsModel(Protocol):
    """A module that calls a model.

    Attributes:
        kind: `chat` or `embed`.
        client: what calls it.
    """

    kind: str
    client: Client


def entry_since(client: Client, mark: int) -> Entry | None:
    """What the ledger says of the call that has just ended in this place; of those side by side there, the last."""
    here = scope.current()
    return next((entry for entry in reversed(list(client.ledger.since(mark))) if entry.scope == here), None)
