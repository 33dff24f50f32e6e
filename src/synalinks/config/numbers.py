"""Constants that programs read: the seed, the kind of data models, and the numbers for arithmetic of their own."""

from __future__ import annotations

from synalinks import session
from synalinks.errors import ConfigurationError

#: What a program reads where it set nothing.
_EPSILON, _FLOATX, _BACKEND = 1e-7, "float32", "pydantic"
_FLOATS = ("float16", "float32", "float64")


def set_seed(value: int) -> None:
    """The seed of every `fit` that is given none. No global generator is touched.

    Raises:
        ConfigurationError: not a whole number, 0 or above.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"set_seed({value!r}): a seed is a whole number, 0 or above")
    session.set_setting("seed", value)


def get_seed() -> int:
    """The seed of a `fit` that is given none."""
    return int(session.get_setting("seed", session.DEFAULT_SEED))


def set_epsilon(value: float) -> None:
    """What `epsilon` gives from now on.

    Raises:
        ConfigurationError: not a number above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigurationError(f"set_epsilon({value!r}): give a small number above 0, such as 1e-7")
    session.set_setting("epsilon", float(value))


def epsilon() -> float:
    """A small number, for the denominators of rewards and metrics of one's own. Those of this library need none.

    Example:
        >>> synalinks.config.epsilon()
        1e-07
    """
    return float(session.get_setting("epsilon", _EPSILON))


def set_floatx(value: str) -> None:
    """What `floatx` gives from now on.

    Raises:
        ConfigurationError: no such type of numbers.
    """
    if value not in _FLOATS:
        raise ConfigurationError(f"set_floatx({value!r}): write {', '.join(map(repr, _FLOATS))}")
    session.set_setting("floatx", value)


def floatx() -> str:
    """The name of NumPy's type of numbers for arrays of one's own. This library computes in float64 throughout.

    Example:
        >>> synalinks.config.floatx()
        'float32'
    """
    return str(session.get_setting("floatx", _FLOATX))


def set_backend(backend: str) -> None:
    """Accept the only backend there is, `"pydantic"`.

    Raises:
        ConfigurationError: any other.
    """
    if backend != _BACKEND:
        raise ConfigurationError(
            f"set_backend({backend!r}): data models are pydantic's; the only backend is 'pydantic'"
        )


def backend() -> str:
    """What data models are made with: always `"pydantic"`."""
    return _BACKEND
