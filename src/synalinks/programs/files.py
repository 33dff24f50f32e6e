"""Saved programs: JSON, indented, in stable order, without time stamps or keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from synalinks import _json
from synalinks._base.files import read_whole, replacing
from synalinks._concurrency import run_sync
from synalinks.data import SymbolicDataModel, tree
from synalinks.errors import ConfigurationError, SynalinksError
from synalinks.graph import Graph
from synalinks.modules import Module
from synalinks.modules.core.operation import awaited
from synalinks.programs.state import ProgramWithState, adopt_names, set_state_tree, state_tree
from synalinks.programs.synalinks_files import is_synalinks_file, note, restore, translated
from synalinks.saving import (
    custom_object_scope,
    load_as,
    serialize_synalinks_object,
    sharing,
)

#: Version of the file's layout; raised when an older reader could not make sense of it.
FILE_FORMAT = 2


class SavableProgram(ProgramWithState, Protocol):
    """A program as it is saved and loaded."""

    built: bool
    build_spec: tuple[Any, ...] | None
    functional_graph: Graph | None

    def get_compile_config(self) -> dict[str, Any] | None: ...


P = TypeVar("P", bound=SavableProgram)


def architecture(program: SavableProgram) -> dict[str, Any]:
    """The program without its variables."""
    with sharing() as shared:
        described = serialize_synalinks_object(program)
        compiled = program.get_compile_config()
    value = {"synalinks_program": FILE_FORMAT, **{key: described[key] for key in _DESCRIPTION}, SHARED: []}
    if program.build_spec is not None and not GRAPH_OR_ROW & described["config"].keys():
        value["build_config"] = {"inputs": tree.map_structure(_written, list(program.build_spec))}
    if compiled is not None:
        value["compile_config"] = compiled
    return shared.written(value, SHARED)


#: Key of what several places of the file refer to.
SHARED = "shared_objects"

#: Keys of the configs of programs that are built as soon as they are made.
GRAPH_OR_ROW = frozenset({"operations", "modules"})
#: Key of a schema in the place of the symbol that a program was built with.
_SYMBOL = "$symbol"


def _written(symbol: SymbolicDataModel | None) -> dict[str, Any] | None:
    return None if symbol is None else {_SYMBOL: symbol.get_schema()}


def _read_symbols(saved: Any) -> Any:
    if isinstance(saved, list):
        return list(map(_read_symbols, saved))
    if isinstance(saved, dict) and saved.keys() != {_SYMBOL}:
        return {key: _read_symbols(item) for key, item in saved.items()}
    return None if saved is None else SymbolicDataModel(schema=saved[_SYMBOL])


def architecture_json(program: SavableProgram) -> str:
    """The architecture as JSON text."""
    return _json.pretty(architecture(program))


def save(program: SavableProgram, filepath: str | Path, overwrite: bool = True) -> None:
    """Write architecture and variables."""
    if not program.built:
        raise ConfigurationError(
            f"{program.name} has no state to save yet: call it once, or `await program.build(...)`, before saving it"
        )
    value = {**architecture(program), "variables": state_tree(program)}
    write(_path(filepath, ".json", overwrite), _json.pretty(value))


def save_variables(program: SavableProgram, filepath: str | Path, overwrite: bool = True) -> None:
    """Write the variables alone."""
    value = {"synalinks_variables": FILE_FORMAT, "variables": state_tree(program)}
    write(_path(filepath, ".variables.json", overwrite), _json.pretty(value))


def write(path: Path, text: str) -> None:
    """Put a file in place whole: a crash leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def _path(filepath: str | Path, suffix: str, overwrite: bool) -> Path:
    path = Path(filepath)
    if not path.name.endswith(suffix):
        raise ConfigurationError(f"a saved program is a {suffix} file, got {path}")
    if not overwrite and path.exists():
        raise ConfigurationError(f"{path} is there already; pass overwrite=True to replace it")
    return path


def read(filepath: str | Path) -> dict[str, Any]:
    """A saved program or its variables, as JSON.

    Raises:
        ConfigurationError: no such file, no regular one, not JSON, not a saved program, or of a newer layout.
    """
    path = Path(filepath)
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path} is not a regular file, so it is no saved program")
        value = _json.exact(read_whole(path))
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no file {path}") from error
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
    except _json.JSONDecodeError as error:
        raise ConfigurationError(f"{path} is not JSON ({error})") from error
    if is_synalinks_file(value):
        return dict(value)
    layout = isinstance(value, dict) and (value.get("synalinks_program") or value.get("synalinks_variables"))
    if not isinstance(layout, int) or not layout or not isinstance(value.get("variables"), dict):
        raise ConfigurationError(f"{path} is not a program saved by program.save(...)")
    if layout != FILE_FORMAT:
        hint = "install a newer synalinks-replay" if layout > FILE_FORMAT else "it was never released; save it again"
        raise ConfigurationError(f"{path} has layout {layout}, this version reads layout {FILE_FORMAT}; {hint}")
    return dict(value)


def load(filepath: str | Path, custom_objects: Mapping[str, object] | None = None) -> Any:
    """Build the program saved at a path, with variables and compilation."""
    value = read(filepath)
    if "config" not in value:
        raise ConfigurationError(f"{filepath} holds variables only; load it into a program with program.load(path)")
    with _of_file(filepath):
        if is_synalinks_file(value):
            return build_translated(value, filepath, custom_objects)
        program = build(value, custom_objects)
        adopt_names(program, value["variables"])
        set_state_tree(program, value["variables"], whole=True)
    return program


@contextmanager
def _of_file(path: str | Path) -> Iterator[None]:
    """Errors of shape inside the block are the file's.

    Raises:
        ConfigurationError: naming the file, and the error that a part of it led to.
    """
    try:
        yield
    except SynalinksError:
        raise
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        AssertionError,
        ArithmeticError,
        RecursionError,
    ) as error:
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        raise ConfigurationError(
            f"{path} holds what no class of the program takes ({reason}). Save the program again, or mend the file"
        ) from error


def build(value: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The program that `architecture` described, with its variables as they are made."""
    with custom_object_scope(custom_objects or {}), sharing(value.get(SHARED, [])):
        program = load_as(Module, {k: value.get(k) for k in _DESCRIPTION}, custom_objects)
        if value.get("build_config") is not None and not program.built:
            run_sync(awaited(program.build(*_read_symbols(value["build_config"]["inputs"]))))
        if value.get("compile_config") is not None:
            program.compile_from_config(value["compile_config"])
    return program


def build_translated(
    value: Mapping[str, object], where: object, custom_objects: Mapping[str, object] | None = None
) -> Any:
    """The program of a file, or text, that Synalinks saved; what it has besides is a warning."""
    notes: list[str] = []
    described = translated(value, notes)
    compiled = described.pop("compile_config", None)
    program = build(described, custom_objects)
    if compiled is not None:
        try:
            with custom_object_scope(custom_objects or {}):
                program.compile_from_config(compiled)
        except ConfigurationError as error:  # the program itself is whole, and can be compiled again
            notes.append(f"compile_config ({error})")
    if "variables" in value:  # text has the architecture alone
        restore(program, described["variables"], notes)
    note(where, notes)
    return program


_DESCRIPTION = ("module", "class_name", "config", "registered_name")


def load_variables_of(program: P, filepath: str | Path) -> P:
    """Load saved variables into a program that is there; returns it.

    Raises:
        ConfigurationError: the file is of another architecture.
    """
    value = read(filepath)
    try:
        with _of_file(filepath):
            if is_synalinks_file(value):
                notes: list[str] = []
                restore(program, value.get("variables", value), notes)
                note(filepath, notes)
                return program
            _check_outline(program, value)
            set_state_tree(program, value["variables"], whole=True)
    except ConfigurationError as error:
        raise ConfigurationError(f"{filepath} does not fit {program.name}: {error}") from error
    return program


def _check_outline(program: SavableProgram, value: Mapping[str, Any]) -> None:
    """Refuse a saved graph of other operations, of other schemas or connected in another way.

    Raises:
        ConfigurationError: saying where they differ.
    """
    saved = value.get("config", {})
    if program.functional_graph is None or "operations" not in saved:
        return
    shared = value.get(SHARED, [])
    ours = program.functional_graph.operations
    theirs = [shared[one["config"]] if one["class_name"] == "__shared__" else one for one in saved["operations"]]
    kinds = [type(operation).__qualname__ for operation in ours]
    if kinds != [operation["class_name"] for operation in theirs]:
        found = [operation["class_name"] for operation in theirs]
        raise ConfigurationError(f"another architecture: the file has {found}, the program {kinds}")
    for operation, described in zip(ours, theirs, strict=True):
        schema = described["config"].get("schema")
        if schema is not None and operation.get_config().get("schema") != schema:
            raise ConfigurationError(f"another architecture: the schema of {operation.name} differs")
    if [node["operation"] for node in saved["nodes"]] != [
        ours.index(node.operation) for node in program.functional_graph.nodes
    ]:
        raise ConfigurationError("another architecture: the operations are connected in another way")
