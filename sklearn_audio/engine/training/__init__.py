"""Training: padded batches with their true lengths, a skorch net with schedules and callbacks, and inference."""

from sklearn_audio.engine._scratch_values import ScratchValues
from sklearn_audio.engine.augmentation import Augmentation, adapt_all
from sklearn_audio.engine.training._batches import ClipDataset, EvaluationBatches, TrainingBatches
from sklearn_audio.engine.training._checkpoint import Checkpoint
from sklearn_audio.engine.training._cutting import Cut, Truncation, cut_rows
from sklearn_audio.engine.training._divergence import check_answers
from sklearn_audio.engine.training._episodes import (
    EmbeddedSpace,
    Episode,
    EpisodeRecipe,
    Episodes,
    episode_logits,
    train_in_episodes,
)
from sklearn_audio.engine.training._inference import compute_logits
from sklearn_audio.engine.training._losses import ClassificationLoss, to_probabilities
from sklearn_audio.engine.training._net import Net, build_net, train
from sklearn_audio.engine.training._optimizers import check_optimizer, is_named
from sklearn_audio.engine.training._recipe import Recipe
from sklearn_audio.engine.training._reconstruction import MethodNetwork, ReconstructionLoss
from sklearn_audio.engine.training._row_view import Patches, RowView, are_all_alike, cut_patches, running_statistics
from sklearn_audio.engine.training._run import describe_run
from sklearn_audio.engine.training._scratch import store_rows
from sklearn_audio.engine.training._seeding import draw_seed, seeded
from sklearn_audio.engine.training._split import split_off_validation
from sklearn_audio.engine.training._state import Frozen, freeze, thaw
from sklearn_audio.engine.training._windows import Crop, Rendering, ShortClip, WindowDataset, Windowing, window_logits

__all__ = [
    "Augmentation",
    "Checkpoint",
    "ClassificationLoss",
    "ClipDataset",
    "Crop",
    "Cut",
    "EmbeddedSpace",
    "Episode",
    "EpisodeRecipe",
    "Episodes",
    "EvaluationBatches",
    "Frozen",
    "MethodNetwork",
    "Net",
    "Patches",
    "Recipe",
    "ReconstructionLoss",
    "Rendering",
    "RowView",
    "ScratchValues",
    "ShortClip",
    "TrainingBatches",
    "Truncation",
    "WindowDataset",
    "Windowing",
    "adapt_all",
    "are_all_alike",
    "build_net",
    "check_answers",
    "check_optimizer",
    "compute_logits",
    "cut_patches",
    "cut_rows",
    "describe_run",
    "draw_seed",
    "episode_logits",
    "freeze",
    "is_named",
    "running_statistics",
    "seeded",
    "split_off_validation",
    "store_rows",
    "thaw",
    "to_probabilities",
    "train",
    "train_in_episodes",
    "window_logits",
]
