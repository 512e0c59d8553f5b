"""Augmentation of training batches: transforms of this and other libraries, masks and mixup."""

from sklearn_audio.engine.augmentation._adapters import adapt, adapt_all, augment_clip, draws_globally
from sklearn_audio.engine.augmentation._batch import Augmentation, build_spec_augment, mix_batch

__all__ = ["Augmentation", "adapt", "adapt_all", "augment_clip", "build_spec_augment", "draws_globally", "mix_batch"]
