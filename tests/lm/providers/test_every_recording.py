"""Each recording beside this checkout is a test: its file stands in a table that tests are made from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.lm.providers import wire
from tests.lm.providers.anthropic import test_provider as test_anthropic
from tests.lm.providers.gemini import test_provider as test_gemini
from tests.lm.providers.ollama import test_recordings as test_ollama_recordings
from tests.lm.providers.openai.test_recordings import FOLDERS
from tests.lm.providers.openai_expected import COUNTS

#: By folder, parts of the names of the files that are tested; a part may stand for one file only.
TESTED: dict[str, list[str]] = {
    **{folder: [key.partition("/")[2] for key in COUNTS if key.startswith(f"{folder}/")] for folder in FOLDERS},
    "anthropic": list(test_anthropic.RECORDED),
    "gemini": list(test_gemini.RECORDED),
    **{
        folder: [name.partition("/")[2] for name in test_ollama_recordings.TESTED if name.startswith(f"{folder}/")]
        for folder in ("ollama", "ollama-local")
    },
}
#: Recordings of OpenAI's Responses API, which we don't speak; test_openai_recordings.py tests their usage and errors.
RESPONSES_API = {"openai": ["prompt_cache_round-trip_openai_gpt-5_2", "handles_context_length_exceeded_errors"]}


def files() -> dict[str, list[Path]]:
    """The recordings, by folder."""
    root = Path(os.environ.get("SYNALINKS_SHARED") or wire.ROOT.parent / "shared") / "wire"
    if not root.is_dir():
        pytest.skip(f"no recordings in {root}; set SYNALINKS_SHARED to the folder that holds wire/")
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    return {folder.name: sorted(path for path in folder.iterdir() if path.is_file()) for folder in folders}


def parts_for(folder: str, file: Path) -> list[str]:
    """The parts of names that stand for a file: its whole name, or those that it has."""
    parts = [*TESTED.get(folder, ()), *RESPONSES_API.get(folder, ())]
    return [part for part in parts if part == file.stem] or [part for part in parts if part in file.stem]


def test_there_is_no_recording_without_a_test() -> None:
    untested = [f"{folder}/{file.name}" for folder, found in files().items() for file in found
                if not parts_for(folder, file)]  # fmt: skip
    assert not untested, f"recordings in no table: {untested}"


def test_there_is_no_test_without_a_recording() -> None:
    found = files()
    for folder, parts in TESTED.items():
        used = [part for file in found[folder] for part in parts_for(folder, file)]
        assert sorted(used) == sorted([*parts, *RESPONSES_API.get(folder, ())]), folder


def test_the_two_of_the_other_api_are_those_that_are_tested_as_such() -> None:
    from tests.lm.providers import recordings

    for folder, found in files().items():
        if folder not in FOLDERS:
            continue
        asked = {file.stem for file in found for each in recordings.read(folder, file.stem)
                 if each.path.endswith("/responses")}  # fmt: skip
        parts = RESPONSES_API.get(folder, ())
        assert len(asked) == len(parts)
        assert all(any(part in stem for part in parts) for stem in asked)
