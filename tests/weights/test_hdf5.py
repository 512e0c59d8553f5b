"""HDF5 files: their arrays by path, and what is said without h5py."""

import importlib.util
import sys

import numpy as np
import pytest

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import read_checkpoint
from sklearn_audio.weights._hdf5 import HDF5, read_hdf5

needs_h5py = pytest.mark.skipif(
    importlib.util.find_spec("h5py") is None, reason="h5py, the extra 'hdf5', is not installed"
)


def test_without_h5py(tmp_path, monkeypatch):
    """The content counts, and not the name."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "weights.pth").write_bytes(HDF5 + bytes(100))
    with pytest.raises(
        ImportError, match=r"reading HDF5 files, such as Keras' \.h5, needs the package 'h5py', .*\[hdf5\]"
    ):
        read_checkpoint(tmp_path / "weights.pth", "yamnet")


@needs_h5py
def test_arrays_by_their_paths(tmp_path):
    import h5py

    values = {"layer1/conv/layer1/conv/kernel:0": np.ones((3, 3), dtype="f4"), "count": np.array(3)}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["keras_version"] = "2.3.1"
        file["words"] = "text"
        for name, value in values.items():
            file[name] = value
    read = read_hdf5(tmp_path / "a.h5")
    assert read.keys() == values.keys()
    for name, value in values.items():
        np.testing.assert_array_equal(read[name], value)
    with pytest.raises(WeightsError, match=r"a\.h5': this is not a checkpoint of YAMNet: 56 of its 56 tensors"):
        read_checkpoint(tmp_path / "a.h5", "yamnet")


@needs_h5py
def test_damage(tmp_path):
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/b"] = np.ones((300, 30))
    body = (tmp_path / "a.h5").read_bytes()
    for length in (20, 100, len(body) - 1000):
        (tmp_path / "a.h5").write_bytes(body[:length])
        with pytest.raises(WeightsError, match=r"a\.h5' is damaged or no HDF5 file"):
            read_hdf5(tmp_path / "a.h5")
