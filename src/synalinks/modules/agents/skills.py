"""Skills: folders with a `SKILL.md` that a model reads when it needs them (agentskills.io), and `AGENTS.md`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from synalinks._json import JsonObject
from synalinks.errors import ConfigurationError
from synalinks.modules.tools.tool import Tool

MANIFEST = "SKILL.md"
GUIDE = "AGENTS.md"
#: The name of the tool that reads a skill.
READ_SKILL = "read_skill"
#: Bytes of a file that a model is given at most.
MOST_BYTES = 100_000

AnyPath = str | os.PathLike[str]


def read_guide(workdir: AnyPath | None) -> str | None:
    """The text of the working directory's `AGENTS.md`; None where there is none.

    Raises:
        ConfigurationError: there is no such directory.
    """
    if workdir is None:
        return None
    folder = Path(workdir).expanduser()
    if not folder.is_dir():
        raise ConfigurationError(f"workdir={os.fspath(workdir)!r} is not a directory")
    path = folder / GUIDE
    return _text(path).strip() or None if path.is_file() else None


def paths_of(skills: AnyPath | Sequence[AnyPath] | None) -> list[str]:
    """The folders given, as texts."""
    if skills is None:
        return []
    if isinstance(skills, (str, os.PathLike)):
        skills = [skills]
    return [os.fspath(path) for path in skills]


def find_skills(paths: Sequence[str]) -> dict[str, Path]:
    """Skills by name: the folders given, or those directly in them, that have a `SKILL.md`.

    Raises:
        ConfigurationError: no such folder, no skill in it, or two skills of one name.
    """
    found: dict[str, Path] = {}
    for given in paths:
        root = Path(given).expanduser().resolve()
        if not root.is_dir():
            raise ConfigurationError(f"skills: {given!r} is not a directory")
        folders = [root] if (root / MANIFEST).is_file() else sorted(one.parent for one in root.glob(f"*/{MANIFEST}"))
        if not folders:
            raise ConfigurationError(f"skills: neither {given!r} nor a folder in it has a {MANIFEST}")
        for folder in folders:
            name = describe(folder)["name"]
            if found.setdefault(name, folder) != folder:
                raise ConfigurationError(f"skills: two are called {name!r}, in {found[name]} and in {folder}")
    return found


def describe(folder: Path) -> dict[str, str]:
    """Name and description of a skill, from the head of its `SKILL.md`; the folder's name where it has none.

    Raises:
        ConfigurationError: it has no description, by which a model could choose it.
    """
    head = _head(_text(folder / MANIFEST))
    if not head.get("description"):
        raise ConfigurationError(
            f"{folder / MANIFEST} has no description; begin it with '---', lines 'name: ...' and 'description: ...', "
            "and '---'"
        )
    return {"name": head.get("name") or folder.name, "description": head["description"]}


def _head(text: str) -> dict[str, str]:
    """The fields of one line, and of folded lines, between the two `---` that a file begins with."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    fields: dict[str, str] = {}
    key = ""
    for line in lines[1:]:
        if line.strip() == "---":
            break
        if line[:1].isspace() and key:
            fields[key] = f"{fields[key]} {line.strip()}".strip()
        elif ":" in line:
            key, _, value = line.partition(":")
            key, value = key.strip(), value.strip()
            fields[key] = "" if value in (">", "|", ">-", "|-") else value.strip("\"'")
    return fields


def reader_of(skills: Mapping[str, Path]) -> Tool:
    """The tool by which a model reads the files of skills, and no others."""

    async def read_skill(skill: str, file: str = MANIFEST) -> JsonObject:
        """Read a file of one of the available skills.

        Args:
            skill: the name of the skill.
            file: the path of the file within the skill; its instructions are in SKILL.md.
        """
        folder = skills.get(skill)
        if folder is None:
            raise ValueError(f"there is no skill {skill!r}; there are {', '.join(skills)}")
        path = (folder / file).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            inside = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())
            raise ValueError(f"the skill {skill!r} has no file {file!r}; it has {', '.join(inside)}")
        return {"content": _text(path)}

    return Tool(read_skill, name=READ_SKILL)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        data = data[:MOST_BYTES] + b"\n... (cut)"
    return data.decode("utf-8", "replace")
