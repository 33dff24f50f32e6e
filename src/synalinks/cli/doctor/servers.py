"""Servers on one's own machines: where they may be, and what they say of themselves and their models."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synalinks.cli.table import size
from synalinks.lm.providers import Spec, bases_of, endpoint_of, is_loopback, key_of, resolve
from synalinks.lm.providers.openai.provider import slots_in

if TYPE_CHECKING:
    import httpx


#: What Python puts before the words of an error of the operating system.
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
#: How long, in seconds, a server may take to say what it is.
PATIENCE = 2.0
#: Where servers listen that no variable names, by the prefix of their models: vLLM, llama.cpp, LM Studio. One that does
#: not answer is not shown.
USUAL = (
    ("hosted_vllm", "http://127.0.0.1:8000/v1"),
    ("llama_cpp", "http://127.0.0.1:8080/v1"),
    ("openai", "http://127.0.0.1:1234/v1"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server may be.

    Attributes:
        spec: the provider whose API it has.
        wanted: names of models that it should have.
        variable: the environment variable that names it, or None.
        expected: whether it is a finding that nothing answers there.
    """

    spec: Spec
    endpoint: str
    wanted: tuple[str, ...] = ()
    variable: str | None = None
    expected: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """A model as its server lists it.

    Attributes:
        size: bytes on disk. parameters, quantization: in the server's words. context: the most tokens it can read.
    """

    name: str
    size: int = 0
    parameters: str = ""
    quantization: str = ""
    context: int = 0

    def __str__(self) -> str:
        parameters = "" if self.parameters == "0" else self.parameters
        known = [parameters, self.quantization, size(self.size) if self.size else ""]
        known.append(f"context {self.context:,}" if self.context else "")
        return self.name + (f" ({', '.join(filter(None, known))})" if any(known) else "")


@dataclass(frozen=True, slots=True)
class Server:
    """A server on its own machine, as it answered.

    Attributes:
        version: as it says itself; None if it does not say.
        models: those it has; None if it would not say.
        problem: why it is no use, or None.
        slots: calls that it answers at once; None if it does not say.
    """

    endpoint: str
    version: str | None = None
    models: tuple[Facts, ...] | None = None
    problem: str | None = None
    slots: int | None = None

    def find(self, model: str) -> Facts | None:
        """A model that it has; Ollama takes a name without a tag for `:latest`."""
        return next((one for one in self.models or () if one.name in (model, f"{model}:latest")), None)

    def has(self, model: str) -> bool:
        """Whether a model is there, or may be."""
        return self.models is None or self.find(model) is not None


def places(specs: Sequence[Spec], wanted: Sequence[tuple[Spec, str, str]]) -> Iterator[Place]:
    """Where to look: at the servers of the models named and of the environment; without models also at usual ports.

    Args:
        specs: all providers.
        wanted: the models named, each with its provider, its name there, and its whole name.
    """

    seen = set()
    for spec in specs:
        models = tuple(name for asked, name, _ in wanted if asked is spec)
        variable = next((name for name in spec.base_env if os.environ.get(name)), None)
        own = spec.local and bool(spec.endpoint)
        for endpoint in [endpoint_of(spec, base) for base in bases_of(spec)]:
            if not own and (variable is None or not is_loopback(endpoint)):
                continue
            if models or (not wanted and (variable is not None or spec.prefix == "ollama")):
                seen.add(endpoint)
                yield Place(spec, endpoint, models, variable)
    for prefix, endpoint in USUAL:
        if not wanted and endpoint not in seen:
            spec = next(spec for spec in specs if spec.prefix == prefix)
            yield Place(spec, endpoint, expected=False)


def client_of(endpoint: str, key: str | None, timeout: float) -> httpx.Client:
    """A client of a server, which sends a key as a bearer token; one of this machine is not reached by a proxy.

    Args:
        timeout: seconds of each step of an exchange.
    """
    import httpx  # 80 ms, and most commands do without it

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(headers=headers, timeout=timeout, trust_env=not is_loopback(endpoint))


def query_server(spec: Spec, endpoint: str, key: str | None, loaded: bool = False) -> Server:
    """What a server says of itself; a server that can't be used has a `problem`.

    Args:
        spec: the provider whose API it has.
        endpoint: its URL.
        key: sent as a bearer token.
        loaded: whether only the models that Ollama has in memory are wanted.
    """
    import httpx  # 80 ms, and most commands do without it

    try:
        with client_of(endpoint, key, PATIENCE) as client:
            if spec.prefix == "ollama":
                version = _json(client.get(f"{endpoint}/api/version")).get("version")
                tags = _json(client.get(f"{endpoint}/api/{'ps' if loaded else 'tags'}"))
                return Server(endpoint, version, _models(tags, "models", "name", _native))
            models = _models(_json(client.get(f"{endpoint}/models")), "data", "id", _listed)
            slots = _slots(client, endpoint) if spec.prefix == "llama_cpp" else None
            return Server(endpoint, models=models, slots=slots)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (401, 403):
            return Server(endpoint, problem=f"answers {status}: set {' or '.join(spec.key_env)}")
        return Server(endpoint, problem=f"answers {status}; it may be another kind of server")
    except httpx.TimeoutException:
        return Server(endpoint, problem=f"no answer in {PATIENCE:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = _ERRNO.sub("", str(error)) or type(error).__name__
        return Server(endpoint, problem=f"no answer ({reason})")
    except ValueError:
        return Server(endpoint, problem="answers with something that is not JSON; it may be another kind of server")


def in_memory(servers: Iterable[tuple[str, str]], names: Collection[str]) -> list[Facts]:
    """What is known of models that were called, from the servers that have them in memory: their quantisation, and the
    context that they were loaded with.

    Args:
        servers: by the prefix of their models and their URL; those of Ollama and llama.cpp are looked at.
        names: of models, with their prefix.
    """

    found: list[Facts] = []
    for prefix, endpoint in sorted(servers):
        if prefix in ("ollama", "llama_cpp"):
            spec = resolve(f"{prefix}/m")[0]
            wanted = [resolve(name)[1] for name in names if resolve(name)[0] is spec]
            server = query_server(spec, endpoint, key_of(spec), loaded=True)
            found += [facts for name in wanted if (facts := server.find(name)) is not None]
    return sorted(set(found), key=str)


def _models(
    listed: dict[str, Any], field: str, name: str, read: Callable[[dict[str, Any]], Facts]
) -> tuple[Facts, ...] | None:
    """The models of a list, by name; None where it is none."""
    rows = listed.get(field)
    if not isinstance(rows, list):
        return None
    found = [read(row) for row in rows if isinstance(row, dict) and isinstance(row.get(name), str)]
    return tuple(sorted(found, key=lambda model: model.name))


def _native(row: dict[str, Any]) -> Facts:
    """A model of Ollama's `/api/tags`, or of `/api/ps`, which has the context that it was loaded with."""
    details = _object(row.get("details"))
    return Facts(
        row["name"],
        _count(row.get("size")),
        str(details.get("parameter_size") or ""),
        str(details.get("quantization_level") or ""),
        _count(row.get("context_length")) or _count(details.get("context_length")),
    )


def _listed(row: dict[str, Any]) -> Facts:
    """A model of `/v1/models`; llama.cpp and vLLM have facts of it there, too."""
    meta = _object(row.get("meta"))
    context = _count(row.get("max_model_len")) or _count(meta.get("n_ctx_train"))
    return Facts(row["id"], _count(meta.get("size")), context=context)


def _slots(client: httpx.Client, endpoint: str) -> int | None:

    response = client.get(f"{endpoint.removesuffix('/v1')}/props")
    return slots_in(response.json()) if response.is_success else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _json(response: httpx.Response) -> dict[str, Any]:
    """The object that a server answered with.

    Raises:
        httpx.HTTPStatusError: it answered with an error.
        ValueError: it is no object.
    """
    response.raise_for_status()
    value = response.json()
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
