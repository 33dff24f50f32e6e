"""`synalinks doctor`: what of this machine could answer live, and what would be needed where nothing could."""

from __future__ import annotations

import os
import platform
import sqlite3
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synalinks.cli.table import count, size
from synalinks.version import __version__

if TYPE_CHECKING:
    from synalinks.lm.providers import Spec

#: How long, in seconds, a server may take to say its version.
PATIENCE = 2.0
#: The libraries whose versions matter to how calls are made, cached and checked.
LIBRARIES = ("httpx", "pydantic", "diskcache", "jsonschema-rs", "numpy")
#: Models of a server that are named; the rest of a longer list is counted.
_NAMED = 20
#: Columns of a list that is wrapped; with its label it fits into 100.
_WIDTH = 84
_START = {
    "ollama": "start the server with `ollama serve`",
    "hosted_vllm": "start the server with `vllm serve {model}`",
    "llama_cpp": "start the server with `llama-server -m FILE.gguf`",
}


@dataclass(slots=True)
class Findings:
    """What was found, line by line, and what is to be done about it.

    Attributes:
        lines: for people, in sections.
        needs: what would be needed, one sentence each.
        ways: what would make some call possible, where none is asked for by name.
        live: whether anything could answer a call.
    """

    lines: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)
    live: bool = False

    def section(self, title: str) -> None:
        """Begin a section."""
        self.lines += ["", title]

    def add(self, label: str, value: str, need: str | None = None) -> None:
        """Add a line, and what it shows to be needed."""
        self.lines.append(f"  {label:<13} {value}")
        if need is not None and need not in self.needs:
            self.needs.append(need)


@dataclass(frozen=True, slots=True)
class Server:
    """A server on its own machine, as it answered.

    Attributes:
        version: as it says itself; None if it does not say.
        models: those it has; None if it would not tell.
        problem: why it is no use, or None.
    """

    endpoint: str
    version: str | None = None
    models: tuple[str, ...] | None = None
    problem: str | None = None

    def has(self, model: str) -> bool:
        """Whether a model is there; Ollama takes a name without a tag for `:latest`."""
        return self.models is None or model in self.models or f"{model}:latest" in self.models


@click.command(short_help="Show what could answer live, and what would be needed.")
@click.option(
    "--model", "models", multiple=True, metavar="NAME", help="Check what this model needs, e.g. ollama/llama3.2."
)
def doctor(models: tuple[str, ...]) -> None:
    """Look at what live calls need: servers, models, keys, the cache.

    Servers on own machines are asked for their version and models; hosted providers are not contacted, and of
    keys only whether they are set is shown.

    The exit status is 0 if every model named could be called (if none is named: if any could), and the cache can be
    used; else 1, with what would be needed.
    """
    from synalinks.lm.providers import (
        list_providers,
        resolve,
    )  # the LM layer takes 100 ms to import, and help doesn't need it

    wanted = [(*resolve(name), name) for name in models]
    specs = list_providers()
    found = Findings()
    _versions(found)
    _servers(found, [spec for spec in specs if _is_local(spec, wanted)], wanted)
    _keys(found, [spec for spec in specs if spec.key_env and not spec.local], [spec for spec, _, _ in wanted])
    _cache(found)
    if not wanted and not found.live:
        found.needs += [*found.ways, "or set the key of a hosted provider (a cassette replays without any of these)"]
    found.lines += ["", *_verdict(found, models)]
    click.echo("\n".join(found.lines))
    click.get_current_context().exit(1 if found.needs else 0)


def _verdict(found: Findings, models: Sequence[str]) -> Iterator[str]:
    if found.needs:
        yield "Needed:"
        yield from (f"  - {need}" for need in found.needs)
    else:
        yield "Ready: " + (", ".join(models) if models else "live calls can be made") + "."


def _versions(found: Findings) -> None:
    from importlib import metadata  # brings the parser of e-mail, 10 ms, and help doesn't need it

    found.lines.append(
        f"synalinks {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    parts = []
    for name in LIBRARIES:
        try:
            parts.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            parts.append(f"{name} missing")
            found.needs.append(f"install the library {name}: `pip install {name}`")
    found.lines.append("  " + ", ".join(parts))


# ------------------------------------------------------------------------------------------------------ servers
def _is_local(spec: Spec, wanted: Sequence[tuple[Spec, str, str]]) -> bool:
    """Whether to ask a server: Ollama's always, others where a model or the environment names them."""
    meant = any(spec is asked for asked, _, _ in wanted) or any(os.environ.get(name) for name in spec.base_env)
    return spec.local and bool(spec.endpoint) and (meant or (spec.prefix == "ollama" and not wanted))


def _servers(found: Findings, specs: Sequence[Spec], wanted: Sequence[tuple[Spec, str, str]]) -> None:
    if not specs:
        return
    from synalinks.lm.providers import endpoint_of, key_of  # as above

    found.section("Servers")
    for spec in specs:
        models = [name for asked, name, _ in wanted if asked is spec]
        endpoint = endpoint_of(spec)
        server = query_server(spec, endpoint, key_of(spec))
        if server.problem is not None:
            start = _START.get(spec.prefix, "start it").format(model=models[0] if models else "MODEL")
            found.add(spec.prefix, f"{endpoint}: {server.problem}")
            (found.needs if models else found.ways).append(
                f"{start}, or say with {' or '.join(spec.base_env)} where it listens"
            )
            if spec.prefix == "ollama":  # the others are started with their model
                _needs_of_models(found, spec, models)
            continue
        found.add(spec.prefix, f"{endpoint}: answers" + (f", version {server.version}" if server.version else ""))
        _models(found, spec, server, models)


def _models(found: Findings, spec: Spec, server: Server, wanted: Sequence[str]) -> None:
    """Which models a server that answers has."""
    if server.models:
        more = "" if len(server.models) <= _NAMED else f" and {len(server.models) - _NAMED} more"
        found.add("", f"{count(len(server.models), 'model')}: {', '.join(server.models[:_NAMED])}{more}")
        found.live = True
    elif server.models is None:
        found.add("", "which models it has it does not say")
        found.live = True
    else:
        found.add("", "no models")
        found.ways.append(_get(spec, "NAME"))
    missing = [name for name in wanted if not server.has(name)]
    for name in missing:
        found.add("", f"{name} is not there")
    _needs_of_models(found, spec, missing)


def _needs_of_models(found: Findings, spec: Spec, models: Sequence[str]) -> None:
    needs = dict.fromkeys(_get(spec, name) for name in models)
    found.needs += [need for need in needs if need not in found.needs]


def _get(spec: Spec, model: str) -> str:
    if spec.prefix == "ollama":
        return f"get the model with `ollama pull {model}`"
    return f"start the server with the model {model}"


def query_server(spec: Spec, endpoint: str, key: str | None) -> Server:
    """What a server says of itself; a server that can't be used has a `problem`."""
    import httpx  # 80 ms, and help doesn't need it

    from synalinks.lm.providers.transport.http import is_loopback

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    ollama = spec.prefix == "ollama"
    try:
        with httpx.Client(headers=headers, timeout=PATIENCE, trust_env=not is_loopback(endpoint)) as client:
            version = _json(client.get(f"{endpoint}/api/version")).get("version") if ollama else None
            listed = _json(client.get(f"{endpoint}/api/tags" if ollama else f"{endpoint}/models"))
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (401, 403):
            return Server(endpoint, problem=f"answers {status}: set {' or '.join(spec.key_env)}")
        return Server(endpoint, problem=f"answers {status}; it may be another kind of server")
    except httpx.TimeoutException:
        return Server(endpoint, problem=f"no answer in {PATIENCE:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Server(endpoint, problem=f"no answer ({str(error) or type(error).__name__})")
    except ValueError:
        return Server(endpoint, problem="answers with something that is not JSON; it may be another kind of server")
    rows = listed.get("models" if ollama else "data")
    if not isinstance(rows, list):
        return Server(endpoint, version)
    names = (row.get("name" if ollama else "id") for row in rows if isinstance(row, dict))
    return Server(endpoint, version, tuple(sorted(name for name in names if isinstance(name, str))))


def _json(response: Any) -> dict[str, Any]:
    """The object that a server answered with.

    Raises:
        httpx.HTTPStatusError: it answered with an error.
        ValueError: it is no object.
    """
    response.raise_for_status()
    value = response.json()
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


# --------------------------------------------------------------------------------------------------------- keys
def _keys(found: Findings, specs: Sequence[Spec], wanted: Sequence[Spec]) -> None:
    """Which keys are set, by the names of their variables; a key itself is never shown."""
    from synalinks.lm.providers import endpoint_of  # as above

    found.section("Keys of hosted providers (which are not contacted)")
    unset = []
    for spec in specs:
        name = next((name for name in spec.key_env if os.environ.get(name)), None)
        if name is not None:
            found.add(spec.prefix, f"{name} is set")
            found.live = True
        elif spec in wanted:
            found.add(spec.prefix, f"{' or '.join(spec.key_env)} is not set", f"set {spec.key_env[0]}")
        else:
            unset.append(spec.key_env[0])
        if spec in wanted and endpoint_of(spec) == f"{spec.prefix}:":
            found.add("", "no server is named", f"set {spec.base_env[0]} to the URL of your deployment")
    if unset:
        for number, line in enumerate(textwrap.wrap(", ".join(unset), _WIDTH)):
            found.add("" if number else "not set", line)


# -------------------------------------------------------------------------------------------------------- cache
def _cache(found: Findings) -> None:
    from synalinks.lm.cache.store import DATABASE, cache_disabled, default_directory  # as above

    found.section("Cache of answers")
    folder = default_directory()
    found.add("path", str(folder))
    if cache_disabled():
        found.add("state", "switched off by SYNALINKS_CACHE")
        return
    if not _writable(folder):
        found.add("state", "can't be written", "make the cache's folder writable, or choose one: SYNALINKS_CACHE_DIR")
        return
    if aside := list(folder.glob(f"{DATABASE}.damaged-*[0-9]")):
        found.add("damaged", f"{count(len(aside), 'file')} set aside; `synalinks cache clear` removes them too")
    database = folder / DATABASE
    if not database.exists():
        found.add("state", "healthy, and empty: nothing was stored there yet")
        return
    bytes_ = sum(path.stat().st_size for path in folder.glob(f"{DATABASE}*") if path not in aside and path.is_file())
    found.add("size", size(bytes_))
    try:
        entries = _entries(database)
    except sqlite3.Error as error:
        found.add("state", f"damaged ({error})", "mend the cache: the next run sets it aside and begins a new one")
        return
    found.add("entries", f"{entries:,}")
    found.add("state", "healthy")


def _entries(database: Path) -> int:
    """How many answers a database holds.

    Raises:
        sqlite3.Error: it is damaged, or no database.
    """
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        (entries,) = connection.execute("SELECT count(*) FROM Cache").fetchone()
    return int(entries)


def _writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself where it is not there yet."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK | os.X_OK)
