"""Distribution: samples called and scored by the workers of a Ray cluster, with the promises of one process."""

from __future__ import annotations

from synalinks.distribution.ray_workers import Ray

__all__ = ["Ray"]
