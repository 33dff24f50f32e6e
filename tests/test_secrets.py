"""What looks like a key is never printed."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

from synalinks import errors
from synalinks.lm.cassette.rows import error_to_dict
from synalinks.lm.core import secrets
from synalinks.lm.core.call import Call, Request
from synalinks.lm.core.secrets import SECRETS, SHORT, brief, keep_secret, scrubbed
from synalinks.lm.providers import make, resolve

KEYS = [
    "sk-proj-****************abcd",
    "sk-proj-" + "a1B2" * 8,
    "sk-ant-api03-" + "x" * 30,
    "gsk_" + "a" * 40,
    "xai-" + "b" * 40,
    "AIza" + "c" * 35,
    "hf_" + "d" * 34,
    "ghp_" + "e" * 36,
    "AKIA" + "F" * 16,
    "xoxb-1234567890-abc",
    "-----BEGIN RSA PRIVATE KEY-----",
    "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12,
    "Bearer " + "t" * 24,
    "https://me:hunter2@",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_taken_out_of_a_text(key: str) -> None:
    assert scrubbed(f"the server said: {key} is wrong").count(key) == 0
    assert "<secret>" in scrubbed(f"x {key} y")


def test_every_form_has_an_example() -> None:
    assert len(KEYS) >= len(SECRETS)
    assert all(any(pattern.search(f" {key} ") for key in KEYS) for pattern in SECRETS.values())


@pytest.mark.parametrize("text", ["sk-1", "a task-oriented answer", "https://api.openai.com:443/v1", "hf_small"])
def test_what_only_resembles_one_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_an_error_in_brief_is_one_short_line_without_keys() -> None:
    said = brief(ValueError(f"bad key {KEYS[0]}\n  try   again"))
    assert said == "bad key <secret> try again"
    assert len(brief(ValueError("x" * 1000))) == SHORT
    assert brief(ValueError()) == "ValueError"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys in use but the test's own."""
    monkeypatch.setattr(secrets, "_known", ())


@pytest.mark.usefixtures("known")
def test_a_key_in_use_is_taken_out_whatever_it_looks_like() -> None:
    keep_secret("correct-horse", None, "")
    assert (
        scrubbed("the key correct-horse is wrong: Bearer correct-horse") == "the key <secret> is wrong: Bearer <secret>"
    )


@pytest.mark.usefixtures("known")
def test_of_a_key_that_begins_with_another_nothing_is_left() -> None:
    for number in range(20):
        keep_secret(f"a-key-{number}", f"a-key-{number}-of-mine")
    assert scrubbed("a-key-7-of-mine") == "<secret>"


@pytest.mark.usefixtures("known")
def test_texts_are_scrubbed_while_another_thread_keeps_keys() -> None:
    other = threading.Thread(target=lambda: [keep_secret(f"a-key-{number}") for number in range(400)])
    other.start()
    while other.is_alive():
        scrubbed("nothing")
    other.join()
    assert scrubbed("a-key-399") == "<secret>"


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("key", ["k", "ke", "key", "ollama", "EMPTY", "model-x"])
def test_a_short_key_does_not_tear_words(key: str) -> None:
    keep_secret(key)
    text = "12 tokens of ollama/model-x; EMPTY keys are kept"
    assert scrubbed(text) == text


@pytest.mark.usefixtures("known")
def test_a_key_that_a_server_repeats_is_on_no_cassette_and_in_no_ledger() -> None:
    async def main() -> tuple[str, str]:
        def refuse(request: httpx.Request) -> httpx.Response:
            return httpx.Response(400, json={"error": {"message": f"who is {request.headers['authorization']}?"}})

        handler = make(resolve("groq/m")[0], api_key="an-unusual-key", transport=httpx.MockTransport(refuse))
        request = Request("chat", "groq/m", messages=[{"role": "user", "content": "x"}])
        with pytest.raises(errors.LMError) as caught:
            await handler(Call(request))
        raw = errors.RequestError("an-unusual-key")  # from a layer or provider of another package
        return str(caught.value), str(error_to_dict(raw)) + brief(raw)

    for text in asyncio.run(main()):
        assert "an-unusual-key" not in text and "<secret>" in text
