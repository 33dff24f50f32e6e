from __future__ import annotations

from enum import Enum

import pytest

from synalinks.data import FineScore, Rating, Rating10, Rating20, Score, get_score_type, normalize_score
from synalinks.data.models.embedding import Embedding, Embeddings, is_embedded, is_embedding, is_embeddings
from synalinks.data.models.generic import GenericIO, Stamp, is_stamped
from synalinks.errors import ConfigurationError


def test_sizes() -> None:
    assert [len(scale) for scale in (Score, FineScore, Rating, Rating10, Rating20)] == [11, 21, 5, 10, 20]


def test_get_score_type() -> None:
    assert get_score_type(None) is Score is get_score_type("score")
    assert get_score_type("FineScore") is get_score_type("fine_score") is FineScore
    assert get_score_type("rating_10") is get_score_type(Rating10) is Rating10
    for wrong in ("stars", int, Enum("Words", {"A": "a", "B": "b"})):
        with pytest.raises(ConfigurationError, match="no score scale"):
            get_score_type(wrong)


def test_normalize_score() -> None:
    assert normalize_score(0.7, Score) == 0.7
    assert [normalize_score(n, "rating") for n in (1, 3, 5)] == [0.0, 0.5, 1.0]
    assert normalize_score(Rating20.TWENTY, Rating20) == 1.0
    for wrong in (6, "good", True, float("nan")):
        with pytest.raises(ConfigurationError, match="from 1 to 5"):
            normalize_score(wrong, Rating)


def test_other_models() -> None:
    assert is_stamped(Stamp()) and not is_stamped(GenericIO)
    assert is_embedding(Embedding()) and is_embedded(GenericIO + Embedding) and is_embeddings(Embeddings)
