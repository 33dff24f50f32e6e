"""The signatures that `help` and editors show of classes."""

from __future__ import annotations

import inspect

from synalinks.session import to_snake_case


class ConstructorSignature:
    """What `inspect.signature` and `help` show of a class with a `__new__` that takes anything: its constructor's.

    Set as `__signature__` of a base; worked out when it is looked at.
    """

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        whole = inspect.signature(owner.__init__)  # type: ignore[misc]  # taken for that of an instance, of any subclass
        return whole.replace(parameters=list(whole.parameters.values())[1:], return_annotation=whole.empty)


class NamedSignature:
    """What `inspect.signature` and `help` show of a class whose `name` is by default the class's own in snake case.

    Set as `__signature__` of a base whose constructor has `name=None`; worked out when it is looked at.
    """

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        constructor = owner.__init__  # type: ignore[misc]  # taken for that of an instance, of any subclass
        _, *given = inspect.signature(constructor).parameters.values()
        default = to_snake_case(owner.__name__)
        return inspect.Signature(
            [one.replace(default=default) if one.name == "name" and one.default is None else one for one in given]
        )
