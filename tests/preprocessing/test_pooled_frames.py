"""Statistics of frames that are not all in memory: the same numbers to the bit."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from sklearn_audio import (
    AcousticFeatures,
    MelSpectrogramTransformer,
    MFCCTransformer,
    SequencePooling,
    SpectrogramTransformer,
)
from sklearn_audio.preprocessing import _pooled_frames
from sklearn_audio.preprocessing._pooled_frames import can_pool, pooled_frames

RATE = 8000
RNG = np.random.default_rng(0)
CLIPS = [(RNG.normal(size=n) * np.linspace(0.001, 0.3, n)).astype(np.float32) for n in (4000, 30_000, 90_001)]
STATISTICS = ("mean", "std", "min", "max", "median", "p12.5", "range", "skew", "slope", "first", "last")
READERS = {
    "mel": MelSpectrogramTransformer(RATE, n_mels=20, n_fft=256, hop_length=80),
    "mel, loudest": MelSpectrogramTransformer(RATE, n_mels=20, n_fft=256, hop_length=80, ref="max", top_db=30.0),
    "mel, minmax": MelSpectrogramTransformer(RATE, n_mels=20, n_fft=256, hop_length=80, normalize="minmax"),
    "mel, clip": MelSpectrogramTransformer(RATE, n_mels=20, n_fft=256, hop_length=80, normalize="clip"),
    "mel, l2": MelSpectrogramTransformer(RATE, n_mels=20, n_fft=256, hop_length=80, normalize="l2"),
    "mfcc": MFCCTransformer(RATE, n_mfcc=13, deltas=2, n_mels=20, n_fft=256, hop_length=80),
    "mfcc, clip": MFCCTransformer(RATE, n_mfcc=13, n_mels=20, n_fft=256, hop_length=80, normalize="clip"),
    "acoustic": AcousticFeatures(RATE),
    "stft": SpectrogramTransformer(RATE, n_fft=256, hop_length=80, log="db", top_db=40.0),
    "cqt": SpectrogramTransformer(RATE, kind="cqt", n_bins=24, hop_length=128),
}


@pytest.mark.parametrize(("n_jobs", "n_parts"), [(None, 1), (2, 1), (2, 3)])
@pytest.mark.parametrize("most", [1 << 23, 1000])
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_same_to_the_bit(reader, most, n_jobs, n_parts, monkeypatch):
    monkeypatch.setattr(_pooled_frames, "_MOST_VALUES_IN_MEMORY", most)
    monkeypatch.setattr(_pooled_frames, "_BLOCK_VALUES", 2000)
    monkeypatch.setattr("sklearn_audio.ragged._statistics._BLOCK", 64)
    pooling = SequencePooling(STATISTICS, n_parts=n_parts)
    wanted = pooling.fit_transform(reader.transform(CLIPS))
    assert can_pool(reader, pooling)
    np.testing.assert_array_equal(pooled_frames(clone(reader).set_params(n_jobs=n_jobs), pooling, CLIPS), wanted)


def test_a_long_clip_goes_to_a_file(monkeypatch):
    monkeypatch.setattr(_pooled_frames, "_MOST_VALUES_IN_MEMORY", 1000)  # all three are longer
    made = []
    values = _pooled_frames.ScratchValues
    monkeypatch.setattr(_pooled_frames, "ScratchValues", lambda shape: made.append(values(shape)) or made[-1])
    reader = READERS["mel"]
    pooled_frames(reader, SequencePooling().fit(reader.transform(CLIPS)), CLIPS)
    assert [len(file) for file in made] == reader.transform(CLIPS).lengths.tolist()


@pytest.mark.parametrize("most", [1 << 23, 1000])
def test_clips_that_fail(most, monkeypatch):
    monkeypatch.setattr(_pooled_frames, "_MOST_VALUES_IN_MEMORY", most)
    reader = clone(READERS["mel"])
    pooling = SequencePooling().fit(reader.transform(CLIPS))
    rows = [CLIPS[1], "no-such.wav", CLIPS[2] * np.float32(1e30), CLIPS[2]]
    with pytest.raises(OSError, match=r"row 1: cannot read 'no-such\.wav'"):
        pooled_frames(reader, pooling, rows)
    with pytest.raises(ValueError, match="row 2: the output for the clip is NaN or infinite"):
        pooled_frames(reader, pooling, [*rows[:1] * 2, rows[2]])
    with pytest.warns(UserWarning, match=r"2 clip\(s\) could not be used and became NaN"):
        pooled = pooled_frames(reader.set_params(on_error="nan"), pooling, rows)
    assert np.isnan(pooled).all(axis=1).tolist() == [False, True, True, False]
    np.testing.assert_array_equal(pooled[[0, 3]], pooling.transform(reader.transform([rows[0], rows[3]])))


def test_other_steps_are_left_to_the_pipeline():
    reader = READERS["mel"]
    frames = reader.transform(CLIPS)
    pooling = SequencePooling().fit(frames)
    assert can_pool(reader, pooling)
    assert not can_pool(StandardScaler(), pooling)
    assert not can_pool(reader, StandardScaler())
    assert not can_pool(reader, SequencePooling())
    assert not can_pool(reader, clone(pooling).fit([frames[0][:, :7]]))
    assert not can_pool(READERS["stft"], pooling)
    assert not can_pool(clone(reader).set_params(normalize="standard"), pooling)
    assert not can_pool(reader, clone(pooling).set_output(transform="pandas").fit(frames))
