"""OpenL3 against its authors' code in Keras, front end and windows too, from seeded weights under Keras's names."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.torch import save_file

from sklearn_audio import OpenL3Embedder
from sklearn_audio.weights._openl3 import convert_openl3
from tests.parity.golden_files import difference, read_golden
from tests.parity.musicnn_layout import to_tensorflow
from tests.parity.openl3_layout import CLIPS, HOP, variable_name
from tests.parity.seeded import checkpoint, clips

# measured 2e-5
TOLERANCE = 1e-4
SOUND = clips(48000)["10s"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Safetensors by the kind of frames."""
    folder = tmp_path_factory.mktemp("openl3")

    def file(frames):
        path = folder / f"{frames}.safetensors"
        if not path.exists():
            drawn = checkpoint(read_golden(f"openl3_{frames}").layout)
            state = convert_openl3(to_tensorflow({variable_name(name): array for name, array in drawn.items()}))
            save_file(state, path, {"converter": "openl3"})
        return path

    return file


@pytest.mark.parametrize(
    ("frames", "name"),
    [
        ("mel128", "0.1s"),
        pytest.param("mel128", "1s", marks=pytest.mark.slow),
        *(pytest.param("mel256", name, marks=pytest.mark.slow) for name in CLIPS),
        *(pytest.param("linear", name, marks=pytest.mark.slow) for name in ("0.1s", "1s")),
    ],
)
def test_windows_as_in_the_authors_code(weights, frames, name):
    golden = read_golden(f"openl3_{frames}").answers[name]
    embedder = OpenL3Embedder(
        f"music_{frames}",
        weights=weights(frames),
        sample_rate=48000,
        pooling=None,
        layer=["embedding_6144", "embedding_512"],
        hop=None if name == "0.1s" else HOP[name],
    )
    ours = embedder.transform([SOUND[: CLIPS[name]]])[0]
    assert golden["embedding"].std(axis=1).min() > 1e-3
    assert difference(ours[:, :6144], golden["embedding"], "embedding") < TOLERANCE
    assert difference(ours[:, 6144::8], golden["embedding_512"], "") < TOLERANCE
    if len(golden["embedding"]) > 1:
        assert np.ptp(golden["embedding"], axis=0).max() > 0.1 * np.abs(golden["embedding"]).max()
