"""The form of keys and passwords, and the one function that takes them out of texts."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Generic, TypeVar

#: By issuer; the forms are those of the issuers' own documentation.
SECRETS: Mapping[str, re.Pattern[str]] = {
    "a key of OpenAI, Anthropic or OpenRouter": re.compile(r"\bsk-(?:[\w-]{20,}|(?=[a-zA-Z_-]*\d)[\w-]{8,})"),
    "a key whose middle is masked": re.compile(r"\b(?:sk|pk|rk|gsk|xai|AIza)[-_]?[\w-]*\*{3,}[\w*-]*"),
    "a key of Groq": re.compile(r"\bgsk_[A-Za-z0-9]{20,}"),
    "a key of xAI": re.compile(r"\bxai-[A-Za-z0-9]{20,}"),
    "a key of Google": re.compile(r"\bAIza[A-Za-z0-9_-]{35}"),
    "a token of Hugging Face": re.compile(r"\bhf_[A-Za-z0-9]{30,}"),
    "a token of GitHub": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    "a key of AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a bearer token": re.compile(r"\b[Bb]earer (?:[\w.~+/-]{20,}|(?=[^\s\d]*\d)[\w.~+/-]{8,})=*"),
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+]*://[^\s/:@]+:[^\s/:@]{3,}@"),
}
#: Stands in a text where a secret was.
HIDDEN = "<secret>"
#: Characters of the shortest key that is taken out of texts by its value. Shorter ones, such as the `ollama` or `EMPTY`
#: that local servers are given for a key, are ordinary words too: taken out, they would tear messages
#: ("to<secret>ens").
LEAST = 8
#: Characters of an error's message that are kept beside a call.
SHORT = 300

T = TypeVar("T")
_keeping = threading.Lock()

#: Longest first: of two keys, one may begin with the other. Replaced and never changed: other threads go through it.
_known: tuple[str, ...] = ()


class Hidden(Generic[T]):
    """A value that no repr shows: tracebacks with local variables, as error trackers keep them, must not show keys."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return HIDDEN


def keep_secret(*secrets: str | None) -> None:
    """Have `scrubbed` take these values out of every text of this process from now on; None and short ones are left."""
    global _known
    found = {secret for secret in secrets if secret and len(secret) >= LEAST}
    with _keeping:
        if not found <= set(_known):
            _known = tuple(sorted({*_known, *found}, key=len, reverse=True))


def scrubbed(text: str) -> str:
    """The text with `<secret>` in place of the keys in use and of whatever looks like a key or a password.

    Everything that is printed, logged or written to a file goes through this function: messages of errors, ledgers,
    cassettes, the command line.
    """
    for secret in _known:
        text = text.replace(secret, HIDDEN)
    for pattern in SECRETS.values():
        text = pattern.sub(HIDDEN, text)
    return text


def brief(error: BaseException, most: int = SHORT) -> str:
    """What an error says, scrubbed, on one line, and cut to `most` characters."""
    text = " ".join(scrubbed(str(error)).split()) or type(error).__name__
    return text if len(text) <= most else text[: most - 3] + "..."
