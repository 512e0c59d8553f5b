"""No video on both sides."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.datasets import read_audioset_segments, shared_videos, split_audioset
from tests.datasets.audioset_files import write_tables


@pytest.fixture
def segments():
    rng = np.random.default_rng(0)
    names = [f"/m/{i}" for i in range(8)]
    chances = np.linspace(0.05, 0.5, 8)
    rows = []
    for i in range(400):
        labels = tuple(name for name, drawn in zip(names, rng.uniform(size=8) < chances, strict=True) if drawn)
        rows.append((f"video{i // 2:06}", 10.0 * (i % 2), 10.0 * (i % 2) + 10, labels or ("/m/0",)))
    return pd.DataFrame(rows, columns=["ytid", "start", "end", "labels"], index=np.arange(400) + 1000)


@pytest.mark.parametrize("stratify", [True, False])
def test_all_segments_of_a_video_on_one_side(segments, stratify):
    train, validation = split_audioset(segments, validation_size=0.2, stratify=stratify, random_state=1)
    assert shared_videos(train, validation) == []
    assert validation["ytid"].nunique() == 40
    assert sorted([*train.index, *validation.index]) == segments.index.tolist()
    assert train.index.is_monotonic_increasing


@pytest.mark.parametrize("stratify", [True, False])
def test_seeds(segments, stratify):
    first, again, other = (split_audioset(segments, stratify=stratify, random_state=seed)[1] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert set(first["ytid"]) != set(other["ytid"])


def test_every_label_keeps_its_share(segments):
    def worst(stratify, seed):
        _, validation = split_audioset(segments, validation_size=0.2, stratify=stratify, random_state=seed)
        counts = [table["labels"].explode().value_counts() for table in (validation, segments)]
        return abs(counts[0].reindex(counts[1].index, fill_value=0) / counts[1] - 0.2).max()

    stratified, drawn = (np.mean([worst(value, seed) for seed in range(5)]) for value in (True, False))
    assert stratified < 0.05
    assert drawn > 2 * stratified


def test_shared_videos(tmp_path, segments):
    published = read_audioset_segments(write_tables(tmp_path)[0])
    assert shared_videos(published[:4], published[4:]) == ["abcdefgh_30"]
    assert shared_videos(published, segments) == []
    with pytest.raises(ValueError, match="the segments have no column 'ytid'"):
        shared_videos(published.drop(columns="ytid"), segments)


def test_a_side_that_would_be_empty(segments):
    with pytest.raises(ValueError, match=r"test_size=1\.5 should be"):
        split_audioset(segments, validation_size=1.5)
    with pytest.raises(ValueError, match="the resulting train set will be empty"):
        split_audioset(segments[:2], validation_size=0.5)
