"""Checks before the run: the models it needs are there and, under budgets in dollars, have a price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from synalinks.data import tree
from synalinks.data.algebra.keys import base_name
from synalinks.data.schema import properties
from synalinks.errors import DataError
from synalinks.lm import current_run
from synalinks.metrics import Metric
from synalinks.modules import Module
from synalinks.modules.core.walking import walk
from synalinks.modules.masking.possible import schema_of_fields
from synalinks.modules.models.missing import MissingModel
from synalinks.modules.models.remote_model import RemoteModel
from synalinks.rewards import Reward
from synalinks.trainers.data.data import Source


def check_models(*holders: Any) -> None:
    """Refuse to begin without the models that these call: a program, its rewards and metrics, an optimizer.

    Raises:
        ConfigurationError: one has no model, or a model has no price while a budget in dollars is open.
    """
    run = current_run()
    per_epoch = [inner for tracker in run.budgets if (inner := tracker.budget.per_epoch) is not None]
    for model in sorted(models_of(holders), key=lambda model: model.model):
        run.check_price(model.client, per_epoch)


def check_targets(
    rewards: Iterable[Reward], metrics: Iterable[Metric], source: Source, outputs: object = None, what: str = "the data"
) -> None:
    """Refuse data without targets under a reward or metric that compares, and targets that have none of the outputs'
    fields under such a reward.

    Args:
        outputs: the symbolic outputs of the program, or None where they are not known before it runs.
        what: the data, in words for messages.

    Raises:
        DataError: naming the reward or metric.
    """
    names = [reward.name for reward in rewards if reward.needs_target]
    comparing = [metric.name for metric in metrics if metric.needs_target]
    if not names and not comparing:
        return
    target = source.first().y
    if target is None:
        kind, name = ("reward", names[0]) if names else ("metric", comparing[0])
        raise DataError(
            f"the {kind} {name!r} compares each prediction with its target, and {what} have no targets: pass y=, "
            f"or a {kind} that needs none"
        )
    if names and outputs is not None:
        wanted, made = (_fields(side) for side in (target, outputs))
        if wanted and made and {*map(base_name, wanted)}.isdisjoint(map(base_name, made)):
            raise DataError(
                f"the reward {names[0]!r} compares each prediction with its target, and they share no field: the "
                f"targets of {what} have {sorted(wanted)}, the predictions {sorted(made)}. Give y the fields of the "
                "prediction"
            )


def _fields(values: object) -> set[str]:
    return {name for value in tree.flatten(values) for name in properties(schema_of_fields(value))}


def models_of(holders: Iterable[object]) -> list[RemoteModel]:
    """Every model that these may call, fallbacks included, each once.

    What has a method `models_called` lists its own; of all else it is what is found inside.

    Raises:
        MissingModel: some of them have no model; all are named.
    """
    found: dict[int, RemoteModel] = {}
    seen: set[int] = set()
    missing: list[MissingModel] = []
    todo = list(reversed(list(holders)))
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, RemoteModel):
            found[id(one)] = one
        try:
            todo.extend(one.models_called() if hasattr(one, "models_called") else _inside(one))
        except MissingModel as error:
            missing.append(error)
    if missing:
        raise MissingModel.all_of(missing)
    return list(found.values())


def _inside(holder: object) -> Iterator[Any]:
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
