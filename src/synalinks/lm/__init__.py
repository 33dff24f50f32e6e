"""The LM layer: every call metered, shared, cached, budgeted, recorded, rate-limited and retried.

It knows nothing of modules or programs and can be used for itself; `README.md` beside this file explains the
order of the layers.
"""

from synalinks.lm.budget.layer import Budget
from synalinks.lm.core.call import Call, Delta, Handler, Layer, Reply, Request, Stack, Usage, stack
from synalinks.lm.ledger.ledger import Entry, Ledger, Money, Totals
from synalinks.lm.pricing.pricing import Price, price_of, set_price
from synalinks.lm.rate_limit.account import Limits
from synalinks.lm.retry import RetryPolicy
from synalinks.lm.runtime import Client, offline, use_budget, use_cassette, use_ledger, use_provider

__all__ = [
    "Budget",
    "Call",
    "Client",
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
