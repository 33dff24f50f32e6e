"""Forecast: calls, tokens and dollars of a run before it is made, by phase and model, from low to high.

The figures are *as if live*, as in the ledger's column of that name: expected and high count every call as sent; low
leaves out calls that single flight, the cache, a cassette or a repeated candidate may save.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from synalinks.lm.forecast.ranges import Figures, Range, Row, summed
from synalinks.lm.forecast.table import render, render_html


@dataclass(frozen=True)
class Forecast:
    """Calls, tokens and dollars of a run by phase and model: low, expected and high. `print` shows it as a table.

    Attributes:
        rows: one per phase and model, in the order of a run.
        title: the title of the table.
        notes: sentences on the sources of the figures: measured, guessed, simulated.
        settings: the arguments of `fit` it was made for; empty for a script.

    Example:
        >>> from synalinks.lm import Figures, Forecast, Range
        >>> from synalinks.lm.forecast.forecast import Row
        >>> figures = Figures(calls=Range(10, 12, 14))
        >>> forecast = Forecast((Row("train", "ollama/llama3.2", figures),))
        >>> forecast.calls
        Range(low=10, expected=12, high=14)
        >>> 13 in forecast.by("phase")["train"].calls
        True
    """

    rows: tuple[Row, ...]
    title: str = "Forecast"
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> Figures:
        """The sum of all rows."""
        return summed(row.figures for row in self.rows)

    @property
    def calls(self) -> Range[int]:
        """Calls in all."""
        return self.total.calls

    @property
    def tokens(self) -> Range[int]:
        """Tokens in all."""
        return self.total.tokens

    @property
    def dollars(self) -> Range[Decimal] | None:
        """Dollars in all; None if the price of some calls is unknown."""
        return self.total.dollars

    def by(self, name: str) -> dict[Any, Figures]:
        """Figures by `phase` or by `model`."""
        found: dict[Any, Figures] = {}
        for row in self.rows:
            key = row.model if name == "model" else row.phase
            found[key] = found.get(key, Figures()) + row.figures
        return found

    def to_dict(self) -> dict[str, Any]:
        """The forecast as JSON."""
        rows = [{"phase": row.phase, "model": row.model, **row.figures.to_dict()} for row in self.rows]
        return {
            "title": self.title,
            "rows": rows,
            "total": self.total.to_dict(),
            "notes": list(self.notes),
            "settings": dict(self.settings),
        }

    def __str__(self) -> str:
        return render(self.title, self.rows, self.total, self.notes)

    def _repr_html_(self) -> str:
        return render_html(self.title, self.rows, self.total, self.notes)

    def __repr__(self) -> str:
        total = self.total
        return f"<Forecast {total.calls.expected} calls, {total.tokens.expected} tokens, {len(self.rows)} rows>"
