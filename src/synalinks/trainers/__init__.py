"""Training: compile, fit, evaluate, predict."""

from synalinks.trainers.trainer import Trainer

__all__ = ["Trainer"]
