"""Paths that are not there yet. The list only gets shorter."""

PENDING: dict[str, str] = {}
