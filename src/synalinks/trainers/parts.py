"""The parts of training that `Trainer` puts together; loaded at the first `fit`, `evaluate` or the like."""

from synalinks.callbacks import CallbackList, History
from synalinks.trainers.checks import check_models, check_targets, models_of
from synalinks.trainers.data.data import Samples, passing, source_of
from synalinks.trainers.distributing import runner_of
from synalinks.trainers.evaluation import measure
from synalinks.trainers.fit import fit
from synalinks.trainers.fit_config import FitConfig, check_sizes
from synalinks.trainers.fit_loop import FitLoop
from synalinks.trainers.forecasting.estimate import estimate
from synalinks.trainers.forward import forward, object_array
from synalinks.trainers.program_run import ProgramRun, begin_run
from synalinks.trainers.run_context import callbacks_of, run_context, use_callbacks

__all__ = [
    "CallbackList",
    "FitConfig",
    "FitLoop",
    "History",
    "ProgramRun",
    "Samples",
    "begin_run",
    "callbacks_of",
    "check_models",
    "check_sizes",
    "check_targets",
    "estimate",
    "fit",
    "forward",
    "measure",
    "models_of",
    "object_array",
    "passing",
    "run_context",
    "runner_of",
    "source_of",
    "use_callbacks",
]
