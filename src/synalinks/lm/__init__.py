"""The LM layer: every call metered, shared, cached, budgeted, recorded, rate-limited and retried.

It does not depend on modules or programs and can be used alone; `README.md` beside this file explains the
order of the layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synalinks._base.lazy import loading

if TYPE_CHECKING:
    from synalinks.lm.blocks import isolated, offline, use_budget, use_cassette, use_ledger, use_provider
    from synalinks.lm.budget.layer import NOTHING, Amount, Budget, BudgetTracker
    from synalinks.lm.cache.location import saved_location
    from synalinks.lm.catalog import (
        ModelInfo,
        ProviderInfo,
        model_info,
        provider_info,
        supported_models,
        supported_providers,
    )
    from synalinks.lm.client import CacheMode, Client
    from synalinks.lm.core.amount import AttemptCosts
    from synalinks.lm.core.call import (
        Call,
        Delta,
        Handler,
        Layer,
        Reply,
        Request,
        Schema,
        Sink,
        Stack,
        Usage,
        schema_of,
        stack,
    )
    from synalinks.lm.core.dollars import dollars_text
    from synalinks.lm.core.options import check_options
    from synalinks.lm.core.secrets import scrubbed
    from synalinks.lm.forecast import Figures, Forecast, Range
    from synalinks.lm.layers import Above, Below, Placed
    from synalinks.lm.ledger.amounts import ENTRY_AMOUNTS, USAGE_AMOUNTS, EntryAmount, FirstPieces
    from synalinks.lm.ledger.ledger import Entry, Ledger, Money, Totals
    from synalinks.lm.ledger.table import cost_text, money_text
    from synalinks.lm.logprobs import token_logprobs, value_probabilities
    from synalinks.lm.pricing.pricing import Price, price_of, set_price
    from synalinks.lm.providers import Credentials, OAuth, Spec, list_providers, register_provider, saved_base
    from synalinks.lm.rate_limit.account import Limits
    from synalinks.lm.retry import RetryPolicy
    from synalinks.lm.run import Earmarks, Run, current_run
    from synalinks.lm.tables import text_table

#: Where each name is defined; it is imported when the name is first used, so that a part costs no more than itself.
_HOMES = {
    "budget.layer": "NOTHING Amount Budget BudgetTracker",
    "catalog": "ModelInfo ProviderInfo model_info provider_info supported_models supported_providers",
    "cache.location": "saved_location",
    "client": "CacheMode Client",
    "core.amount": "AttemptCosts",
    "core.call": "Call Delta Handler Layer Reply Request Schema Sink Stack Usage schema_of stack",
    "logprobs": "token_logprobs value_probabilities",
    "core.options": "check_options",
    "core.secrets": "scrubbed",
    "tables": "text_table",
    "forecast": "Figures Forecast Range",
    "layers": "Above Below Placed",
    "ledger.amounts": "ENTRY_AMOUNTS USAGE_AMOUNTS EntryAmount FirstPieces",
    "core.dollars": "dollars_text",
    "ledger.ledger": "Entry Ledger Money Totals",
    "ledger.table": "cost_text money_text",
    "pricing.pricing": "Price price_of set_price",
    "providers": "Credentials OAuth Spec list_providers register_provider saved_base",
    "rate_limit.account": "Limits",
    "retry": "RetryPolicy",
    "run": "Earmarks Run current_run",
    "blocks": "isolated offline use_budget use_cassette use_ledger use_provider",
}

__all__ = [
    "ENTRY_AMOUNTS",
    "NOTHING",
    "USAGE_AMOUNTS",
    "Above",
    "Amount",
    "AttemptCosts",
    "Below",
    "Budget",
    "BudgetTracker",
    "CacheMode",
    "Call",
    "Client",
    "Credentials",
    "Delta",
    "Earmarks",
    "Entry",
    "EntryAmount",
    "Figures",
    "FirstPieces",
    "Forecast",
    "Handler",
    "Layer",
    "Ledger",
    "Limits",
    "ModelInfo",
    "Money",
    "OAuth",
    "Placed",
    "Price",
    "ProviderInfo",
    "Range",
    "Reply",
    "Request",
    "RetryPolicy",
    "Run",
    "Schema",
    "Sink",
    "Spec",
    "Stack",
    "Totals",
    "Usage",
    "check_options",
    "cost_text",
    "current_run",
    "dollars_text",
    "isolated",
    "list_providers",
    "model_info",
    "money_text",
    "offline",
    "price_of",
    "provider_info",
    "register_provider",
    "saved_base",
    "saved_location",
    "schema_of",
    "scrubbed",
    "set_price",
    "stack",
    "supported_models",
    "supported_providers",
    "text_table",
    "token_logprobs",
    "use_budget",
    "use_cassette",
    "use_ledger",
    "use_provider",
    "value_probabilities",
]


if not TYPE_CHECKING:
    __getattr__ = loading(__name__, _HOMES)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
