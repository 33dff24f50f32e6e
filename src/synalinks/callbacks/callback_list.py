"""CallbackList: several callbacks as one, called in the order they were given."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from synalinks._base.warning import warn
from synalinks._support.calling import check_takes
from synalinks._support.keywords import refuse_misspelt_keywords
from synalinks.callbacks.callback import Callback, Hooked
from synalinks.callbacks.history import History
from synalinks.callbacks.progress import ProgbarLogger
from synalinks.errors import ConfigurationError

#: The hooks, by name.
HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class CallbackList(Callback):
    """Calls a hook of each callback in turn; those that are async are awaited before the next one's is called.

    A hook of the list, such as `on_epoch_end(0, logs)`, returns what is to be awaited where one of the callbacks is
    async, and None otherwise.

    Args:
        callbacks: one, or several in the order of their calls; those with `last` come after all others.
        add_history: put a `History` behind those given, unless there is one among them.
        add_progbar: put a `ProgbarLogger` behind those given, unless there is one among them.
        program: the program being run.
        **params: what callbacks may read of the run.

    Raises:
        ConfigurationError: something that is no callback, or a hook that does not take what it is called with.
        UnknownArgument: a name among `params` that is nearly that of another argument.

    Example:
        >>> callbacks = synalinks.callbacks.CallbackList([], add_history=True, epochs=1)
        >>> callbacks.on_epoch_end(0, {"reward": 0.5})
        >>> callbacks.callbacks[0].history
        {'reward': [0.5]}
    """

    def __init__(
        self,
        callbacks: object = None,
        add_history: bool = False,
        add_progbar: bool = False,
        program: Any = None,
        **params: Any,
    ) -> None:
        refuse_misspelt_keywords(params, type(self))
        super().__init__()
        self.add_history, self.add_progbar = add_history, add_progbar
        self.callbacks: list[Callback] = list(_flat(callbacks))
        for wanted, kind in ((add_history, History), (add_progbar, ProgbarLogger)):
            if wanted and not any(isinstance(callback, kind) for callback in self.callbacks):
                self.callbacks.append(kind())
        self.callbacks.sort(key=lambda callback: callback.last)
        for callback in self.callbacks:
            check_hooks(callback)
        self.set_program(program)
        self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Add a callback behind the others."""
        check_hooks(callback)
        callback.set_program(self.program)
        callback.set_params(self.params)
        self.callbacks.append(callback)

    def set_program(self, program: Any) -> None:
        """Set the program of every callback."""
        super().set_program(program)
        for callback in self.callbacks:
            callback.set_program(program)

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Set what every callback may read of the run."""
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(self.params)

    async def call(self, hook: str, *args: Any) -> None:
        """Call a hook by name on every callback, and await it, e.g. `call("on_epoch_end", 0, logs)`."""
        found = _called(iter(self.callbacks), hook, args, {})
        if found is not None:
            await found


def _called(callbacks: Iterator[Callback], hook: str, args: Any, keywords: Mapping[str, Any]) -> Hooked:
    """Call a hook of callbacks in turn; from the first that is async on, as a coroutine."""
    for callback in callbacks:
        found = getattr(callback, hook)(*args, **keywords)
        if inspect.isawaitable(found):
            return _awaited(found, callbacks, hook, args, keywords)
    return None


async def _awaited(
    found: Any, callbacks: Iterator[Callback], hook: str, args: Any, keywords: Mapping[str, Any]
) -> None:
    while found is not None:
        await found
        found = _called(callbacks, hook, args, keywords)


def _forwarding(hook: str) -> Callable[..., Hooked]:
    def forwarded(self: CallbackList, *args: Any, **keywords: Any) -> Hooked:
        return _called(iter(self.callbacks), hook, args, keywords)

    forwarded.__name__, forwarded.__qualname__ = hook, f"CallbackList.{hook}"
    forwarded.__doc__ = f"Call `{hook}` of each callback."
    return forwarded


for _hook in HOOKS:
    setattr(CallbackList, _hook, _forwarding(_hook))


def _flat(given: object) -> Iterator[Callback]:
    """The callbacks in what a user gives: None, one, or several in any nesting."""
    if isinstance(given, CallbackList):
        yield from given.callbacks
    elif isinstance(given, Callback):
        yield given
    elif isinstance(given, (list, tuple)):
        for one in given:
            yield from _flat(one)
    elif given is not None:
        kind = f"the class {given.__name__}; write {given.__name__}()" if isinstance(given, type) else repr(given)
        raise ConfigurationError(f"callbacks are instances of synalinks.callbacks.Callback, got {kind}")


def check_hooks(callback: Callback) -> None:
    """Refuse a callback that would fail once the run is under way; warn of a method named almost as a hook is.

    Raises:
        ConfigurationError: a hook that does not take its arguments.
    """
    kind = type(callback)
    for name in {name: None for cls in kind.__mro__ for name in vars(cls) if name.startswith("on_")}:
        if name not in HOOKS:
            near = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.85)
            if near:
                warn(
                    f"{kind.__name__}.{name} is never called by a run: there is no such hook. Did you mean {near[0]}?",
                )
            continue
        wanted = list(inspect.signature(getattr(Callback, name)).parameters)[1:]
        check_takes(getattr(callback, name), wanted, f"{kind.__name__}.{name}")
