"""What pydantic has against a value, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


def in_words(error: ValidationError) -> str:
    """Places and problems, without the input and without addresses."""
    found = [
        (".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(f"{where}: {what}" if where else what for where, what in found)
