"""Where the cache is: a folder, or the URL of a Redis server; as the program or the environment names it."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from synalinks.lm.core.errors import ConfigurationError

#: Schemes of URLs that name a Redis server: TCP, TLS, a socket of this machine.
SCHEMES = ("redis", "rediss", "unix")
_OFF = frozenset({"off", "0", "no", "false"})
#: Scheme, host with port, and path of a URL; its user, password and query may be secret. One whose password has signs
#: that should have been encoded does not match.
_PARTS = re.compile(r"([a-z]+)://(?:[^/?#@]*@)?((?:[^][/?#@:]*|\[[0-9a-fA-F:.]+\])(?::\d+)?)(/[^?#@]*)?(?:[?#][^@]*)?")

#: A folder, or a URL.
Location = str | Path


def default_directory() -> Path:
    """Where answers are kept on disk by default: `SYNALINKS_CACHE_DIR`, or `lm` in the user's cache directory."""
    chosen = os.environ.get("SYNALINKS_CACHE_DIR")
    if chosen and "://" not in chosen:
        return Path(chosen).expanduser()
    return _user_directory(os.environ.get("XDG_CACHE_HOME"), os.environ.get("HOME"))


@cache
def _user_directory(*_environment: str | None) -> Path:
    """The user's cache directory, looked up once.

    Args:
        *_environment: what the answer depends on, so that a change of it is seen.
    """
    import platformdirs  # not needed where SYNALINKS_CACHE_DIR is set

    return Path(platformdirs.user_cache_dir("synalinks", appauthor=False)) / "lm"


def cache_disabled() -> bool:
    """Whether `SYNALINKS_CACHE=off` is set."""
    return os.environ.get("SYNALINKS_CACHE", "").strip().lower() in _OFF


def default_location() -> Location:
    """The cache of all runs: the URL in `SYNALINKS_CACHE` or `SYNALINKS_CACHE_DIR`, or else `default_directory()`."""
    for name in ("SYNALINKS_CACHE", "SYNALINKS_CACHE_DIR"):
        if "://" in (chosen := os.environ.get(name, "")):
            return chosen.strip()
    return default_directory()


def name_of_all_runs() -> str | None:
    """The folder or URL of the cache of all runs, None where it is off: every call that it may answer needs it."""
    get = os.environ.get
    chosen = get("SYNALINKS_CACHE_DIR")
    home = () if chosen and not chosen.startswith("~") else (get("XDG_CACHE_HOME"), get("HOME"))
    return _name_in(get("SYNALINKS_CACHE"), chosen, *home)


@cache
def _name_in(*_environment: str | None) -> str | None:
    return None if cache_disabled() else os.fspath(default_location())


def shown(location: Location) -> str:
    """A location as it may be printed and saved: a URL without user, password and query."""
    if not is_url(location):
        return str(location)
    parts = _PARTS.fullmatch(str(location))
    return f"{str(location).partition('://')[0]}://..." if parts is None else f"{parts[1]}://{parts[2]}{parts[3] or ''}"


def saved_location(location: Location | None) -> Location | None:
    """A location as files keep it: what is secret of a URL is not in it."""
    return shown(location) if location is not None and is_url(location) else location


def is_url(location: Location) -> bool:
    """Whether a location is a URL, not a folder."""
    return isinstance(location, str) and "://" in location


def checked(location: Location) -> Location:
    """A location that can be one of a cache, folders without `~`.

    Raises:
        ConfigurationError: a URL that is not one of a Redis server, or a `Path` made of one.
    """
    if not is_url(location):
        if str(location).startswith(tuple(f"{scheme}:/" for scheme in SCHEMES)):
            raise ConfigurationError("the URL of a cache was made a Path, which changes it; give it as a str")
        return Path(location).expanduser()
    scheme = str(location).partition("://")[0]
    if scheme not in SCHEMES:
        wanted = ", ".join(f"{name}://" for name in SCHEMES)
        raise ConfigurationError(f"the cache can't be at {shown(location)}: give a folder, or a URL with {wanted}")
    return location
