"""Training: padded batches with their true lengths, a skorch net with schedules and callbacks, and inference."""

from sklearn_audio.engine.training._batches import ClipDataset, EvaluationBatches, TrainingBatches
from sklearn_audio.engine.training._cutting import Cut, Truncation, cut_rows
from sklearn_audio.engine.training._inference import compute_logits
from sklearn_audio.engine.training._losses import ClassificationLoss, to_probabilities
from sklearn_audio.engine.training._net import Net, Recipe, build_net, train
from sklearn_audio.engine.training._seeding import draw_seed, seeded
from sklearn_audio.engine.training._split import split_off_validation
from sklearn_audio.engine.training._state import Frozen, freeze, thaw

__all__ = [
    "ClassificationLoss",
    "ClipDataset",
    "Cut",
    "EvaluationBatches",
    "Frozen",
    "Net",
    "Recipe",
    "TrainingBatches",
    "Truncation",
    "build_net",
    "compute_logits",
    "cut_rows",
    "draw_seed",
    "freeze",
    "seeded",
    "split_off_validation",
    "thaw",
    "to_probabilities",
    "train",
]
