"""The values of a program's variables, by path, and as the tree that the segments of the paths make."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from synalinks._json import JsonObject
from synalinks.data import Variable, copy_json
from synalinks.errors import ConfigurationError
from synalinks.modules.core.walking import Stateful, modules_below

if TYPE_CHECKING:
    from synalinks.optimizers import Optimizer
    from synalinks.trainers.compile.compiled import Compiled


class ProgramWithState(Stateful, Protocol):
    """A program whose variables are read and written."""

    name: str
    optimizer: Optimizer | None

    @property
    def trainable_variables(self) -> list[Variable]: ...

    @property
    def non_trainable_variables(self) -> list[Variable]: ...

    @property
    def compiled(self) -> bool: ...

    @property
    def compilation(self) -> Compiled: ...


#: The end of a name that is not the first of its kind in a session.
_NUMBER = re.compile(r"_\d+$")


# --- by path ---------------------------------------------------------------------------------------------------


def state_of(program: ProgramWithState) -> dict[str, dict[str, JsonObject]]:
    """Values of all variables by path: the trainable ones, the others, the optimizer's."""
    return {group: _values(variables) for group, variables in _groups(program).items() if group != METRICS}


def set_state(program: ProgramWithState, state: Mapping[str, Mapping[str, object]]) -> None:
    """Put such values back; nothing is changed if a path or a field does not fit.

    Raises:
        ConfigurationError: paths that the program lacks, or that the state lacks.
    """
    _assign(_plan(_groups(program), state, whole=True))


# --- as a tree, as programs and files have it -------------------------------------------------------------------


def state_tree(program: ProgramWithState) -> dict[str, JsonObject]:
    """The values, each a copy, in objects in objects: one for every segment of a path.

    Raises:
        ConfigurationError: two variables of one path, or one whose path another's goes through.
    """
    return {group: _tree(_values(variables)) for group, variables in _groups(program).items()}


def set_state_tree(program: ProgramWithState, state: Mapping[str, object], whole: bool = False) -> None:
    """Put the values of such a tree back; nothing is changed if one does not fit.

    A variable whose path differs by the numbers of automatic names only, as in another program of the same class, is
    found by its place. What the tree leaves out stays as it is, and so do the variables of optimizer and metrics where
    they are others.

    Args:
        whole: whether the tree must have all variables of the program itself.

    Raises:
        ConfigurationError: a group, variable or field that the program lacks; with `whole`, one that the tree lacks.
    """
    groups = _groups(program)
    found: dict[str, Mapping[str, Any]] = {}
    for group, tree in state.items():
        ours = groups.get(group, {})
        found[group] = _renumbered(ours, tree) or dict(_leaves(tree, ours, ""))
    _assign(_plan(groups, found, whole))


def adopt_names(program: ProgramWithState, state: Mapping[str, object]) -> None:
    """Give variables, and the modules that own them, the names they have in a tree that is saved.

    Modules that a constructor makes without a name get the session's next free one, which need not be theirs.
    """
    owners = {
        id(variable): module for module in (program, *modules_below(program)) for variable in module.own_variables
    }
    for group in OWN:
        variables = _groups(program)[group]
        shape = _tree({path: {} for path in variables})
        for path, saved in _side_by_side(shape, state.get(group), "", "") if variables else ():
            variable = variables[path]
            owner = owners.get(id(variable))
            if path != saved and owner is not None:
                *_, owner.name, variable.name = saved.split("/")
                variable.path = saved


def _renumbered(ours: Mapping[str, Variable], saved: Any) -> dict[str, Any] | None:
    """The values of a tree by our paths, where only numbers at the ends of names differ; None where more does."""
    pairs = list(_side_by_side(_tree({path: {} for path in ours}), saved, "", "")) if ours else []
    if len(pairs) != len(ours) or any(_unnumbered(path) != _unnumbered(other) for path, other in pairs):
        return None
    return {path: functools.reduce(lambda tree, name: tree[name], other.split("/"), saved) for path, other in pairs}


def _unnumbered(path: str) -> list[str]:
    return [_NUMBER.sub("", name) for name in path.split("/")]


def _side_by_side(ours: Any, saved: Any, path: str, saved_path: str) -> Iterator[tuple[str, str]]:
    """The paths of our tree, each with the path in its place in the saved one; none where their shapes differ."""
    if not ours:
        yield path, saved_path
    elif isinstance(saved, Mapping) and len(saved) == len(ours):
        for (name, inner), (saved_name, saved_inner) in zip(ours.items(), saved.items(), strict=True):
            yield from _side_by_side(inner, saved_inner, _joined(path, name), _joined(saved_path, saved_name))


def _tree(values: Mapping[str, JsonObject]) -> JsonObject:
    root: JsonObject = {}
    through = {above for path in values for above in itertools.accumulate(path.split("/")[:-1], _joined)}
    for path, value in values.items():
        if path in through:
            raise ConfigurationError(
                f"the path of another variable goes through {path!r}; give its module another name"
            )
        *above, name = path.split("/")
        place = root
        for segment in above:
            place = place.setdefault(segment, {})
        place[name] = copy_json(value)
    return root


def _values(variables: Mapping[str, Variable]) -> dict[str, JsonObject]:
    return {path: variable.get_json() for path, variable in variables.items()}


def _leaves(tree: object, paths: Collection[str], path: str) -> Iterator[tuple[str, Any]]:
    """The variables of a tree, with their values; what is no object is a variable of an unknown path."""
    if path in paths or not isinstance(tree, Mapping):
        yield path, tree
    else:
        for segment, inner in tree.items():
            yield from _leaves(inner, paths, _joined(path, segment))


def _joined(path: str, segment: str) -> str:
    return f"{path}/{segment}" if path else segment


# --- both ------------------------------------------------------------------------------------------------------

#: Groups of the program's own variables; those of the optimizer and of metrics come with what was compiled.
OWN = ("trainable_variables", "non_trainable_variables")
METRICS = "metrics_variables"
COMPILED = frozenset({"optimizer_trainable_variables", "optimizer_non_trainable_variables", METRICS})


def _groups(program: ProgramWithState) -> dict[str, dict[str, Variable]]:
    """Variables by group and path."""
    own = (program.trainable_variables, program.non_trainable_variables)
    groups = {group: _by_path(variables) for group, variables in zip(OWN, own, strict=True)}
    if program.optimizer is not None:
        for free, name in ((True, "optimizer_trainable_variables"), (False, "optimizer_non_trainable_variables")):
            groups[name] = _by_path([one for one in program.optimizer.variables if one.trainable is free])
    measured: dict[str, Variable] = {}
    metrics = program.compilation.metrics if program.compiled else []
    for variable in {id(one): one for metric in metrics for one in metric.variables}.values():
        name, number = variable.path, 0
        while name in measured:  # metrics may share a name
            number += 1
            name = f"{variable.path}_{number}"
        measured[name] = variable
    return {**groups, METRICS: measured}


def _by_path(variables: Sequence[Variable]) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for variable in variables:
        if variable.path in found:
            raise ConfigurationError(f"two variables have the path {variable.path!r}; give their modules other names")
        found[variable.path] = variable
    return found


def _plan(
    groups: Mapping[str, Mapping[str, Variable]], state: Mapping[str, Mapping[str, object]], whole: bool
) -> list[tuple[Variable, Any]]:
    """The values to assign, once all of them fit."""
    if foreign := sorted(state.keys() - groups.keys() - COMPILED):
        raise ConfigurationError(f"a state has the groups {sorted(groups)}, got {foreign}")
    plan: list[tuple[Variable, Any]] = []
    for group, by_path in groups.items():
        values = state.get(group, {})
        foreign, missing = sorted(values.keys() - by_path.keys()), sorted(by_path.keys() - values.keys())
        if group in OWN and (foreign or (whole and missing)):
            raise ConfigurationError(
                f"another architecture: {group.replace('_', ' ')} missing in the state: {missing}; not in the program: "
                f"{foreign}"
            )
        if not foreign:
            plan += [(by_path[path], _fitting(by_path[path], value)) for path, value in values.items()]
    return plan


def _fitting(variable: Variable, value: object) -> Any:
    """A value whose fields are the variable's."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"the value of {variable.path} is an object, got {value!r:.200}")
    fields = variable.get_schema().get("properties", {}).keys() or value.keys()
    if not fields >= value.keys():
        raise ConfigurationError(f"another architecture: {variable.path} has no fields {sorted(value.keys() - fields)}")
    return value


def _assign(plan: Sequence[tuple[Variable, Any]]) -> None:
    for variable, value in plan:
        variable.assign({**variable.get_json(), **value})
