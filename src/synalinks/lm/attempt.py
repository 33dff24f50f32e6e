"""AttemptLayer: the time limit of one attempt, and what the provider says of its limits beside the answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from synalinks.lm.core.call import Call, Handler, Reply
from synalinks.lm.core.errors import CallTimeout, ConnectionFailed, LMError
from synalinks.lm.rate_limit.account import Account

if TYPE_CHECKING:
    from synalinks.lm.rate_limit.hosts import Hosts

#: Statuses of a server that has more calls than it can take: Ollama and llama.cpp say 503, others 429.
TOO_MANY = (429, 503)


class AttemptLayer:
    """Gives one attempt its time, and updates the account with what the provider says of its limits.

    It stands below the budget, so that only what is sent is timed.

    Args:
        timeout: seconds an attempt may take, waiting in the server's queue included; None for no limit.
        account: updated after each attempt (`call.trace.rate_limit_status`); or those of several servers.

    Raises:
        CallTimeout: no whole answer in that time; the provider may have billed it.
    """

    name = "attempt"

    def __init__(self, timeout: float | None, account: Account | Hosts) -> None:
        self._timeout = timeout
        self._account = account

    def __call__(self, below: Handler) -> Handler:
        """A handler that makes one attempt through `below`."""
        timeout, accounts = self._timeout, self._account
        only = accounts if isinstance(accounts, Account) else None

        async def attempt(call: Call) -> Reply:
            model, trace, account = call.request.model, call.trace, only or accounts.of(call)
            mark = account.mark(model)
            adaptive = account.adaptive
            trial = 0 if adaptive is None else adaptive.trial
            try:
                async with asyncio.timeout(timeout) as limit:
                    reply = await below(call)
            except TimeoutError as error:
                if not limit.expired():
                    raise
                if adaptive is not None:
                    adaptive.overloaded(trial)
                raise CallTimeout(
                    f"{model} gave no whole answer within {timeout:g} s; raise timeout or lower concurrency (a local "
                    "server answers one request at a time, and the time in its queue counts)",
                    uncertain=True,
                ) from error
            except LMError as error:
                if isinstance(error, ConnectionFailed):
                    if error.unreachable:
                        account.presence.lost(account.clock.now())
                else:
                    account.presence.found()
                if adaptive is not None and error.status in TOO_MANY:
                    adaptive.overloaded(trial)
                raise
            finally:
                if trace.rate_limit_status is not None:
                    account.update(model, trace.rate_limit_status, mark)
                    trace.rate_limit_status = None
            account.ease()
            if adaptive is not None:
                adaptive.add(model, reply, trial)
            return reply

        return attempt
