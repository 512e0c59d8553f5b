"""Checks of estimators that take recordings."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_audio.files import resample
from sklearn_audio.ragged import Ragged
from sklearn_audio.testing._probes import assert_same_rows, bare_rate, fit, outputs, waveforms
from sklearn_audio.testing._refusals import expect_refusal


def _write(folder: str, clips: list[NDArray[np.float32]], rate: int) -> list[str]:
    paths = [str(Path(folder) / f"clip_{i}.wav") for i in range(len(clips))]
    for path, clip in zip(paths, clips, strict=True):
        soundfile.write(path, clip, rate, subtype="FLOAT")
    return paths


def check_forms_of_x(estimator: Any) -> None:
    """Paths, bytes, files, arrays, dicts, pairs, segments, pandas and Ragged give bit-identical rows."""
    clips, rate = waveforms(estimator), bare_rate(estimator)
    fitted = fit(estimator, clips, len(clips))
    wanted = outputs(fitted, clips)
    with tempfile.TemporaryDirectory() as folder:
        paths = _write(folder, clips, rate)
        contents = [Path(path).read_bytes() for path in paths]
        forms = {
            "paths": paths,
            "Path objects": [Path(path) for path in paths],
            "array of paths": np.array(paths),
            "Series of paths": pd.Series(paths),
            "DataFrame of paths": pd.DataFrame({"file": paths}),
            "path, start, end": pd.DataFrame({"path": paths, "start": 0.0, "end": np.nan}),
            "(path, start, end)": [(path, 0.0, None) for path in paths],
            "bytes": contents,
            "binary files": [io.BytesIO(content) for content in contents],
            "object array": np.array([*clips, None], dtype=object)[:-1],
            "Series of arrays": pd.Series(clips),
            "tuple of arrays": tuple(clips),
            "Ragged": Ragged.from_list(clips),
            "dicts": [{"array": clip, "sampling_rate": rate} for clip in clips],
            "(array, rate)": [(clip, rate) for clip in clips],
            "float64 arrays": [clip.astype(np.float64) for clip in clips],
        }
        for name, X in forms.items():
            assert_same_rows(outputs(fitted, X), wanted, f"X as {name}")


def check_rectangular_array(estimator: Any) -> None:
    """A float array (n_clips, n_timepoints) gives the same as the list of its rows."""
    length = min(len(clip) for clip in waveforms(estimator))
    X = np.stack([clip[:length] for clip in waveforms(estimator)])
    fitted = fit(estimator, X, len(X))
    assert_same_rows(outputs(fitted, X), outputs(fitted, list(X)), "a 2-D array against a list")


def check_other_rates(estimator: Any) -> None:
    """Recordings at another rate are resampled, whether files or arrays with a rate."""
    clips, rate = waveforms(estimator), bare_rate(estimator)
    fitted = fit(estimator, clips, len(clips))
    other = 44100 if rate != 44100 else 32000
    source = [resample(clip, rate, other) for clip in clips]
    # the round trip through the other rate is exact only up to the resampler
    wanted = outputs(fitted, [resample(clip, other, rate) for clip in source])
    with tempfile.TemporaryDirectory() as folder:
        for name, X in {
            "files": _write(folder, source, other),
            "arrays with a rate": [(clip, other) for clip in source],
        }.items():
            got = outputs(fitted, X)
            for row, (a, b) in enumerate(zip(got, wanted, strict=True)):
                # cutting before resampling leaves an edge, so norms are compared instead of values
                if a.shape != b.shape or np.linalg.norm(a - b) > 0.03 * np.linalg.norm(b):
                    raise AssertionError(f"{name} at {other} Hz: row {row} is not that of the resampled clip.")


def check_channels_and_integers(estimator: Any) -> None:
    """Channels are averaged; int16 and int32 are scaled to [-1, 1]."""
    clips, rate = waveforms(estimator), bare_rate(estimator)
    clips = [(np.round(clip * 2**15) / 2**15).astype(np.float32) for clip in clips]
    fitted = fit(estimator, clips, len(clips))
    wanted = outputs(fitted, clips)
    stereo = [{"array": np.stack([clip * 1.5, clip * 0.5], axis=1), "sampling_rate": rate} for clip in clips]
    int16 = [(clip * 2**15).astype(np.int16) for clip in clips]
    int32 = [(clip.astype(np.float64) * 2**31).astype(np.int32) for clip in clips]
    assert_same_rows(outputs(fitted, stereo), wanted, "stereo", rtol=1e-4)
    assert_same_rows(outputs(fitted, int16), wanted, "int16")
    assert_same_rows(outputs(fitted, int32), wanted, "int32")


def check_odd_clips(estimator: Any) -> None:
    """One timepoint, silence, a square wave, DC and clipping give finite numbers."""
    clips, rate = waveforms(estimator), bare_rate(estimator)
    fitted = fit(estimator, clips, len(clips))
    odd = {
        "one timepoint": np.array([0.5], dtype=np.float32),
        "two timepoints": np.array([0.5, -0.5], dtype=np.float32),
        "10 ms": clips[0][: rate // 100],
        "silence": np.zeros(rate // 2, dtype=np.float32),
        "full scale square wave": np.sign(np.sin(np.arange(rate // 2) * 0.1) + 1e-6).astype(np.float32),
        "constant": np.full(rate // 2, 0.4, dtype=np.float32),
        "beyond full scale": clips[0] * 8,
        "almost silent": clips[0] * np.float32(1e-6),
    }
    for name, clip in odd.items():
        row = outputs(fitted, [clip])[0]
        if row.dtype.kind == "f" and not (row.size and np.isfinite(row).all()):
            raise AssertionError(f"a clip of {name} gives {'no numbers' if not row.size else 'NaN or infinity'}.")


def check_refused_clips(estimator: Any) -> None:
    """NaN, infinity, no timepoints, bare stereo, complex, text and missing files raise, naming the row."""
    clips, rate = waveforms(estimator), bare_rate(estimator)
    fitted = fit(estimator, clips, len(clips))
    good, bad_value = clips[0], clips[1].copy()
    bad_value[3] = np.nan
    refused = {
        "NaN": (bad_value, "row 1.*NaN"),
        "infinity": (np.where(np.isnan(bad_value), np.inf, bad_value), "row 1.*infinity"),
        "no timepoints": (good[:0], "row 1.*no samples"),
        "a bare stereo array": (np.stack([good, good], axis=1), "row 1.*channels"),
        "a transposed array": ({"array": np.zeros((2, 500)), "sampling_rate": rate}, "row 1.*time"),
        "complex numbers": (good.astype(np.complex64), "row 1.*[Cc]omplex"),
        "text as an array": (np.array(["a", "b"]), "row 1"),
        "None": (None, "row 1"),
        "a number": (3.0, "row 1"),
        "a missing file": ("no/such/file.wav", "row 1.*no/such/file.wav"),
        "bytes that are no recording": (b"this is text, not a recording", "row 1"),
        "a dict without a rate": ({"array": good}, "row 1.*sampling_rate"),
        "a rate of zero": ((good, 0), "row 1.*rate"),
    }
    for name, (clip, match) in refused.items():
        X = [{"array": good, "sampling_rate": rate}, clip]
        expect_refusal(lambda X=X: outputs(fitted, X), name, match)  # type: ignore[misc]


def check_refused_containers(estimator: Any) -> None:
    """A single clip, a generator and a set raise."""
    clips = waveforms(estimator)
    fitted = fit(estimator, clips, len(clips))
    single = {
        "a path": "dog.wav",
        "one waveform": clips[0],
        "one dict": {"array": clips[0], "sampling_rate": 16000},
        "one pair": (clips[0], 16000),
        "a generator": (clip for clip in clips),
        "a set": {"a.wav", "b.wav"},
        "a Ragged of frames": Ragged.from_list([np.zeros((3, 2))]),
    }
    for name, X in single.items():
        expect_refusal(lambda X=X: outputs(fitted, X), name, r"\w+ \w+")  # type: ignore[misc]


def check_on_error_nan(estimator: Any) -> None:
    """With ``on_error="nan"`` a bad row becomes NaN, the others are unchanged, and one warning names it."""
    if "on_error" not in estimator.get_params(deep=False) or not hasattr(estimator, "transform"):
        return
    clips = waveforms(estimator)
    fitted = fit(clone(estimator).set_params(on_error="nan"), clips, len(clips))
    wanted = outputs(fitted, clips)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        got = outputs(fitted, [clips[0], "no/such/file.wav", *clips[2:]])
    if not np.isnan(got[1]).all():
        raise AssertionError("the row of a missing file is not NaN.")
    assert_same_rows(got[:1] + got[2:], wanted[:1] + wanted[2:], "the rows beside a missing file")
    messages = [str(entry.message) for entry in caught if "no/such/file.wav" in str(entry.message)]
    if len(messages) != 1 or "row 1" not in messages[0]:
        raise AssertionError(f"expected one warning that names row 1 and its file, got {messages}.")


def check_background_threads(estimator: Any) -> None:
    """``n_jobs=2`` and ``n_jobs=None`` give bit-identical rows."""
    if "n_jobs" not in estimator.get_params(deep=False):
        return
    clips = waveforms(estimator)
    fitted = fit(estimator, clips, len(clips))
    wanted = outputs(fitted, clips)
    assert_same_rows(outputs(fitted.set_params(n_jobs=2), clips), wanted, "n_jobs=2")


def check_nothing_read_at_construction(estimator: Any) -> None:
    """Construction, clone and repr open no file and load no weights."""
    refuse = mock.Mock(side_effect=AssertionError("a file was opened at construction."))
    readers = ("builtins.open", "io.open", "soundfile.SoundFile", "torch.load")  # pathlib opens with io.open
    with contextlib.ExitStack() as patches:
        for reader in readers:
            patches.enter_context(mock.patch(reader, refuse))
        type(estimator)(**estimator.get_params(deep=False))
        repr(clone(estimator))


AUDIO_CHECKS = (
    check_forms_of_x,
    check_rectangular_array,
    check_other_rates,
    check_channels_and_integers,
    check_odd_clips,
    check_refused_clips,
    check_refused_containers,
    check_on_error_nan,
    check_background_threads,
    check_nothing_read_at_construction,
)
