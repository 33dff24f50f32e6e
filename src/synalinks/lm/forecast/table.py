"""Forecasts as text tables, in the format of the ledger's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synalinks._base import html as _html
from synalinks.lm.core.dollars import dollars_text
from synalinks.lm.forecast.ranges import Figures, Range, Row
from synalinks.lm.tables import text_table

_LABELS = ("phase", "model")
_COLUMNS = ("calls", "tokens in", "tokens out", "dollars", "expected")
_NUMBERS = range(len(_LABELS), len(_LABELS) + len(_COLUMNS))
#: Columns of a note's text.
_WIDTH = 96


def render(title: str, rows: Sequence[Row], total: Figures, notes: Sequence[str]) -> str:
    """The table: a row per phase and model from low to high, the total, a sentence, and the notes."""
    if not rows:
        return "\n".join([title, "", "no calls to models", *wrapped(notes)])
    table = text_table((*_LABELS, *_COLUMNS), _lines(rows), _footer(total), numbers=_NUMBERS)
    return "\n".join([title, "", table, "", in_words(total), *wrapped(notes)])


def render_html(title: str, rows: Sequence[Row], total: Figures, notes: Sequence[str]) -> str:
    """The same for notebooks."""
    words = [in_words(total) if rows else "no calls to models", *map(str, notes)]
    table = _html.table((*_LABELS, *_COLUMNS), _lines(rows), _footer(total), numbers=_NUMBERS) if rows else ""
    return _html.block(title, table, *map(_html.paragraph, words))


def _lines(rows: Sequence[Row]) -> list[list[str]]:
    lines, above = [], None
    for row in rows:
        phase = "-" if row.phase is None else row.phase
        lines.append(["" if phase == above else phase, row.model, *cells(row.figures)])
        above = phase
    return lines


def _footer(total: Figures) -> list[list[str]]:
    return [["total", "", *cells(total)], ["expected", "", *_expected(total)]]


def cells(figures: Figures) -> list[str]:
    """Calls, tokens and dollars, low to high, and the dollars expected."""
    tokens = [counts_text(found, shortened) for found in (figures.input_tokens, figures.output_tokens)]
    return [counts_text(figures.calls), *tokens, money_text(figures), expected_text(figures)]


def _expected(total: Figures) -> list[str]:
    tokens = [shortened(found.expected) for found in (total.input_tokens, total.output_tokens)]
    return [f"{total.calls.expected:,}", *tokens, "", expected_text(total)]


def _whole(number: int) -> str:
    return f"{number:,}"


def counts_text(found: Range[int], text: Callable[[int], str] = _whole) -> str:
    """`1,200 - 3,400`, or one number where low and high are the same."""
    if found.low == found.high:
        return text(found.high) if found.high else "-"
    return f"{text(found.low)} - {text(found.high)}"


def money_text(figures: Figures) -> str:
    """`$0.01 - $0.34`; `unpriced` where no price is known, and `+ ?` where some are not."""
    low, high = figures.priced.low, figures.priced.high
    if figures.unpriced and not high:
        return "unpriced"
    text = dollars_text(high) if low == high else f"{dollars_text(low)} - {dollars_text(high)}"
    return f"{text} + ?" if figures.unpriced else text


def expected_text(figures: Figures) -> str:
    """The dollars expected."""
    if figures.unpriced and not figures.priced.high:
        return "?"
    text = dollars_text(figures.priced.expected)
    return f"{text} + ?" if figures.unpriced else text


def in_words(total: Figures) -> str:
    """The total as a sentence: `about 1,300 calls, 420,000 tokens and $0.11; at most ...`."""
    calls = "1 call" if total.calls.expected == 1 else f"{shortened(total.calls.expected)} calls"
    tokens = total.tokens
    money, most = expected_text(total), dollars_text(total.priced.high)
    if total.unpriced:
        priced = f"at least {dollars_text(total.priced.low)}" if total.priced.high else "no known price"
        return (
            f"about {calls} and {shortened(tokens.expected)} tokens, {priced}: a price is unknown, see "
            "`synalinks prices MODEL`; synalinks.set_price states one"
        )
    return (
        f"about {calls}, {shortened(tokens.expected)} tokens and {money}; "
        f"at most {shortened(total.calls.high)} calls, {shortened(tokens.high)} tokens and {most}"
    )


def shortened(number: int) -> str:
    """A number rounded to three significant digits."""
    size = len(str(number))
    return f"{round(number, 3 - size):,}" if size > 3 else str(number)


def wrapped(notes: Sequence[object]) -> list[str]:
    """Sentences as lines, each after its first one indented."""
    import textwrap  # needed only to print

    return [line for note in notes for line in textwrap.wrap(str(note), _WIDTH, subsequent_indent="  ")]
