"""A forecast beside what a fit really took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from synalinks.lm import Figures, Forecast, Ledger, Range, Totals, dollars_text, text_table
from synalinks.lm.forecast import counts_text, money_text

_COLUMNS = ("calls", "actual", "tokens", "actual", "dollars", "as if live", "within")


@dataclass(frozen=True)
class ForecastVsActual:
    """What was forecast from low to high, and what was taken, by phase. `print` shows it as a table.

    Actual figures are as if live, like the forecast's: a call that cache or cassette answered counts as sent.

    Attributes:
        forecast: what was to be expected.
        ledger: the calls made.
        epochs: how many were run.
    """

    forecast: Forecast
    ledger: Ledger
    epochs: int | None = None

    @property
    def rows(self) -> list[tuple[str | None, Figures, Totals]]:
        """(phase, forecast, actual); where one of them has nothing of a phase it is all zeros."""
        foreseen, taken = self.forecast.by("phase"), self.ledger.by("phase")
        phases = [*foreseen, *(phase for phase in taken if phase not in foreseen)]
        return [(phase, foreseen.get(phase, Figures()), taken.get(phase, Totals())) for phase in phases]

    @property
    def within(self) -> bool:
        """Whether calls, tokens and dollars of the whole lie between low and high."""
        return _within(self.forecast.total, self.ledger.total)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON; money as decimal strings, null where it is unknown."""
        rows = [{"phase": phase, **_both(figures, totals)} for phase, figures, totals in self.rows]
        return {"rows": rows, "total": _both(self.forecast.total, self.ledger.total), "within": self.within}

    def __str__(self) -> str:
        lines = [["-" if phase is None else phase, *_cells(figures, taken)] for phase, figures, taken in self.rows]
        total = ["total", *_cells(self.forecast.total, self.ledger.total)]
        table = text_table(("phase", *_COLUMNS), lines, [total], numbers=range(1, 1 + len(_COLUMNS)))
        return "\n".join([self.forecast.title, "", table, "", *self._words()])

    def _words(self) -> Iterator[str]:
        actual = self.ledger.total
        yield (
            f"{actual.calls:,} calls, {self.forecast.calls.expected:,} expected; {actual.tokens:,} tokens, "
            f"{self.forecast.tokens.expected:,} expected; {actual.billed} billed"
        )
        planned = self.forecast.settings.get("epochs")
        if self.epochs is not None and planned is not None and planned != self.epochs:
            yield f"The forecast was made for {planned} epochs, and {self.epochs} were run to their end"

    def __repr__(self) -> str:
        return f"<ForecastVsActual {'within' if self.within else 'not within'} the forecast>"


def _within(figures: Figures, actual: Totals) -> bool:
    counted = (
        (figures.calls, actual.calls),
        (figures.input_tokens, actual.input_tokens),
        (figures.output_tokens, actual.output_tokens),
    )
    if not all(number in found for found, number in counted):
        return False
    dollars, exact = figures.dollars, actual.as_if.exact
    return dollars is None or exact is None or exact in dollars


def _cells(figures: Figures, actual: Totals) -> list[str]:
    return [
        counts_text(figures.calls),
        f"{actual.calls:,}",
        counts_text(figures.tokens),
        f"{actual.tokens:,}",
        money_text(figures),
        "?" if actual.as_if.unknown else dollars_text(actual.as_if.known),
        "yes" if _within(figures, actual) else _misses(figures, actual),
    ]


def _misses(figures: Figures, actual: Totals) -> str:
    """Which figures lie outside, and on which side."""
    found: list[str] = []
    pairs: list[tuple[str, Range[Any] | None, Any]] = [
        ("calls", figures.calls, actual.calls),
        ("tokens in", figures.input_tokens, actual.input_tokens),
        ("tokens out", figures.output_tokens, actual.output_tokens),
        ("dollars", figures.dollars, actual.as_if.exact),
    ]
    for name, expected, number in pairs:
        if expected is not None and number is not None and number not in expected:
            found.append(f"{name} {'below' if number < expected.low else 'above'}")
    return ", ".join(found)


def _both(figures: Figures, actual: Totals) -> dict[str, Any]:
    taken = {
        "calls": actual.calls,
        "input_tokens": actual.input_tokens,
        "output_tokens": actual.output_tokens,
        "dollars": None if actual.as_if.exact is None else f"{actual.as_if.exact:f}",
    }
    return {"forecast": figures.to_dict(), "actual": taken, "within": _within(figures, actual)}
