"""Approximate token counts, for models whose tokenizer is not available.

Byte-pair tokenizers split a text into words, numbers and marks first, and give a common word one token, whatever its
length. So counting words is more accurate than dividing the number of bytes by four, above all for JSON. The constants
are those of the published vocabularies of about 100,000 tokens (cl100k, Llama 3), rounded; `Priors` fits them to the
counts of a provider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from synalinks import _json
from synalinks.lm.core.request import Request

#: Letters of an ASCII word that one token covers: nearly all English words of up to 8 letters are one token.
WORD = 8
#: Letters of a word in another alphabet (Greek, Cyrillic, with accents) per token.
OTHER_WORD = 3
#: Digits per token.
DIGITS = 3
#: Tokens that a provider's chat template adds to a message, and to the whole (Llama 3: 4 and 5; OpenAI: 3 and 3).
MESSAGE, FRAME = 4, 4
#: Tokens of one image, sound or file: an image of a megapixel has 765 (gpt-4o) to 1,600 (Claude).
MEDIA = 1200

_PIECE = re.compile(
    r"(?P<word>[A-Za-z]+)|(?P<digits>[0-9]+)|(?P<other>[\u0080-\u2e7f]+)|(?P<wide>[^\x00-\u2e7f])"
    r"|(?P<lines>\s*\n\s*)|(?P<space>[^\S\n]{2,})|[^\S\n]|(?P<marks>[^\w\s]+|_)"
)


@lru_cache(maxsize=4096)
def count_tokens(text: str) -> int:
    """About how many tokens a text has; the last texts are cached, since system messages are repeated."""
    total = 0
    for found in _PIECE.finditer(text):
        kind = found.lastgroup
        if kind is None:  # a single space is part of the word after it
            continue
        size = found.end() - found.start()
        if kind == "word":
            total += -(-size // WORD)
        elif kind == "digits":
            total += -(-size // DIGITS)
        elif kind == "other":
            total += -(-size // OTHER_WORD)
        elif kind == "marks":
            total += -(-size // 2)
        else:
            total += 1
    return total


def message_text(message: Mapping[str, object]) -> str:
    """All text of a message: its content and the calls of tools in it."""
    content = message.get("content")
    if isinstance(content, (list, tuple)):
        content = "\n".join(str(part["text"]) for part in content if isinstance(part, Mapping) and part.get("text"))
    calls = message.get("tool_calls")
    return str(content or "") + (_json.dumps(calls) if calls else "")


def media_of(message: Mapping[str, object]) -> int:
    """How many parts of a message are not text."""
    content = message.get("content")
    if not isinstance(content, (list, tuple)):
        return 0
    return sum(isinstance(part, Mapping) and part.get("type", "text") != "text" for part in content)


def count_prompt(request: Request) -> int:
    """About how many tokens the prompt of a request has, tools included.

    A schema is not counted: most providers turn it into a grammar instead of showing it to the model.
    """
    if request.kind == "embed":
        return sum(max(1, count_tokens(text)) for text in request.texts)
    total = FRAME + (count_tokens(_json.dumps(request.tools)) if request.tools else 0)
    for message in request.messages:
        total += MESSAGE + count_tokens(message_text(message)) + MEDIA * media_of(message)
    return total
