"""The table of providers is that of the registry."""

from __future__ import annotations

import re

from playing import ROOT
from synalinks.lm.providers import SPECS

PAGE = (ROOT / "docs/how-to/providers.md").read_text(encoding="utf-8")


def test_the_table_has_each_provider_with_its_address_and_variables() -> None:
    rows = [
        tuple(tuple(re.findall(r"`(.+?)`", cell)) for cell in line.strip("|").split("|"))
        for line in PAGE.splitlines()
        if line.startswith("| `")
    ]
    specs = {
        (spec.names, (spec.endpoint,) if spec.endpoint else (), spec.base_env, spec.key_env)
        for spec in SPECS
        if spec.prefix != "scripted"  # answers in tests
    }
    assert set(rows) == specs


def test_each_provider_has_an_example() -> None:
    named = set(re.findall(r'LanguageModel\(\s*"(\w+)/', PAGE))
    assert {spec.prefix for spec in SPECS} - named == {"scripted"}
