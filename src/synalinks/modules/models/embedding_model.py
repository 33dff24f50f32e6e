"""EmbeddingModel: texts in, vectors out, looked up text by text."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from synalinks.data import EmbeddingRequest, Embeddings, JsonDataModel, SymbolicDataModel, is_data_model, value_of
from synalinks.errors import ConfigurationError, LMError
from synalinks.hooks import any_everywhere, hooked
from synalinks.lm import Request
from synalinks.modules.models.remote_model import RemoteModel


class EmbeddingModel(RemoteModel):
    """A model that turns texts into vectors. Arguments: see `RemoteModel`; options such as `dimensions`.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> model = synalinks.EmbeddingModel("ollama/all-minilm")
        >>> with synalinks.use_provider(ScriptedProvider([[[0.5, 1.0], [0.25, 0.0]]])):
        ...     answer = asyncio.run(model(["one text", "another"]))
        >>> answer.get("embeddings")
        [[0.5, 1.0], [0.25, 0.0]]
    """

    setting: ClassVar[str] = "embedding_model"
    kind: ClassVar[Literal["chat", "embed"]] = "embed"
    hooks_requests: ClassVar[bool] = True
    example: ClassVar[str] = "ollama/all-minilm"

    async def call(self, inputs: Any, **options: Any) -> JsonDataModel | None:
        """Embed the `texts` (or `text`) of a data model; returns `Embeddings`."""
        if inputs is None:
            return None
        value = value_of(inputs) if isinstance(inputs, JsonDataModel) or is_data_model(inputs) else inputs
        texts = value.get("texts", value.get("text")) if isinstance(value, Mapping) else value
        if isinstance(texts, str):
            texts = [texts]
        if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
            raise ConfigurationError(f"{self.name}: give a data model with `texts`, a list of strings; got {value!r}")
        return self._embeddings(await self.embed(texts, options))

    def _embeddings(self, vectors: list[array[float]] | None) -> JsonDataModel | None:
        """Vectors as a data model."""
        if vectors is None:
            return None
        found = {"embeddings": [vector.tolist() for vector in vectors]}
        return JsonDataModel(schema=Embeddings.get_schema(), json=found, name=f"{self.name}_response")

    async def embed(
        self,
        texts: Sequence[str],
        options: Mapping[str, Any] | None = None,
        is_fallback: bool = False,
        raises: bool = False,
    ) -> list[array[float]] | None:
        """One float32 vector per text, in order; None if the call failed for good.

        Args:
            texts: looked up text by text; those not known are sent in one request, each once.
            is_fallback: whether the call is made as the fallback of another model.
            raises: whether a failure is raised whatever the own `on_error`, as the other model's says.

        Raises:
            LMError: a wrong program; any failure where `on_error="raise"`.
        """
        if not texts:
            return []
        work = partial(self._embed, texts, options, is_fallback, raises)
        if not (self.hooks or any_everywhere()):
            return await work()
        asked = JsonDataModel(
            schema=EmbeddingRequest.get_schema(), json={"texts": [*texts]}, name=f"inputs_{self.name}"
        )
        return await hooked(self, work, (asked,), {"options": {**(options or {})}}, self._embeddings)

    async def _embed(
        self, texts: Sequence[str], options: Mapping[str, object] | None, is_fallback: bool, raises: bool
    ) -> list[array[float]] | None:
        merged = self.merged_options(options)
        request = Request("embed", self.model, texts=texts, options=merged)
        try:
            reply = await self.client.send(request, is_fallback=is_fallback)
        except LMError as error:
            if self.fallback is not None and error.fails_sample:
                raises = raises or self.on_error == "raise"
                return await self.fallback.embed(texts, options, is_fallback=True, raises=raises)
            self.handle_failure(error, raises)
            return None
        return [_vector(data) for data in reply.vectors]

    async def compute_output_spec(self, *args: Any, **kwargs: Any) -> SymbolicDataModel:
        """Embeddings."""
        return SymbolicDataModel(schema=Embeddings.get_schema())


def _vector(data: bytes) -> array[float]:
    """A vector of little-endian float32 bytes."""
    vector = array("f")
    vector.frombytes(data)
    if sys.byteorder == "big":
        vector.byteswap()
    return vector
