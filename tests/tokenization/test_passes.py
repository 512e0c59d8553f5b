"""A pass over the frames: where centres without frames go."""

import numpy as np

from sklearn_audio.tokenization._frame_space import FrameSpace
from sklearn_audio.tokenization._passes import VocabularyPass


def test_centres_without_frames_are_put_where_frames_are_far():
    """Two of three centres are equal, so that one gets no frame; the farthest frame becomes its centre."""
    start = np.array([[0.0], [0.0], [10.0]], dtype=np.float32)
    frames = np.array([[0.0], [1.0], [9.0], [10.0], [17.0]], dtype=np.float32)
    found = VocabularyPass(start, FrameSpace()).assign(frames)
    assert found.counts.tolist() == [2, 0, 3]
    found.fill_empty(np.zeros(3, dtype=np.int64), frames, FrameSpace())
    assert found.counts.tolist() == [2, 1, 2]
    assert found.sums.tolist() == [[1.0], [17.0], [19.0]]
