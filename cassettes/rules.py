"""The model behind the cassettes: the stand-in's arithmetic, and for the guides a few labels and words by rule.

It is not a language model. What it says of anything but sums is one of the lines below.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Mapping
from typing import Any

from synalinks.testing import ArithmeticModel, ChatRequest, ModelReply

#: A label is chosen where its pattern is found in the input; the last label where none is.
LABELS = {
    "sum": r"\d\s*[-+*/]\s*\d",
    "arithmetic": r"\d\s*[-+*/]\s*\d",
    "hard": r"\d\d\s*\*\s*\d\d",
    "billing": r"invoice|charged|refund",
    "delivery": r"parcel|arrive",
    "urgent": r"today|now|at once",
    "positive": r"love|great|good",
    "negative": r"broken|bad|never",
}
#: What the field of this name contains where the pattern is found in the input.
WORDS = {
    "greeting": ((r"Ada", "Good morning, Ada."), (r"", "Good morning.")),
    "reply": ((r"invoice", "The second charge is on its way back to you."), (r"", "We are looking into it.")),
    "critique": ((r"", "The answer follows from the steps."),),
}
#: The models that the server has, and what they can do.
MODELS = {
    "llama3.2:latest": ("completion", "tools"),
    "llama3.2-vision:latest": ("completion", "tools", "vision"),
    "nomic-embed-text:latest": ("embedding",),
}


class GuideModel(ArithmeticModel):
    """Sums as `ArithmeticModel` does them; labels, words, and the size of a PNG by the tables above."""

    def reply(self, request: ChatRequest) -> str | ModelReply:
        """The answer to a request: that of the arithmetic, with the fields that a table decides."""
        said = super().reply(request)
        if not isinstance(request.format, Mapping) or not isinstance(said, str):
            return said
        value = json.loads(said)
        for name, spec in request.format.get("properties", {}).items():
            chosen = self._field(name, _resolved(spec, request.format), request)
            if chosen is not None:
                value[name] = chosen
        return json.dumps(value, ensure_ascii=False)

    def _field(self, name: str, spec: Mapping[str, Any], request: ChatRequest) -> object:
        text = request.last_user_text
        if name == "reward" and (scale := spec.get("enum")):
            return scale[-1] if _agrees(text) else scale[0]
        if labels := spec.get("enum"):
            return next((one for one in labels if _matches(one, text)), labels[-1])
        if labels := _resolved(spec.get("items", {}), request.format).get("enum"):
            return [one for one in labels if _matches(one, text)]
        if name in WORDS:
            return next(words for pattern, words in WORDS[name] if re.search(pattern, text))
        if name == "expression" and (sum_asked := self.question(request)):
            return sum_asked.text
        if name == "size" and (picture := _picture(request)):
            return "{} x {} pixels".format(*struct.unpack(">II", picture[16:24]))
        return None


def _matches(label: object, text: str) -> bool:
    return isinstance(label, str) and label in LABELS and re.search(LABELS[label], text) is not None


def _agrees(text: str) -> bool:
    """Whether each field that a judge was shown has the value of its `gold_` field."""
    value = json.loads(text) if text.startswith("{") else {}
    return all(value.get(f"gold_{name}", found) == found for name, found in value.items())


def _resolved(spec: Mapping[str, Any], whole: object) -> Mapping[str, Any]:
    """A part of a schema, looked up in `$defs` where it refers to one."""
    name = str(spec.get("$ref", "")).rpartition("/")[2]
    return whole["$defs"][name] if name and isinstance(whole, Mapping) else spec


def _picture(request: ChatRequest) -> bytes | None:
    """The bytes of the last picture of a request."""
    pictures = [one for message in request.messages for one in message.get("images") or ()]
    return base64.b64decode(pictures[-1]) if pictures else None
