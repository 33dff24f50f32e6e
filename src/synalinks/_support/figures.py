"""Figures: what all plots share: a canvas without global state, one look, one way to a file."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from synalinks._base.warning import warn
from synalinks.errors import ConfigurationError
from synalinks.lm.core.dollars import dollars_text

T = TypeVar("T")

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

#: Colours that stay apart for colour-blind readers: Okabe and Ito, "Color Universal Design" (2008), yellow left out.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#555555")
INK = "#222222"
FAINT = "#D9D9D9"
#: Dots per inch of pictures that are read on paper as well.
DPI = 300
#: From here on numbers are written with separators, without decimals.
THOUSAND = 1000.0
#: Inches.
PANEL_WIDTH, PANEL_HEIGHT = 8.2, 4.2
#: The operational metrics that are no share of anything, by what their names hold.
AMOUNTS = re.compile(r"cost|latency|tokens|time_to_|elapsed|per_second|throughput|_calls$|calls_|vectors|activations")
#: Inches around a figure.
_MARGIN = 0.12


def matplotlib() -> ModuleType:
    """The plotting library, loaded when a plot is drawn: 300 ms that only plots pay.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import matplotlib as library
    except ImportError as error:
        raise ConfigurationError("plots need matplotlib: pip install 'synalinks-replay[plots]'") from error
    return library


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches, outside pyplot: drawing one leaves nothing behind in the process."""
    matplotlib()  # says what to do where it is missing; it is optional, and slow to load
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    figure.get_layout_engine().set(w_pad=_MARGIN, h_pad=_MARGIN)  # type: ignore[union-attr, call-arg]
    FigureCanvasAgg(figure)
    return figure


def new_panels(count: int, title: str) -> tuple[Figure, list[Axes]]:
    """A titled figure with panels below one another."""
    figure = new_figure(PANEL_WIDTH, PANEL_HEIGHT if count == 1 else 0.5 + 3.1 * count)
    panels = figure.subplots(count, 1, squeeze=False)[:, 0]
    # A name may hold a dollar sign, which would begin a formula.
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK, parse_math=False)
    return figure, list(panels)


def style_axes(axes: Axes, xlabel: str, ylabel: str, grid: bool, money: bool = False) -> None:
    """Labels, a faint grid behind what is drawn, and no box around it; dollars at the ticks of an axis of money."""
    if money:
        dollar_axis(axes.yaxis)
    axes.set_xlabel(xlabel, color=INK)
    axes.set_ylabel(ylabel, color=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#999999")
    axes.tick_params(colors=INK, labelsize=9)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis="y", color=FAINT, linewidth=0.8)


def set_heights(axes: Axes, values: Iterable[float], amounts: bool = False) -> None:
    """The range of scores: from 0 to 1, or to a little above the largest; below 0 only where a value is.

    Args:
        amounts: they are no scores, so the range ends a little above the largest, be it ever so small.
    """
    known = [float(value) for value in values if value == value]  # NaN is not equal to itself
    top = max(0.0 if amounts else 1.0, *(1.05 * value for value in known), 0.0) or 1.0
    bottom = min([0.0, *(1.05 * value for value in known)])
    axes.set_ylim(bottom, top * 1.03)
    if top >= THOUSAND:
        axes.yaxis.set_major_formatter("{x:,.0f}")


def labelled(runs: Mapping[str, T], where: str) -> Iterable[tuple[str, T]]:
    """What is drawn beside each other, each with its label.

    Raises:
        ConfigurationError: it has no labels.
    """
    if not isinstance(runs, Mapping):
        raise ConfigurationError(f"{where} takes a dict of label to what is drawn, got {type(runs).__name__}")
    return runs.items()


def number(value: Any) -> float:
    """A log as a number to draw: NaN where it is unknown (None); of a score per field, their mean."""
    if isinstance(value, (list, tuple)):
        return sum(value) / len(value) if value else float("nan")
    return float("nan") if value is None else float(value)


def dollar_axis(axis: Axis) -> None:
    """Amounts at the ticks: all with as many decimals as tell them apart."""
    from matplotlib.ticker import ScalarFormatter  # optional: here only where a figure is

    class Dollars(ScalarFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"${super().__call__(x, pos)}"

    formatter = Dollars(useOffset=False)
    formatter.set_scientific(False)
    axis.set_major_formatter(formatter)


def note(axes: Axes, text: str, right: bool = True) -> None:
    """A line above a panel."""
    place, side = (1.0, "right") if right else (0.0, "left")
    axes.text(place, 1.02, text, transform=axes.transAxes, ha=side, fontsize=8.5, color=INK, parse_math=False)


def legend(axes: Axes, count: int) -> None:
    """A legend beside the panel, where it can't hide what is drawn."""
    if count:
        found = axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
        for text in found.get_texts():
            text.set_parse_math(False)


def chosen(names: Iterable[str], wanted: Sequence[str] | None, where: str) -> list[str]:
    """The names to draw, in order.

    Raises:
        ConfigurationError: there is nothing to draw, or a name is wanted that isn't there.
    """
    known = list(dict.fromkeys(names))
    if not known:
        raise ConfigurationError(f"{where}: there is nothing to draw; no metric was given")
    if wanted is None:
        return known
    if unknown := [name for name in wanted if name not in known]:
        raise ConfigurationError(f"{where}: metrics_filter names {unknown}; there are {known}")
    return [name for name in known if name in wanted]


def is_amount(name: str) -> bool:
    """Whether a metric is by its name an amount (dollars, tokens, seconds) and no score, however small it is."""
    return AMOUNTS.search(name) is not None


def limits(names: Sequence[str], means: Iterable[float]) -> tuple[float, float]:
    """What a deviation of metrics of one panel can't leave: scores lie in [0, 1], and amounts are not negative."""
    known = [mean for mean in means if mean == mean]
    low = 0.0 if min(known, default=0.0) >= 0.0 else -math.inf
    scores = max(known, default=0.0) <= 1.0 and not any(map(is_amount, names))
    return low, 1.0 if scores else math.inf


def spread_note(what: str, low: float, high: float, cut: bool) -> str:
    """What bands or whiskers show, and where they were cut."""
    where = f"[{low:g}, {high:g}]" if high == 1.0 else f"{low:g} and above"
    return f"{what}: one standard deviation" + (f", cut to {where}" if cut else "")


def panels_of(maxima: Mapping[str, float]) -> list[list[str]]:
    """Names that can share an axis: scores up to 1 together; all else each with its `val_` twin alone."""
    panels: dict[str, list[str]] = {}
    for name, value in maxima.items():
        key = name.removeprefix("val_") if value > 1.0 or is_amount(name) else ""
        panels.setdefault(key, []).append(name)
    return [panels[key] for key in sorted(panels, key=bool)]


def short(value: float, beside: float | None = None, money: bool = False) -> str:
    """A value as written above a bar; a deviation with the decimals of the mean that it stands beside."""
    if value != value:
        return "unknown"
    if money:
        return dollars_text(Decimal(value))
    if abs(value) >= THOUSAND or (abs(value) >= 10 and value == int(value)):
        return f"{value:,.0f}"
    if value and abs(value if beside is None else beside) < 0.01:
        return f"{value:.2g}"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


class Unasked(str):
    """The default name of a picture."""

    __slots__ = ()


class Picture(type(Path())):  # type: ignore[misc]  # of the platform's kind
    """The path of a picture, which shows it in a notebook."""

    def _repr_png_(self) -> bytes | None:
        return self.read_bytes() if self.suffix == ".png" and self.exists() else None

    def _repr_svg_(self) -> str | None:
        return self.read_text(encoding="utf-8") if self.suffix == ".svg" and self.exists() else None


def in_notebook() -> bool:
    """Whether a notebook's kernel runs the program."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    return kernel is not None and bool(kernel.IPKernelApp.initialized())


_numbers = count()


@cache
def _shown_alone() -> TemporaryDirectory[str]:
    """The folder of pictures that are only shown; it goes with the process."""
    return TemporaryDirectory(prefix="synalinks-")


def save_figure(figure: Figure, to_file: str | Path, to_folder: str | Path | None, dpi: int = DPI) -> Path:
    """Write the figure; its format is that of the file name. Gives the path.

    Raises:
        ConfigurationError: a file name of an unknown format, or a place that can't be written.
    """
    path = picture_path(to_file, to_folder)
    known = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ConfigurationError(f"can't draw {path.name!r}: its ending must be one of {', '.join(sorted(known))}")
    # No dates: drawing the same twice gives the same bytes.
    metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(path.suffix[1:], {})
    try:
        figure.savefig(path, dpi=dpi, metadata=metadata)
    except OSError as error:
        raise ConfigurationError(f"can't write the picture {path}: {error.strerror or error}") from error
    return Picture(path)


def picture_path(to_file: str | Path, to_folder: str | Path | None) -> Path:
    """Where a picture goes; its folder is made. Without a place given, no file is overwritten: a notebook shows the
    picture from a temporary file, and elsewhere a number is added to a name that is taken, with a warning.

    Raises:
        ConfigurationError: the folder can't be made.
    """
    unasked = isinstance(to_file, Unasked) and to_folder is None
    if unasked and in_notebook():
        to_folder = Path(_shown_alone().name) / str(next(_numbers))  # a picture shown before stays as it is
    path = Path(to_file) if to_folder is None else Path(to_folder) / to_file
    if unasked and path.exists():
        taken = path
        path = next(free for number in count(2) if not (free := path.with_stem(f"{path.stem}_{number}")).exists())
        warn(f"{taken} is kept; this plot is {path}. Give to_file= to say which file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"can't make the folder {path.parent}: {error.strerror}") from error
    return path
