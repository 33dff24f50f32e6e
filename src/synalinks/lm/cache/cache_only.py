"""CacheOnlyProvider: a provider whose answers are those of the cache, for recordings without a live call.

While a cassette is open the cache is bypassed, because a cassette holds the whole run. A cassette of a run whose
answers are all in the cache is recorded with a `CacheOnlyProvider` in place of the model's own: the same answers by the
same rule of draws, with the tokens, cost and attempts they had when they were fetched.
"""

from __future__ import annotations

from dataclasses import replace

from synalinks import _json
from synalinks.lm.cache.entry import key_prefix
from synalinks.lm.cache.layer import CacheLayer
from synalinks.lm.cache.location import Location, checked, default_location, shown
from synalinks.lm.cache.per_text import PerTextLayer
from synalinks.lm.cache.store import Store
from synalinks.lm.core.call import Call, Handler, Reply, Request
from synalinks.lm.core.draws import Draws
from synalinks.lm.core.errors import OfflineError

#: Characters of what was asked that an error shows.
_SHOWN = 100


class CacheOnlyProvider:
    """The caches of a process as handlers: a call is answered from the cache, at no cost, or it is an error.

    Args:
        directory: folder or URL of the cache for models that name none; None for the one that runs use by default,
            whether or not the environment switches the cache off.
        draws: which answers the run has taken.

    Attributes:
        given: calls answered.
    """

    def __init__(self, directory: Location | None, draws: Draws) -> None:
        self.directory = checked(default_location() if directory is None else directory)
        self.given = 0
        self._draws = draws
        self._stores: dict[Location, Store] = {}
        self._handlers: dict[tuple[str, Location], Handler] = {}

    def handler(self, endpoint: str, directory: Location | None) -> Handler:
        """What answers for a model.

        Args:
            endpoint: URL of its server, part of the cache's keys.
            directory: folder or URL of its own cache, or None.

        Raises:
            OfflineError: in the handler, for a call that the cache has no answer to.
        """
        path = self.directory if directory is None else checked(directory)
        if (endpoint, path) not in self._handlers:
            self._handlers[endpoint, path] = self._make(endpoint, path)
        return self._handlers[endpoint, path]

    def _make(self, endpoint: str, path: Location) -> Handler:
        if path not in self._stores:
            from synalinks.lm.cache.stores import open_store  # not needed where no answer is cached

            self._stores[path] = open_store(path)
        layer = CacheLayer(lambda: self._stores[path], endpoint, lambda call: self._draws)
        cached = PerTextLayer(lambda call: True)(layer(self._refuse(endpoint, path)))

        async def answer(call: Call) -> Reply:
            reply = await cached(call)
            self.given += 1
            return replace(reply, attempts=max(1, reply.attempts))  # a budget counts the attempts it once took

        return answer

    def _refuse(self, endpoint: str, path: Location) -> Handler:
        async def refuse(call: Call) -> Reply:
            had = len(self._draws.taken(key_prefix(call.request, endpoint)))
            held = "no answer" if not had else f"only {had} answer{'' if had == 1 else 's'}, all taken,"
            raise OfflineError(
                f"the cache in {shown(path)} has {held} for a call of {call.request.model!r} to {endpoint}; nothing "
                f"was sent and nothing billed.\n  at {call.scope}, draw {call.draw}\n  asked: {_asked(call.request)}\n"
                "Calls that failed, answers that a budget cut short, and those of models with caching=False are never "
                "in the cache. Run the script live once more, where only what is missing is billed, and try again; or "
                "record with `synalinks run SCRIPT --cassette CASSETTE`, where the whole run is billed"
            )

        return refuse


def _asked(request: Request) -> str:
    """The end of what was asked, in one line."""
    if request.kind == "embed":
        text = f"{len(request.texts)} text{'' if len(request.texts) == 1 else 's'}, the first: {request.texts[0]}"
    else:
        content = request.messages[-1].get("content") if request.messages else ""
        text = content if isinstance(content, str) else _json.dumps(content)
    line = " ".join(text.split())
    if request.kind == "embed" or len(line) <= _SHOWN:
        return line[:_SHOWN]
    return "..." + line[-_SHOWN:]
