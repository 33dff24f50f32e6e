"""Metric: a number over many predictions; training does not depend on it."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from synalinks import session
from synalinks._json import Json, JsonObject
from synalinks.data import Variable
from synalinks.errors import ConfigurationError
from synalinks.initializers import Empty
from synalinks.rewards.reward import Masked, Masks, plain
from synalinks.saving import constructed


class Metric(Masked):
    """A number over many predictions, in float64.

    Subclasses write `result`, and `update`, which gets one masked prediction with its masked target; or `update_state`,
    which gets both as they are, None included. What they add up is kept in variables (`add_variable`), which
    `reset_state` sets back; other attributes are set back by a `reset_state` of their own.

    Args:
        name: in logs.
        in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `rewards.Masks`.

    Example:
        >>> class Seen(synalinks.DataModel):
        ...     longest: int = 0
        ...
        >>> class Longest(synalinks.metrics.Metric):
        ...     def __init__(self, name=None, **masks):
        ...         super().__init__(name, **masks)
        ...         self.seen = self.add_variable(data_model=Seen, name="seen")
        ...
        ...     async def update(self, y_true, y_pred):
        ...         length = len(y_pred.get("answer"))
        ...         self.seen.update({"longest": max(self.seen.get("longest"), length)})
        ...
        ...     def result(self):
        ...         return self.seen.get("longest")
        ...
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        ...
        >>> metric = Longest()
        >>> asyncio.run(metric(Answer(answer="red"), Answer(answer="blue")))
        4
        >>> metric.reset_state()
        >>> metric.name, metric.result()
        ('longest', 0)
    """

    #: Whether more is better (`up`) or less (`down`), for callbacks in mode `auto`; None where it depends.
    direction: ClassVar[Literal["up", "down"] | None] = None
    #: Whether it compares with targets, so that data without them are refused.
    needs_target: ClassVar[bool] = False
    #: Whether `update_batch` is called, with the predictions of a whole batch, in place of `update_state`.
    takes_batches: bool = False

    def __init__(
        self,
        name: str | None = None,
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        self.name = name or session.to_snake_case(type(self).__name__)
        self.field_masks = Masks(in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self._added: list[Variable] = []
        with contextlib.suppress(AttributeError):  # of a subclass that makes its attributes after this
            self.reset_state()

    # --- what it adds up -----------------------------------------------------------------------------------------

    def add_variable(
        self,
        initializer: Callable[[], Any] | Mapping[str, Json] | None = None,
        data_model: object = None,
        name: str | None = None,
    ) -> Variable:
        """A variable for what the metric adds up.

        Args:
            initializer: its first value, or what makes it; the defaults of the data model where None.
            data_model: its schema.
            name: automatic where None.

        Raises:
            ConfigurationError: no schema, or a field without a default and no initializer; no `super().__init__()`
                before.
        """
        if "_added" not in vars(self):
            raise ConfigurationError(f"{type(self).__name__}: call super().__init__() before add_variable()")
        first = Empty(data_model=data_model) if initializer is None else initializer
        variable = Variable(first, data_model=data_model, trainable=False, name=name)
        variable.path = f"{self.name}/{variable.name}"
        self._added.append(variable)
        return variable

    @property
    def variables(self) -> list[Variable]:
        """What it adds up, its own first, then that of metrics among its attributes; each once."""
        own = [value for value in vars(self).values() if isinstance(value, Variable)]
        of_parts = [variable for metric in self._parts() for variable in metric.variables]
        return list({id(variable): variable for variable in (*self._added, *own, *of_parts)}.values())

    def _parts(self) -> Iterator[Metric]:
        for value in vars(self).values():
            for part in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(part, Metric):
                    yield part

    def reset_state(self) -> None:
        """Begin anew, without predictions: each variable has its first value."""
        for variable in self.variables:
            first = variable.initializer
            variable.assign(first() if callable(first) else first)
        for metric in self._parts():
            metric.reset_state()

    # --- predictions ---------------------------------------------------------------------------------------------

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in what `update_state` takes, and give the result."""
        found = self.update_state(*args, **kwargs)
        if inspect.isawaitable(found):
            await found
        return self.result()

    async def update_state(self, y_true: Any, y_pred: Any) -> None:
        """Take in one prediction; one that is missing on either side is passed over."""
        if y_true is None or y_pred is None:
            return
        await self.update(self.field_masks.apply(plain(y_true)), self.field_masks.apply(plain(y_pred)))

    async def update_batch(self, y_true: Sequence[Any], y_pred: Sequence[Any]) -> None:
        """Take in the predictions of a batch, in the order of their samples."""
        for pair in zip(y_true, y_pred, strict=True):
            found: Any = self.update_state(*pair)
            if inspect.isawaitable(found):  # that of a subclass may be a plain function
                await found

    async def update(self, y_true: Any, y_pred: Any) -> None:
        """Take in one masked prediction with its masked target."""
        raise ConfigurationError(f"{type(self).__name__} does not define `async def update(self, y_true, y_pred)`")

    def result(self) -> Any:
        """The number, or several: a list, or a dict of numbers by name."""
        raise ConfigurationError(f"{type(self).__name__} does not define `def result(self)`")

    @property
    def result_labels(self) -> Sequence[str] | None:
        """What the values of a list that `result` gives are of, in its order; None: they are numbered."""
        return None

    def named_logs(self, name: str) -> dict[str, Any]:
        """The result as it is logged: under `name`; of a list each value under `name_label`; a dict as it is."""
        found = self.result()
        found = found.tolist() if hasattr(found, "tolist") else found
        if isinstance(found, Mapping):
            return dict(found)
        if not isinstance(found, (list, tuple)):
            return {name: found}
        labels = self.result_labels
        if labels is None or len(labels) != len(found):
            labels = [str(number) for number in range(len(found))]
        return {f"{name}_{label}": value for label, value in zip(labels, found, strict=True)}

    # --- what a program is compiled with ---------------------------------------------------------------------------

    def check_schema(self, schema: Mapping[str, Json], whose: str) -> None:
        """Refuse masks that name no field of a prediction or of a target."""
        self.field_masks.check(schema, f"{type(self).__name__} for the {whose}: {self.name}")

    def twin(self) -> Self:
        """A metric that measures the same and has taken in nothing: what `compile` keeps of the one it is given."""
        made = copy.copy(self)
        copies = {id(variable): copy.deepcopy(variable) for variable in self.variables}
        for name, value in vars(self).items():
            setattr(made, name, _twin_of(value, copies))
        made.reset_state()
        return made

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        return {"name": self.name, **self.field_masks.config}

    @classmethod
    def from_config(cls, config: Mapping[str, Json]) -> Any:
        """The metric that `get_config` described."""
        return constructed(cls, config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _twin_of(value: Any, copies: Mapping[int, Variable]) -> Any:
    """An attribute for a twin: what is added up is its own, all else is shared."""
    if isinstance(value, Variable):
        return copies.get(id(value), value)
    if isinstance(value, Metric):
        return value.twin()
    if type(value) in (list, tuple):
        return type(value)(_twin_of(one, copies) for one in value)
    return value
