"""The ledger as a table, and amounts of money as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from synalinks._base import html as _html
from synalinks.lm.core.dollars import dollars_text
from synalinks.lm.core.place import shown
from synalinks.lm.ledger.entries import Money, Totals
from synalinks.lm.tables import text_table

_COUNTS = ("calls", "hits", "failed", "tokens in", "tokens out")
_MONEY = ("billed", "as if")
_TIMES = ("time", "tokens/s")
#: Seconds of all answers from which on they tell of models; a script's answers take less together.
LEAST_SECONDS = 0.1
#: Seconds from which on a time is in hours.
HOUR = 3600.0
_PLACES = {"cassette": "from the cassette", "cache": "from the cache", "shared": "shared with a call in flight"}


def money_text(total: Totals, live: str = "as if") -> str:
    """Both columns in words: `$0.0000 billed, $1.84 as if`; where a price is unknown, `billed at least ...; as if at
    least ...`."""
    if total.billed.unknown or total.as_if.unknown:
        return f"billed {total.billed}; {live} {total.as_if}"
    return f"{total.billed} billed, {total.as_if} {live}"


def cost_text(total: Totals, live: str = "as if") -> str:
    """What calls took: dollars, or the time and the speed of local models."""
    return f"local models: {speed_text(total)}" if total.calls and is_free(total) else money_text(total, live)


def render(
    names: Sequence[str],
    rows: Iterable[tuple[Sequence[object], Totals]],
    total: Totals,
    sources: Mapping[str, int],
    width: int | None = None,
) -> str:
    """The table.

    Args:
        names: of the label columns.
        rows: labels and totals, sorted by label.
        total: of all rows.
        sources: how many calls were answered from where, the live ones left out.
        width: the most columns of text; see `text_table`.
    """
    header, lines, last = _parts(names, rows, total)
    table = text_table(header, lines, [last], numbers=range(len(names), len(header)), width=width)
    return "\n".join([table, "", *_words(total, sources)])


def render_html(
    names: Sequence[str], rows: Iterable[tuple[Sequence[object], Totals]], total: Totals, sources: Mapping[str, int]
) -> str:
    """The same table for notebooks."""
    header, lines, last = _parts(names, rows, total)
    table = _html.table(header, lines, [last], numbers=range(len(names), len(header)))
    return table + "".join(map(_html.paragraph, _words(total, sources)))


def _parts(
    names: Sequence[str], rows: Iterable[tuple[Sequence[object], Totals]], total: Totals
) -> tuple[list[str], list[list[str]], list[str]]:
    """Header, rows and the row of totals."""
    free, repeated = is_free(total), bool(total.failed_tokens)
    lines, above = [], None
    for key, totals in rows:
        lines.append(_labels(names, key, above) + _figures(totals, free, repeated))
        above = key
    last = ["total", *[""] * (len(names) - 1), *_figures(total, free, repeated)]
    header = [*names, *_COUNTS, *(["failed tokens"] if repeated else []), *(_TIMES if free else _MONEY)]
    return header, lines, last


def is_free(total: Totals) -> bool:
    """Whether the models cost nothing and took time, or failed, as local ones do: more than columns of $0.0000 say."""
    spent = (total.billed, total.as_if)
    timed = total.latency >= LEAST_SECONDS or total.failed == total.calls
    return timed and not any(money.known or money.unknown for money in spent)


def speed_text(total: Totals) -> str:
    """The time and the speed of local models in words: `12.3 s, 245 tokens/s, 2.1 s of it loading`.

    It is the working time of their servers, which calls in flight together share; the speed is without the time in
    which models were loaded.
    """
    speed = _speed(total)
    text = f"{_seconds(total)}, {speed} tokens/s" if speed != "-" else _seconds(total).replace("-", "no answer")
    return text + (f", {total.loading:,.1f} s of it loading" if total.loading else "")


def _seconds(totals: Totals) -> str:
    seconds = totals.machine_seconds
    return f"{seconds / HOUR:,.2f} h" if seconds >= HOUR else f"{seconds:,.1f} s" if seconds else "-"


def _speed(totals: Totals) -> str:
    seconds = totals.machine_seconds - totals.loading
    return f"{totals.machine_tokens / seconds:,.0f}" if seconds > 0 and totals.machine_tokens else "-"


def _labels(names: Sequence[str], key: Sequence[object], above: Sequence[object] | None) -> list[str]:
    """The labels of a row as people read them, without those at its left that repeat the row above."""
    cells, same = [], above is not None
    for i, part in enumerate(key):
        same = same and i < len(key) - 1 and above is not None and above[i] == part
        cells.append("" if same else shown(names[i], part))
    return cells


def _figures(totals: Totals, free: bool, repeated: bool) -> list[str]:
    counts = [totals.calls, totals.hits, totals.failed, totals.input_tokens, totals.output_tokens]
    counts += [totals.failed_tokens] if repeated else []
    last = [_seconds(totals), _speed(totals)] if free else [_cell(totals.billed), _cell(totals.as_if)]
    return [f"{count:,}" if count else "-" for count in counts] + last


def _cell(money: Money) -> str:
    if not money.unknown:
        return dollars_text(money.known)
    return f"{dollars_text(money.known)} + ?" if money.known else "?"


def _words(total: Totals, sources: Mapping[str, int]) -> list[str]:
    calls = "1 call" if total.calls == 1 else f"{total.calls:,} calls"
    places = ", ".join(f"{sources[name]:,} {where}" for name, where in _PLACES.items() if sources.get(name))
    parts = [calls + (f" ({places})" if places else "")]
    if total.failed:
        parts.append(f"{total.failed:,} failed")
    if total.uncounted:
        parts.append(f"{total.uncounted:,} without a count of tokens")
    if total.uncertain:
        parts.append(f"{total.uncertain:,} {'answer' if total.uncertain == 1 else 'answers'} perhaps given unseen")
    if total.failed_tokens or total.failed_cost.known or total.failed_cost.unknown:
        cost = "" if is_free(total) else f", {total.failed_cost}"
        parts.append(f"failed attempts: {total.failed_tokens:,} tokens{cost}")
    return ["; ".join(parts), cost_text(total, "as if live")]
