"""The store of answers at a location."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synalinks.lm.cache.disk_store import DiskStore
from synalinks.lm.cache.location import Location, checked, shown
from synalinks.lm.cache.store import Store
from synalinks.lm.core.errors import ConfigurationError

if TYPE_CHECKING:
    from synalinks.lm.cache.redis_store import RedisStore


def open_store(location: Location) -> Store:
    """The store of answers at a location, opened at its first use.

    Raises:
        ConfigurationError: as `checked`; a URL with parameters that Redis does not have; the client is not installed.
    """
    location = checked(location)
    return DiskStore(location) if isinstance(location, Path) else open_server(location)


def open_server(location: str) -> RedisStore:
    """The store of answers on a server.

    Raises:
        ConfigurationError: as `open_store`.
    """
    try:
        from synalinks.lm.cache.redis_store import RedisStore  # an extra, and 100 ms to import
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the cache at {shown(location)} needs the Redis client: pip install 'synalinks-replay[redis]'"
        ) from error
    return RedisStore(location)
