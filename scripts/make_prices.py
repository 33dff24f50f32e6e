"""Make src/synalinks/lm/pricing/prices.json, the dated table of prices, from published data.

    python -m pip download --no-deps genai-prices -d /tmp
    python scripts/make_prices.py /tmp/genai_prices-*.whl

The data is that of genai-prices (MIT, https://github.com/pydantic/genai-prices). The wheel is only read: its
data module is parsed, never run, so nothing of it has to be installed. Prices are those in force on `--date`
(today), and those already announced for later days.

What is left out, because the ledger could not price it rightly: rows without a price per token, and chat rows
whose bill depends on what the ledger does not count apart (images, video, hours, sound in the answer). Of prices
that change with the hour of the day the dearest is taken, and the row says so.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "src/synalinks/lm/pricing/prices.json"
URL = "https://github.com/pydantic/genai-prices"
FORMAT = 1

#: Prefix of a model here -> provider in the data.
PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "groq": "groq",
    "xai": "x-ai",
    "together_ai": "together",
    "cohere": "cohere",
}
#: Beginnings of names that the provider itself does not serve under this prefix: models of others on Google's
#: cloud, and open weights, which under `openai/` run on a server of the user's own.
NOT_SERVED = {
    "gemini": ("claude", "gemini-1", "gemini-pro", "gemini-flash-1", "gemma-2", "gemma-4-26b-a4b-it-maas"),
    "openai": ("gpt-oss", "ada", "babbage", "curie", "davinci", "text-davinci", "gpt-4o:"),
    "deepseek": ("deepseek-v3",),
}
#: Models of sound and pictures, whose tokens have prices that the data does not always give, and fine-tuned ones,
#: whose names end in their owner's.
SPECIAL = re.compile(r"\b(?:audio|realtime|transcribe|tts|image|live|omni|moderation|ft)\b")
#: Price in the data -> price here. Dollars per million tokens in both.
RATES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
}
#: Prices of what the ledger does not see, and of server tools, which requests here don't ask for.
IGNORED = {"cache_audio_read_mtok", "web_searches_kcount", "storage_searches_kcount"}
#: Families of versioned names; a row has a family if the data gives it every one of these samples.
FAMILIES = {
    "latest": ("-latest",),
    "number": ("-001", "-002"),
    "month": ("-04-17", "-09-2025"),
    "preview": ("-preview", "-preview-04-17", "-preview-09-2025"),
}
#: Rows that stand in place of the data's, where litellm's table (compare_prices.py) says otherwise and cites a better
#: page, or where it is unclear which of the two is right: then the dearer, because a budget must not be exceeded.
#: Their names are taken from the rows of the data that have them. Looked up on 2026-11-21, in litellm 1.109.1.
_XAI_API, _MISTRAL = "https://api.x.ai/v1/language-models", "https://docs.mistral.ai/models/"
_LOOKED_UP = "2026-11-21"
CORRECTIONS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "xai": [
        {
            "name": "grok-code-fast-1",
            "also": ["grok-code-fast", "grok-code-fast-1-0825"],
            "input": "1",
            "output": "2",
            "cache_read": "0.2",
            "long_from": 199_999,
            "long": {"input": "2", "output": "4", "cache_read": "0.4"},
            "note": "retired on 2026-05-15; the API prices the name as grok-build-0.1",
            "source": _XAI_API,
            "date": _LOOKED_UP,
        }
    ],
    "mistral": [
        {
            "name": "mistral-medium",
            "input": "1.5",
            "output": "7.5",
            "cache_read": "0.15",
            "note": "the name means the latest, which is 3.5",
            "source": _MISTRAL + "model-cards/mistral-medium-3-5-26-04",
            "date": _LOOKED_UP,
        },
        {
            "name": "mistral-large-latest",
            "input": "0.5",
            "output": "1.5",
            "cache_read": "0.05",
            "note": "the name means the latest of version 3",
            "source": _MISTRAL + "mistral-large-3-25-12",
            "date": _LOOKED_UP,
        },
        {
            "name": "mistral-large-4",
            "also": ["mistral-large-4-0"],
            "input": "1.36",
            "output": "4.18",
            "cache_read": "0.14",
            "note": "genai-prices says 0.7 and 2.1; the dearer",
            "source": _MISTRAL + "mistral-large-4",
            "date": _LOOKED_UP,
        },
    ],
    "together_ai": [
        {
            "name": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            "input": "1.04",
            "output": "1.04",
            "note": "genai-prices says 0.88; the dearer",
            "source": "https://api.together.ai/v1/models",
            "date": _LOOKED_UP,
        }
    ],
}


def value_of(node: ast.expr) -> Any:
    """A literal of the data module as plain Python; a call `Name(key=...)` is a dict with `_` as its name."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List):
        return [value_of(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        keys = (None if key is None else value_of(key) for key in node.keys)
        return {key: value_of(item) for key, item in zip(keys, node.values, strict=True)}
    if isinstance(node, ast.Call):
        name, args = ast.unparse(node.func), [value_of(item) for item in node.args]
        if name == "Decimal":
            return Decimal(args[0])
        if name == "datetime.date":
            return date(*args)
        if name == "datetime.time":
            return time(*args)
        if not args:
            return {"_": name, **{item.arg: value_of(item.value) for item in node.keywords}}
    raise SystemExit(f"the data has something new: {ast.unparse(node)[:200]}. Look at it before prices are made of it")


def load(wheel: Path) -> tuple[str, list[dict[str, Any]], str]:
    """Version, providers and licence text of a genai-prices wheel."""
    with zipfile.ZipFile(wheel) as files:
        data = files.read("genai_prices/data.py")
        meta = next(name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        version = re.search(r"^Version: (.+)$", files.read(meta).decode(), re.MULTILINE)
        licence = files.read(meta.replace("METADATA", "licenses/LICENSE")).decode()
    for statement in ast.parse(data).body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "providers" and statement.value:
            return (version[1].strip() if version else "?"), value_of(statement.value), licence
    raise SystemExit(f"{wheel} has no list of providers")


def matches(clause: Mapping[str, Any], name: str) -> bool:
    """Whether the data's rule covers a name; as genai-prices reads it, in lower case."""
    kind = clause["_"]
    if kind == "ClauseOr":
        return any(matches(part, name) for part in clause["or_"])
    if kind == "ClauseAnd":
        return all(matches(part, name) for part in clause["and_"])
    ((_, text),) = ((key, text) for key, text in clause.items() if key != "_")
    if kind == "ClauseRegex":
        return re.search(text, name) is not None
    text = text.lower()
    return bool(
        {
            "ClauseEquals": name == text,
            "ClauseStartsWith": name.startswith(text),
            "ClauseEndsWith": name.endswith(text),
            "ClauseContains": text in name,
        }[kind]
    )


def literals(clause: Mapping[str, Any]) -> Iterator[str]:
    """The names that a rule spells out."""
    for part in clause.get("or_", ()) or clause.get("and_", ()):
        yield from literals(part)
    if clause["_"] == "ClauseEquals":
        yield clause["equals"]
    for key in ("starts_with", "ends_with", "contains"):
        if (text := clause.get(key, "-"))[-1].isalnum():
            yield text


def names_of(model: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> list[str]:
    """The exact names of a row, its own first: those that the data gives to this row and to none before it."""
    found = dict.fromkeys([model["id"], *literals(model["match"])])
    return [name for name in found if owner(name, models) is model and not SPECIAL.search(name)]


def owner(name: str, models: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The row that the data gives to a name."""
    return next((model for model in models if matches(model["match"], name.lower())), None)


def families_of(name: str, model: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> list[str]:
    """The families of versions of `name` that the data gives to this row."""
    return [
        family for family, samples in FAMILIES.items() if all(owner(name + each, models) is model for each in samples)
    ]


def active(constraint: Mapping[str, Any] | None, moment: datetime) -> bool:
    """Whether a condition on prices holds at a moment, in UTC."""
    if constraint is None:
        return True
    if constraint["_"] == "StartDateConstraint":
        return bool(moment.date() >= constraint["start_date"])
    start, end, now = constraint["start_time"], constraint["end_time"], moment.time()
    return bool(start <= now < end if start <= end else now >= start or now < end)


def in_force(prices: Any, day: date) -> list[Mapping[str, Any]]:
    """All prices of a day, one for each part of it; later conditions come before earlier ones."""
    if isinstance(prices, dict):
        return [prices]
    conditions = [price.get("constraint") or {} for price in prices]
    hours = {time(0), *(each[key] for each in conditions for key in ("start_time", "end_time") if key in each)}
    found = []
    for hour in sorted(hours):
        moment = datetime.combine(day, hour)
        valid = [price for price in prices if active(price.get("constraint"), moment)] or prices[:1]
        if valid[-1]["prices"] not in found:
            found.append(valid[-1]["prices"])
    return found


def tiers_of(price: Any) -> list[tuple[int, Decimal]]:
    """A price as steps: from more than so many prompt tokens on, so many dollars."""
    if isinstance(price, Decimal):
        return [(0, price)]
    return [(0, price["base"]), *((tier["start"], tier["price"]) for tier in price["tiers"])]


def rates_of(prices: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The prices of a row as they stand in the table; None if the ledger could not price by them."""
    keys = {key for key, price in prices.items() if key != "_" and price is not None}
    if "input_mtok" not in keys:
        return None
    foreign = keys - RATES.keys() - IGNORED
    if "output_mtok" not in keys or "embed" in name:  # requests here embed texts only, and get no tokens back
        keys = {"input_mtok"}
    elif foreign:
        return None
    steps = {RATES[key]: tiers_of(prices[key]) for key in RATES if key in keys}
    starts = sorted({start for each in steps.values() for start, _ in each})
    if len(starts) > 2:
        raise SystemExit(f"{name} has prices in {len(starts)} steps; the table has room for two")
    base, *long = (
        {key: plain([price for begin, price in each if begin <= start][-1]) for key, each in steps.items()}
        for start in starts
    )
    return {**base, "long_from": starts[1], "long": long[0]} if long else base


def plain(price: Decimal) -> str:
    """A price without exponent and without noughts at the end."""
    return f"{price.normalize():f}"


def dearest(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The greatest of each price of a day."""
    if len(found) == 1:
        return found[0]
    if any("long" in rates for rates in found):
        raise SystemExit("prices by the hour and by the length of the prompt at once: the table can't say that")
    keys = {key: None for rates in found for key in rates}
    return {key: plain(max(Decimal(rates[key]) for rates in found if key in rates)) for key in keys}


def periods(model: Mapping[str, Any], day: date) -> Iterator[tuple[date, dict[str, Any] | None]]:
    """The prices from `day` on, and from each later day that brings new ones."""
    prices = model["prices"]
    conditions = [price.get("constraint") or {} for price in prices] if isinstance(prices, list) else []
    before: Any = ()
    for start in sorted({day, *(each["start_date"] for each in conditions if each.get("start_date", day) > day)}):
        each = [rates_of(price, model["id"]) for price in in_force(prices, start)]
        known = [rates for rates in each if rates is not None]
        now = dearest(known) if known and len(known) == len(each) else None
        if now is not None and len(known) > 1:
            now["note"] = "the price changes with the hour; this is the dearest"
        if now != before:
            yield start, now
        before = now


def row_of(model: Mapping[str, Any], models: Sequence[Mapping[str, Any]], source: str, day: date) -> Any:
    """A row of the table; None if it has no price that the ledger could use, or no name."""
    names = names_of(model, models)
    (_, now), *later = periods(model, day)
    if now is None or not names:
        return None
    row: dict[str, Any] = {"name": names[0]}
    if names[1:]:
        row["also"] = names[1:]
    if families := families_of(names[0], model, models):
        row["versions"] = families
    row.update(now)
    if later:
        row["later"] = [{"from": start.isoformat(), **(rates or {})} for start, rates in later]
    return {**row, "source": source, "date": day.isoformat()}


def corrected(rows: Sequence[dict[str, Any]], corrections: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the corrections where the rows were whose names they take; what is left of those rows stays.

    Raises:
        SystemExit: a correction that corrects nothing any more: the data has changed.
    """
    made: list[dict[str, Any]] = []
    left = list(corrections)
    for row in rows:
        names = [row["name"], *row.get("also", ())]
        mine = [each for each in left if {each["name"], *each.get("also", ())} & set(names)]
        left = [each for each in left if each not in mine]
        taken = {name for each in mine for name in (each["name"], *each.get("also", ()))}
        if rest := [name for name in names if name not in taken]:
            own = {key: value for key, value in row.items() if key not in ("name", "also")}
            if mine:
                own.pop("versions", None)  # of names that it has no longer, or that were meant for the latest
            made.append({"name": rest[0], **({"also": rest[1:]} if rest[1:] else {}), **own})
        made += [dict(each) for each in mine]
    if left:
        raise SystemExit(f"corrections of names that the data does not have: {[each['name'] for each in left]}")
    return made


def table(wheel: Path, day: date) -> dict[str, Any]:
    """The whole table."""
    version, providers, licence = load(wheel)
    by_id = {provider["id"]: provider for provider in providers}
    models: dict[str, list[Any]] = {}
    for prefix, name in PROVIDERS.items():
        provider = by_id[name]
        source, excluded = provider["pricing_urls"][0], NOT_SERVED.get(prefix, ())
        rows = (row_of(model, provider["models"], source, day) for model in provider["models"])
        kept = [row for row in rows if row is not None and not row["name"].startswith(excluded)]
        models[prefix] = corrected(kept, CORRECTIONS.get(prefix, ()))
    return {
        "format": FORMAT,
        "unit": "US dollars per million tokens",
        "date": day.isoformat(),
        "source": f"genai-prices {version}",
        "url": URL,
        "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "made_by": "scripts/make_prices.py",
        "licence": "MIT",
        "notice": [line for line in licence.splitlines() if line],
        "models": models,
    }


def text_of(value: Mapping[str, Any]) -> str:
    """JSON with a line for each row, so that a new table gives a small diff."""
    head = json.dumps({key: item for key, item in value.items() if key != "models"}, indent=1, ensure_ascii=False)
    groups = []
    for prefix, rows in value["models"].items():
        lines = ",\n".join("   " + json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
        groups.append(f'  "{prefix}": [\n{lines}\n  ]')
    return f"{head[:-2]},\n" + ' "models": {\n' + ",\n".join(groups) + "\n }\n}\n"


def main(words: Sequence[str] | None = None) -> int:
    """Write the table, or with `--check` tell whether it is what the wheel says."""
    parser = argparse.ArgumentParser(description="make the table of prices from a genai-prices wheel")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date(), help="YYYY-MM-DD")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the table differs")
    given = parser.parse_args(words)
    text = text_of(table(given.wheel, given.date))
    if given.check:
        same = given.output.read_text(encoding="utf-8") == text
        print(f"{given.output} {'is' if same else 'is not'} what {given.wheel.name} says")
        return 0 if same else 1
    given.output.write_text(text, encoding="utf-8")
    print(f"{given.output}: {sum(map(len, json.loads(text)['models'].values()))} models, {len(text):,} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
