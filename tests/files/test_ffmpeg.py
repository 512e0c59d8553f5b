"""Containers that libsndfile does not know, written here by FFmpeg."""

from __future__ import annotations

import io

import numpy as np
import pytest

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import audio_info, open_audio, read_audio

av = pytest.importorskip("av")


def encode(samples, rate, *, container, codec, format) -> bytes:
    """Samples of shape (n_channels, n_timepoints) in a container of FFmpeg."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        layout = {1: "mono", 2: "stereo"}[len(samples)]
        stream = out.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 128000
        for first in range(0, samples.shape[1], 1024):
            part = np.ascontiguousarray(samples[:, first : first + 1024])
            packed = part if format.endswith("p") else part.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format=format, layout=layout)
            frame.sample_rate = rate
            frame.pts = first
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.fixture(scope="module")
def stereo() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(-0.5, 0.5, (2, 5 * 44100)).astype(np.float32)


@pytest.fixture(scope="module")
def tones() -> np.ndarray:
    """No noise, in place of which AAC decoders put noise of their own that differs from run to run."""
    seconds = np.arange(5 * 44100) / 44100
    sweep = np.sin(2 * np.pi * 440 * seconds * (1 + seconds / 10))
    return np.stack([0.3 * sweep, 0.2 * np.sin(2 * np.pi * 300 * seconds)]).astype(np.float32)


@pytest.mark.parametrize(
    ("codec", "format", "dtype", "scale"),
    [
        ("alac", "s16p", np.int16, 2.0**15),
        ("alac", "s32p", np.int32, 2.0**31),
        ("pcm_s16le", "s16", np.int16, 2.0**15),
        ("pcm_f32le", "flt", np.float32, 1.0),
        ("pcm_f64le", "dbl", np.float64, 1.0),
        ("pcm_u8", "u8", np.uint8, 2.0**7),
    ],
)
def test_lossless_codecs_in_every_sample_format(stereo, codec, format, dtype, scale):
    container = "mov" if codec == "alac" else "matroska"
    stored = (stereo * scale + (128 if dtype is np.uint8 else 0)).astype(dtype)
    recording = encode(stored, 44100, container=container, codec=codec, format=format)
    for channel in (0, 1):
        waveform, rate = read_audio(recording, channel=channel)
        assert rate == 44100
        np.testing.assert_allclose(waveform, stereo[channel], rtol=0, atol=max(1.01 / scale, 2e-7))


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("adts", "aac"), ("asf", "wmav2")])
@pytest.mark.parametrize(("start", "end"), [(0.2, 0.3), (1.5, 2.0), (3.77, 4.5)])
def test_a_part_is_the_slice_of_the_whole(tones, container, codec, start, end, capfd):
    recording = encode(tones, 44100, container=container, codec=codec, format="fltp")
    whole, rate = read_audio(recording)
    part, _ = read_audio(recording, start=start, end=end)
    np.testing.assert_allclose(part, whole[round(start * rate) : round(end * rate)], rtol=0, atol=2e-5)
    assert capfd.readouterr().err == ""


def test_blocks_change_no_value(stereo):
    recording = encode(stereo, 44100, container="mp4", codec="aac", format="fltp")
    whole, _ = read_audio(recording, sample_rate=16000)
    with open_audio(recording, sample_rate=16000, block=1000) as stream:
        np.testing.assert_array_equal(np.concatenate(list(stream.blocks())), whole)


def test_info_of_the_header(stereo):
    recording = encode(stereo, 44100, container="mp4", codec="aac", format="fltp")
    info = audio_info(recording)
    assert (info.sample_rate, info.n_channels, info.format) == (44100, 2, "MP4 (M4A, AAC, ALAC)")
    assert abs(info.n_timepoints - 5 * 44100) <= 2048


def test_a_file_without_audio():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        out.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(stream.encode(None))
    with pytest.raises(AudioReadError, match=r"there is no audio track in this MP4 .* file; give a recording"):
        read_audio(file)


def test_a_container_that_is_cut_off(stereo, capfd):
    recording = encode(stereo, 44100, container="mp4", codec="aac", format="fltp")
    with pytest.raises(AudioReadError, match=r"row 3: .*FFmpeg stopped with: .*; the file is damaged") as caught:
        read_audio(recording[:5000], row=3)
    assert isinstance(caught.value.__cause__, av.error.FFmpegError)
    assert capfd.readouterr().err == ""


def test_damage_on_the_way(stereo, capfd):
    recording = bytearray(encode(stereo, 44100, container="mp4", codec="aac", format="fltp"))
    recording[20000:40000] = b"\xff" * 20000
    with pytest.raises(AudioReadError, match=r"FFmpeg stopped with: .*; the file is damaged"):
        read_audio(recording)
    assert capfd.readouterr().err == ""


def test_change_on_the_way(stereo):
    parts = [
        encode(stereo[:n_channels, :20000], rate, container="adts", codec="aac", format="fltp")
        for n_channels, rate in [(1, 44100), (2, 44100)]
    ]
    with pytest.raises(AudioReadError, match="it changes from 1 channel at 44100 Hz to 2 channels at 44100 Hz"):
        read_audio(b"".join(parts))


def test_a_file_object_that_fails(stereo, capfd):
    recording = encode(stereo, 44100, container="adts", codec="aac", format="fltp")

    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 30000:
                raise RuntimeError("the line is dead")
            return super().read(size)

    with pytest.raises(AudioReadError, match="the line is dead"):
        read_audio(Failing(recording))
    assert capfd.readouterr().err == ""
