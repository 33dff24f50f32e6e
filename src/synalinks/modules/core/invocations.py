"""How often a module, or a program in a run, was called from outside of any other, and how long that took."""

from __future__ import annotations

from dataclasses import dataclass

from synalinks import scope

#: The kind of a phase of a run; phases that are not in it, and calls outside of a run, have none.
KINDS: dict[object, str] = {
    **dict.fromkeys(("train", "candidate", "validation", "evaluate", "predict"), "inference"),
    **dict.fromkeys(("reward", "metric"), "reward"),
    "optimizer": "optimizer",
}


@dataclass
class Invocations:
    """How often a program was called, the seconds of all calls added up, and those with one under way."""

    count: int = 0
    elapsed: float = 0.0
    wall: float = 0.0

    def since(self, before: Invocations) -> dict[str, float]:
        """What came since, as the table names it."""
        return {
            "invocations": float(self.count - before.count),
            "elapsed": self.elapsed - before.elapsed,
            "wall": self.wall - before.wall,
        }

    def copy(self) -> Invocations:
        """The counts as they are now."""
        return Invocations(self.count, self.elapsed, self.wall)


class _Count:
    """A read-only figure of a kind, or of all calls."""

    def __init__(self, doc: str, kind: str = "all") -> None:
        self.__doc__ = doc
        self._kind = kind

    def __get__(self, instance: InvocationCounters | None, owner: type) -> int:
        return 0 if instance is None else self._sum(instance.invocation_counts, 0)

    def _sum(self, invocations: dict[str | None, list[int]], column: int) -> int:
        return sum(row[column] for kind, row in invocations.items() if self._kind in ("all", kind))


class _Seconds(_Count):
    def __get__(self, instance: InvocationCounters | None, owner: type) -> float:  # type: ignore[override]
        return 0.0 if instance is None else self._sum(instance.invocation_counts, 1) / 1e9


class InvocationCounters:
    """Counters of a module's outermost calls; those that a module makes of the modules inside it are not counted."""

    cumulated_invocations = _Count("Calls from outside of any module.")
    inference_cumulated_invocations = _Count("Those in a run, rewards and proposals aside.", "inference")
    reward_cumulated_invocations = _Count("Those made for rewards and metrics.", "reward")
    optimizer_cumulated_invocations = _Count("Those made by an optimizer.", "optimizer")
    cumulated_invocation_elapsed_s = _Seconds("Seconds that these calls took, added up.")
    inference_cumulated_invocation_elapsed_s = _Seconds("Seconds of those in a run.", "inference")
    reward_cumulated_invocation_elapsed_s = _Seconds("Seconds of those for rewards and metrics.", "reward")
    optimizer_cumulated_invocation_elapsed_s = _Seconds("Seconds of those made by an optimizer.", "optimizer")

    #: By the kind of their phase, None where it has none: how many calls there were, and their nanoseconds.
    invocation_counts: dict[str | None, list[int]]

    def count_invocation(self, nanoseconds: int) -> None:
        """Add a call."""
        kind = KINDS.get(scope.current().get("phase"))
        try:
            row = self.invocation_counts[kind]
        except KeyError:
            row = self.invocation_counts[kind] = [0, 0]
        row[0] += 1
        row[1] += nanoseconds
