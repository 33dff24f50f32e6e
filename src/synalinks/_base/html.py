"""Pieces of HTML for notebooks and reports: tables, word differences, line charts. All text is escaped.

Colours are mixed from the text's own, so that they suit light and dark pages. Nothing refers to a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

from synalinks import _json
from synalinks._base.word_diff import LONGEST, parts

#: Series of a chart by turn (Okabe and Ito 2008, told apart by people with any colour vision).
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
#: Characters of a field that are shown.
_MOST_TEXT = 4_000
_FAINT = "color-mix(in srgb, currentColor 22%, transparent)"
_CELL = f"padding:.2em .7em;border-bottom:1px solid {_FAINT};vertical-align:top;white-space:pre-wrap"
_TABLE = "border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4em 0"
_MARKS = {
    "-": ("del", "background:color-mix(in srgb, #D55E00 25%, transparent)"),
    "+": ("ins", "background:color-mix(in srgb, #009E73 25%, transparent);text-decoration:none"),
}
#: A chart, in its own units.
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 220, 52, 38, 12


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    footer: Iterable[Sequence[str]] = (),
    *,
    numbers: Iterable[int],
) -> str:
    """A table; the columns `numbers` stand to the right.

    Example:
        >>> from synalinks._base.html import table
        >>> "&lt;b&gt;" in table(["name"], [["<b>"]], numbers=())
        True
    """
    right = set(numbers)

    def line(cells: Sequence[str], kind: str) -> str:
        return "<tr>" + "".join(_cell(cell, kind, i in right) for i, cell in enumerate(cells)) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    foot = "".join(line(row, "th") for row in footer)
    return f'<table style="{_TABLE}"><thead>{line(header, "th")}</thead><tbody>{body}{foot}</tbody></table>'


def _cell(text: str, kind: str, right: bool) -> str:
    return f'<{kind} style="{_CELL};text-align:{"right" if right else "left"}">{escape(text)}</{kind}>'


def block(title: str, *parts: str) -> str:
    """A titled piece of a notebook; `parts` are HTML."""
    return f"<div><strong>{escape(title)}</strong>{''.join(parts)}</div>"


def paragraph(text: str) -> str:
    """A paragraph whose lines stay lines."""
    return f'<p style="white-space:pre-wrap;margin:.3em 0">{escape(text)}</p>'


def preformatted(text: str) -> str:
    """Text whose columns stay columns."""
    return f'<pre style="overflow-x:auto;line-height:1.2">{escape(text)}</pre>'


def folded(title: str, html: str, opened: bool = False) -> str:
    """HTML that is shown on demand, or hidden so."""
    return (
        f'<details{" open" if opened else ""}><summary style="cursor:pointer">{escape(title)}</summary>{html}</details>'
    )


def fields(title: str, values: Mapping[str, object]) -> str:
    """A row per field of a JSON object; very long texts are cut."""
    return block(
        title, table(("field", "value"), ((name, _shown(value)) for name, value in values.items()), numbers=())
    )


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else _json.pretty(value)
    cut = len(text) - _MOST_TEXT
    return text if cut <= 0 else f"{text[:_MOST_TEXT]} ... {cut:,} more characters"


def word_diff(before: str, after: str, whole_lines: bool = False) -> str:
    """The words, or whole lines, that were left out and added, struck and marked."""
    found = parts(before, after, 0 if whole_lines else LONGEST)
    return f'<div style="white-space:pre-wrap">{"".join(_marked(*part) for part in found)}</div>'


def _marked(kind: str, text: str) -> str:
    if not kind:
        return escape(text)
    tag, style = _MARKS[kind]
    return f'<{tag} style="{style}">{escape(text)}</{tag}>'


def line_chart(series: Mapping[str, Sequence[tuple[float, float]]], xlabel: str, label: str) -> str:
    """Lines through points (x, y), as SVG with a legend; each point says its value when the pointer is over it.

    Args:
        series: points by name; names without points are left out.
        xlabel: what x is.
        label: of the whole, for screen readers.
    """
    shown = {name: points for name, points in series.items() if points}
    if not shown:
        return ""
    xs = [x for points in shown.values() for x, _ in points]
    ys = [y for points in shown.values() for _, y in points]
    x_low, x_high, y_low, y_high = min(xs), max(xs), min(0.0, *ys), max(1.0, *ys)
    wide, high = _WIDTH - _LEFT - 14, _HEIGHT - _TOP - _BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / (x_high - x_low) if x_high > x_low else 0.5
        return _LEFT + across * wide, _TOP + (1 - (y - y_low) / (y_high - y_low)) * high

    lines = [_grid(y_low + (y_high - y_low) * share, place) for share in (0, 0.25, 0.5, 0.75, 1)]
    names = []
    for number, (name, points) in enumerate(shown.items()):
        color, placed = COLORS[number % len(COLORS)], [place(*point) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for (x, y), (left, top) in zip(points, placed, strict=True):
            told = escape(f"{name} {y:.4g} at {xlabel} {x:,.6g}")
            lines.append(
                f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3.5" fill="{color}"><title>{told}</title></circle>'
            )
        names.append(f'<span style="margin-right:1em"><span style="color:{color}">●</span> {escape(name)}</span>')
    for x in sorted({x_low, x_high}):
        left, _ = place(x, 0)
        anchor = "middle" if x_low == x_high else "start" if x == x_low else "end"
        lines.append(_text(left, _HEIGHT - 22, f"{x:,.6g}", anchor))
    lines.append(_text(_LEFT + wide / 2, _HEIGHT - 6, xlabel, "middle"))
    head = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}" '
    style = 'style="width:100%;max-width:720px;height:auto;display:block;font-size:12px"'
    return f"{head}{style}>{''.join(lines)}</svg><div>{''.join(names)}</div>"


def _grid(y: float, place: Callable[[float, float], tuple[float, float]]) -> str:
    _, top = place(0, y)
    line = f'<line x1="{_LEFT}" x2="{_WIDTH - 14}" y1="{top:.1f}" y2="{top:.1f}" stroke="currentColor" opacity=".15"/>'
    return line + _text(_LEFT - 8, top + 4, f"{y:.3g}", "end")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(text)}</text>'
