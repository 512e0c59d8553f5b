"""Record the golden values of OpenL3: ``python tests/parity/record_openl3.py``.

The code is that of its authors: the distributions openl3 0.4.2 and kapre 0.3.7, run by TensorFlow 2 with tf_keras. The
weights go through a file, as the published ones do.
"""

from __future__ import annotations

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import tempfile

import openl3
import tensorflow as tf
from golden_files import write_golden
from musicnn_layout import to_seeded, to_tensorflow
from openl3.models import AUDIO_MODELS, load_audio_embedding_model_from_path
from openl3_layout import CLIPS, HOP, drawn_name, variable_name
from seeded import checkpoint, clips


def main() -> None:
    sound = clips(48000)["10s"]
    for frames in ("mel256", "mel128", "linear"):
        tf.keras.backend.clear_session()  # layers are numbered from the first
        network = AUDIO_MODELS[frames]()
        variables = {variable.name.removesuffix(":0"): variable for variable in network.weights}
        variables = {name: value for name, value in variables.items() if len(name.split("/")) == 2}
        layout = dict(to_seeded(name, tuple(variable.shape)) for name, variable in variables.items())
        layout = {drawn_name(name): shape for name, shape in layout.items()}
        drawn = {variable_name(name): array for name, array in checkpoint(layout).items()}
        for name, array in to_tensorflow(drawn).items():
            variables[name].assign(array)
        with tempfile.TemporaryDirectory() as folder:
            network.save_weights(f"{folder}/{frames}.h5")
            models = {
                size: load_audio_embedding_model_from_path(f"{folder}/{frames}.h5", frames, size)
                for size in (6144, 512)
            }
        answers: dict = {}
        for name in CLIPS if frames == "mel256" else ("0.1s", "1s"):
            for layer, size in {"embedding": 6144, "embedding_512": 512}.items():
                values, _ = openl3.get_audio_embedding(
                    sound[: CLIPS[name]], 48000, model=models[size], hop_size=HOP[name], verbose=False
                )
                answers.setdefault(name, {})[layer] = values if size == 6144 else values[:, ::8]
        write_golden(f"openl3_{frames}", layout, answers)


if __name__ == "__main__":
    main()
