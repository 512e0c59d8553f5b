"""Admission of audio: forms, rates, channels, integers, parts, blocks and mistakes."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio import AudioLoader, Ragged
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import resample
from sklearn_audio.validation import _audio, check_audio

RATE = 8000


def noise(n, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)


CLIPS = [noise(800, 1), noise(500, 2)]


@pytest.fixture
def paths(tmp_path):
    paths = [str(tmp_path / f"{name}.wav") for name in "ab"]
    for path, clip in zip(paths, CLIPS, strict=True):
        soundfile.write(path, clip, RATE, subtype="FLOAT")
    return paths


def read(X, **options):
    return list(check_audio(X, RATE, **{"bare_rate": RATE} | options))


def one(clip, **options):
    return read([clip], **options)[0]


# ---- forms of X ------------------------------------------------------------------------------------------------------

FILE_FORMS = {
    "paths": lambda paths: paths,
    "tuple": tuple,
    "Path": lambda paths: [Path(path) for path in paths],
    "array of text": np.array,
    "object array": lambda paths: np.array(paths, dtype=object),
    "one-column array": lambda paths: np.array(paths, dtype=object)[:, None],
    "Series": pd.Series,
    "DataFrame": lambda paths: pd.DataFrame({"file": paths}),
    "segment table": lambda paths: pd.DataFrame({"path": paths, "start": 0.0, "end": np.nan}),
    "segments": lambda paths: [(path, 0, None) for path in paths],
    "bytes": lambda paths: [Path(path).read_bytes() for path in paths],
    "bytearray": lambda paths: [bytearray(Path(path).read_bytes()) for path in paths],
    "memoryview": lambda paths: [memoryview(Path(path).read_bytes()) for path in paths],
    "binary files": lambda paths: [io.BytesIO(Path(path).read_bytes()) for path in paths],
    "dict of a path": lambda paths: [{"path": path} for path in paths],
    "dict of bytes": lambda paths: [{"path": None, "bytes": Path(path).read_bytes()} for path in paths],
    "mixed": lambda paths: [paths[0], CLIPS[1]],
}
ARRAY_FORMS = {
    "arrays": CLIPS,
    "tuple": tuple(CLIPS),
    "object array": np.array(CLIPS, dtype=object),
    "Series": pd.Series(CLIPS),
    "Ragged": Ragged.from_list(CLIPS),
    "float64": [clip.astype(np.float64) for clip in CLIPS],
    "lists": [CLIPS[0], CLIPS[1].tolist()],
    "dicts": [{"array": clip, "sampling_rate": RATE} for clip in CLIPS],
    "dicts of lists": [{"array": clip.tolist(), "sampling_rate": RATE} for clip in CLIPS],
    "pairs": [(clip, RATE) for clip in CLIPS],
    "columns": [{"array": clip[:, None], "sampling_rate": RATE} for clip in CLIPS],
}


@pytest.mark.parametrize("name", FILE_FORMS)
def test_forms_of_files(paths, name):
    clips = check_audio(FILE_FORMS[name](paths), RATE, bare_rate=RATE)
    assert len(clips) == 2
    for clip, wanted in zip(clips, CLIPS, strict=True):
        assert clip.dtype == np.float32
        np.testing.assert_array_equal(clip, wanted)


@pytest.mark.parametrize("name", ARRAY_FORMS)
def test_forms_of_arrays(name):
    for clip, wanted in zip(read(ARRAY_FORMS[name]), CLIPS, strict=True):
        assert clip.dtype == np.float32
        np.testing.assert_array_equal(clip, wanted)


@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, np.ndarray.tolist])
def test_rectangular(form):
    X = np.stack([CLIPS[0][:500], CLIPS[1]])
    np.testing.assert_array_equal(np.stack(read(form(X))), X)


def test_nothing_is_read_before_it_is_asked_for():
    clips = check_audio(["no/such.wav", CLIPS[1]], RATE, bare_rate=RATE)
    np.testing.assert_array_equal(clips[1], CLIPS[1])
    with pytest.raises(AudioReadError, match=r"row 0: .*no/such\.wav"):
        clips[0]


def test_slices():
    clips = check_audio(CLIPS, RATE, bare_rate=RATE)
    assert [len(clip) for clip in clips[1:]] == [500]
    assert [len(clip) for clip in clips[::-1]] == [500, 800]


def test_arrays_are_views_and_are_not_written_to():
    clip = CLIPS[0].copy()
    clip.flags.writeable = False
    assert np.shares_memory(one(clip), clip)


# ---- rates, channels, integers ---------------------------------------------------------------------------------------


def test_rates(tmp_path):
    x = noise(4410)
    soundfile.write(tmp_path / "x.wav", x, 44100, subtype="FLOAT")
    wanted = resample(x, 44100, RATE)
    assert len(wanted) == 800
    forms = [(x, 44100), {"array": x, "sampling_rate": 44100}, {"array": x, "sampling_rate": np.float64(44100)}]
    for clip in [*forms, tmp_path / "x.wav"]:
        np.testing.assert_allclose(one(clip, bare_rate=None), wanted, atol=1e-6)
    np.testing.assert_allclose(one(x, bare_rate=44100), wanted, atol=1e-6)


def test_bare_arrays_without_a_rate():
    clips = check_audio(CLIPS, RATE)
    match = r"row 1 is an array without a sample rate\. Pass sample_rate=, or give \{\"array\""
    with pytest.raises(ValueError, match=match):
        clips[1]


def test_channels_are_averaged_or_chosen(tmp_path):
    stereo = np.stack([noise(300, 1), noise(300, 2)], axis=1)
    soundfile.write(tmp_path / "x.wav", stereo, RATE, subtype="FLOAT")
    for clip in [(stereo, RATE), {"array": stereo, "sampling_rate": RATE}, tmp_path / "x.wav"]:
        np.testing.assert_allclose(one(clip), stereo.mean(axis=1), atol=1e-7)
        np.testing.assert_array_equal(one(clip, channel=1), stereo[:, 1])


@pytest.mark.parametrize("array", [noise(300), noise(300)[:, None]])
def test_a_channel_that_is_not_there(array):
    with pytest.raises(ValueError, match="row 1: there is no channel 1: the recording has 1 channel; take channel 0"):
        read([(np.zeros((5, 2)), RATE), (array, RATE)], channel=1)
    np.testing.assert_array_equal(one((array, RATE), channel=0), array.reshape(-1))


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (np.array([-(2**15), 0, 2**14], dtype=np.int16), [-1, 0, 0.5]),
        (np.array([-(2**31), 0, 2**30], dtype=np.int32), [-1, 0, 0.5]),
        (np.array([-128, 0, 64], dtype=np.int8), [-1, 0, 0.5]),
        (np.array([0, 128, 192], dtype=np.uint8), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.5], dtype=np.float16), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.5]).astype(">f4"), [-1, 0, 0.5]),
    ],
)
def test_numbers_are_scaled(array, wanted):
    for clip in (array, {"array": np.stack([array, array], axis=1), "sampling_rate": RATE}):
        result = one(clip)
        assert result.dtype == np.float32
        np.testing.assert_array_equal(result, wanted)


def test_rectangular_integers():
    np.testing.assert_array_equal(read(np.array([[0, 2**14]], dtype=np.int16)), [[0, 0.5]])
    np.testing.assert_array_equal(read(np.array([[0, 2]], dtype=np.int64)), [[0, 2]])
    np.testing.assert_array_equal(read(np.array([[0, 2]], dtype=np.uint8)), [[0, 2]])


# ---- parts -----------------------------------------------------------------------------------------------------------


def test_parts(paths):
    np.testing.assert_array_equal(one((paths[0], 0.01, 0.05)), CLIPS[0][80:400])
    np.testing.assert_array_equal(one((Path(paths[0]), np.float64(0.01), np.nan)), CLIPS[0][80:])
    np.testing.assert_array_equal(one((paths[0], None, 0.05)), CLIPS[0][:400])


@pytest.mark.parametrize("kind", ["file", "array"])
def test_offset_and_duration(paths, kind):
    clip = paths[0] if kind == "file" else CLIPS[0]
    np.testing.assert_array_equal(one(clip, offset=0.02), CLIPS[0][160:])
    np.testing.assert_array_equal(one(clip, duration=0.02), CLIPS[0][:160])
    np.testing.assert_array_equal(one(clip, offset=0.02, duration=0.02), CLIPS[0][160:320])
    np.testing.assert_array_equal(one(clip, duration=9.0), CLIPS[0])


def test_offset_and_duration_within_a_part(paths):
    part = (paths[0], 0.02, 0.06)
    np.testing.assert_array_equal(one(part, offset=0.01), CLIPS[0][240:480])
    np.testing.assert_array_equal(one(part, offset=0.01, duration=0.01), CLIPS[0][240:320])
    np.testing.assert_array_equal(one(part, offset=0.01, duration=1.0), CLIPS[0][240:480])


def test_a_table_of_parts(paths):
    table = pd.DataFrame({"path": [paths[1]] * 2, "start": [0.0, 0.01], "end": [0.01, np.nan]}, index=[5, 3])
    for clip, wanted in zip(read(table), [CLIPS[1][:80], CLIPS[1][80:]], strict=True):
        np.testing.assert_array_equal(clip, wanted)


@pytest.mark.parametrize(("start", "end"), [(-1, None), (9.0, None), (0.05, 0.02)])
def test_impossible_parts_are_refused_by_row(paths, start, end):
    clips = check_audio([paths[0], (paths[1], start, end)], RATE)
    with pytest.raises((ValueError, AudioReadError), match=r"row 1.*b\.wav.*(start|end)"):
        clips[1]


def test_an_offset_beyond_the_end_of_an_array():
    with pytest.raises(ValueError, match="row 0: the clip has no samples"):
        one(CLIPS[0], offset=9.0)


# ---- blocks ----------------------------------------------------------------------------------------------------------

LONG = noise(3001, 3)
LONG_STEREO = np.stack([LONG, noise(3001, 4)], axis=1)


@pytest.mark.parametrize(
    "clip",
    [LONG, (LONG * 2**15).astype(np.int16), (LONG_STEREO, RATE), (LONG_STEREO * 2.0**31 // 1).astype(np.int32)[:, 0]],
    ids=["float", "int16", "stereo", "int32"],
)
@pytest.mark.parametrize("block", [1, 1000, 3001])
def test_blocks_change_no_bit_of_an_array(monkeypatch, clip, block):
    wanted = one(clip)
    monkeypatch.setattr(_audio, "_BLOCK_TIMEPOINTS", block)
    blocks = list(check_audio([clip], RATE, bare_rate=RATE).stream(0))
    assert max(map(len, blocks)) == block
    np.testing.assert_array_equal(np.concatenate(blocks), wanted)


@pytest.mark.parametrize("block", [700, 3001])
def test_blocks_change_no_value_of_a_resampled_array(monkeypatch, block):
    wanted = one((LONG_STEREO, 44100))
    monkeypatch.setattr(_audio, "_BLOCK_TIMEPOINTS", block)
    np.testing.assert_allclose(one((LONG_STEREO, 44100)), wanted, atol=1e-6)


@pytest.mark.parametrize("form", ["file", "array"])
def test_clips_longer_than_a_block_come_in_blocks(tmp_path, form):
    x = noise(2 * _audio._BLOCK_TIMEPOINTS + 10)
    soundfile.write(tmp_path / "x.wav", x, RATE, subtype="FLOAT")
    clips = check_audio([tmp_path / "x.wav" if form == "file" else x], RATE, bare_rate=RATE)
    blocks = list(clips.stream(0))
    assert len(blocks) > 1
    np.testing.assert_array_equal(np.concatenate(blocks), x)
    np.testing.assert_array_equal(clips[0], x)


@pytest.mark.parametrize(("place", "value", "name"), [(5, np.nan, "NaN"), (2500, np.inf, "infinity")])
def test_not_finite_is_found_in_any_block_and_timed(monkeypatch, place, value, name):
    monkeypatch.setattr(_audio, "_BLOCK_TIMEPOINTS", 1000)
    bad = LONG.copy()
    bad[place] = value
    match = rf"row 1: the clip contains {name} \(at {place / RATE:.3f} s\)\. Repair it or leave it out\."
    with pytest.raises(ValueError, match=match):
        read([LONG, bad])


def test_sums_that_overflow_are_no_infinities():
    huge = np.full(10, np.finfo(np.float32).max)
    np.testing.assert_array_equal(one(huge), huge)


@pytest.mark.parametrize("rate", [RATE, 8000, 44100])
@pytest.mark.parametrize("place", [0, 7777, 39_999])
@pytest.mark.parametrize("channel", ["mean", 1])
def test_not_finite_is_looked_for_before_mixing_and_resampling(monkeypatch, tmp_path, rate, place, channel):
    monkeypatch.setattr(_audio, "_BLOCK_TIMEPOINTS", 3000)
    stereo = np.stack([noise(40_000), noise(40_000, 1)], axis=1)
    stereo[place] = [np.inf, -np.inf]
    soundfile.write(tmp_path / "a.wav", stereo, rate, subtype="FLOAT")
    for clip in (str(tmp_path / "a.wav"), (stereo, rate)):
        with pytest.raises(ValueError, match=rf"row 0.*: the clip contains infinity \(at {place / rate:.3f} s\)"):
            one(clip, channel=channel)


def test_a_channel_that_is_not_taken_may_hold_anything():
    stereo = np.stack([noise(100), np.full(100, np.nan, np.float32)], axis=1)
    np.testing.assert_array_equal(one((stereo, RATE), channel=0), stereo[:, 0])
    with pytest.raises(ValueError, match=r"the clip contains NaN \(at 0.000 s\)"):
        one((stereo, RATE))


def test_not_finite_within_a_part_is_timed_in_both(tmp_path):
    samples = noise(3 * RATE)
    samples[2 * RATE] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"contains NaN \(at 0.500 s, which is 2.000 s of the recording\)"):
        one((str(tmp_path / "a.wav"), 1.5, 3.0))


def test_finite_channels_have_a_finite_mean():
    largest = np.finfo(np.float32).max
    stereo = np.full((10, 2), largest, dtype=np.float32)
    np.testing.assert_allclose(one((stereo, RATE)), stereo[:, 0])
    many = np.full((10, 8), -largest, dtype=np.float32)
    np.testing.assert_allclose(one((many, RATE)), many[:, 0])


def test_an_overflow_of_the_resampler_is_refused(tmp_path):
    square = np.tile(np.repeat([3.4e38, -3.4e38], 50), 40).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", square, 44100, subtype="FLOAT")
    for clip in (str(tmp_path / "a.wav"), (square, 44100)):
        with pytest.raises(ValueError, match=rf"row 0.*: resampled to {RATE} Hz, the clip leaves the range of float32"):
            one(clip)


def test_a_number_beyond_float32_is_infinite():
    with pytest.raises(ValueError, match=r"row 0: the clip contains infinity \(at 0.000 s\)"):
        one(np.array([1e300, 0.0]))


@pytest.mark.parametrize("rate", [True, 1e-3, 1, 99.9, 10_000_001, 1 << 40, "8000", np.nan, -8000, 1j])
def test_a_rate_that_no_sound_has(rate):
    for clip in ({"array": CLIPS[0], "sampling_rate": rate},) + ((CLIPS[0], rate),) * (
        not isinstance(rate, str | complex)
    ):
        with pytest.raises(ValueError, match=r"row 1: the sample rate must be a number between 100 Hz and 10 MHz, got"):
            check_audio([CLIPS[0], clip], RATE, bare_rate=RATE)


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clip", "error", "match"),
    [
        (None, TypeError, r"row 1: expected a path, bytes, .* got NoneType\."),
        (3.0, TypeError, r"row 1: expected a path, bytes, .* got float\."),
        ({1, 2}, TypeError, r"row 1: expected a path, bytes, .* got set\."),
        (("a.wav", 0, 1, 2), TypeError, r"row 1: expected a path, .* got tuple\."),
        ((RATE, CLIPS[0]), TypeError, r"row 1: a pair is \(array, sample_rate\), got \(number, ndarray\)\. Swap"),
        (
            ("a.wav", 8000),
            TypeError,
            r"row 1: \(path, number\) is not a clip; a part of a file is \(path, start_s, end_s\)",
        ),
        (("a.wav", "x", None), ValueError, r"row 1: start and end are seconds, got 'x'\."),
        (("a.wav", 0.0, b"1"), TypeError, r"row 1: start and end are seconds, got bytes\."),
        (np.zeros((9, 2)), ValueError, r"row 1: a bare array of shape \(9, 2\) is not one clip\. Average its channels"),
        ({"array": CLIPS[0]}, ValueError, r"row 1: a dict needs .* got \['array'\]; missing: \['sampling_rate'\]"),
        ({"sampling_rate": RATE}, ValueError, r"row 1: a dict needs .*; missing: \['array'\]"),
        ({}, ValueError, r"row 1: a dict needs .*; missing: \['array', 'sampling_rate'\]"),
        ((CLIPS[0], 0), ValueError, r"row 1: the sample rate must be a number between 100 Hz and 10 MHz, got 0\."),
        ((CLIPS[0], np.nan), ValueError, r"row 1: the sample rate must be a number between .*, got nan\."),
        ((CLIPS[0], np.inf), ValueError, r"row 1: the sample rate must be a number between .*, got inf\."),
        ({"array": CLIPS[0], "sampling_rate": "8000"}, ValueError, r"row 1: the sample rate must be .* got '8000'\."),
    ],
)
def test_refused_before_anything_is_read(clip, error, match):
    with pytest.raises(error, match=match):
        check_audio([CLIPS[0], clip], RATE, bare_rate=RATE)


@pytest.mark.parametrize(
    ("clip", "error", "match"),
    [
        (CLIPS[0][:0], ValueError, r"row 1: the clip has no samples\. Leave it out\."),
        (np.array(0.5), ValueError, r"row 1: a clip has shape \(n_timepoints,\) or .*, got \(\)\."),
        ((np.zeros((2, 3, 4)), RATE), ValueError, r"row 1: a clip has shape .*, got \(2, 3, 4\)\."),
        ((np.zeros((20, 0)), RATE), ValueError, r"row 1: a clip has shape .*, got \(20, 0\)\."),
        ((np.zeros((2, 500)), RATE), ValueError, r"row 1: an array of shape \(2, 500\) would be 2 timepoints of 500"),
        (CLIPS[0] * 1j, ValueError, r"row 1: Complex data not supported; a waveform is real\."),
        (np.array(["a", "b"]), TypeError, r"row 1: an array of <U1 is not a waveform; give floats in \[-1, 1\]"),
        (np.array([1, 2]), TypeError, r"row 1: an array of int64 is not a waveform"),
        (np.array([True, False]), TypeError, r"row 1: an array of bool is not a waveform"),
        (np.array([1.0, None]), TypeError, r"row 1: an array of object is not a waveform"),
    ],
)
def test_refused_when_read(clip, error, match):
    clips = check_audio([CLIPS[0], clip], RATE, bare_rate=RATE)
    with pytest.raises(error, match=match):
        clips[1]


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (Ragged.from_list([np.zeros((3, 2))]), r"X is a Ragged of items of shape \(2,\); .* not of a spectrogram"),
        (np.zeros(100), r"an array of clips has shape \(n_clips, n_timepoints\), got \(100,\)\. Wrap one clip: \[x\]"),
        (np.zeros((2, 3, 4)), r"an array of clips has shape \(n_clips, n_timepoints\), got \(2, 3, 4\)"),
    ],
)
def test_refused_as_a_whole(X, match):
    with pytest.raises(ValueError, match=match):
        check_audio(X, RATE, bare_rate=RATE)


def test_rows_name_their_file():
    clips = check_audio(["a.wav", Path("b.wav"), b"RIFF", CLIPS[0]], RATE, bare_rate=RATE)
    assert [clips.describe(i) for i in range(4)] == ["row 0 ('a.wav')", "row 1 ('b.wav')", "row 2", "row 3"]


# ---- recordings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("edge/nan_inf.wav", r"row 1.*nan_inf\.wav.*NaN \(at 0\.0\d\d s\)"),
        ("broken/header_only.wav", r"row 1.*header_only\.wav.*no samples"),
        ("broken/text.wav", r"row 1.*text\.wav.*it is text"),
        ("broken/corrupt_middle.flac", r"row 1.*corrupt_middle\.flac"),
    ],
)
@pytest.mark.parametrize("rate", [44100, RATE])
def test_bad_recordings_are_refused_by_row_and_file(shared_data, name, match, rate):
    clips = check_audio([CLIPS[0], str(shared_data / "formats" / name)], rate, bare_rate=rate)
    with pytest.raises((ValueError, AudioReadError), match=match):
        clips[1]


@pytest.mark.parametrize("rate", [44100, RATE])
def test_channels_that_cancel_are_warned_of(shared_data, rate):
    path = shared_data / "formats" / "edge" / "stereo_antiphase.wav"
    stereo, orig_rate = soundfile.read(path)
    match = r"row 1{}: the mean of the channels is (\d+ dB below the channels|silent), .* AudioLoader\(channel=0\)"
    with pytest.warns(UserWarning, match=match.format(r" \('.*stereo_antiphase\.wav'\)")):
        read([CLIPS[0], path])
    with pytest.warns(UserWarning, match=match.format("")):
        read([CLIPS[0], (stereo, orig_rate)])
    left = AudioLoader(rate, channel=0).transform([path])[0]  # no warning
    assert np.abs(left).max() > 0.1


def test_what_cancels_less_than_40_db_is_not_warned_of():
    x = noise(500)
    one((np.stack([x, -0.97 * x], axis=1), RATE))
    with pytest.warns(UserWarning, match="row 0: the mean of the channels is 46 dB below"):
        one((np.stack([x, -0.99 * x], axis=1), RATE))


def test_clips_know_where_they_are_from(tmp_path):
    path = str(tmp_path / "a.wav")
    clips = check_audio([path, (path, 1.5, 2.0), {"array": np.zeros(8), "sampling_rate": 8000, "start": 0.5}], 8000)
    assert [clips.place(row) for row in range(3)] == [(path, 0.0), (path, 1.5), (None, 0.5)]


def test_the_same_clips_at_another_rate():
    clips = check_audio([(np.zeros(800), 8000.0)], 16000)
    assert len(clips.at_rate(8000)[0]) == 800
    assert len(clips[0]) == 1600
