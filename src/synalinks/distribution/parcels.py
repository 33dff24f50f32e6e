"""Parcels: programs and their rewards as bytes, for the processes of one run; nothing of it is kept in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synalinks import session
from synalinks.errors import ConfigurationError, SynalinksError

#: How deep inside a program what can't be pickled is looked for.
DEPTH = 8


@dataclass(frozen=True, slots=True)
class Parcel:
    """The session's settings, a program and its rewards, as bytes.

    Raises:
        ConfigurationError: from `pack`, naming the part that can't be pickled; from `unpack`, where a module that the
            program needs is not there.
    """

    content: bytes

    @classmethod
    def pack(cls, program: Any, rewards: Sequence[Any]) -> Parcel:
        """Pack a program and its rewards."""
        contents = (session.settings(), program, list(rewards))
        try:
            return cls(_dumps(contents))
        except Exception as error:  # pickling runs the code of any object
            where, part = _culprit({"program": program, "rewards": list(rewards)}) or ("the program", program)
            raise ConfigurationError(
                f"{getattr(program, 'name', program)} can't be sent to workers: {where}, of type "
                f"{type(part).__name__}, can't be pickled: {error}. Leave it out in __getstate__ and make it anew in "
                "__setstate__ of the object that holds it, or make it at the first call"
            ) from error

    def unpack(self) -> tuple[Mapping[str, Any], Any, list[Any]]:
        """Settings, program and rewards."""
        try:
            contents: tuple[Mapping[str, Any], Any, list[Any]] = _loads(self.content)
        except ImportError as error:
            raise ConfigurationError(
                f"a worker can't make the program: {error}. Workers import the modules that a program comes from: "
                "install them there, or ship them, e.g. Ray(runtime_env={'working_dir': '.'})"
            ) from error
        return contents


def packed_message(message: Any) -> bytes:
    """A message as bytes.

    Raises:
        ConfigurationError: it holds what can't be pickled.
    """
    try:
        return _dumps(message)
    except Exception as error:  # pickling runs the code of any object
        raise ConfigurationError(
            f"a sample can't be sent to workers: {error}. It holds what can't be pickled"
        ) from error


def unpacked_message(content: bytes) -> Any:
    """The message that `packed_message` packed."""
    return _loads(content)


def sendable(error: BaseException) -> BaseException:
    """The error, or one that says the same and can be pickled."""
    try:
        _loads(_dumps(error))
    except Exception:  # noqa: BLE001  pickling runs the code of any object
        return SynalinksError(f"{type(error).__name__}: {error}")
    return error


def _culprit(parts: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The innermost part that can't be pickled, and where it stands."""
    found: tuple[str, Any] | None = None
    seen: set[int] = set()
    for _ in range(DEPTH):
        bad = next(((where, part) for where, part in parts.items() if id(part) not in seen and not _packs(part)), None)
        if bad is None:
            break
        found = bad
        seen.add(id(bad[1]))
        parts = dict(_inside(*bad))
    return found


def _inside(where: str, part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):
        yield from ((f"{where}[{key!r}]", value) for key, value in part.items())
    elif isinstance(part, (list, tuple, set, frozenset)):
        yield from ((f"{where}[{place}]", value) for place, value in enumerate(part))
    else:
        state = part.__getstate__() if hasattr(part, "__getstate__") else None
        attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
        for named in (attributes, slots):
            if isinstance(named, dict):
                yield from ((f"{where}.{name}", value) for name, value in named.items())
        for cell, name in zip(getattr(part, "__closure__", None) or (), _free_names(part), strict=False):
            yield f"{where} ({name})", cell.cell_contents


def _free_names(part: Any) -> Sequence[str]:
    code = getattr(part, "__code__", None)
    return () if code is None else code.co_freevars


def _packs(part: Any) -> bool:
    try:
        _dumps(part)
    except Exception:  # noqa: BLE001  pickling runs the code of any object
        return False
    return True


def _dumps(value: Any) -> bytes:
    from ray import cloudpickle  # an extra

    packed: bytes = cloudpickle.dumps(value)
    return packed


def _loads(content: bytes) -> Any:
    from ray import cloudpickle  # an extra

    return cloudpickle.loads(content)
