"""The models that a stand-in server has, and what `/api/tags`, `/api/ps` and `/api/show` say of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isinf
from typing import Any

from synalinks.testing.fake_models import words as _words
from synalinks.testing.fake_server.dialect import CONTEXT_LENGTH, RefusalError, digest_of

CAPABILITIES = ("completion", "tools", "thinking", "embedding")
#: Seconds until a model that is kept for ever is unloaded, as a real server says it: 290 years.
FOR_EVER = 290 * 365 * 86_400
_EPOCH = "2026-01-01T00:00:00Z"


def tagged(name: str) -> str:
    """A model's full name: `llama3.2` is `llama3.2:latest`."""
    return name if ":" in name.rpartition("/")[2] else name + ":latest"


class Shelf:
    """The models a server has, with what each can do; an open shelf has every model.

    Args:
        models: names, or name -> capabilities (of `CAPABILITIES` and "vision"); None for an open shelf.
        library: models that can be pulled, with their sizes in bytes.
    """

    def __init__(
        self,
        models: Collection[str] | Mapping[str, Sequence[str]] | None,
        library: Mapping[str, int] | None = None,
    ) -> None:
        self.open = models is None
        if models is None:
            models = ("stand-in",)
        pairs = models.items() if isinstance(models, Mapping) else ((name, CAPABILITIES) for name in models)
        self.models = {tagged(name): tuple(abilities) for name, abilities in pairs}
        self._library = {tagged(name): size for name, size in (library or {}).items()}

    def abilities(self, body: Mapping[str, Any], missing: str = "model '{}' not found") -> Sequence[str]:
        """What the model a request names can do.

        Raises:
            RefusalError: 400 without a name, 404 for a model that is not there.
        """
        name = body.get("model") or body.get("name")
        if not name:
            raise RefusalError(400, "model is required")
        found = self.models.get(tagged(str(name)))
        if found is None:
            if not self.open:
                raise RefusalError(404, missing.format(name))
            return CAPABILITIES
        return found

    def size_to_pull(self, name: str) -> int | None:
        """Bytes of a model that can be pulled, or None; an open shelf has all models, without any bytes."""
        return self._library.get(name, 0 if self.open or name in self.models else None)

    def add(self, name: str) -> None:
        """Put a model that was pulled on the shelf."""
        self.models.setdefault(name, CAPABILITIES)

    def listing(self) -> list[dict[str, Any]]:
        """The entries of `/api/tags`."""
        return [
            self._entry(name) | {"modified_at": _EPOCH, "capabilities": abilities}
            for name, abilities in self.models.items()
        ]

    def in_memory(self, names: Mapping[str, float]) -> list[dict[str, Any]]:
        """The entries of `/api/ps`.

        Args:
            names: the models in memory, with the seconds until each is unloaded.
        """
        entries = []
        for name, left in names.items():
            end = datetime.now(UTC) + timedelta(seconds=FOR_EVER if isinf(left) else left)
            more = {"expires_at": end.isoformat(), "size_vram": 0, "context_length": CONTEXT_LENGTH}
            entries.append(self._entry(name) | more)
        return entries

    def _entry(self, name: str) -> dict[str, Any]:
        size, digest = self._library.get(name, 0), digest_of(name)
        return {"name": name, "model": name, "size": size, "digest": digest, "details": details()}


def details() -> dict[str, Any]:
    """What `/api/tags` and `/api/show` say of a model: that it is a rule and has no parameters."""
    return {
        "parent_model": "",
        "format": "rule",
        "family": "stand-in",
        "families": ["stand-in"],
        "parameter_size": "0",
        "quantization_level": "",
    }


def show(abilities: Sequence[str]) -> dict[str, Any]:
    """The answer of `/api/show`."""
    return {
        "modelfile": "# A rule, not a language model",
        "parameters": f"num_ctx                        {CONTEXT_LENGTH}",
        "template": "{{ .Prompt }}",
        "details": details(),
        "model_info": {
            "general.architecture": "stand-in",
            "general.parameter_count": 0,
            "stand-in.context_length": CONTEXT_LENGTH,
            "stand-in.embedding_length": _words.DIMENSIONS,
        },
        "capabilities": abilities,
        "modified_at": _EPOCH,
    }
