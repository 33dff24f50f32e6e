"""What every test gets: no disk cache, a session of its own, and the shared material where it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import synalinks
from synalinks.lm.runtime import current

ROOT = Path(__file__).resolve().parent.parent

# A machine under load takes longer for an example than hypothesis allows; nothing here is a test of time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def fresh_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A session without disk cache, default models or open cassette."""
    monkeypatch.setenv("SYNALINKS_CACHE", "off")
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    synalinks.clear_session(free_memory=False)
    yield
    synalinks.set_default_language_model(None)
    synalinks.set_default_embedding_model(None)
    assert current().cassette is None, "a test left a cassette open"


@pytest.fixture
def shared() -> Path:
    """The folder of guides, recordings and data that stands beside a checkout; skips where it does not."""
    found = Path(os.environ.get("SYNALINKS_SHARED", ROOT.parent / "shared"))
    if not found.is_dir():
        pytest.skip("the folder with guides and recordings is not there; set SYNALINKS_SHARED to its path")
    return found
