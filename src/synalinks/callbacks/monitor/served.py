"""What MLflow runs to load a program that was saved as a model; see `SynalinksProgramModel`."""

from mlflow.models import set_model

from synalinks.callbacks.monitor.program_model import SynalinksProgramModel

set_model(SynalinksProgramModel())
