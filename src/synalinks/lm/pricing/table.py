"""The price table of the package: published prices per million tokens, read from `prices.json` at first use.

Nothing is fetched, ever. `scripts/make_prices.py` makes the file; its head says from what data, of which day and
under which licence; a row names the page of the provider that its prices come from, and the same day.

How a model's name finds its row. The prefix must be one of the table's (`openai/`, `anthropic/`, ...). The rest,
in any case, is looked up, and the first of these that is in the table is the row:

1. The name as it is: a row's own, or another that the published data gives to that row. A version with a price
   of its own has a row of its own, so it is found here.
2. The name without the day of its version at the end: `-2024-07-18`, `-20251001` or `@20251001`, if that is a
   day of the calendar and the only one.
3. A row's own name with `-latest`, `-001`, `-09-2025` or `-04-17` behind it, or a `-preview` that may have one of
   the last two behind it; if the published data gives all names of that family to the row.

Anything else has no price. Prices announced for a later day come into force on that day (UTC).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from synalinks.lm.core.errors import SynalinksError

FILE = Path(__file__).with_name("prices.json")
FORMAT = 1
#: Prices of a row, dollars per million tokens; of `long`, for prompts of more than `long_from` tokens.
RATES = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "input_audio")
_DAY = re.compile(r"[-@](20\d\d)(-?)(\d\d)\2(\d\d)$")
_MONTH = r"-\d\d-(?:20)?\d\d"
_FAMILIES = {
    "latest": re.compile(r"-latest$"),
    "number": re.compile(r"-\d{3}$"),
    "month": re.compile(rf"{_MONTH}$"),
    "preview": re.compile(rf"-preview(?:{_MONTH})?$"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says of a model.

    Attributes:
        model: the row's name, with its prefix.
        versions: the families of versions that the row holds for, see the module's text.
        periods: first day and prices, oldest first; None where no price is known from that day on.
        source: the provider's page that the published data names for its prices.
        checked: the day the data was fetched.
        note: remarks on them.
    """

    model: str
    versions: frozenset[str]
    periods: tuple[tuple[date, Mapping[str, Any] | None], ...]
    source: str
    checked: date
    note: str

    def rates(self, day: date) -> Mapping[str, Any] | None:
        """The prices in force on a day: `RATES`, and `long` with `long_from` where long prompts cost more.

        Of days before the table was made nothing is known; the table's first prices stand for them.
        """
        return next((rates for start, rates in reversed(self.periods) if start <= day), self.periods[0][1])

    def change(self, day: date) -> tuple[date, Mapping[str, Any] | None] | None:
        """The next day after `day` that brings other prices, and those."""
        return next((period for period in self.periods if period[0] > day), None)


class PriceTable:
    """The rows of a file of prices, by name.

    Attributes:
        checked: the day the data was fetched.
        source, licence: of the data.

    Raises:
        SynalinksError: the file is not there or no table of prices.
    """

    def __init__(self, file: Path = FILE) -> None:
        try:
            value = json.loads(file.read_text(encoding="utf-8"))
            if value["format"] != FORMAT:
                raise ValueError(f"its format is {value['format']}, not {FORMAT}")
            self.checked = date.fromisoformat(value["date"])
            self.source: str = value["source"]
            self.licence: str = value["licence"]
            self._rows = dict(_rows(value["models"]))
        except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise SynalinksError(
                f"the table of prices can't be read from {file}: {error!r}. Install synalinks-replay anew, or make "
                "the file with scripts/make_prices.py"
            ) from error

    def find(self, model: str) -> Row | None:
        """The row of a model, or None; see the module's text for the rule.

        Args:
            model: with its prefix, e.g. `openai/gpt-4o-mini-2024-07-18`.
        """
        name = model.strip().lower().replace("/responses/", "/", 1)  # the API that it is called through
        if (row := self._rows.get(name)) is not None:
            return row
        if (day := _DAY.search(name)) and _is_day(day) and not _DAY.search(base := name[: day.start()]):
            return self._rows.get(base)
        for family, pattern in _FAMILIES.items():
            if found := pattern.search(name):
                row = self._rows.get(base := name[: found.start()])
                if row is not None and family in row.versions and base == row.model.lower():
                    return row
        return None

    def near(self, model: str, count: int = 3) -> list[str]:
        """Names in the table that look like `model`, the likest first; those of its own provider come before others."""
        name = model.strip().lower()
        prefix, slash, bare = name.partition("/")
        if slash:
            own = [each for each in self._rows if each.startswith(prefix + "/")]
            if found := difflib.get_close_matches(name, own, count, 0.6):
                return self._own(found)
        bare = bare.rpartition("/")[2] or prefix
        tails: dict[str, list[str]] = {}
        for each in self._rows:
            tails.setdefault(each.rpartition("/")[2], []).append(each)
        near = difflib.get_close_matches(bare, tails, count, 0.75)
        return self._own([each for tail in near for each in tails[tail]])[:count]

    def _own(self, names: list[str]) -> list[str]:
        """The names of the rows of these names, each once."""
        return list(dict.fromkeys(self._rows[name].model for name in names))

    def __len__(self) -> int:
        return len({row.model for row in self._rows.values()})

    def __iter__(self) -> Iterator[Row]:
        return iter({row.model: row for row in self._rows.values()}.values())


@lru_cache(maxsize=1)
def price_table() -> PriceTable:
    """The table of the package, read once."""
    return PriceTable()


def _rows(models: Mapping[str, Any]) -> Iterator[tuple[str, Row]]:
    for prefix, rows in models.items():
        for value in rows:
            day = date.fromisoformat(value["date"])
            periods: list[tuple[date, Mapping[str, Any] | None]] = [(day, _rates(value))]
            periods += [(date.fromisoformat(each["from"]), _rates(each)) for each in value.get("later", ())]
            row = Row(
                model=f"{prefix}/{value['name']}",
                versions=frozenset(value.get("versions", ())),
                periods=tuple(periods),
                source=value["source"],
                checked=day,
                note=value.get("note", ""),
            )
            for name in (value["name"], *value.get("also", ())):
                yield f"{prefix}/{name}".lower(), row


def _rates(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    rates: dict[str, Any] = {name: Decimal(value[name]) for name in RATES if name in value}
    if "long" in value:
        rates["long_from"] = int(value["long_from"])
        rates["long"] = _rates(value["long"])
    return rates or None


def _is_day(found: re.Match[str]) -> bool:
    year, _, month, day = found.groups()
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True
