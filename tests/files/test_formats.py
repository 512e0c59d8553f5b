"""Every format, edge case and broken file of the collection, from a path, from bytes and from file objects."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import audio_info, read_audio

FFMPEG = "ok with ffmpeg, error without"
CUT = {"truncated_data.wav": 11014, "truncated.flac": 8192, "truncated.ogg": 7872, "truncated.mp3": 11520}
LOSSLESS = ["WAV PCM_24", "WAV PCM_32", "WAV FLOAT", "WAV DOUBLE", "RF64", "Sony Wave64", "AIFF", "AIFC", "Sun AU"]
LOSSLESS += [
    "Apple CAF",
    "FLAC 16",
    "LIST",
    "odd-sized",
    "chunk after",
    "junk bytes",
    "streamed",
    "spaces",
    "non-ASCII",
]
LOSSLESS += ["upper-case", "RIFF", "two extensions", "FLAC bytes", "FLAC stream"]


@pytest.fixture(scope="session")
def rows(shared_data) -> list[dict[str, str]]:
    with open(shared_data / "formats" / "expected.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(params=["path", "str", "bytes", "BytesIO", "file", "bytearray"])
def as_source(request):
    def convert(path: Path):
        kinds = {
            "path": lambda: path,
            "str": lambda: str(path),
            "bytes": path.read_bytes,
            "BytesIO": lambda: io.BytesIO(path.read_bytes()),
            "file": lambda: path.open("rb"),
            "bytearray": lambda: bytearray(path.read_bytes()),
        }
        return kinds[request.param]()

    return convert


def close(source) -> None:
    if hasattr(source, "close"):
        source.close()


def check_decoded(row, waveform, rate, info) -> None:
    ffmpeg = row["expect"] == FFMPEG
    assert rate == info.sample_rate == int(row["ffmpeg_rate" if ffmpeg else "sample_rate"])
    assert waveform.dtype == np.float32
    assert waveform.ndim == 1
    assert len(waveform) == int(row["ffmpeg_frames" if ffmpeg else "frames"])
    if not ffmpeg:
        assert info.n_channels == int(row["channels"])
    # MP3 without a Xing header, and the padding that AAC and WMA add to the length in the header
    assert abs(info.n_timepoints - len(waveform)) <= (2048 if ffmpeg or "mp3" in row["note"].lower() else 0)


@pytest.mark.parametrize("with_av", [True, False], ids=["av", "no_av"])
def test_every_file_is_treated_as_expected(rows, shared_data, as_source, with_av, monkeypatch, capfd):
    if with_av:
        pytest.importorskip("av")
    else:
        monkeypatch.setitem(sys.modules, "av", None)
    assert len(rows) == 92
    for row in rows:
        source = as_source(shared_data / "formats" / row["path"])
        fails = row["expect"].startswith("error") or (row["expect"] == FFMPEG and not with_av)
        try:
            if fails:
                with pytest.raises(AudioReadError, match=r"^row 3: cannot read .+: .+; .+"):
                    read_audio(source, row=3)
                with pytest.raises(AudioReadError, match=r"^cannot read .+: .+; .+"):
                    audio_info(source)
            elif row["path"].startswith("broken/") and Path(row["path"]).name in CUT:
                check_cut(source, CUT[Path(row["path"]).name])
            elif row["path"] == "broken/corrupt_middle.flac":
                with pytest.raises(AudioReadError, match="the file is damaged"):
                    read_audio(source)
            else:
                check_decoded(row, *read_audio(source), audio_info(source))
        finally:
            close(source)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def check_cut(source, n_timepoints: int) -> None:
    with pytest.warns(UserWarning, match=rf"{n_timepoints / 44100:.3f} s were read. Replace the recording"):
        waveform, rate = read_audio(source)
    assert (len(waveform), rate) == (n_timepoints, 44100)


def test_lossless_files_hold_the_reference(rows, shared_data):
    pytest.importorskip("av")
    reference, _ = read_audio(shared_data / "formats" / "ok" / "ref_mono_s16_44100.wav")
    compared = 0
    for row in rows:
        if row["content"] == "mono" and row["note"].startswith(tuple(LOSSLESS)) and "broken" not in row["path"]:
            waveform, rate = read_audio(shared_data / "formats" / row["path"])
            if rate == 44100:
                np.testing.assert_allclose(waveform, reference, atol=2.0**-15, err_msg=row["path"])
                compared += 1
    assert compared >= 20


def test_channels_of_the_edge_cases(shared_data):
    edge = shared_data / "formats" / "edge"
    six = [read_audio(edge / "six_channels.wav", channel=i)[0] for i in range(6)]
    np.testing.assert_allclose(read_audio(edge / "six_channels.wav")[0], np.mean(six, axis=0), atol=1e-7)
    np.testing.assert_array_equal(read_audio(edge / "stereo_antiphase.wav")[0], 0)
    assert np.abs(read_audio(edge / "stereo_antiphase.wav", channel=1)[0]).max() > 0.1
    np.testing.assert_array_equal(read_audio(edge / "stereo_right_silent.wav", channel=1)[0], 0)


def test_nan_passes_through(shared_data):
    waveform, _ = read_audio(shared_data / "formats" / "edge" / "nan_inf.wav")
    assert np.isnan(waveform[1000])
    assert waveform[2000] == np.inf
    assert waveform[3000] == -np.inf


def test_no_samples_is_an_empty_waveform(shared_data):
    path = shared_data / "formats" / "broken" / "header_only.wav"
    for rate in (None, 16000):
        waveform, got = read_audio(path, sample_rate=rate)
        assert waveform.shape == (0,)
        assert waveform.dtype == np.float32
        assert got == (rate or 44100)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("empty.wav", r"the file is empty; download or record it again"),
        ("text.wav", r"it is text; give a recording"),
        ("html_404.mp3", r"it is an HTML page, probably a saved error page; download the recording again"),
        ("lfs_pointer.wav", r"Git LFS pointer.*; fetch it with: git lfs pull"),
        ("zip.wav", r"it is a zip archive; unpack it"),
        ("tiny.mp3", r"it ends within its first MPEG frame"),
        ("random_bytes.wav", r"its bytes are no recording in a known format"),
        ("unknown_codec.wav", r"libsndfile says: .*; the file is damaged or of an unknown codec"),
        ("corrupt_middle.flac", r"decoding stopped with: flac decoder lost sync"),
    ],
)
def test_message_says_what_the_file_is(shared_data, name, match):
    path = shared_data / "formats" / "broken" / name
    with pytest.raises(AudioReadError, match=match) as caught:
        read_audio(path, row=7)
    assert str(caught.value).startswith(f"row 7: cannot read {str(path)!r}: ")


@pytest.mark.parametrize("name", ["aac.m4a", "aac.aac", "opus.webm", "wma.wma", "flac_in.ogg"])
def test_without_av_the_message_names_the_extra(shared_data, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioReadError, match=r"needs FFmpeg.*pip install 'sklearn-audio\[ffmpeg\]'") as caught:
        read_audio(shared_data / "formats" / "ok" / name)
    assert isinstance(caught.value.__cause__, ImportError)


def test_damage_on_the_way_is_not_decoded_again(shared_data, monkeypatch):
    av = pytest.importorskip("av")
    monkeypatch.setattr(av, "open", None)
    with pytest.raises(AudioReadError, match=r"libsndfile says|decoding stopped"):
        read_audio(shared_data / "formats" / "broken" / "corrupt_middle.flac")
