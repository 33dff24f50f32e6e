"""The files of runs, each known by what it holds: cassettes, ledgers, histories, training states, saved programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from synalinks import _json
from synalinks._base.files import lines_within, read_whole
from synalinks._json import Json, JsonObject
from synalinks.cli.cassette.files import entry_of, opened
from synalinks.errors import ConfigurationError
from synalinks.lm.cassette.rows import Row
from synalinks.lm.ledger.store import decode
from synalinks.programs import files as programs

_KINDS = "a cassette, a ledger, a history, a training state or a saved program"
_ENDINGS = (".json", ".jsonl")


@dataclass
class RunFiles:
    """What the files of one run hold.

    Attributes:
        name: what the files' names have in common.
        files: (file, kind).
        entries: calls, as `Entry.to_dict` writes them, from the cassette or else the ledger.
        rows: calls with their conversations, from the cassette.
        history: as `History.to_dict` writes it; empty without.
        variables: values of the trainable variables by path.
    """

    name: str
    files: list[tuple[str, str]] = field(default_factory=list)
    entries: list[JsonObject] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    history: JsonObject = field(default_factory=dict)
    variables: dict[str, JsonObject] = field(default_factory=dict)


def read_runs(paths: Sequence[Path]) -> list[RunFiles]:
    """The runs; files whose names begin the same, and those of one folder, are one.

    Raises:
        ConfigurationError: a file that holds nothing of a run, or a folder without any.
    """
    runs: dict[str, RunFiles] = {}
    for path in paths:
        for file in _files(path):
            name = path.name if path.is_dir() else file.name.partition(".")[0]
            key = str(path.resolve() if path.is_dir() else file.resolve().parent / name)
            _read_into(runs.setdefault(key, RunFiles(name or file.name)), file)
    return list(runs.values())


def read_targets(path: Path) -> list[Json]:
    """A value per line.

    Raises:
        ConfigurationError: a line is not JSON.
    """
    return [value for _, value in _lines(path)]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.suffix in _ENDINGS and one.is_file())
    if not found:
        raise ConfigurationError(f"the folder {path} has no file of a run: {_KINDS}, ending in .json or .jsonl")
    return found


def _read_into(run: RunFiles, path: Path) -> None:
    with path.open("rb") as file:
        first = file.read(4096).partition(b"\n")[0]
    if b'"synalinks_cassette"' in first:
        kind = "cassette"
        with opened(path) as cassette:
            run.rows = [row for row in cassette.rows() if "request" in row.value]
        run.entries = [entry_of(row).to_dict() for row in run.rows]
    elif path.suffix == ".jsonl":
        kind, entries = "ledger", _ledger(path)
        run.entries = run.entries or entries  # those of a cassette have the same calls
    else:
        kind = _read_json(run, path)
    run.files.append((path.name, kind))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what keeps a file from being read into a `ConfigurationError`."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error


def _lines(path: Path) -> Iterator[tuple[int, Json]]:
    with _readable(path), path.open("rb") as file:
        for number, line in enumerate(lines_within(file, path), 1):
            try:
                yield number, _json.loads(line)
            except _json.JSONDecodeError as error:
                raise ConfigurationError(f"{path}, line {number}: not JSON ({error})") from error


def _ledger(path: Path) -> list[JsonObject]:
    """Entries of `ledger.to_jsonl(path)`, or of a `Ledger(path=path)`."""
    found = []
    for number, value in _lines(path):
        if isinstance(value, dict) and {"kind", "model", "source", "draw"} <= value.keys() and "scope" not in value:
            found.append(value)
            continue
        try:
            found.append(decode(_json.dumps(value).encode()).to_dict())
        except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError) as error:
            raise ConfigurationError(f"{path}, line {number}: no call of a cassette or a ledger ({error!r})") from error
    return found


def _read_json(run: RunFiles, path: Path) -> str:
    try:
        with _readable(path):
            value = _json.exact(read_whole(path))
    except (_json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not JSON ({error}); a report is made of {_KINDS}") from error
    if isinstance(value, dict) and "synalinks_history" in value:
        run.history = {**run.history, **value}
        return "history"
    if isinstance(value, dict) and "synalinks_training_state" in value:
        kept: JsonObject = next(
            (state for name, state in value["callbacks"].items() if name.startswith("History ")), {}
        )
        run.history = {**kept, **run.history}
        run.variables |= _trainable(value["variables"])
        return "training state"
    try:
        run.variables |= _trainable(programs.read(path)["variables"])
    except ConfigurationError as error:
        raise ConfigurationError(f"{path} is none of {_KINDS}: {error}") from error
    return "program"


def _trainable(groups: Mapping[str, Json]) -> dict[str, JsonObject]:
    """Values of trainable variables by path, out of groups by path or as a tree."""
    return dict(_leaves("", groups.get("trainable_variables", {})))


def _leaves(path: str, value: Json) -> Iterable[tuple[str, JsonObject]]:
    if isinstance(value, dict):
        if "best_candidates" in value or "examples" in value:
            yield path, value
            return
        for name, inner in value.items():
            yield from _leaves(f"{path}/{name}" if path else name, inner)
