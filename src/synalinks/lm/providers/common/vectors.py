"""Vectors of embeddings as the stack carries them: little-endian float32 bytes."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Iterable

from synalinks.lm.providers.common.shape import ShapeError

#: Bytes of one float32.
FLOAT = 4


def float32_bytes(vector: str | Iterable[float]) -> bytes:
    """A vector as little-endian float32, from numbers or from base64 of just that.

    Raises:
        ShapeError: something in it is no number (null stands for NaN in JSON), or the base64 holds no float32.
    """
    if isinstance(vector, str):
        try:
            data = base64.b64decode(vector, validate=True)
        except ValueError as error:
            raise ShapeError(f"a vector is neither a list of numbers nor base64 ({error})") from None
        if len(data) % FLOAT:
            raise ShapeError(f"a vector of {len(data)} bytes is not float32")
        return data
    try:
        packed = array("f", vector)
    except (TypeError, OverflowError) as error:
        raise ShapeError(f"a vector holds something that is no number ({error})") from None
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
