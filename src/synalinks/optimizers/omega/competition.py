"""The competition: a candidate goes if a better one stands too near it (Dominated Novelty Search).

Source: Dominated Novelty Search, arXiv 2502.00593, in the form that programs written for OMEGA rely on: c is dominated
if some o with a higher reward lies within 1 / k of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from synalinks.data import tree
from synalinks.errors import ConfigurationError
from synalinks.optimizers import candidates as pool
from synalinks.optimizers.candidates import Candidate

if TYPE_CHECKING:
    from synalinks.modules import EmbeddingModel

Distance = Callable[..., float | Awaitable[float]]


def descriptor_texts(candidate: Candidate) -> list[str]:
    """The texts that describe a candidate: leaves of its learnable fields, neither evidence nor examples."""
    fields = {name: value for name, value in pool.content(candidate).items() if name != "examples"}
    return [str(leaf) for leaf in tree.flatten(fields) if leaf is not None and str(leaf)]


class Descriptors:
    """Embeddings of texts, each asked for once; those of texts that are gone are forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    async def of(self, pooled: Sequence[Candidate], model: EmbeddingModel) -> Any:
        """Unit vectors of candidates: the mean of the unit vectors of their texts, float64 `(n, dimensions)`.

        New texts are embedded in one batched request. None if that failed for good.
        """
        import numpy as np  # only training needs it

        texts = [descriptor_texts(candidate) for candidate in pooled]
        wanted = list(dict.fromkeys(text for group in texts for text in group))
        new = [text for text in wanted if text not in self._known]
        if new:
            vectors = await model.embed(new)
            if vectors is None:
                return None
            self._known.update((t, _unit(np.asarray(v, dtype=np.float64))) for t, v in zip(new, vectors, strict=True))
        self._known = {text: self._known[text] for text in wanted}
        size = len(next(iter(self._known.values()))) if self._known else 1
        means = [np.mean([self._known[t] for t in group], axis=0) if group else np.zeros(size) for group in texts]
        return np.stack([_unit(mean) for mean in means])


def _unit(vector: Any) -> Any:
    import numpy as np  # only training needs it

    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def cosine_distance(vectors: Any) -> Any:
    """Distances (1 - cos) / 2 in [0, 1] between all pairs of unit vectors: `(n, d)` to `(n, n)`."""
    import numpy as np  # only training needs it

    return np.clip((1.0 - vectors @ vectors.T) / 2.0, 0.0, 1.0)


async def pairwise(pooled: Sequence[Candidate], distance: Distance, model: EmbeddingModel | None) -> Any:
    """Distances by a function of the user's, sync or async: `(n, n)`.

    Raises:
        ConfigurationError: it does not take two candidates and `embedding_model`, or gives no number.
    """
    import numpy as np  # only training needs it

    check_distance(distance)
    found = np.zeros((len(pooled), len(pooled)))
    for i, first in enumerate(pooled):
        for j in range(i):
            value = distance(first, pooled[j], embedding_model=model)
            value = await value if inspect.isawaitable(value) else value
            try:
                found[i, j] = found[j, i] = float(value)
            except (TypeError, ValueError) as error:
                raise ConfigurationError(
                    f"distance_function gave {value!r}; a distance is a number in [0, 1]"
                ) from error
    return found


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


def dominated_novelty_search(pooled: Sequence[Candidate], distances: Any, k_nearest_fitter: int) -> list[Candidate]:
    """The candidates that no better one stands within 1 / k of; the best alone if that leaves none.

    Args:
        pooled: scored candidates, `(n,)`.
        distances: between them, `(n, n)`, in [0, 1].
        k_nearest_fitter: larger means a smaller radius, and so a more diverse pool.
    """
    import numpy as np  # only training needs it

    rewards = np.array([candidate.get("reward", 0.0) for candidate in pooled], dtype=np.float64)
    near = distances < 1.0 / k_nearest_fitter
    better = rewards[None, :] > rewards[:, None]
    dominated = (near & better).any(axis=1)
    kept = [candidate for candidate, out in zip(pooled, dominated, strict=True) if not out]
    return kept or list(pooled[:1])
