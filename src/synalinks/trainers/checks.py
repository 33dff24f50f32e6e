"""What a run needs of its models, checked before the first call: that they are there and, under dollars, priced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from synalinks.lm.budget.upper_bound import check_price
from synalinks.lm.runtime import open_trackers
from synalinks.metrics import Metric
from synalinks.modules import Module
from synalinks.modules.core.walking import walk
from synalinks.modules.models.remote_model import RemoteModel
from synalinks.rewards import Reward

if TYPE_CHECKING:
    from synalinks.trainers.trainer import Trainer


def check_models(program: Trainer, training: bool = True) -> None:
    """Refuse to begin without the models that program, rewards, metrics and, in training, the optimizer will ask.

    Raises:
        ConfigurationError: one has no model, or a model has no price while a budget in dollars is open.
    """
    compiled = program.compiled
    asking = [program, *compiled.rewards, *compiled.metrics, *([program.optimizer] if training else [])]
    models = models_of(asking)
    budgets = [tracker.budget for tracker in open_trackers()]
    budgets += [budget.per_epoch for budget in budgets if budget.per_epoch is not None]
    for model in sorted(models, key=lambda model: model.model):
        check_price(model.model, model.client.price(model.model), budgets)


def models_of(holders: Iterable[Any]) -> list[RemoteModel]:
    """Every model that these may ask, fallbacks included, each once.

    What has a method `models_asked` says so itself; of all else it is what is found inside.

    Raises:
        ConfigurationError: one of them has no model.
    """
    found: dict[int, RemoteModel] = {}
    seen: set[int] = set()
    todo = list(holders)
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, RemoteModel):
            found[id(one)] = one
        todo.extend(one.models_asked() if hasattr(one, "models_asked") else _inside(one))
    return list(found.values())


def _inside(holder: Any) -> Iterator[Any]:
    """The modules, rewards and metrics that something holds itself."""
    if isinstance(holder, Module):
        yield from (part for part in holder.walk_state() if isinstance(part, Module))
        return
    for value in getattr(holder, "__dict__", {}).values():
        parts = [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, (Reward, Metric))]
        if parts:
            yield from parts
        else:
            yield from (part for part in walk(value, set()) if isinstance(part, Module))
