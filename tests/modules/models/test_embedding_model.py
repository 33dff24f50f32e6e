"""EmbeddingModel: texts in, float32 vectors out, each text asked for once."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import Any

import pytest

import synalinks
from synalinks.errors import CassetteMiss, ConfigurationError, RequestError, ServerError
from synalinks.lm.blocks import use_cassette, use_provider
from synalinks.lm.core.call import Call, Reply, Usage


class Texts(synalinks.DataModel):
    texts: list[str]


class Text(synalinks.DataModel):
    text: str


class Embedder:
    """Vectors that no short decimal notation would keep."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def __call__(self, call: Call) -> Reply:
        self.asked.append(call.request.texts)
        vectors = tuple(struct.pack("<3f", len(text) / 3, 0.1, 1e-45) for text in call.request.texts)
        return Reply(vectors=vectors, usage=Usage(input_fresh=len(vectors)))


def model(**more: Any) -> synalinks.EmbeddingModel:
    return synalinks.EmbeddingModel("ollama/e", retry=1, **more)


@pytest.mark.parametrize("inputs", [Texts(texts=["a", "bbb"]), {"texts": ["a", "bbb"]}, ["a", "bbb"], ("a", "bbb")])
def test_texts_in_any_form_give_a_vector_each(inputs: Any) -> None:
    with use_provider(Embedder()):
        found = asyncio.run(model()(inputs))
    assert [list(struct.unpack("<3f", struct.pack("<3f", *row))) for row in found.get_json()["embeddings"]] == [
        list(struct.unpack("<3f", struct.pack("<3f", size / 3, 0.1, 1e-45))) for size in (1, 3)
    ]


def test_one_text_or_none() -> None:
    with use_provider(Embedder()) as embedder:
        assert len(asyncio.run(model()(Text(text="abc"))).get_json()["embeddings"]) == 1
        assert asyncio.run(model()(None)) is None
        assert asyncio.run(model().embed([])) == []
    assert len(embedder.asked) == 1


@pytest.mark.parametrize("inputs", [{"texts": [1]}, {"question": "x"}, 7])
def test_what_is_no_list_of_texts_is_refused(inputs: Any) -> None:
    with pytest.raises(ConfigurationError, match="a list of strings"):
        asyncio.run(model()(inputs))


def test_a_repeated_text_is_sent_once_and_float32_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "cassette.jsonl"
    with use_provider(Embedder()) as embedder, use_cassette(path):
        first = asyncio.run(model().embed(["a", "bb", "a"]))
        second = asyncio.run(model().embed(["bb", "ccc"]))
    assert embedder.asked == [("a", "bb"), ("ccc",)]
    with use_cassette(path, record_mode="none"):
        assert asyncio.run(model().embed(["ccc", "a"])) == [second[1], first[0]]  # type: ignore[index]
        with pytest.raises(CassetteMiss):
            asyncio.run(model().embed(["dddd"]))
    assert first is not None
    assert first[0].typecode == "f"
    assert first[0] == first[2]


def test_a_failing_provider_is_none_then_the_fallback_then_an_error() -> None:
    async def broken(call: Call) -> Reply:
        if call.request.model == "ollama/e":
            raise ServerError("busy")
        return Reply(vectors=(b"\0\0\0\0",))

    with use_provider(broken):
        with pytest.warns(synalinks.LMWarning, match="ollama/e"):
            assert asyncio.run(model().embed(["x"])) is None
        assert len(asyncio.run(model(fallback="ollama/f").embed(["x"]))) == 1  # type: ignore[arg-type]
        with pytest.raises(ServerError):
            asyncio.run(model(on_error="raise").embed(["x"]))
        with pytest.raises(ServerError):
            asyncio.run(model(on_error="raise", fallback="ollama/e").embed(["x"]))


def test_a_wrong_program_raises() -> None:
    async def refusing(call: Call) -> Reply:
        raise RequestError("no such option")

    with use_provider(refusing), pytest.raises(RequestError):
        asyncio.run(model().embed(["x"]))


@pytest.mark.parametrize("option", ["token", "headers", "Authorization"])
def test_no_key_gets_among_the_options(option: str) -> None:
    """Options are kept on cassettes, in the cache and in saved programs."""
    for cls in (synalinks.EmbeddingModel, synalinks.LanguageModel):
        with pytest.raises(ConfigurationError, match="environment"):
            cls("ollama/e", **{option: "secret"})
    with pytest.raises(ConfigurationError, match="environment"):
        asyncio.run(model().embed(["x"], {option: "secret"}))
