"""RedisStore: answers on a Redis or Valkey server, for processes on many machines.

An answer is a string under `synalinks:answer:` and its key: 8 bytes, the time it was stored in seconds since 1970
(double, little-endian), then the entry as every store has it. A lease is a string under `synalinks:lease:` with the
owner in it, and ends by the server's clock alone. So the server's own policies apply: each key may expire or be
evicted by itself, which costs the call that would have been saved.
"""

from __future__ import annotations

import re
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AskError, ClusterCrossSlotError, ClusterDownError, MovedError
from redis.retry import Retry

from synalinks._base.warning import warn
from synalinks.lm.cache.location import shown
from synalinks.lm.cache.store import MemoryStore, Store, StoreBusy
from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.core.secrets import HIDDEN, brief, keep_secret

ANSWERS, LEASES = "synalinks:answer:", "synalinks:lease:"
#: Seconds to wait for a connection, and for a reply; `socket_connect_timeout` and `socket_timeout` in the URL go first.
CONNECT_TIMEOUT, REPLY_TIMEOUT = 2.0, 5.0
#: Seconds without a command to a server that did not answer: a run does not wait for each of its calls.
PAUSE = 30.0
#: What nodes of a Redis Cluster answer, which spreads keys: a command of several, as are all here, needs one server.
OF_CLUSTERS = (AskError, ClusterCrossSlotError, ClusterDownError, MovedError)
#: Keys of one command where many are read or removed.
AT_ONCE = 500
#: Seconds of a unit of `ttl`.
UNITS = {"h": 3600, "d": 86400, "w": 604800}
#: What parameters of the URL must not change.
FIXED = {"decode_responses": False}

_TIME = struct.Struct("<d")
_CLAIM = """
local taken = {}
for i, key in ipairs(KEYS) do
  local holder = redis.call('get', key)
  if not holder or holder == ARGV[1] then
    redis.call('set', key, ARGV[1], 'PX', ARGV[2])
    taken[#taken + 1] = i
  end
end
return taken
"""
#: PEXPIRE of 0 ms removes a key.
_EXTEND = """
for _, key in ipairs(KEYS) do
  if redis.call('get', key) == ARGV[1] then redis.call('pexpire', key, ARGV[2]) end
end
"""


class RedisStore(Store):
    """Answers on a server that is connected to at the first use.

    It never stands in the way of a run: where the server is gone, does not answer or refuses to write, new answers are
    kept in memory, and leases are granted to all. The first time is said, as a `RuntimeWarning`. A server that was
    gone is tried again after `PAUSE` seconds.

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://`, with the parameters of redis-py, and `ttl=30d` (`h`, `d`, `w`):
            how long answers are kept; for good where absent.
        now: gives the time of pauses, in seconds.

    Raises:
        ConfigurationError: a parameter that is none of the client, or `ttl` with such a value.
    """

    def __init__(self, url: str, now: Callable[[], float] = time.monotonic) -> None:
        self.location = shown(url)
        self._now = now
        self._memory = MemoryStore()
        self._lock = threading.Lock()
        self._warned = False
        self._resumes = float("-inf")
        address, self._milliseconds = _without_ttl(url)
        self._redis = _client(address, self.location)
        self._password = self._redis.connection_pool.connection_kwargs.get("password") or ""
        keep_secret(self._password)
        self._claim = self._redis.register_script(_CLAIM)
        self._extend = self._redis.register_script(_EXTEND)

    def __repr__(self) -> str:
        return f"RedisStore({self.location!r})"

    def get(self, key: str, *, wait: bool = True) -> bytes | None:
        """The value, None if there is none, or `UNREADABLE` if it is too short to be one."""
        return self.get_many((key,), wait=wait)[0]

    def get_many(self, keys: Sequence[str], *, wait: bool = True) -> list[bytes | None]:
        """What `get` gives for each key, in one command."""
        found: list[bytes | None] | None = self._run(lambda: self._redis.mget([ANSWERS + key for key in keys]), wait)
        return [
            self._memory.get(key) if value is None else value[_TIME.size :]
            for key, value in zip(keys, found or [None] * len(keys), strict=True)
        ]

    def add(self, key: str, value: bytes, *, replace: bool = False, wait: bool = True) -> bool:
        """Store the value; False, and nothing done, if the key is there already and `replace` is False."""
        if len(self._memory) and not replace and self._memory.get(key) is not None:
            return False
        stamped = _TIME.pack(time.time()) + value
        done: bool | None = self._run(
            lambda: bool(self._redis.set(ANSWERS + key, stamped, nx=not replace, px=self._milliseconds)), wait
        )
        return self._memory.add(key, value, replace=replace) if done is None else done

    def claim(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> list[str]:
        """Take a lease on each key that no other owner has one on; the keys that were taken."""
        taken: list[int] | None = self._run(
            lambda: self._claim([LEASES + key for key in keys], (owner, int(seconds * 1000))), wait
        )
        return list(keys) if taken is None else [keys[number - 1] for number in taken]

    def extend(self, keys: Sequence[str], owner: str, seconds: float, *, wait: bool = True) -> None:
        """Let the owner's leases on these keys end in so many seconds; with 0 they end now."""
        self._run(lambda: self._extend([LEASES + key for key in keys], (owner, int(seconds * 1000))), wait)

    def close(self) -> None:
        """Let go of the connections; the next use opens others."""
        self._redis.close()

    def entries(self) -> Iterator[tuple[str, float, bytes]]:
        """Key, time of storing in seconds since 1970, and value of every answer, in no order.

        Raises:
            ConfigurationError: the server can't be used.
        """
        with self._needed():
            names = self._redis.scan_iter(match=f"{ANSWERS}*", count=AT_ONCE)
            while some := list(islice(names, AT_ONCE)):
                for name, value in zip(some, self._redis.mget(some), strict=True):
                    if isinstance(value, bytes):  # it may have been evicted meanwhile
                        stored = _TIME.unpack_from(value)[0] if len(value) >= _TIME.size else 0.0
                        yield name.decode().removeprefix(ANSWERS), stored, value[_TIME.size :]

    def remove(self, keys: Sequence[str]) -> None:
        """Remove answers.

        Raises:
            ConfigurationError: the server can't be used.
        """
        with self._needed():
            for begin in range(0, len(keys), AT_ONCE):
                self._redis.unlink(*[ANSWERS + key for key in keys[begin : begin + AT_ONCE]])

    def check(self) -> None:
        """Find out whether the server answers.

        Raises:
            ConfigurationError: it does not.
        """
        with self._needed():
            self._redis.ping()

    def _run(self, command: Callable[[], Any], wait: bool) -> Any:
        """What a command gives, or None where the server can't be used."""
        if self._now() < self._resumes:
            return None
        if not wait:
            raise StoreBusy
        try:
            return command()
        except (redis.RedisError, OSError) as error:
            self._do_without(error)
            return None

    @contextmanager
    def _needed(self) -> Iterator[None]:
        try:
            yield
        except (redis.RedisError, OSError) as error:
            raise ConfigurationError(
                f"the cache at {self.location} can't be used: {self._words(error)}"
            ) from None  # redis-py's error may repeat a password

    def _do_without(self, error: Exception) -> None:
        """Carry on in memory; for a while without a command, where the server did not answer."""
        with self._lock:
            warned, self._warned = self._warned, True
            if isinstance(error, (redis.ConnectionError, redis.TimeoutError, OSError)):
                self._resumes = self._now() + PAUSE
        if not warned:
            warn(
                f"the answer cache at {self.location} can't be used ({self._words(error)}); the run goes on "
                "without it: answers that it can't take are kept in memory for this run only, and other processes may "
                "fetch them too. Start the server or make it writable, name another with SYNALINKS_CACHE, or set "
                "SYNALINKS_CACHE=off",
                RuntimeWarning,
            )

    def _words(self, error: Exception) -> str:
        """What an error says, less the password: an old server repeats a command that it does not have."""
        said = brief(error).replace(self._password, HIDDEN) if self._password else brief(error)
        if isinstance(error, OF_CLUSTERS):
            said += ": a node of a Redis Cluster, which is not supported; give the URL of a server of its own"
        return said


def _client(url: str, location: str) -> redis.Redis:
    """A client, not connected yet.

    Raises:
        ConfigurationError: the URL can't be read, or a parameter of it is not one of the client's.
    """
    try:
        client = redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=REPLY_TIMEOUT,
            retry=Retry(NoBackoff(), 1),  # once more, over a new connection: the server may have been restarted
        )
        pool = client.connection_pool
        pool.connection_kwargs.update(FIXED)
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        raise ConfigurationError(
            f"the URL of the cache at {location} has a parameter that is none of the Redis client: {brief(error)}; "
            "parameters are `ttl=30d` and those of redis.Redis.from_url"
        ) from None
    except (ValueError, redis.RedisError):  # its words may be a part of the password
        raise ConfigurationError(
            f"the URL of the cache, {location}, can't be read: it is redis://user:password@host:port/database, with "
            "%2F in place of / in a password, and so for : ? # @ %"
        ) from None
    return client


def _without_ttl(url: str) -> tuple[str, int | None]:
    """A URL without its parameter `ttl`, and that in milliseconds."""
    address, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    times = [value for name, value in pairs if name == "ttl"]
    if not times:
        return url, None
    found = re.fullmatch(r"(\d+)([hdw])", times[-1])
    if found is None or not int(found[1]):
        raise ConfigurationError(f"ttl={times[-1]} is no time to keep answers for; give hours, days or weeks: ttl=30d")
    rest = urlencode([pair for pair in pairs if pair[0] != "ttl"])
    return f"{address}?{rest}" if rest else address, int(found[1]) * UNITS[found[2]] * 1000
