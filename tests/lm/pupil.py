"""Ledger entries of a model that others learn about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from synalinks.lm.core.call import Usage
from synalinks.lm.ledger.ledger import Entry
from synalinks.scope import Scope

MODEL = "ollama/pupil"


def entry(output: int, module: str | None = "solve", digest: str = "d", **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "scope": Scope(phase="train", module=module),
        "draw": 0,
        "kind": "chat",
        "model": MODEL,
        "provider": "ollama",
        "source": "live",
        "usage": Usage(input_fresh=100, output_text=output),
        "as_if": Decimal(0),
        "billed": Decimal(0),
        "seconds": 2.0,
        "attempts": 1,
        "finish": "stop",
        "error": None,
        "caller": 1,
        "digest": digest,
    }
    return Entry(**{**values, **changes})
