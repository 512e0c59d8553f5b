"""Clips as dicts, lists and decoders, with their parts and rates."""

import datetime
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.validation import check_audio

RATE = 8000
CLIP = np.random.default_rng(0).uniform(-0.5, 0.5, 800).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    soundfile.write(tmp_path / "a.wav", CLIP, RATE, subtype="FLOAT")
    return str(tmp_path / "a.wav")


def one(clip, rate=RATE):
    return check_audio([clip], rate, bare_rate=rate)[0]


PARTS = {
    "start, end": {"start": 0.02, "end": 0.06},
    "offset, duration": {"offset": 0.02, "duration": 0.04},
    "onset, offset": {"onset": 0.02, "offset": 0.06},
    "start, duration": {"start": 0.02, "duration": 0.04},
    "start_time, end_time": {"start_time": 0.02, "end_time": 0.06},
    "Begin Time (s)": {"Begin Time (s)": 0.02, "End Time (s)": 0.06},
    "text": {"start": "0.02", "end": " 0.06"},
    "text, text": {"start": "0.02", "duration": "0.04"},
    "decimal": {"start": Decimal("0.02"), "duration": np.float32(0.04)},
    "timedelta": {"start": datetime.timedelta(milliseconds=20), "end": pd.Timedelta("60ms")},
    "timedelta64": {"start": np.timedelta64(20, "ms"), "end": np.timedelta64(60, "ms")},
}


@pytest.mark.parametrize("name", PARTS)
def test_parts(path, name):
    for clip in ({"path": path}, {"array": CLIP, "sampling_rate": RATE}, {"audio": {"path": path}}):
        np.testing.assert_array_equal(one(clip | PARTS[name]), CLIP[160:480])


@pytest.mark.parametrize("gone", [None, np.nan, pd.NA, pd.NaT, np.timedelta64("NaT", "s"), "", " "])
def test_a_missing_time_is_the_end_or_the_start(path, gone):
    np.testing.assert_array_equal(one({"path": path, "start": 0.02, "end": gone}), CLIP[160:])
    np.testing.assert_array_equal(one({"path": path, "start": 0.02, "duration": gone}), CLIP[160:])
    np.testing.assert_array_equal(one((path, gone, 0.06)), CLIP[:480])
    np.testing.assert_array_equal(one([path, 0.02, gone]), CLIP[160:])


@pytest.mark.parametrize("end", [np.inf, "inf"])
def test_an_infinite_end_is_the_end(path, end):
    for clip in ({"path": path}, {"array": CLIP, "sampling_rate": RATE}):
        np.testing.assert_array_equal(one(clip | {"start": 0.02, "end": end}), CLIP[160:])


@pytest.mark.parametrize("form", ["path", "bytes", "file"])
def test_parts_of_any_recording(path, form):
    with open(path, "rb") as file:
        recording = {"path": path.encode(), "bytes": file.read(), "file": file}[form]
        np.testing.assert_array_equal(one((recording, 0.02, 0.06)), CLIP[160:480])


def test_a_list_of_one_path_is_a_path(path):
    np.testing.assert_array_equal(one([path]), CLIP)


def test_bytes_are_a_path_where_they_name_a_file(path, tmp_path, monkeypatch):
    (tmp_path / "recording").write_bytes((tmp_path / "a.wav").read_bytes())
    monkeypatch.chdir(tmp_path)
    for name in (b"a.wav", b"recording"):
        np.testing.assert_array_equal(one(name), CLIP)
    with pytest.raises(AudioReadError, match=r"row 0: cannot read 'no\.wav': there is no such file"):
        one(b"no.wav")
    with pytest.raises(AudioReadError, match="row 0: cannot read <4 bytes>"):
        one(b"none")


BYTES = {
    "one by one": lambda items: list(map(np.bytes_, items)),
    "object array": lambda items: np.array([*items, None], dtype=object)[:-1],
    "column": lambda items: pd.Series(items, dtype=object),
    "dicts": lambda items: [{"path": None, "bytes": item} for item in items],
}


@pytest.mark.parametrize("form", BYTES.values(), ids=BYTES)
def test_bytes_as_hdf5_keeps_them(form, path, tmp_path, monkeypatch):
    """Names of files and contents of files, told apart row by row."""
    monkeypatch.chdir(tmp_path)
    content = (tmp_path / "a.wav").read_bytes()
    clips = check_audio(form([b"a.wav", content, path.encode()]), RATE)
    for clip in clips:
        np.testing.assert_array_equal(clip, CLIP)


def test_the_rate_beside_a_recording(path):
    np.testing.assert_array_equal(one({"path": path, "sampling_rate": RATE}), CLIP)
    np.testing.assert_array_equal(one({"path": path, "sampling_rate": None}), CLIP)
    match = r"row 0 \('.*a\.wav'\): X gives the sampling rate as 16000 Hz, and the recording is at 8000 Hz\. Leave"
    with pytest.raises(ValueError, match=match):
        one({"path": path, "sampling_rate": 16000})
    with pytest.raises(
        ValueError, match="row 0: the sample rate must be a number between 100 Hz and 10 MHz, got 'high'"
    ):
        one({"path": path, "sampling_rate": "high"})


@pytest.mark.parametrize(
    ("clip", "error", "match"),
    [
        (
            {"path": "a.wav", "begins": 1.0},
            ValueError,
            r"row 0: a dict of a clip has no key\(s\) \['begins'\]; its keys",
        ),
        ({"audio": {}, "label": 3}, ValueError, r"\['label'\]; .* give \[record\['audio'\] for record in X\]\."),
        ({"path": "a.wav", "file": "b.wav"}, ValueError, r"has no key\(s\) \['file'\]"),
        ({"path": "a.wav", "end": 2, "duration": 1}, ValueError, "row 0: a part has an end or a duration, not both"),
        ({"path": "a.wav", "start": "1s"}, ValueError, "row 0: start and end are seconds, got '1s'"),
        ({"path": "a.wav", "start": "1_0"}, ValueError, "row 0: start and end are seconds, got '1_0'"),
        ({"path": "a.wav", "start": 1.0, "duration": "nan"}, ValueError, "row 0: start and end are seconds, got 'nan'"),
        ({"path": "a.wav", "start": 1j}, TypeError, "row 0: start and end are seconds, got complex"),
        ({"array": CLIP, "sampling_rate": RATE, "start": np.inf}, ValueError, "row 0: a part starts at 0 s or later"),
        ({"path": "a.wav", "start": True}, TypeError, "row 0: start and end are seconds, got bool"),
        ({"path": 3}, TypeError, "row 0: expected a path or bytes in the dict, got int"),
        ({"path": ""}, ValueError, "row 0: a dict needs 'path', 'bytes', or"),
        ({"path": None, "bytes": None}, ValueError, "row 0: a dict needs 'path', 'bytes', or"),
        ({"array": CLIP, "sampling_rate": RATE, "start": -1}, ValueError, "row 0: a part starts at 0 s or later"),
        ({"array": CLIP, "sampling_rate": RATE, "start": 2, "end": 1}, ValueError, "ends after its start, got 2 to 1"),
        (["a.wav", 0.0, 1.0, 2.0], TypeError, r"row 0: a list of 4 is not a clip; a part of a file is \[path, start_s"),
        (["a.wav", 8000], TypeError, r"row 0: \(path, number\) is not a clip; a part of a file is \(path, start_s"),
    ],
)
def test_refused_before_anything_is_read(clip, error, match):
    with pytest.raises(error, match=match):
        check_audio([clip], RATE)


@pytest.mark.parametrize("gone", [None, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize("form", [list, pd.Series, lambda rows: np.array(rows, dtype=object), pd.Index])
def test_a_missing_clip_is_named_by_its_row(gone, row, form):
    rows = ["a.wav", "b.wav"]
    rows[row] = gone
    with pytest.raises(TypeError, match=rf"row {row}: expected a path, .* The clip is missing: give its recording"):
        check_audio(form(rows), RATE)


# ---- decoders --------------------------------------------------------------------------------------------------------


class Decoder:
    """A decoder with the interface of torchcodec."""

    def __init__(self, channels, rate=RATE):
        self.samples = SimpleNamespace(data=np.atleast_2d(channels), sample_rate=rate)

    def get_all_samples(self):
        if self.samples.data.size == 0:
            raise RuntimeError("no stream")
        return self.samples


def test_decoders():
    np.testing.assert_array_equal(one(Decoder(CLIP)), CLIP)
    np.testing.assert_array_equal(one((Decoder(CLIP), 0.02, 0.06)), CLIP[160:480])
    np.testing.assert_allclose(one(Decoder([CLIP, -0.5 * CLIP])), CLIP * 0.25, atol=1e-7)
    np.testing.assert_array_equal(one(Decoder(CLIP, 16000)), one((CLIP, 16000)))


def test_a_decoder_that_fails():
    clips = check_audio([Decoder(CLIP), Decoder([])], RATE)
    with pytest.raises(AudioReadError, match=r"row 1: the decoder failed \(no stream\); check the recording\."):
        clips[1]
    with pytest.raises(ValueError, match=r"X is one clip \(Decoder\)"):
        check_audio(Decoder(CLIP), RATE)


class Dataset:
    """A data set of Hugging Face, as far as a column of it is looked into."""

    def __init__(self, rows, feature, decoded):
        self.rows, self.feature, self.decoded = rows, feature, decoded
        self.format = {"type": None}

    def __getitem__(self, name):
        return Column(self, name)

    def cast_column(self, name, feature):
        return Dataset(self.rows, feature, self.decoded)


class Column:
    def __init__(self, source, column_name):
        self.source, self.column_name, self.features = source, column_name, source.feature

    def __len__(self):
        return len(self.source.rows)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i):
        if not self.features.decode:
            return self.source.rows[i]
        self.source.decoded.append(i)
        return Decoder(CLIP[:400])


class Feature:
    def __init__(self, sampling_rate=None, decode=True):
        self.sampling_rate, self.decode = sampling_rate, decode


def test_a_column_of_a_data_set_opens_no_decoder_before_it_is_read(path):
    decoded = []
    rows = [{"path": path, "bytes": None}] * 2
    clips = check_audio(Dataset(rows, Feature(), decoded)["audio"], RATE)
    np.testing.assert_array_equal(clips[1], CLIP)
    assert decoded == []
    clips = check_audio(Dataset(rows, Feature(RATE), decoded)["audio"], RATE)
    assert decoded == []
    np.testing.assert_array_equal(clips[1], CLIP[:400])
    assert decoded == [1]
