"""Training: a dataset of rows and segments, a skorch net with schedules and callbacks, batch-invariant inference."""

from sklearn_audio.engine._randomness import draw_seed, seeded
from sklearn_audio.engine._scratch_values import ScratchValues
from sklearn_audio.engine.augmentation import Augmentation, adapt_all, augment_clip, build_spec_augment
from sklearn_audio.engine.training._batches import Batch, EvaluationBatches, Inputs, TrainingBatches
from sklearn_audio.engine.training._callbacks import (
    GradientAccumulation,
    LabelSmoothing,
    Unfreezing,
    WeightAveraging,
    check_callbacks,
    check_schedule,
)
from sklearn_audio.engine.training._checkpoint import Checkpoint
from sklearn_audio.engine.training._dataset import BatchFrontEnd, Collation, Crop, SegmentDataset, ShortClip
from sklearn_audio.engine.training._divergence import check_answers
from sklearn_audio.engine.training._episodes import (
    EmbeddedSpace,
    Episode,
    EpisodeConfig,
    Episodes,
    EpisodeValidation,
    episode_logits,
    train_in_episodes,
)
from sklearn_audio.engine.training._inference import predict_logits
from sklearn_audio.engine.training._losses import (
    ClassificationLoss,
    MethodNetwork,
    ReconstructionLoss,
    to_probabilities,
)
from sklearn_audio.engine.training._net import Net, TrainingConfig, build_net, train
from sklearn_audio.engine.training._optimizers import check_optimizer, is_named
from sklearn_audio.engine.training._row_store import store_rows
from sklearn_audio.engine.training._rows import (
    RowView,
    Segments,
    Truncation,
    are_all_alike,
    patch_segments,
    running_statistics,
    truncated_segments,
    whole_rows,
)
from sklearn_audio.engine.training._run import describe_run
from sklearn_audio.engine.training._split import Split, split_by_groups, split_off_validation
from sklearn_audio.engine.training._state import NetworkState, network_from_state, network_to_state

__all__ = [
    "Augmentation",
    "Batch",
    "BatchFrontEnd",
    "Checkpoint",
    "ClassificationLoss",
    "Collation",
    "Crop",
    "EmbeddedSpace",
    "Episode",
    "EpisodeConfig",
    "EpisodeValidation",
    "Episodes",
    "EvaluationBatches",
    "GradientAccumulation",
    "Inputs",
    "LabelSmoothing",
    "MethodNetwork",
    "Net",
    "NetworkState",
    "ReconstructionLoss",
    "RowView",
    "ScratchValues",
    "SegmentDataset",
    "Segments",
    "ShortClip",
    "Split",
    "TrainingBatches",
    "TrainingConfig",
    "Truncation",
    "Unfreezing",
    "WeightAveraging",
    "adapt_all",
    "are_all_alike",
    "augment_clip",
    "build_net",
    "build_spec_augment",
    "check_answers",
    "check_callbacks",
    "check_optimizer",
    "check_schedule",
    "describe_run",
    "draw_seed",
    "episode_logits",
    "is_named",
    "network_from_state",
    "network_to_state",
    "patch_segments",
    "predict_logits",
    "running_statistics",
    "seeded",
    "split_by_groups",
    "split_off_validation",
    "store_rows",
    "to_probabilities",
    "train",
    "train_in_episodes",
    "truncated_segments",
    "whole_rows",
]
