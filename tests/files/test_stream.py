"""Reading parts, blocks and rates; arguments that are refused; many threads."""

from __future__ import annotations

import io
import math
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
import soxr

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import AudioInfo, audio_info, open_audio, read_audio
from sklearn_audio.files import _stream as stream_module
from sklearn_audio.files._sources import OpenSource

RATE = 44100


def encode(samples, rate=RATE, *, format="WAV", subtype="FLOAT") -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", samplerate=rate, channels=samples.shape[1], format=format, subtype=subtype
    ) as out:
        for first in range(0, len(samples), 20000):  # libvorbis overflows its stack on long writes
            out.write(samples[first : first + 20000])
    return file.getvalue()


@pytest.fixture(scope="module")
def stereo() -> np.ndarray:
    rng = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)[:, None]
    return (0.3 * tone * [1, 0.5] + 0.05 * rng.standard_normal((4 * RATE, 2))).astype(np.float32)


@pytest.fixture(scope="module")
def recording(stereo) -> bytes:
    return encode(stereo)


def test_waveform_is_the_mean_at_the_rate_asked_for(stereo, recording):
    mean = (stereo[:, 0] + stereo[:, 1]) / np.float32(2)
    native, rate = read_audio(recording)
    np.testing.assert_array_equal(native, mean)
    assert rate == RATE
    resampled, rate = read_audio(recording, sample_rate=16000)
    np.testing.assert_array_equal(resampled, soxr.resample(mean, RATE, 16000, quality="HQ"))
    assert rate == 16000


@pytest.mark.parametrize("block", [997, 4096, 65536, 1 << 18])
@pytest.mark.parametrize("sample_rate", [None, 16000, 48000])
def test_blocks_change_no_value(recording, block, sample_rate):
    whole, rate = read_audio(recording, sample_rate=sample_rate)
    with open_audio(recording, sample_rate=sample_rate, block=block) as stream:
        blocks = list(stream.blocks())
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert stream.sample_rate == rate
    assert stream.n_timepoints_expected == len(whole)
    assert all(len(part) for part in blocks)


def test_a_short_clip_is_one_block(recording):
    with open_audio(recording, sample_rate=16000) as stream:
        assert len(list(stream.blocks())) == 1


def test_memory_is_bounded_by_a_block(tmp_path):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", samplerate=8000, channels=1, subtype="PCM_16") as out:
        for _ in range(100):
            out.write(np.zeros(80000, dtype=np.float32))
    tracemalloc.start()
    with open_audio(path, sample_rate=16000, block=1 << 14) as stream:
        n_timepoints = sum(len(block) for block in stream.blocks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_timepoints == 16_000_000
    assert peak < 2e6  # the waveform has 64 MB


def test_a_long_waveform_is_not_held_twice(tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(4_000_000, dtype=np.float32), 8000)
    tracemalloc.start()
    waveform, _ = read_audio(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.3 * waveform.nbytes


@pytest.mark.parametrize("reserved", [1, 300_000, 1 << 28])
def test_the_waveform_grows_past_what_was_reserved(stereo, monkeypatch, reserved):
    long = encode(np.tile(stereo, (4, 1)))
    whole = np.tile((stereo[:, 0] + stereo[:, 1]) / np.float32(2), 4)
    monkeypatch.setattr(stream_module, "_MAX_RESERVED", reserved)
    np.testing.assert_array_equal(read_audio(long)[0], whole)


@pytest.mark.parametrize(
    ("format", "subtype", "rate"),
    [
        ("WAV", "PCM_16", 44100),
        ("WAV", "IMA_ADPCM", 44100),
        ("WAV", "GSM610", 8000),
        ("FLAC", "PCM_16", 44100),
        ("OGG", "VORBIS", 44100),
        ("OGG", "OPUS", 48000),
        ("MP3", "MPEG_LAYER_III", 44100),
        ("CAF", "ALAC_16", 44100),
        ("AIFF", "DWVW_16", 44100),
        ("XI", "DPCM_16", 44100),
    ],
)
@pytest.mark.parametrize(("start", "end"), [(0.25, 0.5), (1.0, None), (2.6543, 3.1), (3.6, 99.0), (0.0, 0.1)])
def test_a_part_is_the_slice_of_the_whole(stereo, format, subtype, rate, start, end):
    recording = encode(stereo[:, :1], rate, format=format, subtype=subtype)
    whole, rate = read_audio(recording)
    part, _ = read_audio(recording, start=start, end=end)
    wanted = whole[round(start * rate) : None if end is None else round(end * rate)]
    np.testing.assert_allclose(part, wanted, rtol=0, atol=1e-7)


def test_parts_of_every_format(shared_data, capfd):
    pytest.importorskip("av")
    for path in sorted((shared_data / "formats" / "ok").iterdir()):
        whole, rate = read_audio(path)
        for start, end in [(0.1, 0.2), (0.05, None), (0.2, 9.0)]:
            part, _ = read_audio(path, start=start, end=end)
            wanted = whole[round(start * rate) : None if end is None else round(end * rate)]
            if path.suffix != ".webm":  # the header of which gives the length to a millisecond
                assert len(part) == len(wanted), path.name
            np.testing.assert_allclose(part, wanted[: len(part)], rtol=0, atol=1e-7, err_msg=path.name)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(("format", "subtype"), [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16")])
def test_far_parts_of_a_long_recording(format, subtype):
    rng = np.random.default_rng(0)
    recording = encode(0.1 * rng.standard_normal((120 * RATE, 1)).astype(np.float32), format=format, subtype=subtype)
    whole, _ = read_audio(recording)
    for start in [61.2, 75.0, 100.123, 119.99]:
        part, _ = read_audio(recording, start=start, end=start + 0.5)
        np.testing.assert_allclose(part, whole[round(start * RATE) : round((start + 0.5) * RATE)], rtol=0, atol=1e-6)


def test_a_part_is_cut_before_it_is_resampled(recording):
    native, _ = read_audio(recording, start=1.0, end=1.5)
    part, _ = read_audio(recording, start=1.0, end=1.5, sample_rate=16000)
    np.testing.assert_array_equal(part, soxr.resample(native, RATE, 16000, quality="HQ"))


def test_stream_says_what_it_will_give(recording):
    with open_audio(recording, sample_rate=16000, start=0.5, end=1.0) as stream:
        assert (stream.sample_rate, stream.n_channels, stream.n_timepoints_expected) == (16000, 2, 8000)
        assert sum(len(block) for block in stream.blocks()) == 8000
        assert -3 < stream.mix.loss_db < 0


def test_a_part_shorter_than_a_timepoint_is_empty(recording):
    assert read_audio(recording, start=1.0, end=1.000001)[0].shape == (0,)


def test_info_comes_from_the_header(recording):
    assert audio_info(recording) == AudioInfo(RATE, 2, 4 * RATE, "WAV")


@pytest.mark.parametrize("start", [-0.5, math.nan, math.inf, "1", None])
def test_start_that_is_no_time(recording, start):
    with pytest.raises(ValueError, match=r"row 2 \(<\d+ bytes>\): start must be a number of seconds, at least 0, got"):
        read_audio(recording, start=start, row=2)


@pytest.mark.parametrize("end", [0.5, 1.0, -1.0, math.nan, "2"])
def test_end_that_is_not_after_the_start(recording, end):
    with pytest.raises(ValueError, match="end must be a number of seconds after start=1, got"):
        read_audio(recording, start=1.0, end=end)


def test_endless_end_reads_all(recording):
    assert len(read_audio(recording, end=math.inf)[0]) == 4 * RATE


def test_start_beyond_the_end(tmp_path, stereo):
    path = tmp_path / "a.wav"
    path.write_bytes(encode(stereo))
    with pytest.raises(
        ValueError, match=r"row 5 \('.*a.wav'\): start=4 s is not within the recording, .* 4.000 s long"
    ):
        read_audio(path, start=4.0, row=5)


@pytest.mark.parametrize("name", ["ok/mp3_cbr64_mono.mp3", "ok/opus.webm", "ok/aac.m4a"])
def test_start_beyond_an_end_that_the_header_does_not_know(shared_data, name):
    pytest.importorskip("av")
    path = shared_data / "formats" / name
    info = audio_info(path)
    late = max(info.n_timepoints, len(read_audio(path)[0])) / info.sample_rate
    if name.endswith("m4a"):
        late += 0.1
    with pytest.raises(ValueError, match="is not within the recording"):
        read_audio(path, start=late)


@pytest.mark.parametrize("rate", [0, -1, 99, 16000.5, 1 << 40, math.nan, math.inf, "16000", True])
def test_rate_that_is_none(recording, rate):
    with pytest.raises(ValueError, match="sample_rate must be a whole number of Hz, between 100 Hz and 10 MHz, got"):
        read_audio(recording, sample_rate=rate)


@pytest.mark.parametrize("rate", [16000.0, np.int64(16000), np.float32(16000)])
def test_rate_of_another_type(recording, rate):
    waveform, got = read_audio(recording, sample_rate=rate)
    assert (len(waveform), got, type(got)) == (64000, 16000, int)


@pytest.mark.parametrize("block", [0, -1, 1.5, True])
def test_block_that_is_none(recording, block):
    with pytest.raises(ValueError, match="block must be a whole number of timepoints, at least 1, got"):
        open_audio(recording, block=block)


def test_channel_that_is_not_there(recording):
    with pytest.raises(ValueError, match=r"row 1 \(<\d+ bytes>\): there is no channel 2: .* 2 channels; take 0 to 1"):
        read_audio(recording, channel=2, row=1)


def test_blocks_are_given_once(recording):
    with open_audio(recording) as stream:
        list(stream.blocks())
        with pytest.raises(ValueError, match="the stream is read already; open the recording again"):
            stream.blocks()
    with pytest.raises(ValueError, match="the stream is closed; open the recording again"):
        stream.blocks()
    stream.close()


def test_failure_on_the_way_is_chained(shared_data):
    with pytest.raises(AudioReadError, match="flac decoder lost sync") as caught:
        read_audio(shared_data / "formats" / "broken" / "corrupt_middle.flac")
    assert isinstance(caught.value.__cause__, soundfile.LibsndfileError)


def test_many_threads_read_the_same(shared_data, recording):
    paths = [path for path in sorted((shared_data / "formats" / "ok").iterdir()) if path.suffix != ".wma"] * 3
    shared_file = io.BufferedReader(io.BytesIO(recording))
    alone = [read_audio(path, sample_rate=16000)[0] for path in paths]
    with ThreadPoolExecutor(8) as pool:
        files = [pool.submit(read_audio, shared_file, sample_rate=16000, start=0.1 * i) for i in range(20)]
        together = list(pool.map(lambda path: read_audio(path, sample_rate=16000)[0], paths))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
    for i, future in enumerate(files):
        np.testing.assert_array_equal(future.result()[0], read_audio(recording, sample_rate=16000, start=0.1 * i)[0])


@pytest.mark.filterwarnings("ignore:.*slated for removal in Python 3.13:DeprecationWarning")  # audioread imports them
def test_equals_librosa(shared_data):
    librosa = pytest.importorskip("librosa")
    names = ["ok/ref_mono_s16_44100.wav", "ok/ref_stereo_s16_44100.wav", "ok/flac_s24_stereo.flac", "ok/rate_22000.wav"]
    for name in names:
        path = shared_data / "formats" / name
        wanted, _ = librosa.load(path, sr=16000)
        waveform, _ = read_audio(path, sample_rate=16000)
        assert 0 <= len(wanted) - len(waveform) <= 1  # librosa rounds lengths up
        np.testing.assert_allclose(waveform, wanted[: len(waveform)], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("container", "n_looks"), [("WAV", 1), ("AIFF", 1), ("FLAC", 2), ("OGG", 3), ("MP3", 2), ("CAF", 1), ("AU", 1)]
)
def test_little_of_a_short_recording_is_read_before_it_is_decoded(container, n_looks, tmp_path, monkeypatch):
    path, looks, peek = tmp_path / "clip", [], OpenSource.peek
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 16000)
    soundfile.write(path, samples, 16000, format=container)
    monkeypatch.setattr(OpenSource, "peek", lambda self, n, *at, **k: looks.append(n) or peek(self, n, *at, **k))
    assert len(read_audio(path)[0]) == 16000
    assert len(looks) <= n_looks
