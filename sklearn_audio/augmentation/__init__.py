"""Random augmentation of training clips: waveforms and frames."""

from sklearn_audio.augmentation._filters import FilterAugment, RoomReverb
from sklearn_audio.augmentation._frequency import FrequencyWarp
from sklearn_audio.augmentation._levels import AddNoise, Gain
from sklearn_audio.augmentation._masks import SpecAugment
from sklearn_audio.augmentation._time import RandomCrop, SpeedChange, TimeShift
from sklearn_audio.augmentation._transform import Transform

__all__ = [
    "AddNoise",
    "FilterAugment",
    "FrequencyWarp",
    "Gain",
    "RandomCrop",
    "RoomReverb",
    "SpecAugment",
    "SpeedChange",
    "TimeShift",
    "Transform",
]
