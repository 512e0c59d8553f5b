"""Record the golden values of YAMNet from its authors' code: ``python -m tests.parity.record_yamnet FOLDER``.

FOLDER is a copy of research/audioset/yamnet of https://github.com/tensorflow/models; TensorFlow 2 and tf_keras must be
installed. The weights go through a file of Keras, as the published ones do.
"""

from __future__ import annotations

import os
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import importlib
import tempfile

import h5py

from tests.parity.golden_files import write_golden
from tests.parity.yamnet_layout import arrays, waveforms


def layout_of(file: h5py.File) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    file.visititems(lambda name, item: found.update({name: item.shape} if isinstance(item, h5py.Dataset) else {}))
    return found


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    params, yamnet = (importlib.import_module(name) for name in ("params", "yamnet"))
    model = yamnet.yamnet_frames_model(params.Params())
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/yamnet.h5"
        model.save_weights(path)
        with h5py.File(path, "r+") as file:
            layout = layout_of(file)
            for name, array in arrays(layout).items():
                file[name][...] = array
        model.load_weights(path)
    answers = {}
    for name, waveform in waveforms().items():
        found = model(waveform)
        answers[name] = {"embedding": found["embeddings"].numpy(), "probabilities": found["predictions"].numpy()}
    write_golden("yamnet", layout, answers)


if __name__ == "__main__":
    main(sys.argv[1])
