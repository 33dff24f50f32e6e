"""Compare src/synalinks/lm/prices.json with the table of prices in `litellm`; list every disagreement.

    python -m pip download --no-deps litellm -d /tmp
    python scripts/compare_prices.py /tmp/litellm-*.whl

Two people who copied the same page rarely make the same mistake, so a row that both tables have alike is likely right,
and one that they don't is looked up. The table (MIT, https://github.com/BerriAI/litellm) may be a wheel, which is only
read, or the JSON file itself; without an argument the installed package's is read, if there is one.

Prices are dollars per million tokens, those in force on `--date` (today). Exit status: 0 if no price differs, 1 if
one does, 2 if there is nothing to compare with.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from synalinks.lm.pricing.table import Row, price_table

NAME = "model_prices_and_context_window_backup.json"
MILLION = Decimal(1_000_000)
#: Price here -> price there, in dollars per token.
FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "input_audio": "input_cost_per_audio_token",
}
#: Providers whose models have no prefix there.
BARE = ("openai", "anthropic")


@dataclass(frozen=True)
class Difference:
    """A price that the tables disagree on; None where one has none."""

    model: str
    field: str
    ours: Decimal | None
    theirs: Decimal | None
    source: str

    def __str__(self) -> str:
        ours, theirs = ("-" if price is None else f"{price.normalize():f}" for price in (self.ours, self.theirs))
        return f"{self.model:<55} {self.field:<16} {ours:>10} {theirs:>10}  {self.source}"


def load(file: Path) -> dict[str, Any]:
    """litellm's table, with exact numbers: from a wheel, or from the file itself."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(NAME))
            text = wheel.read(name).decode("utf-8")
    else:
        text = file.read_text(encoding="utf-8")
    value: dict[str, Any] = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return value


def installed() -> Path | None:
    """The table of the installed package, which is found but not imported; None if there is none."""
    spec = importlib.util.find_spec("litellm")
    folders = (spec.submodule_search_locations or ()) if spec is not None else ()
    return next((path for folder in folders if (path := Path(folder) / NAME).is_file()), None)


def theirs_of(row: Row, table: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Their entry for a row of ours, or None."""
    prefix, _, bare = row.model.partition("/")
    found = table.get(row.model) or (table.get(bare) if prefix in BARE else None)
    return found if found is not None and found.get("litellm_provider") != "vertex_ai-language-models" else None


def compared(row: Row, entry: Mapping[str, Any], day: date) -> Iterator[Difference]:
    """Where the tables disagree on a row. A price that only one of them has counts where it would change a bill."""
    rates = row.rates(day) or {}
    pairs = [("", rates, "")]
    if "long" in rates:
        thousands = round(int(rates["long_from"]) / 1000)  # "from 200k on" is 199,999 here
        pairs.append(("long ", rates["long"], f"_above_{thousands}k_tokens"))
    for label, ours, ending in pairs:
        for name, other in FIELDS.items():
            if name == "cache_write_1h" and ending:
                continue
            mine, their = ours.get(name), entry.get(other + ending)
            said = None if their is None else Decimal(their) * MILLION
            if mine == said or (mine or 0) == (said or 0):
                continue
            if mine is None and said == ours.get("input"):
                continue  # a price that is not stated is the input price
            if mine is not None and said is None and name not in ("input", "output"):
                continue  # they say less
            yield Difference(row.model, label + name, mine, said, row.source)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compare the price table with litellm's.")
    parser.add_argument("file", type=Path, nargs="?", help="a wheel of litellm, or its JSON table")
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date())
    given = parser.parse_args(arguments)
    file = given.file or installed()
    if file is None:
        print("nothing to compare with: name a wheel of litellm, or install it", file=sys.stderr)
        return 2
    table = load(file)
    differences: list[Difference] = []
    alike: list[str] = []
    absent: list[str] = []
    for row in price_table():
        entry = theirs_of(row, table)
        if entry is None:
            absent.append(row.model)
            continue
        found = list(compared(row, entry, given.date))
        differences += found
        if not found:
            alike.append(row.model)
    for each in differences:
        print(each)
    differing = len({each.model for each in differences})
    print(
        f"{len(alike)} rows alike, {differing} differ in {len(differences)} prices, {len(absent)} are not in litellm's"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
