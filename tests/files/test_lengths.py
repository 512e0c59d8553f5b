"""Containers whose header and content disagree about the length: all that is there is read, and no lack is silent."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import audio_info, read_audio
from tests.files.encoding import encode_av, encode_sndfile

Count = Callable[[bytes, float], bytes]


def sound(seconds: float, rate: int, n_channels: int) -> np.ndarray:
    rng = np.random.default_rng(round(seconds * 10))
    time = np.arange(round(seconds * rate))[:, None] / rate
    envelope = 1 + np.sin(2 * np.pi * time)  # so that the rate of a variable stream varies
    return (0.1 * envelope * np.sin(2 * np.pi * 440 * time) + 0.02 * rng.standard_normal((len(time), n_channels))) * 0.9


def with_field(recording: bytes, offset: int, code: str, change: Callable[[int], float]) -> bytes:
    """The recording with a number in it changed."""
    (number,) = struct.unpack_from(code, recording, offset)
    field = struct.pack(code, int(change(number)) if code[-1] != "d" else float(change(number)))
    return recording[:offset] + field + recording[offset + len(field) :]


def field_at(magic: bytes, offset: int, code: str) -> Count:
    """Change the number at an offset from a magic number by a factor."""
    return lambda recording, factor: with_field(
        recording, recording.index(magic) + offset, code, lambda number: number * factor
    )


def caf_size(recording: bytes, factor: float) -> bytes:
    return with_field(recording, recording.index(b"data\0") + 4, ">q", lambda size: 4 + (size - 4) * factor)


def w64_size(recording: bytes, factor: float) -> bytes:
    return with_field(recording, recording.index(b"data\xf3") + 16, "<Q", lambda size: 24 + (size - 24) * factor)


def aiff_count(recording: bytes, factor: float) -> bytes:
    counted = field_at(b"COMM", 10, ">I")(recording, factor)
    return with_field(counted, counted.index(b"SSND") + 4, ">I", lambda size: 8 + (size - 8) * factor)


def flac_count(recording: bytes, factor: float) -> bytes:
    field = int.from_bytes(recording[21:26], "big")
    length = int((field & (1 << 36) - 1) * factor)
    return recording[:21] + (field >> 36 << 36 | length).to_bytes(5, "big") + recording[26:]


def sphere_count(recording: bytes, factor: float) -> bytes:
    start = recording.index(b"sample_count -i ") + 16
    stop = recording.index(b"\n", start)
    count = str(int(int(recording[start:stop]) * factor)).encode().rjust(stop - start)
    return recording[:start] + count + recording[stop:]


def xing_count(recording: bytes, factor: float) -> bytes:
    magic = b"Xing" if b"Xing" in recording[:64] else b"Info"
    return field_at(magic, 8, ">I")(recording, factor)


def without_xing(recording: bytes) -> bytes:
    """An MP3 without its first frame, which counts the others."""
    bit_rates = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
    return recording[72 * bit_rates[recording[2] >> 4] * 1000 // 16000 + (recording[2] >> 1 & 1) :]


def with_index_first(recording: bytes) -> bytes:
    """An MP4 whose index precedes the samples, as it is downloaded."""
    samples, index = recording.index(b"mdat") - 4, recording.index(b"moov") - 4
    offsets = recording.index(b"stco") + 12
    n_chunks = int.from_bytes(recording[offsets - 4 : offsets], "big")
    moved = bytearray(recording[index:])
    for at in range(offsets - index, offsets - index + 4 * n_chunks, 4):
        struct.pack_into(">I", moved, at, struct.unpack_from(">I", moved, at)[0] + len(moved))
    return recording[:samples] + bytes(moved) + recording[samples:index]


def counted_xi(recording: bytes) -> bytes:
    """An instrument whose header states its size, as trackers write it and libsndfile does not."""
    return with_field(recording, 298, "<I", lambda _: len(recording) - 338)


def sndfile(format: str, subtype: str, rate: int = 16000, **options) -> Callable[[float, int], bytes]:
    return lambda seconds, channels: encode_sndfile(
        sound(seconds, rate, channels), rate, format=format, subtype=subtype, **options
    )


def ffmpeg(container: str, codec: str, rate: int, **options: str) -> Callable[[float, int], bytes]:
    def encode(seconds: float, channels: int) -> bytes:
        pytest.importorskip("av")
        return encode_av(sound(seconds, rate, channels).T, rate, container=container, codec=codec, **options)

    return encode


CONSTANT = sndfile("MP3", "MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=0.5)
VARIABLE = sndfile("MP3", "MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=0.3)

ENCODE: dict[str, Callable[[float, int], bytes]] = {
    "WAV": sndfile("WAV", "PCM_16"),
    "WAV float": sndfile("WAV", "FLOAT"),
    "WAV ADPCM": sndfile("WAV", "IMA_ADPCM"),
    "RIFX": sndfile("WAV", "PCM_16", endian="BIG"),
    "RF64": sndfile("RF64", "PCM_24"),
    "AIFF": sndfile("AIFF", "PCM_16"),
    "AU": sndfile("AU", "PCM_16"),
    "AU mu-law": sndfile("AU", "ULAW"),
    "W64": sndfile("W64", "PCM_16"),
    "CAF": sndfile("CAF", "PCM_16"),
    "SPHERE": sndfile("NIST", "PCM_16"),
    "FLAC": sndfile("FLAC", "PCM_16"),
    "MP3 CBR": CONSTANT,
    "MP3 VBR": VARIABLE,
    "MP3 CBR without Xing": lambda seconds, channels: without_xing(CONSTANT(seconds, channels)),
    "MP3 VBR without Xing": lambda seconds, channels: without_xing(VARIABLE(seconds, channels)),
    "Ogg Vorbis": sndfile("OGG", "VORBIS"),
    "Ogg Opus": sndfile("OGG", "OPUS", 48000),
    "MP2": ffmpeg("mp2", "mp2", 48000),
    "AVI": ffmpeg("avi", "pcm_s16le", 16000),
    "G.722 in WAV": ffmpeg("wav", "g722", 16000),
    "FLAC in Ogg": ffmpeg("ogg", "flac", 16000),
    "ADTS": ffmpeg("adts", "aac", 16000),
    "MP4": lambda seconds, channels: with_index_first(ffmpeg("mp4", "aac", 16000)(seconds, channels)),
    "WebM": ffmpeg("webm", "libopus", 48000),
    "WMA": ffmpeg("asf", "wmav2", 16000),
    "AIFF ADPCM": sndfile("AIFF", "IMA_ADPCM"),
    "SVX": sndfile("SVX", "PCM_16"),
    "VOC": sndfile("VOC", "PCM_16"),
    "AVR": sndfile("AVR", "PCM_16"),
    "WVE": sndfile("WVE", "ALAW", 8000),
    "MPC 2000": sndfile("MPC2K", "PCM_16"),
    "SDS": sndfile("SDS", "PCM_16"),
    "XI": lambda seconds, channels: counted_xi(sndfile("XI", "DPCM_16", 44100)(seconds, 1)),
    "XI of 8 bits": lambda seconds, channels: counted_xi(sndfile("XI", "DPCM_8", 44100)(seconds, 1)),
    "SPHERE mu-law": sndfile("NIST", "ULAW"),
    "MAT 4": sndfile("MAT4", "PCM_16"),
    "MAT 5": sndfile("MAT5", "PCM_16"),
    "VOC of blocks": ffmpeg("voc", "pcm_u8", 16000),
    "SoX": ffmpeg("sox", "pcm_s32le", 16000),
    "AC-3": ffmpeg("ac3", "ac3", 48000),
    "E-AC-3": ffmpeg("eac3", "eac3", 48000),
    "LATM": ffmpeg("latm", "aac", 16000),
    "MPEG-TS": ffmpeg("mpegts", "mp2", 48000),
    "MPEG-TS of AAC": ffmpeg("mpegts", "aac", 48000),
    "RealMedia": ffmpeg("rm", "ac3", 44100),
    "live WebM": ffmpeg("webm", "libopus", 48000, live="1"),
    "Matroska": ffmpeg("matroska", "pcm_s16le", 16000),
    "FLV": ffmpeg("flv", "aac", 44100),
    "FLV of MP3": ffmpeg("flv", "libmp3lame", 44100),
    "AMR": ffmpeg("amr", "libopencore_amrnb", 8000),
}
# Whose headers state no length, or of whose few long frames nothing is left when they are cut.
ONLY_JOINED: dict[str, Callable[[float, int], bytes]] = {
    "IRCAM": sndfile("IRCAM", "PCM_16"),
    "PAF": sndfile("PAF", "PCM_16"),
    "PVF": sndfile("PVF", "PCM_16"),
    "XI of libsndfile": sndfile("XI", "DPCM_8", 44100),
    "NUT": ffmpeg("nut", "pcm_s16le", 16000),
    "WTV": ffmpeg("wtv", "mp2", 48000),
    "Flash": ffmpeg("swf", "libmp3lame", 44100),
    "WavPack": ffmpeg("wv", "wavpack", 16000),
    "True Audio": ffmpeg("tta", "tta", 16000),
}
COUNTS: dict[str, Count] = {
    "WAV": field_at(b"data", 4, "<I"),
    "WAV float": field_at(b"data", 4, "<I"),
    "WAV ADPCM": field_at(b"data", 4, "<I"),
    "RIFX": field_at(b"data", 4, ">I"),
    "RF64": field_at(b"ds64", 16, "<Q"),
    "AIFF": aiff_count,
    "SVX": field_at(b"BODY", 4, ">I"),
    "AVR": field_at(b"2BIT", 26, ">I"),
    "WVE": field_at(b"ALaw", 18, ">I"),
    "XI": lambda recording, factor: with_field(recording, 298, "<I", lambda size: size * factor),
    "XI of 8 bits": lambda recording, factor: with_field(recording, 298, "<I", lambda size: size * factor),
    "MPC 2000": field_at(b"\1\4", 30, "<I"),
    "SoX": field_at(b".SoX", 8, "<Q"),
    "AU": field_at(b".snd", 8, ">I"),
    "AU mu-law": field_at(b".snd", 8, ">I"),
    "W64": w64_size,
    "CAF": caf_size,
    "SPHERE": sphere_count,
    "G.722 in WAV": field_at(b"data", 4, "<I"),
    "FLAC": flac_count,
    "MP3 CBR": xing_count,
    "MP3 VBR": xing_count,
    "MP4": field_at(b"mdhd", 20, ">I"),
    "WebM": field_at(b"\x44\x89\x88", 3, ">d"),
}
# Those of FFmpeg end as its codecs do, a few timepoints off.
THROUGH_FFMPEG = {
    *("AVI", "G.722 in WAV", "FLAC in Ogg", "ADTS", "MP4", "WebM", "WMA", "SoX", "AC-3", "E-AC-3", "LATM", "MPEG-TS"),
    *("MPEG-TS of AAC", "RealMedia", "live WebM", "Matroska", "FLV", "FLV of MP3", "AMR", "VOC of blocks"),
}
# But the count itself.
NO_END = {"AU", "AU mu-law", "CAF", "SPHERE", "AVR", "WVE", "MPC 2000", "SoX", "XI", "XI of 8 bits"}
FRAMES = {"ADTS", "MP2", "AC-3", "E-AC-3", "LATM", "MPEG-TS", "MPEG-TS of AAC"}


@cache
def recording_of(container: str, seconds: float = 1.5, channels: int = 1) -> bytes:
    return (ENCODE | ONLY_JOINED)[container](seconds, channels)


@cache
def whole_of(container: str, seconds: float = 1.5) -> np.ndarray:
    return read_audio(recording_of(container, seconds))[0]


@pytest.fixture(params=["path", "bytes", "file object"])
def as_source(request, tmp_path):
    def convert(recording: bytes):
        if request.param == "path":
            (tmp_path / "a").write_bytes(recording)
            return tmp_path / "a"
        return recording if request.param == "bytes" else io.BufferedReader(io.BytesIO(recording))

    return convert


def read_with_warnings(source, **options) -> tuple[np.ndarray, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        waveform, _ = read_audio(source, row=3, **options)
    return waveform, [str(warning.message) for warning in caught]


@pytest.mark.parametrize("container", ENCODE)
def test_an_exact_recording_is_read_without_a_word(container, as_source, capfd):
    source = as_source(recording_of(container))
    waveform, _ = read_audio(source)
    info = audio_info(source)
    assert abs(len(waveform) / info.sample_rate - 1.5) < 0.15
    assert info.is_exact == (container not in THROUGH_FFMPEG)
    if info.is_exact:
        assert info.n_timepoints == len(waveform)
    np.testing.assert_array_equal(read_audio(source, strict=True)[0], waveform)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("container", [*ENCODE, *ONLY_JOINED])
def test_joined_recordings_are_read_one_after_another(container, as_source, capfd):
    source = as_source(recording_of(container) + recording_of(container, 0.7) + recording_of(container))
    waveform, _ = read_audio(source)
    parts = [whole_of(container), whole_of(container, 0.7), whole_of(container)]
    if container in FRAMES or container.endswith("without Xing"):  # one stream, as if it were never cut
        assert abs(len(waveform) - sum(map(len, parts))) < 3000
    else:
        np.testing.assert_array_equal(waveform, np.concatenate(parts))
    info = audio_info(source)
    if info.is_exact:
        assert info.n_timepoints == len(waveform)
    late = read_audio(source, start=3.0, end=3.4)[0]
    first = 3 * info.sample_rate
    np.testing.assert_allclose(late, waveform[first : first + len(late)], rtol=0, atol=1e-6)
    assert len(late) == round(0.4 * info.sample_rate)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("container", COUNTS)
@pytest.mark.parametrize("factor", [0, 0.5], ids=["none", "half"])
def test_a_count_too_small_hides_nothing(container, factor, as_source, capfd):
    recording = COUNTS[container](recording_of(container), factor)
    assert recording != recording_of(container)
    waveform, messages = read_with_warnings(as_source(recording))
    np.testing.assert_allclose(waveform, whole_of(container), rtol=0, atol=1e-6)
    assert all("samples follow the end that its header gives" in message for message in messages)
    assert bool(messages) == (factor == 0.5 and container in NO_END)
    if container not in THROUGH_FFMPEG:
        assert audio_info(recording).n_timepoints == len(waveform)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("container", sorted(COUNTS.keys() - {"MP4"}))  # FFmpeg counts the frames of an MP4 by itself
def test_a_count_too_large_is_told(container, as_source, capfd):
    recording = COUNTS[container](recording_of(container), 2)
    waveform, messages = read_with_warnings(as_source(recording))
    whole = whole_of(container)
    np.testing.assert_allclose(waveform[: len(whole)], whole, rtol=0, atol=1e-6)
    assert 0 <= len(waveform) - len(whole) < 1152  # an MP3 that may be cut has no padding at its end to be trimmed
    assert len(messages) == 1
    assert messages[0].startswith("row 3 (")
    rate = audio_info(recording).sample_rate
    promised = float(messages[0].split("promises ")[1].split(" s")[0])
    assert promised == pytest.approx(3.0, abs=0.2)
    assert f"and {len(waveform) / rate:.3f} s were read" in messages[0]
    with pytest.raises(AudioReadError, match=r"row 3: .* promises 3\.\d+ s, and 1\.\d+ s were read; replace"):
        read_audio(recording, strict=True, row=3)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("share", [0.99, 0.5])
@pytest.mark.parametrize("container", ENCODE)
def test_a_recording_that_is_cut_is_read_to_its_end_and_told(container, share, as_source, capfd):
    recording = recording_of(container)
    cut = recording[: int(len(recording) * share) - 11]  # within a frame of MP3, too
    waveform, messages = read_with_warnings(as_source(cut))
    whole = whole_of(container)
    assert share * 0.4 < len(waveform) / len(whole) <= 1.01  # the headers of Vorbis are long
    n_same = int(0.9 * min(len(waveform), len(whole)))
    np.testing.assert_allclose(waveform[:n_same], whole[:n_same], rtol=0, atol=1e-4)
    assert len(messages) == 1
    assert messages[0].startswith("row 3 (")
    rate = audio_info(cut).sample_rate
    assert f"{len(waveform) / rate:.3f} s were read" in messages[0]
    with pytest.raises(AudioReadError, match=r"row 3: .* s were read; replace the recording"):
        read_audio(cut, strict=True, row=3)
    assert capfd.readouterr().err == ""
