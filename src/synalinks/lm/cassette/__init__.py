"""Cassettes: the answers of a run on file, and how a run uses them."""

from __future__ import annotations

from typing import Literal, get_args

#: How a run uses a cassette; session.py says what each mode does.
RecordMode = Literal["none", "once", "new_episodes", "all"]
MODES: tuple[RecordMode, ...] = get_args(RecordMode)
