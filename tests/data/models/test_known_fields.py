"""The fields of the library's data models, and the members of its scales, against the list of those that users know."""

from __future__ import annotations

import re
from pathlib import Path

from synalinks import backend


def parts(text: str) -> list[str]:
    """What commas separate, but for those inside brackets."""
    found, depth = [""], 0
    for character in text:
        depth += (character in "[{(") - (character in "]})")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found if part.strip()]


def test_they_are_those_that_users_know(shared: Path) -> None:
    text = (shared / "reference" / "public_names.md").read_text(encoding="utf-8")
    section = text.partition("\n## synalinks.backend  ")[2].partition("\n## ")[0]
    listed = re.findall(r"^- \[\w+\] \*\*(\w+)\*\* (enum)?\{(.*)\}$", section, flags=re.M)
    assert len(listed) > 40
    for name, is_enum, body in listed:
        cls = getattr(backend, name)
        if is_enum:
            assert [f"{member.name}={member.value!r}" for member in cls] == parts(body), name
        else:
            assert list(cls.model_fields) == [part.partition(":")[0] for part in parts(body)], name
