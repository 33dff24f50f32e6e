"""Several hooks as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from synalinks._support.keywords import refuse_misspelt_keywords
from synalinks.data import tree
from synalinks.hooks.hook import Hook, HookedModule
from synalinks.hooks.logger import Logger


class HookList(Hook):
    """Several hooks as one: each is called, in order. A module takes it as its `hooks`, or as one of them.

    Args:
        hooks: the hooks; a hook, or lists of them in each other.
        add_logger: whether a `Logger` is added where there is none.
        module: the module that they are for.
        params: given to each hook's `set_params`.

    Raises:
        UnknownArgument: a name among `params` that is nearly that of another argument.

    Example:
        >>> hooks = synalinks.hooks.HookList([synalinks.hooks.Hook()])
        >>> [type(hook).__name__ for hook in hooks]
        ['Hook', 'Logger']
    """

    def __init__(
        self,
        hooks: Hook | Iterable[Hook] | None = None,
        add_logger: bool = True,
        module: HookedModule | None = None,
        **params: object,
    ) -> None:
        refuse_misspelt_keywords(params, type(self))
        self.hooks: list[Hook] = [hook for hook in tree.flatten(hooks) if hook is not None]
        if add_logger and not any(isinstance(hook, Logger) for hook in flat(self.hooks)):
            self.hooks.append(Logger())
        if module is not None:
            self.set_module(module)
        self.set_params(params)

    def __iter__(self) -> Iterator[Hook]:
        return iter(self.hooks)

    def __len__(self) -> int:
        return len(self.hooks)

    def append(self, hook: Hook) -> None:
        """Put a hook behind the others."""
        self.hooks.append(hook)
        if self.module is not None:
            hook.set_module(self.module)
        if self.params:
            hook.set_params(self.params)

    def set_module(self, module: HookedModule) -> None:
        """Set the module of each hook."""
        super().set_module(module)
        for hook in self.hooks:
            hook.set_module(module)

    def set_params(self, params: dict[str, object]) -> None:
        """Set the parameters of each hook, where there are any."""
        super().set_params(params)
        for hook in self.hooks if params else ():
            hook.set_params(params)

    def on_call_begin(
        self, call_id: str, parent_call_id: str | None = None, inputs: object = None, kwargs: object = None
    ) -> None:
        """Call each hook."""
        for hook in self.hooks:
            hook.on_call_begin(call_id, parent_call_id, inputs, kwargs)

    def on_call_end(
        self,
        call_id: str,
        parent_call_id: str | None = None,
        outputs: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Call each hook."""
        for hook in self.hooks:
            hook.on_call_end(call_id, parent_call_id, outputs=outputs, exception=exception)


def flat(hooks: Iterable[Hook]) -> Iterator[Hook]:
    """The hooks, those of lists one by one."""
    for hook in hooks:
        if isinstance(hook, HookList):
            yield from flat(hook)
        else:
            yield hook
