"""How much is downloaded for a model that is not on this machine, as far as its name says."""

from __future__ import annotations

import re

#: Bits a weight by quantisation, as `llama-quantize` of llama.cpp lists them for 8B models; Ollama's default is Q4_K_M.
BITS = {
    "q2_k": 3.2,
    "q3_k_s": 3.6,
    "q3_k_m": 4.0,
    "q4_0": 4.7,
    "q4_k_s": 4.7,
    "q4_k_m": 4.9,
    "q5_0": 5.6,
    "q5_k_m": 5.7,
    "q6_k": 6.6,
    "q8_0": 8.5,
    "fp16": 16.0,
    "f16": 16.0,
    "bf16": 16.0,
}
DEFAULT = "q4_k_m"
_PARAMETERS = re.compile(r"(?:^|[-_])(\d+(?:\.\d+)?)(b|m)(?:$|[-_])")
_WEIGHTS = {"b": 1e9, "m": 1e6}


def download_size(model: str) -> int | None:
    """About how many bytes a model of Ollama's library has; None where its tag does not say how many weights.

    Example:
        >>> from synalinks.lm.providers.ollama.sizes import download_size
        >>> download_size("qwen3:8b"), download_size("llama3.2")
        (4900000000, None)

    Args:
        model: its name without a prefix, as `qwen3:8b` or `llama3.1:70b-instruct-q8_0`.
    """
    tag = model.rpartition("/")[2].partition(":")[2].lower()
    found = _PARAMETERS.search(tag)
    if found is None:
        return None
    kind = next((name for name in sorted(BITS, key=len, reverse=True) if tag.endswith(name)), DEFAULT)
    weights = float(found[1]) * _WEIGHTS[found[2]]
    return round(weights * BITS[kind] / 8)


def pull_advice(model: str) -> str:
    """The command that gets a model, and about how large it is where that is known."""
    size = download_size(model)
    return f"`ollama pull {model}`" + (f" (about {size / 1e9:.1f} GB)" if size is not None else "")
