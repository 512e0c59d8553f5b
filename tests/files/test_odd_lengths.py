"""Open ends, tags and junk around streams, parts of cut files, and what the loader makes of all that."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest
import soundfile

from sklearn_audio import AudioLoader
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import audio_info, open_audio, read_audio
from tests.files.encoding import encode_av, encode_sndfile

ID3V1 = b"TAG" + bytes(125)
ID3V2 = b"ID3\x04\0\0\0\0\1\0" + bytes(128)
ID3V2_WITH_FOOTER = b"ID3\x04\0\x10\0\0\1\0" + bytes(128) + b"3DI\x04\0\x10\0\0\1\0"
JUNK = np.random.default_rng(0).bytes(3000)
LIST = b"LIST" + struct.pack("<I", 6) + b"INFOab"
SHORT = "it is cut short; its header promises 1.000 s, and 0.500 s were read"


def tone(seconds: float = 1, rate: int = 16000, channels: int = 1) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return np.repeat(0.4 * np.sin(2 * np.pi * 440 * time)[:, None], channels, axis=1)


def wav(subtype: str = "PCM_16", channels: int = 1) -> bytes:
    return encode_sndfile(tone(channels=channels), 16000, format="WAV", subtype=subtype)


def mp3(seconds: float = 1, rate: int = 16000, channels: int = 1) -> bytes:
    return encode_sndfile(tone(seconds, rate, channels), rate, format="MP3", subtype="MPEG_LAYER_III")


def opus(channels: int = 1) -> bytes:
    return encode_sndfile(tone(1, 48000, channels), 48000, format="OGG", subtype="OPUS")


def flac() -> bytes:
    return encode_sndfile(tone(), 16000, format="FLAC", subtype="PCM_16")


def replaced(recording: bytes, magic: bytes, offset: int, field: bytes) -> bytes:
    at = recording.index(magic) + offset
    return recording[:at] + field + recording[at + len(field) :]


def check_whole(recording: bytes, *parts: bytes, capfd) -> None:
    """Reads as its parts do, one after another, and nobody complains."""
    waveform, _ = read_audio(recording, strict=True)
    whole = np.concatenate([read_audio(part)[0] for part in parts])
    np.testing.assert_allclose(waveform, whole, rtol=0, atol=1e-6)
    info = audio_info(recording)
    assert (info.n_timepoints, info.is_exact) == (len(whole), True)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0xFFFFFFD0, 0x7FFFFFFF, 0x80000000, 0x7FFFF000])
@pytest.mark.parametrize(("subtype", "channels"), [("PCM_U8", 1), ("PCM_16", 1), ("PCM_24", 2), ("FLOAT", 2)])
def test_wav_with_an_open_end(size, subtype, channels, capfd):
    recording = wav(subtype, channels)
    for magic, offset in ((b"RIFF", 4), (b"data", 4)):
        opened = replaced(recording, magic, offset, struct.pack("<I", size))
        check_whole(opened, recording, capfd=capfd)


def test_joined_streams_of_wav_with_open_ends(capfd):
    streamed = replaced(replaced(wav(), b"RIFF", 4, b"\xff" * 4), b"data", 4, b"\xff" * 4)
    check_whole(streamed + streamed, wav(), wav(), capfd=capfd)


def test_wav_of_more_bytes_than_its_fields_hold(tmp_path):
    path = tmp_path / "long.wav"
    header = replaced(wav()[:44], b"data", 4, struct.pack("<I", 1000))  # 4 GiB and 1000 bytes, as 32 bits count them
    with path.open("wb") as file:
        file.write(header)
        file.truncate(44 + (1 << 32) + 1000)  # without content, which takes no space
        file.seek(44 + (1 << 32))
        file.write(b"\0\x40" * 500)
    info = audio_info(path)
    assert info.n_timepoints == ((1 << 32) + 1000) // 2
    waveform, _ = read_audio(path, start=(1 << 31) / 16000)
    np.testing.assert_array_equal(waveform, np.full(500, 0.5, dtype=np.float32))


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
@pytest.mark.parametrize("size", [0, 2**64 - 1, None])
def test_rf64_and_bw64(magic, size, capfd):
    recording = encode_sndfile(tone(), 16000, format="RF64", subtype="PCM_16")
    if size is not None:
        recording = replaced(recording, b"ds64", 8, struct.pack("<QQQ", size, size, size))
    check_whole(magic + recording[4:], wav(), capfd=capfd)


@pytest.mark.parametrize("size", [-1, 0])
def test_caf_with_an_open_end(size, capfd):
    recording = encode_sndfile(tone(), 16000, format="CAF", subtype="PCM_16")
    check_whole(replaced(recording, b"data\0", 4, struct.pack(">q", size)), recording, capfd=capfd)


def test_aiff_that_was_never_completed(capfd):
    recording = encode_sndfile(tone(), 16000, format="AIFF", subtype="PCM_16")
    opened = recording
    for magic, offset in ((b"COMM", 10), (b"SSND", 4), (b"FORM", 4)):
        opened = replaced(opened, magic, offset, bytes(4))
        check_whole(opened, recording, capfd=capfd)


@pytest.mark.parametrize(
    "tail", [LIST, ID3V1, ID3V2, bytes(4096), JUNK[:63]], ids=["LIST", "v1", "v2", "zeros", "junk"]
)
@pytest.mark.parametrize("make", [wav, mp3, flac, opus], ids=lambda make: make.__name__)
def test_what_follows_a_recording_is_no_sound(make, tail, capfd):
    check_whole(make() + tail, make(), capfd=capfd)


def test_an_empty_wav_with_a_chunk_after_it_is_empty():
    empty = encode_sndfile(tone(0), 16000, format="WAV", subtype="PCM_16")
    assert len(read_audio(empty + LIST)[0]) == 0
    with pytest.raises(ValueError, match="the clip has no samples"):
        AudioLoader().fit_transform([empty])


@pytest.mark.parametrize("tail", [b"", b"abc" * 5, bytes(200)])
def test_a_stray_frame_header_after_the_counted_frames_is_no_sound(tail, capfd):
    check_whole(mp3() + mp3()[:4] + tail, mp3(), capfd=capfd)


@pytest.mark.parametrize("front", [ID3V2, ID3V2_WITH_FOOTER, bytes(3000), JUNK, b"ICY 200 OK\r\n\r\n"])
def test_mp3_after_something_else(front, capfd):
    check_whole(front + mp3(), mp3(), capfd=capfd)


@pytest.mark.parametrize("between", [ID3V1, ID3V2, ID3V1 + ID3V2, bytes(2000), JUNK])
def test_tags_and_junk_between_joined_mp3(between, capfd):
    check_whole(mp3() + between + mp3(0.5) + between, mp3(), mp3(0.5), capfd=capfd)


def test_tags_between_joined_flac(capfd):
    check_whole(ID3V2 + flac() + ID3V2 + flac(), flac(), flac(), capfd=capfd)


def test_codecs_of_joined_ogg_may_differ(capfd):
    vorbis = encode_sndfile(tone(1, 48000), 48000, format="OGG", subtype="VORBIS")
    check_whole(vorbis + JUNK + opus(), vorbis, opus(), capfd=capfd)


@pytest.mark.parametrize(
    ("joined", "change"),
    [
        ((mp3(), mp3(0.5, 44100)), r"1 channel at \d+ Hz to 1 channel at 44100 Hz"),
        ((mp3(), mp3(0.5, 16000, 2)), r"1 channel at \d+ Hz to 2 channels at 16000 Hz"),
        ((opus(), opus(2)), "1 channel at 48000 Hz to 2 channels at 48000 Hz"),
    ],
    ids=["rates", "channels", "channels of Ogg"],
)
def test_joined_recordings_of_several_kinds_are_refused_by_name(joined, change):
    with pytest.raises(AudioReadError, match=rf"row 2: .* it changes from {change} on the way; split it there, or con"):
        read_audio(b"".join(joined), row=2)


@pytest.mark.parametrize("count", [0, 1, 2**32 - 1])
def test_mp3_with_a_count_that_is_none(count, capfd):
    magic = b"Xing" if b"Xing" in mp3()[:64] else b"Info"
    check_whole(replaced(mp3(), magic, 8, struct.pack(">I", count)), mp3(), capfd=capfd)


def test_info_knows_no_absurd_length():
    magic = b"Xing" if b"Xing" in mp3()[:64] else b"Info"
    for count in (2**31, 2**32 - 1):
        info = audio_info(replaced(mp3(), magic, 8, struct.pack(">I", count)))
        assert abs(info.n_timepoints - 16000) < 576


@pytest.mark.parametrize("bit_rate_mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize(("rate", "channels"), [(44100, 1), (44100, 2), (16000, 1)])
def test_mp3_from_the_middle_is_exact_after_its_first_frames(bit_rate_mode, rate, channels, capfd):
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal((4 * rate, 1)).repeat(channels, axis=1)
    recording = encode_sndfile(samples, rate, format="MP3", bitrate_mode=bit_rate_mode, compression_level=0.5)
    whole = read_audio(recording)[0]
    part = read_audio(recording[len(recording) // 3 + 5 :])[0]
    assert len(whole) * 0.6 < len(part) < len(whole) * 0.72
    near = part[len(part) // 2 :][:3000]
    lag = np.correlate(whole, near, "valid").argmax() - len(part) // 2
    settled = slice(6 * 1152, len(whole) - lag - 1152)
    np.testing.assert_allclose(part[settled], whole[lag:][settled], rtol=0, atol=1e-5)
    assert capfd.readouterr().err == ""


def test_variable_mp3_without_a_count_is_what_ffmpeg_reads(capfd):
    av = pytest.importorskip("av")
    quiet_end = tone(5, 44100) * np.linspace(1, 0.02, 5 * 44100)[:, None] ** 3
    recording = encode_sndfile(quiet_end, 44100, format="MP3", bitrate_mode="VARIABLE", compression_level=0.3)
    bit_rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    uncounted = recording[144 * bit_rates[recording[2] >> 4] * 1000 // 44100 + (recording[2] >> 1 & 1) :]
    with av.open(io.BytesIO(uncounted)) as container:
        wanted = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    waveform, _ = read_audio(uncounted)
    np.testing.assert_allclose(waveform, wanted, rtol=0, atol=1e-4)
    assert audio_info(uncounted).n_timepoints == len(wanted)
    assert capfd.readouterr().err == ""


def test_parts_of_a_cut_recording():
    cut = wav()[: 44 + 16000]
    assert len(read_audio(cut, start=0.1, end=0.3)[0]) == 3200  # complete, and so without a warning
    with pytest.warns(UserWarning, match=rf"row 4 .*: {SHORT}\. Replace the recording, or refuse"):
        assert len(read_audio(cut, start=0.1, end=0.7, row=4)[0]) == 6400
    with pytest.raises(AudioReadError, match=SHORT):
        read_audio(cut, start=0.7)
    with pytest.raises(ValueError, match=r"start=2 s is not within the recording, which is 1\.000 s long"):
        read_audio(wav(), start=2)


def test_nothing_left_of_a_recording_is_no_empty_clip():
    with pytest.raises(AudioReadError, match=r"promises 1\.000 s, and 0\.000 s were read; replace the recording"):
        read_audio(wav()[:44])


def test_samples_after_the_end_of_the_container_are_read_and_told():
    recording = replaced(replaced(wav(), b"RIFF", 4, struct.pack("<I", 16036)), b"data", 4, struct.pack("<I", 16000))
    message = r"samples follow the end that its header gives; all 1\.000 s were read"
    with pytest.warns(UserWarning, match=rf"row 0 .*{message}\. Check its end"):
        np.testing.assert_array_equal(read_audio(recording, row=0)[0], read_audio(wav())[0])
    with pytest.raises(AudioReadError, match=rf"{message}; check its end"):
        read_audio(recording, strict=True)


def test_strict_streams():
    with (
        open_audio(wav()[:16044], strict=True, block=1000) as stream,
        pytest.raises(AudioReadError, match=SHORT),
    ):
        list(stream.blocks())


def test_the_loader_warns_once_or_refuses(tmp_path):
    (tmp_path / "cut.wav").write_bytes(wav()[:16044])
    clips = [wav(), str(tmp_path / "cut.wav")]
    with pytest.warns(UserWarning, match="it is cut short") as caught:
        loaded = AudioLoader().fit_transform(clips)
    assert [len(clip) for clip in loaded.to_list()] == [16000, 8000]
    assert [str(warning.message)[:7] for warning in caught] == ["row 1 ("]
    with pytest.raises(AudioReadError, match=rf"row 1: .*cut\.wav.*{SHORT}"):
        AudioLoader(strict=True).fit_transform(clips)
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used"):
        assert np.isnan(AudioLoader(strict=True, on_error="nan").fit_transform(clips)[1]).all()
    with pytest.raises(ValueError, match="'strict' parameter"):
        AudioLoader(strict="yes").fit(clips)


def test_without_av_joined_and_cut_recordings_of_ffmpeg_name_the_extra(monkeypatch):
    pytest.importorskip("av")
    recording = encode_av(tone().T, 16000, container="adts", codec="aac")
    monkeypatch.setitem(sys.modules, "av", None)
    for content in (recording * 2, recording[:-50]):
        with pytest.raises(AudioReadError, match=r"needs FFmpeg.*'sklearn-audio\[ffmpeg\]'"):
            read_audio(content)


def test_without_av_lengths_are_mended_all_the_same(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "av", None)
    check_whole(mp3() + mp3(0.5), mp3(), mp3(0.5), capfd=capfd)
    check_whole(opus() + opus(), opus(), opus(), capfd=capfd)
    check_whole(mp3()[:0] + JUNK + mp3(), mp3(), capfd=capfd)
    with pytest.warns(UserWarning, match="it is cut short"):
        read_audio(flac()[:-200])


@pytest.mark.parametrize(("container", "codec"), [("tta", "tta"), ("wv", "wavpack")])
def test_long_frames_that_are_cut(container, codec):
    pytest.importorskip("av")
    recording = encode_av(tone(5).T, 16000, container=container, codec=codec)
    with pytest.warns(UserWarning, match=r"it is cut short; 4\.\d+ s were read"):
        assert 3.9 < len(read_audio(recording[:-200])[0]) / 16000 < 5
    assert len(read_audio(recording + recording, strict=True)[0]) == 10 * 16000


@pytest.mark.parametrize("n_packets", [1, 3])
def test_a_transport_stream_that_ends_between_packets(n_packets):
    pytest.importorskip("av")
    recording = encode_av(tone(2, 48000).T, 48000, container="mpegts", codec="mp2")
    with pytest.warns(UserWarning, match=r"it ends within an MPEG-TS packet; [12]\.\d+ s were read"):
        read_audio(recording[: -188 * n_packets])


@pytest.mark.parametrize(("format", "start"), [("IRCAM", 1024), ("PAF", 2048), ("PVF", 16)])
def test_half_a_sample_at_the_end_of_what_states_no_length(format, start, capfd):
    recording = encode_sndfile(tone(), 16000, format=format, subtype="PCM_16")
    end = start + 16000
    check_whole(recording[:end], recording[:end], capfd=capfd)
    with pytest.warns(UserWarning, match=r"it ends within a sample; 0\.500 s were read"):
        assert len(read_audio(recording[: end + 1])[0]) == 8000


def test_packets_of_a_sample_dump_that_are_missing_are_no_sound():
    recording = encode_sndfile(tone(), 16000, format="SDS", subtype="PCM_16")
    with pytest.warns(UserWarning, match=r"its header promises 1\.000 s, and 0\.4\d+ s were read"):
        waveform = read_audio(recording[: len(recording) // 2])[0]
    np.testing.assert_array_equal(waveform, read_audio(recording)[0][: len(waveform)])


def test_damage_within_a_container_of_ffmpeg_is_no_cut():
    pytest.importorskip("av")
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (1, 96000))
    recording = encode_av(noise, 48000, container="mpegts", codec="aac")
    middle = len(recording) // 376 * 188
    with pytest.raises(AudioReadError, match="FFmpeg stopped with"):
        read_audio(recording[:middle] + recording[middle + 188 :])


def test_a_packet_that_ffmpeg_finds_cut():
    pytest.importorskip("av")
    recording = encode_av(tone(2, 48000).T, 48000, container="gxf", codec="pcm_s16le")
    with pytest.warns(UserWarning, match=r"it is cut short; \d\.\d+ s were read"):
        read_audio(recording[: len(recording) // 2])


def test_damage_within_flac_is_no_cut():
    damaged = bytearray(flac())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 50] = bytes(50)
    with pytest.raises(AudioReadError, match="decoding stopped with"):
        read_audio(bytes(damaged))


def test_memory_of_joined_recordings_is_bounded(tmp_path):
    path = tmp_path / "joined.wav"
    path.write_bytes(wav() * 50)
    with open_audio(path, block=4000) as stream:
        assert stream.n_timepoints_expected == 50 * 16000
        assert {len(block) for block in stream.blocks()} == {4000}
    assert soundfile.info(io.BytesIO(wav())).frames == 16000
