"""The LM layer: every call metered, shared, cached, budgeted, taped, rate-limited and retried.

It knows nothing of modules or programs and can be used for itself; `README.md` beside this file explains the
order of the layers.
"""

from synalinks.lm.account import Limits
from synalinks.lm.budget import Budget
from synalinks.lm.ledger import Entry, Ledger, Money, Totals
from synalinks.lm.pricing import Price, price_of, set_price
from synalinks.lm.retry import RetryPolicy
from synalinks.lm.runtime import Channel, offline, use_budget, use_cassette, use_ledger, use_provider
from synalinks.lm.types import Call, Delta, Handler, Layer, Reply, Request, Stack, Usage, stack

__all__ = [
    "Budget",
    "Call",
    "Channel",
    "Delta",
    "Entry",
    "Handler",
    "Layer",
    "Ledger",
    "Limits",
    "Money",
    "Price",
    "Reply",
    "Request",
    "RetryPolicy",
    "Stack",
    "Totals",
    "Usage",
    "offline",
    "price_of",
    "set_price",
    "stack",
    "use_budget",
    "use_cassette",
    "use_ledger",
    "use_provider",
]
