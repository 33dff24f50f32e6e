"""Options of requests that the table of prices does not price, or that no bound can be put on beforehand.

The table holds the standard prices. Sources, all of November 2026: OpenAI's pages "Fast mode" (priority processing,
2 to 2.5 times the standard prices by model) and "Flex processing" (half); Anthropic's page "Pricing" (fast mode,
data residency at 1.1 times, web search by the search); Groq's and Gemini's pages on service tiers. The factors differ
by model and change, so a request outside the standard is unpriced until `set_price` says what its model costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from synalinks.lm.core.call import Request

#: Options that change the price, and their values that don't: those of the standard tier, and of leaving it to the
#: account (`auto`), which is the same as saying nothing.
STANDARD: Mapping[str, frozenset[str]] = {
    "servicetier": frozenset({"auto", "default", "standard", "standard_only", "on_demand", "unspecified"}),
    "speed": frozenset({"standard"}),
    "inferencegeo": frozenset({"global"}),
    "modalities": frozenset({"text"}),
    "responsemodalities": frozenset({"text"}),
}
#: Options under which the provider calls other services, or reads what is kept there: neither their tokens nor their
#: price follow from the request.
OPEN_ENDED = frozenset(
    {
        "websearchoptions",
        "searchparameters",
        "plugins",
        "mcpservers",
        "cachedcontent",
        "previousresponseid",
        "container",
    }
)
#: Options that ask for several answers at once.
ANSWERS = frozenset({"n", "bestof", "candidatecount"})
#: Objects of options whose content goes into the body like other options.
INNER = frozenset({"extrabody", "generationconfig", "config"})
#: Types of tools that the caller runs: Anthropic's carry a date behind the name.
CLIENT_TOOLS = ("function", "custom", "bash_", "text_editor_", "computer_", "memory_")


def is_plain(request: Request) -> bool:
    """Whether the request has none of the options of this file. Most have none, and this check is quick."""
    return not (request.tools or _affects_price(tuple(request.options)) or request.model.endswith(":online"))


def beyond_the_table(request: Request) -> str | None:
    """The option of a request that has another price than the table's, as it is written there, or None."""
    for name, value in _settings(request.options):
        usual = STANDARD.get(_plain(name))
        if usual is None or value is None:
            continue
        said = value if isinstance(value, (list, tuple)) else [value]
        if any(str(one).lower() not in usual for one in said):
            return f"{name}={value!r}"
    return None


def open_ended(request: Request) -> str | None:
    """The option of a request that no bound can be put on, as it is written there; None if there is none."""
    for name, value in _settings(request.options):
        if value and _plain(name) in OPEN_ENDED:
            return f"{name}=..."
    for tool in request.tools:
        kind = tool.get("type")
        if kind is not None and not str(kind).startswith(CLIENT_TOOLS):
            return f"the tool {str(kind)!r}"
        if kind is None and not ({"name", "function"} & tool.keys()):
            return f"the tool {next(iter(tool), '')!r}"
    if request.model.startswith("openrouter/") and request.model.endswith(":online"):
        return "web search (':online')"
    return None


def answers_requested(request: Request) -> int:
    """How many answers are asked for at once; each has its own tokens."""
    counts = [value for name, value in _settings(request.options) if _plain(name) in ANSWERS and isinstance(value, int)]
    return max([1, *counts])


def _settings(options: Mapping[str, object]) -> Iterable[tuple[str, Any]]:
    """The options that may matter here, those inside other options too."""
    return _flat(options) if _affects_price(tuple(options)) else ()


@lru_cache(maxsize=1024)
def _affects_price(names: tuple[str, ...]) -> bool:
    """Whether one of these names does; calls come by the thousand, with the same few names."""
    known = STANDARD.keys() | OPEN_ENDED | INNER | ANSWERS
    return any(_plain(name) in known for name in names)


def _flat(options: Mapping[str, object]) -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        if _plain(name) in INNER and isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
