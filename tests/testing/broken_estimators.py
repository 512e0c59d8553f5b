"""Estimators that break one promise each, and what the suite says of them."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile
import torch
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin

from sklearn_audio import AudioLoader, Ragged, SequencePooling

__all__ = ["BROKEN", "DependsOnNeighbours", "Loader", "LoadsWeightsAtConstruction", "Pooling"]

RATE = 8000


class Loader(AudioLoader):
    """A right one, on which the broken ones are built."""

    def __init__(self, sample_rate=RATE, channel="mean", n_jobs=None, on_error="raise"):
        super().__init__(sample_rate, channel=channel, n_jobs=n_jobs, on_error=on_error)


class Pooling(SequencePooling):
    """A right one over frames."""


def mapped(X, function):
    """X with its bare arrays changed, where X is a list; else X."""
    return [function(x) if isinstance(x, np.ndarray) else x for x in X] if isinstance(X, list) else X


# ---- one broken estimator per promise --------------------------------------------------------------------------------


class PathsAreRounded(Loader):
    def transform(self, X):
        rows = super().transform(X)
        return rows.map(np.float16) if isinstance(X, list) and isinstance(X[0], str) else rows


class NoBytes(Loader):
    def transform(self, X):
        if isinstance(X, list) and isinstance(X[0], bytes):
            raise TypeError("bytes are beyond me")
        return super().transform(X)


class ArraysAreStandardised(Loader):
    def transform(self, X):
        if isinstance(X, np.ndarray) and X.ndim == 2:
            X = X - X.mean(axis=0)
        return super().transform(X)


class IgnoresRatesOfArrays(Loader):
    def transform(self, X):
        if isinstance(X, list):
            X = [x[0] if isinstance(x, tuple) and isinstance(x[1], int) and x[1] > 0 else x for x in X]
        return super().transform(X)


class IgnoresRatesOfFiles(Loader):
    def transform(self, X):
        if isinstance(X, list) and all(isinstance(x, str) and Path(x).exists() for x in X):
            X = [soundfile.read(x, dtype="float32")[0] for x in X]
        return super().transform(X)


class SwallowsStereo(Loader):
    def transform(self, X):
        if isinstance(X, list):
            X = [x | {"array": x["array"][:, 0]} if isinstance(x, dict) and np.ndim(x["array"]) == 2 else x for x in X]
        return super().transform(X)


class IntegersAreNotScaled(Loader):
    def transform(self, X):
        return super().transform(mapped(X, lambda x: x.astype(float) if x.dtype.kind == "i" else x))


class DividesByThePeak(Loader):
    def transform(self, X):
        with np.errstate(invalid="ignore"):
            return super().transform(X).map(lambda row: row / np.abs(row).max())


class DropsShortClips(Loader):
    def transform(self, X):
        return super().transform(X).map(lambda row: row if len(row) > 20 else row[:0])


class AcceptsNaN(Loader):
    def transform(self, X):
        return super().transform(mapped(X, lambda x: np.nan_to_num(x) if x.dtype.kind == "f" else x))


class AcceptsBareStereo(Loader):
    def transform(self, X):
        if isinstance(X, list):
            X = [x.mean(axis=1) if isinstance(x, np.ndarray) and x.ndim == 2 else x for x in X]
        return super().transform(X)


class HidesTheRow(Loader):
    def transform(self, X):
        try:
            return super().transform(X)
        except (ValueError, TypeError, OSError) as error:
            raise type(error)("something is wrong") from error


class AcceptsOneClip(Loader):
    def transform(self, X):
        return super().transform([X] if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind == "f" else X)


class AcceptsASet(Loader):
    def transform(self, X):
        return np.zeros((2, 2)) if isinstance(X, set) else super().transform(X)


class FailedRowsAreZero(Loader):
    def transform(self, X):
        return super().transform(X).map(np.nan_to_num)


class FailedRowsRaise(Loader):
    def transform(self, X):
        return AudioLoader(self.sample_rate).transform(X)


class FailsQuietly(Loader):
    def transform(self, X):
        missing = [isinstance(x, str) and not Path(x).exists() for x in X]
        if self.on_error == "raise" or not any(missing):
            return super().transform(X)
        rows = super().transform([np.zeros(1) if bad else x for x, bad in zip(X, missing, strict=True)]).to_list()
        return Ragged.from_list([row * np.nan if bad else row for row, bad in zip(rows, missing, strict=True)])


class FailureShiftsTheRest(Loader):
    def transform(self, X):
        rows = super().transform(X)
        bad = np.isnan(rows.values).any()
        return rows.map(lambda row: row * 2) if bad else rows


class ThreadsRound(Loader):
    def transform(self, X):
        rows = super().transform(X)
        return rows.map(np.float16) if self.n_jobs else rows


class ReadsAtConstruction(BaseEstimator, TransformerMixin):
    def __init__(self, weights=None, sample_rate=RATE):
        self.weights = weights
        self.sample_rate = sample_rate
        self._read()

    def _read(self):
        with open(__file__, encoding="utf-8") as file:
            self._text = file.read()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


class ReadsAPathAtConstruction(ReadsAtConstruction):
    def _read(self):
        self._text = Path(__file__).read_text(encoding="utf-8")


class LoadsWeightsAtConstruction(ReadsAtConstruction):
    def _read(self):
        if self.weights is not None:
            torch.load(self.weights, weights_only=True)


class DependsOnNeighbours(Loader):
    def transform(self, X):
        rows = super().transform(X)
        return rows.with_values(rows.values - rows.values.mean())


class DependsOnThePlace(Loader):
    def transform(self, X):
        return Ragged.from_list([row + i for i, row in enumerate(super().transform(X))])


class Remembers(Loader):
    def transform(self, X):
        self.calls_ = getattr(self, "calls_", 0) + 1
        return super().transform(X).map(lambda row: row * self.calls_)


class FitsAtRandom(Loader):
    def fit(self, X, y=None):
        self.shift_ = np.random.default_rng().normal()
        return super().fit(X)

    def transform(self, X):
        return super().transform(X).map(lambda row: row + self.shift_)


class NumbersItsRows(Loader):
    def transform(self, X):
        return super().transform(X).with_labels(index=range(len(X)))


class IgnoresTheContainer(Pooling):
    def set_output(self, *, transform=None):
        return self


class WritesToX(Loader):
    def transform(self, X):
        for x in X:
            x *= 0.5
        return super().transform(X)


class WritesToXByForce(Loader):
    def transform(self, X):
        for x in X:
            x.setflags(write=True)
            x *= 0.5
        return super().transform(X)


class CannotPickle(Loader):
    def fit(self, X, y=None):
        self.function_ = lambda row: row
        return super().fit(X)


class RefusesToPickle(Loader):
    def __getstate__(self):
        raise TypeError("not today")


class UsesTheGlobalGeneratorOfNumPy(Loader):
    def transform(self, X):
        np.random.rand()  # noqa: NPY002 - what must be found
        return super().transform(X)


class SeedsTorch(Loader):
    def fit(self, X, y=None):
        torch.manual_seed(0)
        return super().fit(X)


class SeedsPython(Loader):
    def fit(self, X, y=None):
        random.seed(0)
        return super().fit(X)


class Prints(Loader):
    def fit(self, X, y=None):
        print("fitting")
        return super().fit(X)


class LeavesFiles(Loader):
    def fit(self, X, y=None):
        Path("left.txt").touch()
        return super().fit(X)


class KeepsHalfAFit(Pooling):
    def fit(self, X, y=None):
        # not an attribute that is put back, but a change within one
        self.__dict__.setdefault("seen_", []).append(len(X))
        return super().fit(X)

    def transform(self, X):
        return super().transform(X) * len(self.seen_)


class IgnoresFailures(BaseEstimator, TransformerMixin):
    def fit(self, X, y=None):
        self.seen_ = len(X)
        self.mean_ = np.mean([np.mean(np.asarray(row)) for row in X])
        if np.isnan(self.mean_):
            raise ValueError("NaN")
        return self

    def transform(self, X):
        return np.full((len(X), 1), self.mean_)


class SwallowsCallbacks(Pooling):
    def __init__(self, statistics=("mean", "std"), callbacks=None, warm_start=False):
        super().__init__(statistics)
        self.callbacks = callbacks
        self.warm_start = warm_start

    def fit(self, X, y=None):
        with suppress(Exception):
            for callback in self.callbacks or ():
                callback.on_epoch_end(None)
        return super().fit(X)


class FramesOfArraysAreSorted(Pooling):
    def transform(self, X):
        rows = super().transform(X)
        return rows + 1 if isinstance(X, np.ndarray) and X.ndim == 3 else rows


class FramesWithNaN(Pooling):
    def transform(self, X):
        return super().transform([np.nan_to_num(x) for x in X] if isinstance(X, list) and len(X) == 2 else X)


class FramesOfAnyWidth(Pooling):
    def transform(self, X):
        return self.fit(X) and super().transform(X)


class FramesDependOnNeighbours(Pooling):
    def transform(self, X):
        rows = super().transform(X)
        return rows - rows.mean(axis=0)


class Means(BaseEstimator, TransformerMixin):
    """A right one over frames, whose methods are as they stand here: `AudioEstimator` would isolate them."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.stack([np.asarray(row, dtype=np.float32).mean(axis=0) for row in X]) + self._shift()

    def _shift(self):
        return np.float32(0)

    def set_output(self, *, transform=None):
        return self


class FollowsTheDefaultType(Means):
    def _shift(self):
        return (torch.tensor(1 / 3).double() * 3 - 1).numpy() * 1e7


class FollowsTheDefaultDevice(Means):
    def _shift(self):
        return torch.zeros(1).numpy()


class FollowsAutocast(Means):
    def _shift(self):
        rows = [torch.full((4, 4), 1 / 3, dtype=torch.float32, device="cpu")] * 2
        return (rows[0] @ rows[1]).float().numpy()[0, 0]


class NeedsGradients(Means):
    def fit(self, X, y=None):
        weight = torch.ones(1, device="cpu", requires_grad=True)
        (weight * 2).sum().backward()
        return self


class DrawsFromTheGlobalGenerator(Means):
    def _shift(self):
        return np.float32(random.Random(random.getstate()[1][1]).random())  # the first number is the same for all seeds


class FollowsTheConfiguration(Means):
    def _shift(self):
        return np.float32(get_config()["transform_output"] == "pandas")


class Underflows(Means):
    def _shift(self):
        return np.exp(np.array([-200.0], dtype=np.float32))


class WritesToClosedStreams(Means):
    def fit(self, X, y=None):
        sys.stderr.write("")
        return self


class SetsTheDefaultType(Means):
    def fit(self, X, y=None):
        torch.set_default_dtype(torch.float32)
        return self


class SwitchesGradients(Means):
    def fit(self, X, y=None):
        torch.set_grad_enabled(not torch.is_grad_enabled())
        return self


class FollowsTheNumberOfThreads(Means):
    def _shift(self):
        return torch.get_num_threads()


class SetsTheNumberOfThreads(Means):
    def transform(self, X):
        torch.set_num_threads(torch.get_num_threads() + 1)
        return super().transform(X)


class SetsTheNumberOfNewThreads(Means):
    def fit(self, X, y=None):
        # a thread that ends hands its number on to those that come after it
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: torch.set_num_threads(torch.get_num_threads() + 1)).result()
        return self


BROKEN = [
    (PathsAreRounded, "check_forms_of_x", "X as paths: row 0 differs"),
    (NoBytes, "check_forms_of_x", "it raised TypeError: bytes are beyond me"),
    (ArraysAreStandardised, "check_rectangular_array", "a 2-D array against a list: row 0 differs"),
    (IgnoresRatesOfArrays, "check_other_rates", "arrays with a rate at 44100 Hz: row 0 is not that of the resampled"),
    (IgnoresRatesOfFiles, "check_other_rates", "files at 44100 Hz: row 0 is not that of the resampled clip"),
    (SwallowsStereo, "check_channels_and_integers", "stereo: row 0 differs"),
    (IntegersAreNotScaled, "check_channels_and_integers", "int16: row 0 differs"),
    (DividesByThePeak, "check_odd_clips", "a clip of silence gives NaN or infinity"),
    (DropsShortClips, "check_odd_clips", "a clip of one timepoint gives no numbers"),
    (AcceptsNaN, "check_refused_clips", "NaN does not raise"),
    (AcceptsBareStereo, "check_refused_clips", "a bare stereo array does not raise"),
    (HidesTheRow, "check_refused_clips", r"NaN raises, but the message does not match 'row 1.*something is wrong"),
    (AcceptsOneClip, "check_refused_containers", "one waveform does not raise"),
    (AcceptsASet, "check_refused_containers", "a set does not raise"),
    (FailedRowsAreZero, "check_on_error_nan", "the row of a missing file is not NaN"),
    (FailedRowsRaise, "check_on_error_nan", "it raised AudioReadError: row 1"),
    (FailsQuietly, "check_on_error_nan", r"expected one warning that names row 1 and its file, got \[\]"),
    (FailureShiftsTheRest, "check_on_error_nan", "the rows beside a missing file: row 0 differs"),
    (ThreadsRound, "check_background_threads", "n_jobs=2: row 0 differs"),
    (ReadsAtConstruction, "check_nothing_read_at_construction", "a file was opened at construction"),
    (ReadsAPathAtConstruction, "check_nothing_read_at_construction", "a file was opened at construction"),
    (DependsOnNeighbours, "check_neighbours", "one by one: row 0 differs"),
    (DependsOnThePlace, "check_neighbours", "one by one: row 1 differs"),
    (Remembers, "check_repeats", "a second call: row 0 differs"),
    (FitsAtRandom, "check_repeats", "a second fit: row 0 differs"),
    (NumbersItsRows, "check_index", "X has the index .*3, 5, 0, 3.* but the output has RangeIndex"),
    (IgnoresTheContainer, "check_index", "a DataFrame is expected, got ndarray"),
    (WritesToX, "check_input_kept", "it raised ValueError: .*read-only"),
    (WritesToXByForce, "check_input_kept", "X after the call: row 0 differs"),
    (CannotPickle, "check_pickle_in_fresh_process", "it raised (AttributeError|PicklingError): .*lambda"),
    (RefusesToPickle, "check_pickle_in_fresh_process", "it raised TypeError: not today"),
    (UsesTheGlobalGeneratorOfNumPy, "check_global_random_state", "the global random state of NumPy was changed"),
    (SeedsTorch, "check_global_random_state", "the global random state of torch was changed"),
    (SeedsPython, "check_global_random_state", "the global random state of Python was changed"),
    (FollowsTheDefaultType, "check_ambient_state", "torch.set_default_dtype: row 0 differs"),
    (FollowsTheDefaultDevice, "check_ambient_state", "torch.set_default_device: it raised"),
    (FollowsAutocast, "check_ambient_state", "torch.autocast: row 0 differs"),
    (NeedsGradients, "check_ambient_state", "torch.inference_mode: it raised RuntimeError"),
    (DrawsFromTheGlobalGenerator, "check_ambient_state", "other states of the global generators: row 0 differs"),
    (FollowsTheConfiguration, "check_ambient_state", r"sklearn.set_config\(transform_output='pandas'\): row 0 differs"),
    (Underflows, "check_ambient_state", r"numpy.seterr\(all='raise'\): it raised FloatingPointError"),
    (WritesToClosedStreams, "check_ambient_state", "closed streams: it raised ValueError: I/O operation on closed"),
    (SetsTheDefaultType, "check_ambient_state", "torch.set_default_dtype: left changed: torch's default type"),
    (SwitchesGradients, "check_ambient_state", "left changed: gradients"),
    (SetsTheNumberOfNewThreads, "check_ambient_state", "left changed: torch's threads, here and in new threads"),
    (FollowsTheNumberOfThreads, "check_thread_count", "torch.set_num_threads: row 0 differs"),
    (SetsTheNumberOfThreads, "check_thread_count", r"here and in new threads, were \((\d+), \1\) and are"),
    (Prints, "check_quiet", r"something was printed: b'fitting\\n'"),
    (LeavesFiles, "check_quiet", r"files were written: \['left.txt'\]"),
    (KeepsHalfAFit, "check_failed_fit", "a good fit after others that failed: row 0 differs"),
    (IgnoresFailures, "check_failed_fit", "a last row of NaN, .*: fit fails and leaves another seen_, mean_ behind"),
    (SwallowsCallbacks, "check_failed_fit", "fit ends as if nothing had happened, though a callback raised"),
    (FramesOfArraysAreSorted, "check_forms_of_frames", "a 3-D array against a list: row 0 differs"),
    (FramesWithNaN, "check_refused_frames", "NaN does not raise"),
    (FramesOfAnyWidth, "check_refused_frames", "a narrower X does not raise"),
    (FramesDependOnNeighbours, "check_neighbours", "one by one: row 0 differs"),
]
