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
from typing import TYPE_CHECKING

import click

from synalinks._concurrency import run_sync
from synalinks.cli.doctor.pull import pull
from synalinks.cli.doctor.servers import PATIENCE, Place, Server, places, query_server
from synalinks.cli.table import count, size
from synalinks.errors import ConfigurationError, SynalinksError
from synalinks.lm.cache.disk_store import DATABASE
from synalinks.lm.cache.location import cache_disabled, checked, default_location, shown
from synalinks.lm.cache.stores import open_server
from synalinks.lm.catalog import listed_models
from synalinks.lm.providers import Spec, bases_of, endpoint_of, is_loopback, key_of, list_providers, resolve
from synalinks.lm.providers.ollama.sizes import pull_advice
from synalinks.lm.tables import terminal_width
from synalinks.version import __version__

if TYPE_CHECKING:
    #: A model that was named: its provider, its name there, and its whole name.
    Wanted = tuple[Spec, str, str]

#: The libraries whose versions matter to how calls are made, cached and checked.
LIBRARIES = ("httpx", "pydantic", "diskcache", "jsonschema-rs", "numpy")
#: Models of a server that are named; the rest of a longer list is counted.
_NAMED = 20
#: Columns before a value, and of a line that is for no terminal.
_INDENT, _UNBOUNDED = 16, 10_000
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


@click.command()
@click.option(
    "--model", "models", multiple=True, metavar="NAME", help="Check what this model needs, e.g. ollama/llama3.2."
)
@click.option("--pull", "fetch", is_flag=True, help="Have Ollama fetch the models of --model that it lacks.")
@click.option("--check-keys", is_flag=True, help="Send each key that is set to its provider, for the list of models.")
def doctor(models: tuple[str, ...], fetch: bool, check_keys: bool) -> None:
    """Look at what live calls need: servers, models, keys, the cache.

    Servers that a variable names, and those at the usual ports of this machine (Ollama, llama.cpp, vLLM, LM Studio),
    are asked for their version and models. Hosted providers are contacted with --check-keys only, which costs nothing;
    of keys only whether they are set is shown.

    The exit status is 0 if every model named could be called (if none is named: if any could), and the cache can be
    used; else 1, with what would be needed.
    """

    if fetch and not models:
        raise click.UsageError("--pull needs a model: synalinks doctor --model ollama/NAME --pull")
    wanted = [(*resolve(name), name) for name in models]
    specs = list_providers()
    found = Findings()
    _versions(found)
    _servers(found, specs, wanted, fetch)
    hosted = [spec for spec in specs if spec.key_env and not spec.local]
    _keys(found, hosted, [spec for spec, _, _ in wanted], check_keys)
    _cache(found)
    if not wanted and not found.live:
        found.needs += [*found.ways, "or set the key of a hosted provider (a cassette replays without any of these)"]
    found.lines += ["", *_verdict(found, models)]
    click.echo("\n".join(_wrapped(found.lines)))
    click.get_current_context().exit(1 if found.needs else 0)


def _wrapped(lines: Sequence[str]) -> Iterator[str]:
    """The lines, on a terminal folded to the right of their labels; commands stay whole, to be copied."""
    width = max(2 * _INDENT, terminal_width() or _UNBOUNDED)
    indent = " " * (_INDENT if width >= 4 * _INDENT else 4)
    for line in lines:
        if "`" in line or not line.startswith("  "):
            yield line
        else:
            yield from textwrap.wrap(
                line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
            )


def _verdict(found: Findings, models: Sequence[str]) -> Iterator[str]:
    if found.needs:
        yield "Needed:"
        yield from (f"  - {need}" for need in found.needs)
    else:
        yield "Ready: " + (", ".join(models) if models else "live calls can be made") + "."
        if found.ways:
            yield "For what is not:"
            yield from (f"  - {way}" for way in found.ways)


def _versions(found: Findings) -> None:
    from importlib import metadata  # brings the parser of e-mail, 10 ms

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
def _servers(found: Findings, specs: Sequence[Spec], wanted: Sequence[Wanted], fetch: bool) -> None:

    titled = False
    for place in places(specs, wanted):
        key = key_of(place.spec) if place.expected else None  # what listens at a usual port may be anything
        server = query_server(place.spec, place.endpoint, key)
        if server.problem is not None and not place.expected:
            continue
        if not titled:
            found.section("Servers")
            titled = True
        if server.problem is not None:
            _silent(found, place, server)
            continue
        said = f", version {server.version}" if server.version else f", {server.slots} slots" if server.slots else ""
        found.add(place.spec.prefix, f"{place.endpoint}: answers{said}{_how_to_call(place)}")
        if fetch and place.spec.prefix == "ollama":
            server = _with_pulled(found, place, server, key)
        _models(found, place, server)


def _silent(found: Findings, place: Place, server: Server) -> None:
    """A server that is no use, and what would start it."""
    spec, models = place.spec, place.wanted
    found.add(spec.prefix, f"{place.endpoint}: {server.problem}")
    if spec.local:
        start = _START.get(spec.prefix, "start it").format(model=models[0] if models else "MODEL")
        need = f"{start}, or say with {' or '.join(spec.base_env)} where it listens"
    else:
        need = f"start the server at {place.endpoint}, or unset {place.variable}, which names it"
    (found.needs if models else found.ways).append(need)
    if spec.prefix == "ollama":  # the others are started with their model
        _needs_of_models(found, spec, models)


def _how_to_call(place: Place) -> str:
    """What a model of a server is called by, where that does not follow from the server's kind."""
    spec = place.spec
    if spec.local and (place.expected or place.endpoint == spec.endpoint):
        return ""
    return f"; call {spec.prefix}/MODEL" + ("" if place.variable else " with this api_base")


def _with_pulled(found: Findings, place: Place, server: Server, key: str | None) -> Server:
    """The server with the models that it lacked, as far as it could fetch them."""
    missing = [name for name in place.wanted if not server.has(name)]
    for name in missing:
        if (reason := pull(place.endpoint, name, key)) is not None:
            found.add("", f"{name} could not be pulled: {reason}")
    return query_server(place.spec, place.endpoint, key) if missing else server


def _models(found: Findings, place: Place, server: Server) -> None:
    """Which models a server that answers has; of those that were named, all that it says."""
    spec = place.spec
    if server.models:
        names = [model.name for model in server.models] if place.wanted else [str(model) for model in server.models]
        more = "" if len(names) <= _NAMED else f" and {len(names) - _NAMED} more"
        listed = f"{count(len(names), 'model')}: {', '.join(names[:_NAMED])}{more}"
        found.add("", listed)
        found.live = True
    elif server.models is None:
        found.add("", "which models it has it does not say")
        found.live = True
    else:
        found.add("", "no models")
        found.ways.append(_get(spec, "NAME"))
    missing = []
    for name in place.wanted:
        if (facts := server.find(name)) is not None:
            found.add("", f"{facts}: there")
        elif not server.has(name):
            found.add("", f"{name} is not there")
            missing.append(name)
    _needs_of_models(found, spec, missing)


def _needs_of_models(found: Findings, spec: Spec, models: Sequence[str]) -> None:
    needs = dict.fromkeys(_get(spec, name) for name in models)
    found.needs += [need for need in needs if need not in found.needs]


def _get(spec: Spec, model: str) -> str:
    if spec.prefix != "ollama":
        return f"start the server with the model {model}"

    return f"get the model with {pull_advice(model)}, or with `synalinks doctor --model ollama/{model} --pull`"


# --------------------------------------------------------------------------------------------------------- keys
def _keys(found: Findings, specs: Sequence[Spec], wanted: Sequence[Spec], check: bool) -> None:
    """Which keys are set, by the names of their variables; a key itself is never shown."""

    found.section("Keys of hosted providers" + ("" if check else " (not contacted; --check-keys sends them)"))
    unset = []
    for spec in specs:
        name = next((name for name in spec.key_env if os.environ.get(name)), None)
        bases = [base for base in bases_of(spec) if not is_loopback(endpoint_of(spec, base))]
        if not bases:  # servers of one's own, see there
            continue
        if name is not None:
            for base in bases if check else bases[:1]:
                works, said = _checked(spec, base) if check else (True, "")
                at = (
                    ""
                    if len(bases) == 1
                    else f" ({endpoint_of(spec, base)})"
                    if check
                    else f", for {len(bases)} servers"
                )
                found.add(spec.prefix, f"{name} is set{at}{said}")
                found.live = found.live or works
                needs = found.needs if spec in wanted else found.ways
                if not works and (need := f"set another key in {name}") not in needs:
                    needs.append(need)
        elif spec in wanted:
            found.add(spec.prefix, f"{' or '.join(spec.key_env)} is not set", f"set {spec.key_env[0]}")
        else:
            unset.append(spec.key_env[0])
        if spec in wanted and endpoint_of(spec, bases[0]) == f"{spec.prefix}:":
            found.add("", "no server is named", f"set {spec.base_env[0]} to the URL of your deployment")
    if unset:
        found.add("not set", ", ".join(unset))


def _checked(spec: Spec, base: str | None) -> tuple[bool, str]:
    """Send a key to a server, for the list of models; whether that worked, and what came of it in words."""

    try:
        names = run_sync(listed_models(spec.prefix, base))
    except SynalinksError as error:
        return False, f"; it does not work: {error}"
    if names is None:
        return True, "; its provider has no list of models to check it by"
    return True, f", and works: {count(len(names), 'model')}"


# -------------------------------------------------------------------------------------------------------- cache
def _cache(found: Findings) -> None:

    found.section("Cache of answers")
    location = default_location()
    found.add("path", shown(location))
    if cache_disabled():
        found.add("state", "switched off by SYNALINKS_CACHE")
        return
    if isinstance(location, str):
        try:
            checked(location)
            with closing(open_server(location)) as store:
                store.check()
        except ConfigurationError as error:
            found.add("state", str(error), "start the server, or name another cache: SYNALINKS_CACHE")
        else:
            found.add("state", "the server answers")
        return
    folder = location
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
