"""Where paid answers are kept: bytes under string keys, added once, read often; and leases on keys.

A lease says that a process is fetching the answer of a key. It ends by itself, so that a process that died holds
nothing up; `leases.py` is the rule by which calls use it. A lease is advice: a store that can't be reached grants all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

#: What a value reads as that is anything but plain bytes.
UNREADABLE = b""
#: From so many writes on, an event loop leaves them to a thread: a commit to disk takes about 0.1 ms.
MANY = 16


class StoreBusy(Exception):
    """The store can't answer without waiting, and the caller asked not to wait."""


class Store(Protocol):
    """Bytes under string keys; safe under threads and many processes.

    Every method takes `wait`: with False it raises `StoreBusy`, and has done nothing, where it can't answer without
    waiting.
    """

    def get(self, key: str, *, wait: bool = True) -> bytes | None:
        """The value, None if there is none, or `UNREADABLE` if something else than bytes is there."""

    def get_many(self, keys: Sequence[str], *, wait: bool = True) -> list[bytes | None]:
        """What `get` gives for each key."""
        return [self.get(key, wait=wait) for key in keys]

    def add(self, key: str, value: bytes, *, replace: bool = False, wait: bool = True) -> bool:
        """Store the value; False, and nothing done, if the key is there already and `replace` is False."""

    def claim(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> list[str]:
        """Take a lease of so many seconds on each key that no other owner has one on; the keys that were taken."""

    def extend(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> None:
        """Let the owner's leases on these keys end in so many seconds; with 0 they end now. Other leases stay."""

    def leave(self, keys: Sequence[str], owner: str, *, wait: bool = True) -> None:
        """Let leases end, now or later, whose answers are stored: who is not granted one looks for the answer first."""
        self.extend(keys, owner, 0.0, wait=wait)


class MemoryStore(Store):
    """A store that lasts as long as the process.

    Args:
        now: gives the time of leases, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._values: dict[str, bytes] = {}
        self._leases: dict[str, tuple[str, float]] = {}
        self._now = now
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str, *, wait: bool = True) -> bytes | None:
        """The value, or None."""
        return self._values.get(key)

    def add(self, key: str, value: bytes, *, replace: bool = False, wait: bool = True) -> bool:
        """Store the value unless there is one and `replace` is False."""
        with self._lock:
            if key in self._values and not replace:
                return False
            self._values[key] = value
        return True

    def claim(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> list[str]:
        """Take a lease on each key that no other owner has one on; the keys that were taken."""
        with self._lock:
            now = self._now()
            held = {key for key in keys if self._lease(key, now) not in (None, owner)}
            taken = [key for key in keys if key not in held]
            self._leases.update(dict.fromkeys(taken, (owner, now + seconds)))
        return taken

    def extend(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> None:
        """Let the owner's leases on these keys end in so many seconds; with 0 they end now."""
        with self._lock:
            now = self._now()
            for key in keys:
                if self._lease(key, now) == owner:
                    self._leases[key] = (owner, now + seconds)

    def _lease(self, key: str, now: float) -> str | None:
        """The owner of the lease on a key; an ended one is removed."""
        owner, end = self._leases.get(key, (None, now))
        if end <= now:
            self._leases.pop(key, None)
            return None
        return owner
