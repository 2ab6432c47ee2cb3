"""Training: a snapshot, a seed and hyperparameters in; artefact, graph, manifest and log out."""

from diabetes_model.training.log import TrainingLog
from diabetes_model.training.pipeline import TrainingError
from diabetes_model.training.run import train
from diabetes_model.training.task import Run

__all__ = ["Run", "TrainingError", "TrainingLog", "train"]
