"""The parts of training that `Trainer` puts together; loaded at the first `fit`, `evaluate` or the like."""

from synalinks.callbacks import CallbackList, History
from synalinks.trainers.checks import check_models, check_targets, models_of
from synalinks.trainers.data.data import Samples, check_passes, passing, source_of
from synalinks.trainers.data.splitting import split_data
from synalinks.trainers.distributing import runner_of
from synalinks.trainers.evaluation import measure
from synalinks.trainers.fit_config import FitConfig, check_sizes
from synalinks.trainers.fit_loop import FitLoop
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.forecasting import dry_run as dry_runs
from synalinks.trainers.forecasting.estimate import estimate
from synalinks.trainers.forward import forward, object_array
from synalinks.trainers.program_run import ProgramRun
from synalinks.trainers.resume.resume import with_resume
from synalinks.trainers.run_context import callbacks_of, run_context, use_callbacks
from synalinks.trainers.search.loop import SearchLoop
from synalinks.trainers.search.plan import SearchPlan
from synalinks.trainers.stopping.words import words_of_fit

__all__ = [
    "CallbackList",
    "FitConfig",
    "FitLoop",
    "FitParts",
    "History",
    "ProgramRun",
    "Samples",
    "SearchLoop",
    "SearchPlan",
    "callbacks_of",
    "check_models",
    "check_passes",
    "check_sizes",
    "check_targets",
    "dry_runs",
    "estimate",
    "forward",
    "measure",
    "models_of",
    "object_array",
    "passing",
    "run_context",
    "runner_of",
    "source_of",
    "split_data",
    "use_callbacks",
    "with_resume",
    "words_of_fit",
]
