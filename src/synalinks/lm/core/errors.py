"""The errors of the LM layer; the whole tree is drawn in `synalinks/errors.py`.

What becomes of a failed call is written on the class: `retryable` is read by the retry layer, `fails_sample` by the
code above. An error with neither always reaches the user.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from synalinks.lm.core.amount import NO_COSTS, AttemptCosts

if TYPE_CHECKING:
    from synalinks.lm.core.reply import Reply, Source


class SynalinksError(Exception):
    """The root of all errors raised by this library."""

    #: The run stops, but calls already sent are awaited first and billed.
    orderly: ClassVar[bool] = False


class ConfigurationError(SynalinksError, ValueError):
    """A program, or an argument, that can't be right."""


class UnknownModelError(ConfigurationError):
    """A model name whose provider prefix is not known."""


class LMError(SynalinksError):
    """A call to a model that failed.

    Attributes:
        kind: one word for ledgers and counters, e.g. `"rate_limited"`.
        status: the HTTP status, or None where there was none.
        retry_after: seconds to wait, as the provider says, or None.
        attempts: attempts made in all, this one included.
        reply: the answer that was paid for but can't be used, or None.
        uncertain: whether the provider may have billed an answer that did not arrive.
        failed: what the attempts cost.
        capped: the answer tokens that a budget had room for, where that made the call fail; else None.
        source: `live`; `shared` for the failure of a call shared by single flight; `cassette` for one that a cassette
            replays.
    """

    retryable: ClassVar[bool] = False
    fails_sample: ClassVar[bool] = False
    kind: str = "error"

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        reply: Reply | None = None,
        uncertain: bool = False,
    ) -> None:
        super().__init__(message)
        if kind is not None:
            self.kind = kind
        self.status = status
        self.retry_after = retry_after
        self.reply = reply
        self.uncertain = uncertain
        self.attempts = 1
        self.failed = AttemptCosts(uncertain=int(uncertain))
        self.capped: int | None = None
        self.source: Source = "live"

    def shared(self, source: Source) -> Self:
        """A copy that cost nothing, for a call that gets the failure of another."""
        twin = copy.copy(self)
        twin.source, twin.attempts, twin.reply, twin.uncertain = source, 0, None, False
        twin.failed = NO_COSTS
        return twin

    def last_cost(self, free: bool) -> AttemptCosts:
        """What the last attempt cost, by itself.

        Args:
            free: whether the model's tokens cost nothing, so that an attempt that may or may not have been billed costs
                0 and not an unknown sum.
        """
        if self.reply is not None:
            return AttemptCosts.of(self.reply.cost, self.reply.usage.total_tokens)
        return AttemptCosts(uncertain=1, priced=free) if self.uncertain else AttemptCosts()


class ConnectionFailed(LMError):
    """The connection was refused, or it broke before the answer was whole.

    Attributes:
        unreachable: whether no connection could be made, so that nothing was sent.
        refused: whether nothing listens at the address. It is tried again only where something once answered.
    """

    retryable = True
    fails_sample = True
    kind = "connection"
    unreachable: bool = False
    refused: bool = False


class CallTimeout(LMError):
    """No whole answer within the time limit; the provider may have billed it all the same."""

    retryable = True
    fails_sample = True
    kind = "timeout"


class RateLimited(LMError):
    """The provider's rate limit was exceeded (429)."""

    retryable = True
    fails_sample = True
    kind = "rate_limited"


class ServerError(LMError):
    """A failure of the provider (5xx, busy)."""

    retryable = True
    fails_sample = True
    kind = "server"


class BadReply(LMError):
    """An answer that is not JSON, or that breaks its schema.

    Attributes:
        problem: what is wrong, in words for the model; None where a correction is of no use.
    """

    retryable = True
    fails_sample = True
    kind = "bad_reply"
    problem: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the answer held nothing at all; the next one may well hold something."""
        return self.reply is not None and not self.reply.text.strip() and not self.reply.vectors


#: The kind of failure of a request that is too long for the model's context window.
CONTEXT_LENGTH = "context_length"
#: The kind of failure of a call that is too large for what is left of a budget; it was not sent.
OVER_BUDGET = "over_budget"


class SampleRefused(LMError):
    """A sample the model will not take; `kind` says which way: context_length, content_filter, refusal or length.

    Or one that no budget would pay for (over_budget): it is too large for what is left, where usual ones still fit.
    """

    fails_sample = True
    kind = "refused"


class RequestError(LMError):
    """The provider rejected the request as wrong."""

    kind = "request"


class AuthenticationError(RequestError):
    """The key is missing, wrong, or not allowed to do this."""

    kind = "authentication"


class ModelNotFound(RequestError):
    """The provider has no such model."""

    kind = "model_not_found"


class QuotaExhausted(LMError):
    """The account's credit or spending limit is used up; trying again can't help."""

    kind = "quota"


class CassetteError(SynalinksError):
    """A cassette that can't be used."""


class CassetteMiss(CassetteError):
    """A call that the cassette being replayed does not hold."""


class CassetteFormatError(CassetteError):
    """A file that is no cassette, or one of a format this version can't read."""


class CassetteInUse(CassetteError):
    """A cassette that another process is writing."""


class BudgetExceeded(SynalinksError):
    """A call that was refused, before it was sent, because it might not fit the budget.

    Attributes:
        budget: name and caps of the budget that refused it; None where none did, as where its cap cut an answer short.
    """

    orderly = True
    budget: Mapping[str, str] | None = None


class Interrupted(SynalinksError):
    """A call that was not sent because the user asked the run to end."""

    orderly = True


class OfflineError(SynalinksError):
    """A call that would have needed the network while it was forbidden."""
