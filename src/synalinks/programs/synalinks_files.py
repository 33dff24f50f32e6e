"""Programs that Synalinks saved, as this library saves them.

Its files name the connections of a graph by module, node and output, nest variables by path, and name classes of its
own modules. Here they are made into the layout of `files`. What has no meaning here is left out and noted.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from synalinks._base.warning import warn
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.programs.functional_config import REFERENCE
from synalinks.programs.state import COMPILED, METRICS, OWN, ProgramWithState
from synalinks.saving import NAMESPACES, exported

#: Keys of such a file that are read; others are noted.
_READ = {"module", "class_name", "config", "registered_name", "build_config", "compile_config", "variables"}
_VERSION = "synalinks_version"
_GROUPS = frozenset({*OWN, *COMPILED, METRICS})
#: Settings of `compile` that say nothing about a program's results.
_COMPILE_IGNORED = frozenset({"run_eagerly", "steps_per_execution"})


class NotUnderstood(UserWarning):
    """Parts of a file saved by Synalinks that have no meaning here, and that were left out."""


def is_synalinks_file(value: object) -> bool:
    """Whether JSON is a program, or the variables of one, in the layout of Synalinks."""
    if not isinstance(value, Mapping) or "synalinks_program" in value or "synalinks_variables" in value:
        return False
    return {"class_name", "config"} <= value.keys() or (bool(value) and value.keys() <= _GROUPS)


def translated(value: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """A program, or its variables, in the layout of `files`; what was left out is added to `notes`."""
    if "class_name" not in value:
        return {"variables": dict(value)}
    notes += [f"{key} of the file" for key in value.keys() - _READ - {_VERSION}]
    found: dict[str, Any] = dict(_object(value, "the program", notes))
    compiled = value.get("compile_config")
    if compiled is not None:
        kept = {key: item for key, item in compiled.items() if key not in _COMPILE_IGNORED}
        found["compile_config"] = _translate(kept, "compile_config", notes)
    if "input_schema" in (build := value.get("build_config") or {}):
        found["build_config"] = {"inputs": [{"$symbol": build["input_schema"]}]}
    found["variables"] = value.get("variables") or {}
    return found


def note(where: object, notes: Sequence[str]) -> None:
    """Warn of what was left out of a file, in one warning."""
    if notes:
        parts = "; ".join(dict.fromkeys(notes))
        warn(f"{where} was saved by Synalinks, and this was not understood: {parts}", NotUnderstood)


def _translate(value: object, where: str, notes: list[str]) -> Any:
    if isinstance(value, list):
        return [_translate(item, f"{where}[{i}]", notes) for i, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if isinstance(value.get("class_name"), str) and "config" in value:
        return _object(value, where, notes)
    return {key: _translate(item, f"{where}.{key}", notes) for key, item in value.items()}


def _object(saved: Mapping[str, Any], where: str, notes: list[str]) -> Mapping[str, Any]:
    """A saved object of a class of this library, or of one that the program registered."""
    name, config = saved["class_name"], saved["config"]
    if name == "__symbolic_data_model__" or name == "__json_data_model__":
        return _value(saved)
    if name == "__lambda__":
        raise ConfigurationError(f"{where} holds a lambda: code in a file is not run. Save the program with a function")
    if name == "function":
        described = config if isinstance(config, Mapping) else {"module": saved.get("module"), "name": config}
        return {**saved, "config": described}
    if isinstance(config, Mapping) and "input_modules" in config:
        return _functional(saved, where, notes)
    cls, namespace = _class_of(saved)
    if not isinstance(config, Mapping):
        return saved
    inner = {key: _translate(item, f"{where}.{key}", notes) for key, item in config.items()}
    if cls is None:
        return {**saved, "config": inner}
    named = f"{name} {config['name']!r}" if isinstance(config.get("name"), str) else name
    return {"module": f"synalinks.{namespace}", "class_name": name, "config": _known(cls, inner, named, notes)}


def _value(saved: Mapping[str, Any]) -> dict[str, Any]:
    config = dict(saved["config"])
    if "value" in config:  # one of its versions writes the JSON of a value so
        config["json"] = config.pop("value")
    return {"class_name": saved["class_name"], "config": config}


def _class_of(saved: Mapping[str, Any]) -> tuple[type | None, str]:
    """The class of this library that an object is of, and its namespace; None for others."""
    module = str(saved.get("module") or "")
    if module.partition(".")[0] != "synalinks":
        return None, ""
    hints = [name for name in NAMESPACES if name in module.split(".")]
    hints += ["data"] if "ops" in module.split(".") else []
    for namespace in (*hints, *NAMESPACES):
        found = exported(f"synalinks.{namespace}", saved["class_name"])
        if isinstance(found, type):
            return found, namespace
    return None, ""


def _known(cls: Any, config: Mapping[str, Any], where: str, notes: list[str]) -> dict[str, Any]:
    """The settings that a class has; others are noted, unless they are empty."""
    parameters = inspect.signature(cls).parameters.values()
    named = {one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}
    options = next((one.name for one in parameters if one.kind is one.VAR_KEYWORD), None)
    if isinstance(inner := config.get(options or ""), Mapping):  # they may be saved under the name of all of them
        config = {**{key: item for key, item in config.items() if key != options}, **inner}
    known = {key: item for key, item in config.items() if key in named}
    others = {key: item for key, item in config.items() if key not in named and item is not None}
    if options is not None:  # of which the class has some
        known |= {key: item for key, item in others.items() if _is_option(cls, {**known, key: item})}
    notes += [f"{key!r} of {where}" for key in others if key not in known]
    return known


def _is_option(cls: Any, config: Mapping[str, Any]) -> bool:
    try:
        cls.from_config(config)
    except ConfigurationError:
        return False
    return True


# --- variables ---------------------------------------------------------------------------------------------------


def restore(program: ProgramWithState, tree: Mapping[str, object], notes: list[str]) -> None:
    """Put the values of a saved tree into a program's variables, and into its optimizer's.

    A variable takes the values of the same path, else those of the only saved variable of its name, or of one that goes
    on with the owner's (`iterations_random_few_shot`).
    """
    own = {path: value for group in OWN for path, value in _saved_variables(tree.get(group), "")}
    _fill((*program.trainable_variables, *program.non_trainable_variables), own, notes)
    if program.optimizer is not None:
        groups = [group for group in tree if group.startswith("optimizer")]
        saved = {path: value for group in groups for path, value in _saved_variables(tree[group], "")}
        _fill(program.optimizer.variables, saved, notes)
    notes += [f"the group {group!r} of variables" for group in sorted(tree.keys() - _GROUPS)]


def _fill(variables: Sequence[Variable], saved: dict[str, Mapping[str, Any]], notes: list[str]) -> None:
    plan: list[tuple[Variable, dict[str, Any]]] = []
    for variable in variables:
        path = variable.path
        if path not in saved:
            same = [other for other in saved if f"{other.rpartition('/')[2]}_".startswith(f"{variable.name}_")]
            if len(same) != 1:
                notes.append(f"no values for the variable {path}")
                continue
            path = same[0]
        value, fields = saved.pop(path), variable.get_schema().get("properties", {}).keys()
        notes += [f"the field {key!r} of the variable {path}" for key in value.keys() - fields]
        plan.append((variable, {key: item for key, item in value.items() if key in fields}))
    notes += [f"the variable {path}" for path in saved]
    for variable, value in plan:
        variable.update(value)


def _saved_variables(tree: object, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The variables of a tree: objects that have a field that is none, or that are empty."""
    if not isinstance(tree, Mapping):
        return
    if path and (not tree or any(not isinstance(item, Mapping) for item in tree.values())):
        yield path, tree
        return
    for segment, inner in tree.items():
        yield from _saved_variables(inner, f"{path}/{segment}" if path else segment)


# --- graphs ----------------------------------------------------------------------------------------------------


def _functional(saved: Mapping[str, Any], where: str, notes: list[str]) -> dict[str, Any]:
    """A graph: operations and nodes by number, in the order they run."""
    config = saved["config"]
    operations = [_translate(module, f"{where}.modules[{i}]", notes) for i, module in enumerate(config["modules"])]
    numbers = {module["name"]: i for i, module in enumerate(config["modules"])}
    leaves = _leaves(config["input_modules"])
    inputs = {leaf[0] for leaf in leaves}
    places: dict[tuple[str, int, int], list[Any]] = {(*leaf,): ["input", i] for i, leaf in enumerate(leaves)}
    waiting = [
        (module["name"], number, _arguments(node))
        for module in config["modules"]
        if module["name"] not in inputs
        for number, node in enumerate(module.get("inbound_nodes", ()))
    ]
    nodes: list[dict[str, Any]] = []
    while waiting:
        ready = next((one for one in waiting if all(_is_placed(place, places) for place in _references(one[2]))), None)
        if ready is None:
            raise ConfigurationError(f"the graph of {where} is not connected: {sorted(name for name, *_ in waiting)}")
        waiting.remove(ready)
        name, number, (args, kwargs) = ready
        refer = _refer(places, notes, f"{where}.{name}")
        nodes.append({"operation": numbers[name], "args": refer(args), "kwargs": refer(kwargs)})
        places[name, number, -1] = ["node", len(nodes) - 1]
    own = {key: config[key] for key in ("name", "description", "trainable") if config.get(key) is not None}
    known = {"name", "description", "trainable", "modules", "input_modules", "output_modules"}
    notes += [f"{key!r} of {where}" for key in config.keys() - known if config[key] is not None]
    described = {
        "operations": operations,
        "nodes": nodes,
        "inputs": _inputs(config["input_modules"], numbers, config["modules"]),
        "outputs": _mapped(config["output_modules"], lambda leaf: {REFERENCE: _place(tuple(leaf), places)}),
    }
    return {"module": "synalinks.programs", "class_name": "Program", "config": {**own, **described}}


def _arguments(node: Any) -> tuple[Any, Any]:
    if isinstance(node, Mapping):
        return node.get("args", []), node.get("kwargs", {})
    return (list(node), {})


def _history(leaf: object) -> tuple[str, int, int] | None:
    """The module, node and output that a symbolic argument comes from."""
    if isinstance(leaf, Mapping) and leaf.get("class_name") == "__symbolic_data_model__":
        name, node, output = leaf["config"]["synalinks_history"]
        return name, node, output
    return None


def _references(value: object) -> Iterator[tuple[str, int, int]]:
    found = _history(value)
    if found is not None:
        yield found
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _references(item)


def _is_placed(place: tuple[str, int, int], places: Mapping[tuple[str, int, int], list[object]]) -> bool:
    return place in places or (*place[:2], -1) in places


def _place(place: tuple[Any, ...], places: Mapping[tuple[str, int, int], list[Any]]) -> list[Any]:
    name, node, output = place
    if (name, node, output) in places:
        return places[name, node, output]
    if (name, node, -1) not in places:
        raise ConfigurationError(f"the graph has no output {output} of node {node} of {name!r}")
    return [*places[name, node, -1], output]


def _refer(places: Mapping[tuple[str, int, int], list[object]], notes: list[str], where: str) -> Callable[[Any], Any]:
    def refer(value: object) -> Any:
        found = _history(value)
        if found is not None:
            return {REFERENCE: _place(found, places)}
        if isinstance(value, (list, tuple)):
            return [refer(item) for item in value]
        if isinstance(value, Mapping) and "class_name" not in value:
            return {key: refer(item) for key, item in value.items()}
        return _translate(value, where, notes)

    return refer


def _inputs(saved: Any, numbers: Mapping[str, int], modules: Sequence[Mapping[str, Any]]) -> Any:
    def describe(leaf: Sequence[Any]) -> dict[str, Any]:
        number = numbers[leaf[0]]
        return {"schema": modules[number]["config"].get("schema"), "name": leaf[0], "operation": number}

    return {"$single": describe(saved)} if _is_leaf(saved) else _mapped(saved, describe)


def _is_leaf(saved: object) -> bool:
    return (
        isinstance(saved, (list, tuple)) and len(saved) == 3 and isinstance(saved[0], str) and isinstance(saved[1], int)
    )


def _leaves(saved: Any) -> list[Sequence[Any]]:
    """The references of a structure, in the order of `tree.flatten`."""
    if _is_leaf(saved):
        return [saved]
    items = [saved[key] for key in sorted(saved)] if isinstance(saved, Mapping) else saved
    return [leaf for item in items for leaf in _leaves(item)]


def _mapped(saved: Any, describe: Callable[[Sequence[Any]], Any]) -> Any:
    if _is_leaf(saved):
        return describe(saved)
    if isinstance(saved, Mapping):
        return {key: _mapped(item, describe) for key, item in saved.items()}
    return [_mapped(item, describe) for item in saved]
