"""CassetteLayer: the layer that answers calls from the open cassette, or has them recorded on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from synalinks.lm.cassette.session import Cassette
from synalinks.lm.core.call import Call, Handler, Reply


class CassetteLayer:
    """The layer that a cassette replaces all below of, but for the budgets; without an open cassette it is not there.

    Args:
        active: gives the cassette that is open around a call, or None.
        source: gives what a recording calls in place of all below, or None, as where a cassette is made of answers
            that were paid for before; None where it always calls what is below.
        budgets: gives names and caps of the budgets that hold a call (`BudgetTracker.to_dict`); None where none can.
    """

    name = "cassette"

    def __init__(
        self,
        active: Callable[[Call], Cassette | None],
        source: Callable[[Call], Handler | None] | None = None,
        budgets: Callable[[Call], Sequence[Mapping[str, str]]] | None = None,
    ) -> None:
        self._active = active
        self._source = source
        self._budgets = budgets

    def __call__(self, below: Handler) -> Handler:
        active, source, budgets = self._active, self._source, self._budgets

        def handle(call: Call, /) -> Awaitable[Reply]:
            cassette = active(call)
            if cassette is None:
                return below(call)
            asked = source(call) if source is not None and cassette.recording else None
            return cassette.answer(call, below, partial(budgets, call) if budgets else tuple, asked)

        return handle
