"""LexicalSimilarity: the similarity of inputs by the rare words they share. It takes no model call.

The similarity of two inputs is the weight of the words they share, over the geometric mean of the weights of all words
of each: the cosine of binary vectors. A word weighs its rarity, log((n + 1) / (holders + 1)) (Spärck Jones 1972), so
that words that every input holds weigh nothing, and templates and formats don't make inputs alike. That is once, not
squared as in the cosine of TF-IDF vectors, in which words that a large part of the inputs share hardly count.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from synalinks import _json
from synalinks._json import Json

if TYPE_CHECKING:
    import numpy as np

WORD = re.compile(r"\w+")
#: Characters of one value that are read; what is longer is a file rather than a question.
READ = 10_000
#: Inputs whose vectors and similarities are kept; more than the predictions a variable keeps.
REMEMBERED = 256
#: Inputs that examples are to cover, and examples to choose from: at most so many, drawn.
LOOKED_AT = 400

Vector = Mapping[str, float]
T = TypeVar("T")


def words(value: Any) -> list[str]:
    """The words in the values of any JSON, in lower case; keys are not read."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [word for item in value for word in words(item)]
    return [] if value is None else WORD.findall(str(value)[:READ].lower())


class LexicalSimilarity:
    """The similarity in [0, 1] of any input to a fixed set of inputs, and of any two.

    The index (places and weights of each word) is made once; the vector of an input, and its similarity to the set, are
    worked out once and kept, up to `REMEMBERED` inputs, of which the one used longest ago goes first.

    Args:
        inputs: the set, JSON. How rare a word is, is counted here; one input alone has no rare words.
    """

    def __init__(self, inputs: Sequence[Json]) -> None:
        import numpy as np  # only training needs it

        held = [dict.fromkeys(words(value)) for value in inputs]  # in order, so that sums are the same in any process
        holders = Counter(word for one in held for word in one)
        self.size = len(held)
        self._rarity = {word: math.log((self.size + 1) / (count + 1)) for word, count in holders.items()}
        found: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        self._places: dict[bytes, list[int]] = defaultdict(list)
        for place, (value, own) in enumerate(zip(inputs, held, strict=True)):
            self._places[_json.canonical(value)].append(place)
            for word, weight in self._unit(own).items():
                found[word][0].append(place)
                found[word][1].append(weight)
        self._holders = {word: (np.array(places), np.array(weights)) for word, (places, weights) in found.items()}
        self._vectors: dict[bytes, Vector] = {}
        self._to_all: dict[bytes, Any] = {}

    def _unit(self, held: Iterable[str]) -> dict[str, float]:
        unheard = math.log(self.size + 1)
        rarity = {word: self._rarity.get(word, unheard) for word in held}
        whole = math.fsum(rarity.values())
        return {word: math.sqrt(one / whole) for word, one in rarity.items() if one}

    def vector(self, value: Json) -> Vector:
        """The unit vector of an input, by word; empty where no word is rarer than the others."""
        return _kept(self._vectors, _json.canonical(value), lambda: self._unit(dict.fromkeys(words(value))))

    def to_all(self, value: Json) -> Any:
        """The similarity of an input to each of the set, `(size,)`; 0 to itself."""
        name = _json.canonical(value)
        return _kept(self._to_all, name, lambda: self._similarities(name, self.vector(value)))

    def _similarities(self, name: bytes, vector: Vector) -> Any:
        import numpy as np  # only training needs it

        shared = [(weight, *holders) for word, weight in vector.items() if (holders := self._holders.get(word))]
        if not shared:
            return np.zeros(self.size)
        own, places, weights = zip(*shared, strict=True)
        products = np.repeat(own, [len(some) for some in places]) * np.concatenate(weights)
        # adds one after another, so word by word
        found = np.bincount(np.concatenate(places), products, self.size)
        found[self._places.get(name, [])] = 0.0
        return found

    def coverage(self, values: Sequence[Any]) -> float:
        """The mean similarity of the set to the nearest of some inputs; 0 without any."""
        import numpy as np  # only training needs it

        if not values or not self.size:
            return 0.0
        return float(np.max([self.to_all(value) for value in values], axis=0).mean())


def looked_at(items: Sequence[T], rng: np.random.Generator) -> list[T]:
    """All items or, of more than `LOOKED_AT`, so many drawn ones; in their order."""
    if len(items) <= LOOKED_AT:
        return list(items)
    return [items[int(i)] for i in sorted(rng.permutation(len(items))[:LOOKED_AT])]


def _kept(known: dict[bytes, T], name: bytes, make: Callable[[], T]) -> T:
    """A value worked out before, or now; the one used longest ago goes first."""
    value = known.pop(name, None)
    known[name] = made = make() if value is None else value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
    return made


def cosine(one: Vector, other: Vector) -> float:
    """The similarity of two inputs, by their vectors."""
    return math.fsum([weight * other[word] for word, weight in one.items() if word in other])


def cover(similarity: Any, worth: Sequence[float], order: Sequence[int], count: int) -> list[int]:
    """Which items together come nearest to all inputs: the greedy solution of facility location.

    The sum over inputs of the similarity to the nearest chosen item, times that item's worth, is monotone and
    submodular, so that taking the best next item gets at least 63 % of what the best set would (Nemhauser, Wolsey &
    Fisher 1978). For few-shot examples: Liu et al. 2022 (arXiv:2101.06804) find near ones better, Gupta et al. 2023
    (arXiv:2305.14907) choose sets by what they cover.

    Args:
        similarity: `(inputs, items)`.
        worth: of each item, in [0, 1].
        order: of all items; the first among equals is taken.
        count: how many to choose.
    """
    import numpy as np  # only training needs it

    value = np.asarray(similarity)[:, list(order)] * np.asarray([worth[i] for i in order])
    reached = np.zeros(len(value))
    chosen: list[int] = []
    for _ in range(count):
        gain = np.maximum(value, reached[:, None]).sum(axis=0) - reached.sum()
        gain = np.round(gain, 9)  # what differs by rounding only is equal
        gain[chosen] = -1.0
        best = int(np.argmax(gain))
        chosen.append(best)
        reached = np.maximum(reached, value[:, best])
    return [order[i] for i in chosen]
