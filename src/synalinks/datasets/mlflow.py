"""Evaluation datasets of MLflow."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Unpack

from synalinks import session
from synalinks._json import Json
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks._support.mlflow import check_mlflow, mlflow
from synalinks.datasets.dataset import Dataset, DatasetOptions
from synalinks.errors import ConfigurationError, DataError
from synalinks.lm import scrubbed


class MLflowDataset(Dataset):
    """An evaluation dataset of an MLflow server (extra `mlflow`); the server's database is one of SQL.

    A template has the columns `inputs`, `expectations`, `outputs`, `tags` and `record_id` of a record. Without one the
    inputs are made of `inputs`, and the targets, where there is a data model of them, of `expectations`.

    Args:
        name: the dataset's name.
        dataset_id: its id, in the place of the name.
        tracking_uri: of the server or database; that of `enable_observability` or of MLflow's environment where None.
        batch_size: examples in a batch.
        options: as for `Dataset`.

    Raises:
        ConfigurationError: neither name nor id, or MLflow is not installed.
        DataError: there is no such dataset, or the server does not answer.

    Example:
        >>> class Question(synalinks.DataModel):
        ...     question: str
        ...
        >>> def golden() -> synalinks.Dataset:  # what `MLflowDataset.create("golden", x, y)` has written
        ...     return synalinks.MLflowDataset("golden", input_data_model=Question)
        ...
        >>> synalinks.MLflowDataset(input_data_model=Question)
        Traceback (most recent call last):
            ...
        synalinks.errors.ConfigurationError: MLflowDataset needs name= or dataset_id=
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        dataset_id: str | None = None,
        tracking_uri: str | None = None,
        batch_size: int | None = 1,
        **options: Unpack[DatasetOptions],
    ) -> None:
        refuse_unknown_keywords(type(self), options, Dataset.__init__)
        if name is None and dataset_id is None:
            raise ConfigurationError("MLflowDataset needs name= or dataset_id=")
        if options.get("input_template") is None:
            options["input_template"] = "{{ inputs | tojson }}"
        if options.get("output_data_model") is not None or options.get("output_schema") is not None:
            options["output_template"] = options.get("output_template") or "{{ expectations | tojson }}"
        super().__init__(batch_size=batch_size, **options)
        self.tracking_uri = tracking_uri
        with _tracking(tracking_uri, f"MLflowDataset({name or dataset_id!r}) can't be loaded") as datasets:
            found = datasets.get_dataset(name=name, dataset_id=dataset_id)
            self.records: list[dict[str, Json]] = found.to_dict().get("records") or []
        self.name, self.dataset_id = found.name, found.dataset_id

    def _iter_rows(self) -> Iterable[Mapping[str, Json]]:
        for record in self.records:
            columns = {key: record.get(key) or {} for key in ("inputs", "expectations", "outputs", "tags")}
            yield {**columns, "record_id": record.get("dataset_record_id")}

    def __len__(self) -> int:
        """Batches in one pass."""
        rows = len(self.records)
        return self._total_batches(rows if self.limit is None else min(rows, self.limit))

    @classmethod
    def create(
        cls,
        name: str,
        x: Sequence[Any],
        y: Sequence[Any] | None = None,
        *,
        experiment_id: str | list[str] | None = None,
        tags: dict[str, str] | None = None,
        tracking_uri: str | None = None,
    ) -> Any:
        """Write data models to a new dataset of the server, inputs as `inputs` and targets as `expectations`.

        Args:
            name: the dataset's name.
            x, y: the inputs, and the targets beside them.
            experiment_id: the experiments that the dataset is of.
            tags: of the dataset.
            tracking_uri: as for the class.

        Returns:
            MLflow's own object.

        Raises:
            DataError: no inputs, or targets of another number; or the server refuses.
        """
        if len(x) == 0 or (y is not None and len(x) != len(y)):
            raise DataError(f"x has {len(x)} examples and y has {len(x) if y is None else len(y)}; as many are wanted")
        records = [{"inputs": one.get_json()} for one in x]
        for record, target in zip(records, y if y is not None else (), strict=False):
            record["expectations"] = target.get_json()
        with _tracking(tracking_uri, f"MLflow can't write the dataset {name!r}") as datasets:
            made = datasets.create_dataset(name=name, experiment_id=experiment_id, tags=tags)
            return made.merge_records(records)


@contextmanager
def _tracking(uri: str | None, failed: str) -> Iterator[Any]:
    """MLflow's part for datasets, at an address; afterwards MLflow is at its own again."""
    check_mlflow("MLflowDataset")
    module = mlflow()
    datasets = importlib.import_module("mlflow.genai.datasets")  # not imported with MLflow itself
    before, uri = module.get_tracking_uri(), uri or session.get_setting("observability", {}).get("tracking_uri")
    try:
        if uri is not None:
            module.set_tracking_uri(uri)
        yield datasets
    except module.exceptions.MlflowException as error:
        raise DataError(scrubbed(f"{failed}: {error}")) from error
    finally:
        if uri is not None:
            module.set_tracking_uri(before)
