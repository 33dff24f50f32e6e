"""Ray on this machine, started once for all tests that use it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from synalinks.distribution import Ray

TESTS = Path(__file__).resolve().parents[1]
PATHS = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
#: Bytes; the least with which Ray starts without a warning.
MEMORY = 100 * 2**20


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that start Ray run by themselves: `pytest -m ray`."""
    if "ray" not in str(config.option.markexpr):
        for item in items:
            if item.get_closest_marker("ray") is not None:
                item.add_marker(pytest.mark.skip(reason="starts Ray; run with -m ray"))


@pytest.fixture(scope="session")
def ray_workers() -> Iterator[Ray]:
    """Two workers; they import what the tests import."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    from synalinks.distribution import Ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATHS)
        patch.setenv("SYNALINKS_CACHE", "off")
        patch.setenv("RAY_raylet_start_wait_time_s", "180")  # a loaded machine takes its time
        with Ray(workers=2, object_store_memory=MEMORY) as distribution:
            yield distribution
