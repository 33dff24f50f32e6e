"""The limit layer: no more calls at once, requests and tokens a minute than the account allows."""

from __future__ import annotations

from synalinks.lm.account import Account
from synalinks.lm.types import Call, Handler, Reply


class LimitLayer:
    """Holds calls back until their account has room, first come, first served.

    A call first gets one of the account's slots and keeps it through its retries; only then is it
    admitted by the rates. In this order a pause that the provider asks for also reaches the calls
    that were waiting for a slot, and what goes out never exceeds the rates by a queue let loose.

    Tokens are those of `account.estimate_tokens`. Without limits this layer costs one comparison.
    """

    name = "limit"

    def __init__(self, account: Account) -> None:
        self._account = account

    def __call__(self, below: Handler) -> Handler:
        account = self._account

        async def admitted(call: Call) -> Reply:
            if account.waits:
                await account.admit(call.request)
            return await below(call)

        async def in_a_slot(call: Call) -> Reply:
            slots = account.slots
            if slots is None:
                return await admitted(call)
            async with slots:
                return await admitted(call)

        return in_a_slot if account.limits.concurrency else admitted
