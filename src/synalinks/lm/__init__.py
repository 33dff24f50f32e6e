"""The LM layer: every call metered, shared, cached, budgeted, recorded, rate-limited and retried.

It does not depend on modules or programs and can be used alone; `README.md` beside this file explains the
order of the layers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from synalinks.lm.core.logprobs import token_logprobs, value_probabilities
    from synalinks.lm.core.options import check_options
    from synalinks.lm.core.secrets import scrubbed
    from synalinks.lm.forecast import Figures, Forecast, Range
    from synalinks.lm.layers import Above, Below, Placed
    from synalinks.lm.ledger.amounts import ENTRY_AMOUNTS, USAGE_AMOUNTS, EntryAmount, FirstPieces
    from synalinks.lm.ledger.dollars import dollars_text
    from synalinks.lm.ledger.ledger import Entry, Ledger, Money, Totals
    from synalinks.lm.ledger.table import money_text
    from synalinks.lm.pricing.pricing import Price, price_of, set_price
    from synalinks.lm.providers import Credentials, OAuth, Spec, list_providers, register_provider, saved_base
    from synalinks.lm.rate_limit.account import Limits
    from synalinks.lm.retry import RetryPolicy
    from synalinks.lm.run import Earmarks, Run, current_run
    from synalinks.lm.runtime import isolated, offline, use_budget, use_cassette, use_ledger, use_provider
    from synalinks.lm.tables import text_table

#: Where each name is defined; it is imported when the name is first used, so that a part costs no more than itself.
_HOMES = {
    "synalinks.lm.budget.layer": (
        "NOTHING",
        "Amount",
        "Budget",
        "BudgetTracker",
    ),
    "synalinks.lm.catalog": (
        "ModelInfo",
        "ProviderInfo",
        "model_info",
        "provider_info",
        "supported_models",
        "supported_providers",
    ),
    "synalinks.lm.cache.location": ("saved_location",),
    "synalinks.lm.client": (
        "CacheMode",
        "Client",
    ),
    "synalinks.lm.core.amount": ("AttemptCosts",),
    "synalinks.lm.core.call": (
        "Call",
        "Delta",
        "Handler",
        "Layer",
        "Reply",
        "Request",
        "Schema",
        "Sink",
        "Stack",
        "Usage",
        "schema_of",
        "stack",
    ),
    "synalinks.lm.core.logprobs": (
        "token_logprobs",
        "value_probabilities",
    ),
    "synalinks.lm.core.options": ("check_options",),
    "synalinks.lm.core.secrets": ("scrubbed",),
    "synalinks.lm.tables": ("text_table",),
    "synalinks.lm.forecast": (
        "Figures",
        "Forecast",
        "Range",
    ),
    "synalinks.lm.layers": (
        "Above",
        "Below",
        "Placed",
    ),
    "synalinks.lm.ledger.amounts": (
        "ENTRY_AMOUNTS",
        "USAGE_AMOUNTS",
        "USAGE_AMOUNTS",
        "EntryAmount",
        "FirstPieces",
    ),
    "synalinks.lm.ledger.dollars": ("dollars_text",),
    "synalinks.lm.ledger.ledger": (
        "Entry",
        "Ledger",
        "Money",
        "Totals",
    ),
    "synalinks.lm.ledger.table": ("money_text",),
    "synalinks.lm.pricing.pricing": (
        "Price",
        "price_of",
        "set_price",
    ),
    "synalinks.lm.providers": (
        "Credentials",
        "OAuth",
        "Spec",
        "list_providers",
        "register_provider",
        "saved_base",
    ),
    "synalinks.lm.rate_limit.account": ("Limits",),
    "synalinks.lm.retry": ("RetryPolicy",),
    "synalinks.lm.run": (
        "Earmarks",
        "Run",
        "current_run",
    ),
    "synalinks.lm.runtime": (
        "isolated",
        "offline",
        "use_budget",
        "use_cassette",
        "use_ledger",
        "use_provider",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

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

    def __getattr__(name: str) -> Any:
        if (home := _HOME_OF.get(name)) is None:
            raise AttributeError(f"module 'synalinks.lm' has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(home), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
