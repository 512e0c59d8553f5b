"""Record the golden values of MusiCNN: ``python tests/parity/record_musicnn.py``.

The network is that of the distribution musicnn (``pip install --no-deps musicnn``), run by TensorFlow 2 with tf_keras.
"""

from __future__ import annotations

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf
from golden_files import write_golden
from musicnn.models import build_musicnn
from musicnn_layout import LAYERS, frames, to_seeded, to_tensorflow
from seeded import checkpoint


def main() -> None:
    tf.compat.v1.disable_eager_execution()
    placeholder = tf.compat.v1.placeholder(tf.float32, [None, 187, 96])
    logits, *features = build_musicnn(placeholder, False, 50)
    variables = {variable.name.removesuffix(":0"): variable for variable in tf.compat.v1.global_variables()}
    layout = dict(to_seeded(name, tuple(variable.shape.as_list())) for name, variable in variables.items())
    with tf.compat.v1.Session() as session:
        for name, array in to_tensorflow(checkpoint(layout)).items():
            variables[name].load(np.ascontiguousarray(array), session)
        answers = session.run(dict(zip(LAYERS, [*features, logits], strict=True)), {placeholder: frames()})
    # of a map over time, (patch, frame, feature) or (patch, frame, feature, 1), the mean
    means = {
        name: values.mean(axis=1).reshape(2, -1) if values.ndim > 2 else values for name, values in answers.items()
    }
    write_golden("musicnn", layout, {"plain": means})


if __name__ == "__main__":
    main()
