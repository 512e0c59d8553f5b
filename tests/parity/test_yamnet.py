"""YAMNetEmbedder against its authors' code, which filled the end of each clip, from seeded weights in their layout."""

from __future__ import annotations

import numpy as np
import pytest

from sklearn_audio import YAMNetEmbedder
from tests.parity.golden_files import difference, read_golden
from tests.parity.yamnet_layout import RATE, arrays, waveforms

# measured 6e-6
TOLERANCE = 1e-5
N_PATCHES = {"0.1s": 1, "0.975s": 1, "1.0s": 2, "2.3s": 4, "10.4s": 21}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("yamnet") / "yamnet.npz"
    np.savez(path, **arrays(read_golden("yamnet").layout))
    return path


@pytest.mark.parametrize("layer", ["embedding", "probabilities"])
def test_patches_as_published(path, layer):
    golden, clips = read_golden("yamnet").answers, waveforms()
    embedder = YAMNetEmbedder(weights=path, sample_rate=RATE, pooling=None, layer=layer)
    rows = embedder.transform(list(clips.values()))
    assert dict(zip(clips, rows.lengths.tolist(), strict=True)) == N_PATCHES
    for name, row in zip(clips, rows, strict=True):
        assert difference(row, golden[name][layer], layer) < TOLERANCE, name
        assert golden[name][layer].std() > 0.05
