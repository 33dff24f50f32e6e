"""RateLimitLayer: no more calls at once, requests and tokens a minute than the account allows."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from synalinks.lm.core.call import Call, Handler, Reply
from synalinks.lm.core.rate_limit import Admission
from synalinks.lm.rate_limit.account import Account

if TYPE_CHECKING:
    from synalinks.lm.rate_limit.hosts import Hosts


class RateLimitLayer:
    """Delays calls until their account has room, first come, first served; what a cassette answers passes at once.

    A call first gets one of the account's slots and keeps it through its retries; then it is admitted by the rates. In
    this order a pause that the provider demands also applies to the calls that were waiting for a slot, and a released
    queue never exceeds the rates. While an attempt waits for room in a budget, its `Admission` is released: other calls
    may need the slot to make that room.

    A call made while another is being answered, as by a replaced provider that calls a further model, takes over the
    slot of the outer call, which is not being sent meanwhile and continues without one. A call never keeps a slot while
    it waits for another, so nested calls can't wait for each other.

    `Account` documents the rates and what else delays calls. Tokens are those of `account.estimate_tokens`.

    Args:
        account: of the provider, with its limits; or those of several servers.
        budgets: whether there may be budgets below, which need the `Admission`.
        seconds_left: gives the seconds after which a budget lets a call out no more, so that it waits no longer; None
            without such an end.
    """

    name = "rate_limit"

    def __init__(
        self,
        account: Account | Hosts,
        budgets: bool = True,
        seconds_left: Callable[[Call], float | None] = lambda call: None,
    ) -> None:
        self._account = account
        self._budgets = budgets
        self._seconds_left = seconds_left

    def __call__(self, below: Handler) -> Handler:
        account, budgets, seconds_left = self._account, self._budgets, self._seconds_left
        carried = budgets or account.shared  # what is below needs the admission
        slotted = account.slots is not None

        async def limit(call: Call) -> Reply:
            if call.recorded is not None or call.source is not None:  # as `call.live`, where each call comes by
                return await below(call)
            outer = _held_around.get()
            for held in outer:
                held.lend()
            admission = account.admission(call.request, partial(seconds_left, call) if budgets else None)
            around = _held_around.set((*outer, admission)) if slotted else None
            try:
                await admission.take()
                return await below(replace(call, admission=admission) if carried else call)
            finally:
                if around is not None:
                    _held_around.reset(around)
                admission.release()

        return limit


#: The admissions of the calls that the running task is answering.
_held_around: ContextVar[tuple[Admission, ...]] = ContextVar("synalinks_admissions", default=())
