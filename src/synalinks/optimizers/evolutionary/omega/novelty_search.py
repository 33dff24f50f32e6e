"""Dominated novelty search: a candidate is dropped if a better one is too near it.

Source: Dominated Novelty Search, arXiv 2502.00593, in the form that programs written for OMEGA rely on: c is dominated
if some o with a higher reward lies within 1 / k of it. New candidates and the pool are treated alike, so that a
significantly better descendant replaces its ancestor, and the next epoch's parents are the best known.
"""

from __future__ import annotations

import base64
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synalinks._json import JsonObject
from synalinks.data import tree
from synalinks.errors import ConfigurationError
from synalinks.optimizers.candidates import Candidate

if TYPE_CHECKING:
    from synalinks.modules import EmbeddingModel

Distance = Callable[..., float | Awaitable[float]]
#: Descriptors whose vectors are kept between epochs; at 1,536 float32 numbers each, 12 MB.
REMEMBERED = 2048
#: The text of a candidate whose fields are empty: embedding models refuse an empty text.
EMPTY = "(empty)"


def descriptor(candidate: Candidate) -> str:
    """The text that describes a candidate: its learnable fields, without scores and examples."""
    values = (str(leaf) for leaf in tree.flatten(candidate.learnable) if leaf is not None)
    return "\n".join(text for text in values if text) or EMPTY


class Descriptors:
    """Embeddings of descriptors, each text embedded once; beyond `REMEMBERED` the ones used longest ago go."""

    def __init__(self) -> None:
        self._known: JsonObject = {}

    async def of(self, pooled: Sequence[Candidate], model: EmbeddingModel) -> Any:
        """Unit vectors of candidates, float32 `(n, dimensions)`.

        New texts are embedded in one batched request: at most one text per candidate. None if that failed for good.
        """
        import numpy as np  # only training needs it

        texts = [descriptor(candidate) for candidate in pooled]
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            vectors = await model.embed(new)
            if vectors is None:
                return None
            self._known.update((text, _unit(vector)) for text, vector in zip(new, vectors, strict=True))
        found = np.stack([self._known[text] for text in texts])
        for text in dict.fromkeys(texts):
            self._known[text] = self._known.pop(text)
        while len(self._known) > max(REMEMBERED, len(pooled)):
            del self._known[next(iter(self._known))]
        return found

    def get_state(self) -> dict[str, str]:
        """The embeddings by text, as JSON: float32 bytes, little-endian, in base64."""
        return {text: base64.b64encode(v.astype("<f4").tobytes()).decode() for text, v in self._known.items()}

    def set_state(self, state: Mapping[str, str]) -> None:
        """Restore the embeddings that `get_state` gave, and no others."""
        import numpy as np  # only training needs it

        self._known = {text: np.frombuffer(base64.b64decode(value), dtype="<f4") for text, value in state.items()}


def _unit(given: Sequence[float]) -> Any:
    import numpy as np  # only training needs it

    vector = np.asarray(given, dtype=np.float32)
    length = np.linalg.norm(vector)
    return vector / length if length else vector


def cosine_distance(vectors: Any) -> Any:
    """Distances (1 - cos) / 2 in [0, 1] between all pairs of unit vectors: `(n, d)` to `(n, n)`."""
    import numpy as np  # only training needs it

    return np.clip((1.0 - vectors @ vectors.T) / 2.0, 0.0, 1.0)  # one product, whatever the number of candidates


async def pairwise(pooled: Sequence[Candidate], distance: Distance, model: EmbeddingModel | None) -> Any:
    """Distances by a function of the user's, sync or async: `(n, n)`.

    Raises:
        ConfigurationError: it does not take two candidates and `embedding_model`, or gives no number of 0 or above.
    """
    import numpy as np  # only training needs it

    check_distance(distance)
    found = np.zeros((len(pooled), len(pooled)))
    saved = [candidate.to_json() for candidate in pooled]
    for i, first in enumerate(saved):
        for j in range(i):
            value = distance(first, saved[j], embedding_model=model)
            value = await value if inspect.isawaitable(value) else value
            found[i, j] = found[j, i] = _number(value)
    return found


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not number >= 0.0:
        raise ConfigurationError(f"distance_function gave {value!r}; a distance is a number, 0 or above")
    return number


def check_distance(distance: Distance) -> None:
    """Refuse a distance function of another signature.

    Raises:
        ConfigurationError: it can't be called as `distance(candidate1, candidate2, embedding_model=...)`.
    """
    if not callable(distance):
        raise ConfigurationError(f"distance_function is a function of two candidates, got {distance!r}")
    try:
        inspect.signature(distance).bind({}, {}, embedding_model=None)
    except TypeError as error:
        raise ConfigurationError(
            f"distance_function must accept (candidate1, candidate2, embedding_model=None, **kwargs): {error}"
        ) from error


def dominated_novelty_search(
    pooled: Sequence[Candidate], distances: Any, k_nearest_fitter: int, uncertainty: float = 0.0
) -> list[Candidate]:
    """The candidates without a better one within 1 / k; the best alone if that leaves none.

    Args:
        pooled: scored candidates, `(n,)`.
        distances: between them, `(n, n)`, in [0, 1].
        k_nearest_fitter: larger means a smaller radius, and so a more diverse pool.
        uncertainty: of one sample. One is better than another if its lower confidence bound is above the other's
            mean reward, so that a few lucky samples drop no candidate.
    """
    import numpy as np  # only training needs it

    means = np.array([candidate.scores.reward for candidate in pooled], dtype=np.float64)
    bounds = np.array([candidate.scores.lower_bound(uncertainty) for candidate in pooled], dtype=np.float64)
    near = distances < 1.0 / k_nearest_fitter
    better = bounds[None, :] > means[:, None]
    dominated = (near & better).any(axis=1)
    kept = [candidate for candidate, out in zip(pooled, dominated, strict=True) if not out]
    return kept or list(pooled[:1])
