"""The size of a model that is not pulled, by its name."""

from __future__ import annotations

import pytest

from synalinks.lm.providers.ollama.sizes import download_size, pull_advice

#: Names of Ollama's library and the sizes that its pages state, in GB.
LIBRARY = {
    "llama3.1:8b": 4.9,
    "llama3.1:70b": 43.0,
    "qwen3:8b": 5.2,
    "qwen3:0.6b": 0.5,
    "phi4:14b": 9.1,
    "llama3.1:8b-instruct-q8_0": 8.5,
    "llama3.1:8b-instruct-fp16": 16.0,
    "hf.co/someone/some-model:7b": 4.4,
    "smollm2:135m-instruct-q8_0": 0.145,
}


@pytest.mark.parametrize("name", LIBRARY)
def test_it_is_within_a_third_of_what_is_downloaded(name: str) -> None:
    assert download_size(name) == pytest.approx(LIBRARY[name] * 1e9, rel=0.33)


@pytest.mark.parametrize("name", ["llama3.2", "llama3.2:latest", "gpt-oss:cloud", "m:v2b", "some-8b-model"])
def test_where_the_tag_says_nothing_it_is_not_known(name: str) -> None:
    assert download_size(name) is None and pull_advice(name) == f"`ollama pull {name}`"


def test_the_command_has_it() -> None:
    assert pull_advice("qwen3:8b") == "`ollama pull qwen3:8b` (about 4.9 GB)"
