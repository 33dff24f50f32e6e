"""The signatures that `help` and editors show of classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

from synalinks.session import to_snake_case


class ConstructorSignature:
    """What `inspect.signature` and `help` show of a class with a `__new__` that takes anything: its constructor's.

    Set as `__signature__` of a base; worked out when it is looked at.
    """

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        whole = inspect.signature(owner.__init__)  # type: ignore[misc]  # taken for that of an instance, of any subclass
        return whole.replace(parameters=list(whole.parameters.values())[1:], return_annotation=whole.empty)


def _with_defaults(owner: type, parameters: Iterable[inspect.Parameter]) -> Iterator[inspect.Parameter]:
    """Parameters with the defaults that a class states in attributes such as `default_name`, in place of None."""
    for one in parameters:
        stated = getattr(owner, f"default_{one.name}", None) if one.default is None else None
        yield one if stated is None else one.replace(default=stated)


class NamedSignature:
    """What `inspect.signature` and `help` show of a class whose `name` is by default the class's own in snake case, or
    its `default_name`.

    Set as `__signature__` of a base whose constructor has `name=None`; worked out when it is looked at.
    """

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        constructor = owner.__init__  # type: ignore[misc]  # taken for that of an instance, of any subclass
        _, *given = inspect.signature(constructor).parameters.values()
        default = to_snake_case(owner.__name__)
        return inspect.Signature(
            [
                one.replace(default=default) if one.name == "name" and one.default is None else one
                for one in _with_defaults(owner, given)
            ]
        )


class PassedOnSignature:
    """What `inspect.signature` and `help` show of a class whose constructor passes `**options` on to its base's.

    Set as `__signature__` of a base; worked out when it is looked at. The base's arguments come last, with the defaults
    of the class. A `**` of another name stays: it takes more than the base does.
    """

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        levels: list[list[inspect.Parameter]] = []
        for cls in owner.__mro__:
            if "__init__" in vars(cls):
                levels.append(list(inspect.signature(cls.__init__).parameters.values())[1:])  # type: ignore[misc]
                if not any(one.kind is one.VAR_KEYWORD for one in levels[-1]):
                    break
        shown: dict[str, inspect.Parameter] = {}
        for level in levels:
            for one in level:
                if one.kind is one.VAR_KEYWORD:
                    continue
                derived = shown.pop(one.name, None) if level is levels[-1] else shown.get(one.name)
                shown[one.name] = derived or (one if level is levels[0] else one.replace(kind=one.KEYWORD_ONLY))
        more = [one for one in levels[0] if one.kind is one.VAR_KEYWORD and one.name != "options"]
        return inspect.Signature([*sorted(_with_defaults(owner, shown.values()), key=lambda one: one.kind), *more])
