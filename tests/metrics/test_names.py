"""The list of names of `synalinks.metrics`. What they take is in tests/test_public_names.py."""

from __future__ import annotations

from synalinks import metrics


def test_all_names_are_there_and_in_order() -> None:
    assert metrics.__all__ == sorted(metrics.__all__, key=lambda name: (name[0].islower(), name))
    assert all(hasattr(metrics, name) for name in metrics.__all__)
