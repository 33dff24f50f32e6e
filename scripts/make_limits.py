"""Make src/synalinks/lm/pricing/limits.json, the most answer tokens of each listed model, from published data.

    python -m pip download --no-deps litellm -d /tmp
    python scripts/make_limits.py /tmp/litellm-*.whl

The data is litellm's table (MIT, https://github.com/BerriAI/litellm), which is only read. Rows are those of the table
of prices; a model that litellm does not have gets no limit: it is learnt from what its server refuses.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from compare_prices import load, theirs_of

from synalinks.lm.pricing.table import price_table

OUTPUT = Path(__file__).parent.parent / "src/synalinks/lm/pricing/limits.json"
URL = "https://github.com/BerriAI/litellm"


def limits_of(file: Path) -> tuple[dict[str, int], list[str]]:
    """The most answer tokens of each row of the table of prices, by its name; and the names of models that think."""
    table = load(file)
    entries = {row.model: theirs_of(row, table) or {} for row in price_table()}
    chat = {model: entry for model, entry in sorted(entries.items()) if entry.get("mode") in ("chat", "responses")}
    limits = {model: int(limit) for model, entry in chat.items() if (limit := entry.get("max_output_tokens"))}
    return limits, [model for model, entry in chat.items() if entry.get("supports_reasoning")]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make limits.json from litellm's table.")
    parser.add_argument("file", type=Path, help="a wheel of litellm, or its JSON table")
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    limits, thinking = limits_of(given.file)
    source = given.file.name.split("-cp")[0]
    head = {"format": 1, "unit": "answer tokens", "date": given.date.isoformat(), "source": source}
    head |= {"url": URL, "made_by": "scripts/make_limits.py", "licence": "MIT, Copyright (c) 2023 Berri AI"}
    given.output.write_text(
        json.dumps({**head, "models": limits, "thinking": thinking}, indent=1) + "\n", encoding="utf-8"
    )
    print(f"{len(limits)} of {len(price_table())} models")


if __name__ == "__main__":
    main()
