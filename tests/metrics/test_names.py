"""The list of names of `synalinks.metrics`. What they take is in tests/test_public_names.py."""

from __future__ import annotations

from synalinks import metrics


def test_all_names_are_there_once() -> None:
    assert len(metrics.__all__) == len(set(metrics.__all__)) > 150
    assert all(hasattr(metrics, name) for name in metrics.__all__)
