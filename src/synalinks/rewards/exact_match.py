"""ExactMatch: 1 if what counts of the prediction equals what counts of the target, else 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from synalinks import _json
from synalinks._json import Json, JsonObject
from synalinks.rewards.reward import RewardFunctionWrapper
from synalinks.rewards.score import Score

#: Fields that differ, and characters of a value, that the words show.
MOST, SHOWN = 5, 200


async def exact_match(y_true: Any, y_pred: Any) -> float:
    """1.0 if both are the same JSON, else 0.0 with words that say what differs; a missing one never matches."""
    if y_true is None or y_pred is None:
        return 0.0
    wanted, found = y_true.get_json(), y_pred.get_json()
    return 1.0 if wanted == found else Score(0.0, _difference(wanted, found))


def _difference(wanted: object, found: object) -> str | None:
    """What differs of two JSON values: the fields, with both values, cut where they are long."""
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return None
    parts = [
        f"{name}: expected {_short(wanted, name)}, got {_short(found, name)}"
        for name in dict.fromkeys([*wanted, *found])
        if name not in wanted or name not in found or wanted[name] != found[name]
    ]
    return "; ".join(parts[:MOST]) + (f"; {len(parts) - MOST} more" if len(parts) > MOST else "")


def _short(value: Mapping[str, Json], name: str) -> str:
    text = _json.dumps(value[name]) if name in value else "nothing"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."


class ExactMatch(RewardFunctionWrapper):
    """1 if the masked prediction equals the masked target as JSON, else 0.

    Args: see `Reward`.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     thinking: str
        ...     answer: int
        ...
        >>> reward = synalinks.rewards.ExactMatch(in_mask=["answer"])
        >>> asyncio.run(reward(Answer(thinking="2 + 2", answer=4), Answer(thinking="", answer=4)))
        1.0
    """

    needs_target: ClassVar[bool] = True
    awaits_nothing: ClassVar[bool] = True

    def __init__(
        self,
        name: str = "exact_match",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        super().__init__(
            exact_match,
            name=name,
            in_mask=in_mask,
            out_mask=out_mask,
            in_mask_pattern=in_mask_pattern,
            out_mask_pattern=out_mask_pattern,
        )

    def get_config(self) -> JsonObject:
        """Name and masks."""
        return {"name": self.name, **self.field_masks.config}
