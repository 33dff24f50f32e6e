"""Programs of language-model calls, trained in context; every call metered, cached, budgeted and replayable.

PYTEST_DONT_REWRITE: a package with a pytest plugin, imported before pytest starts, is warned of otherwise.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# At once: loaded later, the module of that name would take the function's place.
from synalinks.version import __version__, version

if TYPE_CHECKING:
    from synalinks import (
        backend,
        callbacks,
        config,
        data,
        datasets,
        embedding_models,
        hooks,
        initializers,
        language_models,
        lm,
        metrics,
        modules,
        ops,
        optimizers,
        programs,
        rewards,
        saving,
        testing,
        tree,
        utils,
    )
    from synalinks.config import (
        enable_logging,
        enable_observability,
        set_default_embedding_model,
        set_default_language_model,
        set_seed,
    )
    from synalinks.data import (
        ChatMessage,
        ChatMessages,
        ChatRole,
        DataModel,
        Embeddings,
        Field,
        Instructions,
        JsonDataModel,
        Prediction,
        SymbolicDataModel,
        Trainable,
        Variable,
    )
    from synalinks.errors import (
        BadReply,
        BudgetExceeded,
        CassetteError,
        CassetteFormatError,
        CassetteInUse,
        CassetteMiss,
        ConfigurationError,
        DataError,
        LMError,
        LMUnavailable,
        OfflineError,
        QuotaExhausted,
        SynalinksError,
        UnknownModelError,
    )
    from synalinks.lm.budget.layer import Budget
    from synalinks.lm.forecast import Forecast
    from synalinks.lm.ledger.ledger import Ledger, Money
    from synalinks.lm.pricing.pricing import set_price
    from synalinks.lm.runtime import offline, use_budget, use_cassette, use_ledger, use_provider
    from synalinks.modules import (
        AudioInput,
        ChainOfThought,
        EmbeddingModel,
        Generator,
        ImageInput,
        Input,
        LanguageModel,
        LMWarning,
        Module,
        SelfCritique,
        default_prompt_template,
    )
    from synalinks.optimizers import OMEGA, RandomFewShot
    from synalinks.programs import Program
    from synalinks.rewards import CosineSimilarity, ExactMatch
    from synalinks.session import clear_session

#: Where each public name lives; loaded when it is first asked for, so that importing the package is quick.
_HOMES = {
    "synalinks.config": (
        "enable_logging",
        "enable_observability",
        "set_default_embedding_model",
        "set_default_language_model",
        "set_seed",
    ),
    "synalinks.data": (
        "ChatMessage",
        "ChatMessages",
        "ChatRole",
        "DataModel",
        "Embeddings",
        "Field",
        "Instructions",
        "JsonDataModel",
        "Prediction",
        "SymbolicDataModel",
        "Trainable",
        "Variable",
    ),
    "synalinks.errors": (
        "BadReply",
        "BudgetExceeded",
        "CassetteError",
        "CassetteFormatError",
        "CassetteInUse",
        "CassetteMiss",
        "ConfigurationError",
        "DataError",
        "LMError",
        "LMUnavailable",
        "OfflineError",
        "QuotaExhausted",
        "SynalinksError",
        "UnknownModelError",
    ),
    "synalinks.lm.budget.layer": ("Budget",),
    "synalinks.lm.forecast": ("Forecast",),
    "synalinks.lm.ledger.ledger": ("Ledger", "Money"),
    "synalinks.lm.pricing.pricing": ("set_price",),
    "synalinks.lm.runtime": ("offline", "use_budget", "use_cassette", "use_ledger", "use_provider"),
    "synalinks.modules": (
        "AudioInput",
        "ChainOfThought",
        "EmbeddingModel",
        "Generator",
        "ImageInput",
        "Input",
        "LMWarning",
        "LanguageModel",
        "Module",
        "SelfCritique",
        "default_prompt_template",
    ),
    "synalinks.optimizers": ("OMEGA", "RandomFewShot"),
    "synalinks.programs": ("Program",),
    "synalinks.rewards": ("CosineSimilarity", "ExactMatch"),
    "synalinks.session": ("clear_session",),
}
_NAMESPACES = (
    "backend",
    "callbacks",
    "config",
    "data",
    "datasets",
    "embedding_models",
    "hooks",
    "initializers",
    "language_models",
    "lm",
    "metrics",
    "modules",
    "ops",
    "optimizers",
    "programs",
    "rewards",
    "saving",
    "testing",
    "tree",
    "utils",
)
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AudioInput",
    "BadReply",
    "Budget",
    "BudgetExceeded",
    "CassetteError",
    "CassetteFormatError",
    "CassetteInUse",
    "CassetteMiss",
    "ChainOfThought",
    "ChatMessage",
    "ChatMessages",
    "ChatRole",
    "ConfigurationError",
    "CosineSimilarity",
    "DataError",
    "DataModel",
    "EmbeddingModel",
    "Embeddings",
    "ExactMatch",
    "Field",
    "Forecast",
    "Generator",
    "ImageInput",
    "Input",
    "Instructions",
    "JsonDataModel",
    "LMError",
    "LMUnavailable",
    "LMWarning",
    "LanguageModel",
    "Ledger",
    "Module",
    "Money",
    "OMEGA",
    "OfflineError",
    "Prediction",
    "Program",
    "QuotaExhausted",
    "RandomFewShot",
    "SelfCritique",
    "SymbolicDataModel",
    "SynalinksError",
    "Trainable",
    "UnknownModelError",
    "Variable",
    "__version__",
    "backend",
    "callbacks",
    "clear_session",
    "config",
    "data",
    "datasets",
    "default_prompt_template",
    "embedding_models",
    "enable_logging",
    "enable_observability",
    "hooks",
    "initializers",
    "language_models",
    "lm",
    "metrics",
    "modules",
    "offline",
    "ops",
    "optimizers",
    "programs",
    "rewards",
    "saving",
    "set_default_embedding_model",
    "set_default_language_model",
    "set_price",
    "set_seed",
    "testing",
    "tree",
    "use_budget",
    "use_cassette",
    "use_ledger",
    "use_provider",
    "utils",
    "version",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    elif name in _NAMESPACES:
        value = importlib.import_module(f"synalinks.{name}")
    else:
        raise AttributeError(f"module 'synalinks' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
