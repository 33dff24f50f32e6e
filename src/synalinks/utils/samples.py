"""Pairs of inputs and targets, as batches of a dataset are."""

from __future__ import annotations

from synalinks.errors import DataError


def pack_x_y(x: object, y: object = None) -> object:
    """A batch of inputs and targets: `(x, y)`; without targets `x`, in a tuple where it is a list or tuple itself.

    Example:
        >>> synalinks.utils.pack_x_y("question", "answer")
        ('question', 'answer')
        >>> synalinks.utils.pack_x_y(["left", "right"])
        (['left', 'right'],)
    """
    if y is not None:
        return (x, y)
    return (x,) if isinstance(x, list | tuple) else x


def unpack_x_y(data: object) -> tuple[object, object]:
    """Inputs and targets of a batch; the targets are None where it has none.

    Example:
        >>> synalinks.utils.unpack_x_y(("question", "answer"))
        ('question', 'answer')
        >>> synalinks.utils.unpack_x_y("question")
        ('question', None)

    Raises:
        DataError: a tuple of more than two.
    """
    if not isinstance(data, list | tuple):
        return data, None
    if len(data) not in (1, 2):
        raise DataError(f"a batch is x, (x,) or (x, y); got {len(data)} parts: {data!r:.200}")
    return data[0], data[1] if len(data) == 2 else None
