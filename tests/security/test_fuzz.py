"""Mutated files end in an error of this library, soon: never in a foreign exception or a hang.

The seeds are the same in every run; SYNALINKS_FUZZ sets how many there are of each kind of file. `scripts/fuzz.py`
draws them at random, for a number of seconds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from security.fuzz import Subject, attempt, subjects

KINDS = ("program", "variables", "cassette", "jsonl", "json", "csv")
COUNT = int(os.environ.get("SYNALINKS_FUZZ", "40"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    return subjects(tmp_path_factory.mktemp("right"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_file_is_read(kind: str, made: dict[str, Subject], tmp_path: Path) -> None:
    path = tmp_path / made[kind].file
    path.write_bytes(made[kind].data)
    made[kind].use(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutated_file_ends_in_an_error_of_this_library(
    kind: str, made: dict[str, Subject], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(kind)

    @settings(
        max_examples=COUNT, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.integers(0, 2**32))
    def run(seed: int) -> None:
        problem = attempt(made[kind], seed, folder)
        assert problem is None, f"{kind}, seed {seed}: {problem}"

    run()
