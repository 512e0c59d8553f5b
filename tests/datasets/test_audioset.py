"""Segments, files and targets together: what is missing leaves no row behind."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from sklearn_audio.datasets import AudioSetOntology, load_audioset, read_audioset_labels, read_audioset_segments
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.preprocessing import AudioLoader
from tests.datasets.audioset_files import ONTOLOGY, write_recordings, write_tables

ALL = (
    "Y--PJHxphWEs.wav",
    "a/00000000012.flac",
    "b/Yabcdefgh_1_21.500_31.500.ogg",
    "abcdefgh_30_30_40.wav",
    "abcdefgh_30_70000.wav",
    "YzzzzzzzzzzZ.wav",  # no segment: the case differs
    "Yzzzzzzzzzzz_30000_40000.mp3",
)


@pytest.fixture
def tables(tmp_path):
    return write_tables(tmp_path)


def load(tables, folder, **parameters):
    segments, class_labels, _ = tables
    return load_audioset(segments, folder, class_labels=class_labels, **parameters)


def test_every_name_that_downloaders_give(tables, tmp_path):
    clips = load(tables, write_recordings(tmp_path / "wav", *ALL))
    assert [Path(path).relative_to(tmp_path / "wav").as_posix() for path in clips.data] == [*ALL[:5], ALL[6]]
    assert clips.target.sum(axis=0).tolist() == [2, 3, 2, 2]
    assert clips.target_names.tolist() == ["Speech", "Dog", "Cat", "Rain, drizzle"]
    assert clips.label_ids.tolist() == ["/m/speech", "/m/dog", "/m/cat", "/m/rain"]
    assert clips.groups.tolist() == clips.frame["ytid"].tolist()
    assert clips.groups[3] == clips.groups[4] == "abcdefgh_30"
    assert len(clips.missing) == 0
    assert clips.DESCR == "6 segments of AudioSet with 4 labels; 0 more have no recording."


def test_missing_files_leave_no_rows_of_zeros(tables, tmp_path):
    # The original kept a row of zeros, trained on as silence without labels, for every file that was not there.
    folder = write_recordings(tmp_path / "wav", *ALL[:5])
    (folder / "zzzzzzzzzzz.wav").touch()  # a download that broke: no bytes
    (folder / ALL[1]).unlink()
    with pytest.warns(UserWarning, match="2 of 6 segments") as found:
        clips = load(tables, folder)
    assert len(found) == 1
    text = str(found[0].message)
    assert text.startswith("2 of 6 segments have no recording below")
    assert "'00000000012' at 0 s, 'zzzzzzzzzzz' at 30 s. They are left out." in text
    assert len(clips.data) == len(clips.target) == len(clips.groups) == len(clips.frame) == 4
    assert clips.target.any(axis=1).all()
    assert clips.missing["ytid"].tolist() == ["00000000012", "zzzzzzzzzzz"]
    for path, labels in zip(clips.data, clips.target, strict=True):
        row = clips.frame[clips.frame["path"] == path].iloc[0]
        assert set(clips.label_ids[labels.astype(bool)]) == set(row["labels"])


def test_what_to_do_about_missing_files(tables, tmp_path):
    folder = write_recordings(tmp_path / "wav", *ALL[:5])
    with pytest.raises(AudioReadError, match=r'1 of 6 segments have no recording.*Pass missing="ignore"'):
        load(tables, folder, missing="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load(tables, folder, missing="ignore").missing) == 1
    with pytest.raises(
        AudioReadError, match=r"6 of 6 segments .* and 3 more\. Recordings are found by name: YTID, YYTID"
    ):
        load(tables, write_recordings(tmp_path / "other", "song.wav"), missing="ignore")


def test_labels_on_no_clip_are_counted_in_a_warning(tables, tmp_path):
    folder = write_recordings(tmp_path / "wav", *ALL[:1])
    with pytest.warns(UserWarning, match="2 of 4 labels are on none of the 1 clips: 'Cat', 'Rain, drizzle'. A class"):
        load(tables, folder, missing="ignore")


def test_a_restriction_to_some_labels(tables, tmp_path):
    folder = write_recordings(tmp_path / "wav", *ALL)
    clips = load(tables, folder, labels=["Cat", "Dog"])
    assert clips.target.tolist() == [[0, 1], [1, 0], [0, 0], [0, 1], [1, 1], [0, 0]]
    clips = load(tables, folder, labels=["Cat", "Dog"], negatives=False)
    assert clips.target.tolist() == [[0, 1], [1, 0], [0, 1], [1, 1]]
    assert len(clips.data) == len(clips.groups) == len(clips.frame) == 4
    with pytest.raises(ValueError, match="no clip carries any of the labels"):
        load(tables, write_recordings(tmp_path / "one", ALL[0]), labels=["Cat"], negatives=False, missing="ignore")


@pytest.mark.parametrize("as_path", [True, False])
def test_classes_above(tables, tmp_path, as_path):
    folder = write_recordings(tmp_path / "wav", *ALL)
    ontology = tables[2] if as_path else AudioSetOntology(ONTOLOGY)
    clips = load(tables, folder, labels=["Animal", "Speech"], ontology=ontology)
    assert clips.target.tolist() == [[1, 1], [1, 0], [0, 1], [1, 0], [1, 0], [0, 0]]
    assert clips.target_names.tolist() == ["Animal", "Speech"]


def test_segments_that_were_read_before(tables, tmp_path):
    folder = write_recordings(tmp_path / "wav", *ALL)
    segments = read_audioset_segments(tables[0])
    some = segments[segments["start"] == 30]
    clips = load_audioset(some, folder, class_labels=read_audioset_labels(tables[1]), labels=["Dog"], sparse=True)
    assert clips.target.toarray().tolist() == [[1], [1], [0]]
    assert "path" not in some
    with pytest.raises(ValueError, match=r"the segments have no column 'labels'; expected .*, found \['ytid', 'start'"):
        load_audioset(some.drop(columns="labels"), folder)
    with pytest.raises(ValueError, match="the table of segments is empty"):
        load_audioset(some[:0], folder)


def test_segments_are_cut_from_whole_videos(tables, tmp_path, shared_data):
    folder = tmp_path / "videos"
    folder.mkdir()
    recording = sorted((shared_data / "scenes").rglob("*.ogg"))[0]  # 72 s or more
    for name in ("Yabcdefgh_1", "abcdefgh_30"):
        (folder / f"{name}.ogg").symlink_to(recording)
    (folder / "abcdefgh_30_30_40.wav").write_bytes(b"R")  # a clip: not looked at
    segments = read_audioset_segments(tables[0])
    segments.loc[4, ["start", "end"]] = [50.0, 60.0]
    segments = segments[2:5]
    clips = load_audioset(segments, folder, class_labels=tables[1], files="videos")
    assert clips.data.columns.tolist() == ["path", "start", "end"]
    assert clips.data["start"].tolist() == [21.5, 30.0, 50.0]
    waves = AudioLoader(sample_rate=16000).fit_transform(clips.data)
    assert [len(wave) for wave in waves] == [160000] * 3
    assert not np.array_equal(waves[1], waves[2])


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (
            ["zzzzzzzzzzz.wav", "a/zzzzzzzzzzz.flac"],
            r"the segment of 'zzzzzzzzzzz' from 30 s has 2 files, .*; keep one",
        ),
        (["abcdefgh_30.wav"], "rows 3 and 4 are two segments of the video 'abcdefgh_30', but the name of"),
    ],
)
def test_names_that_do_not_say_which(tables, tmp_path, names, match):
    with pytest.raises(ValueError, match=match):
        load(tables, write_recordings(tmp_path / "wav", *names), missing="ignore")


def test_a_name_with_the_start_goes_before_one_without(tables, tmp_path):
    names = ["abcdefgh_30.wav", "abcdefgh_30_70.wav"]
    clips = load(tables, write_recordings(tmp_path / "wav", *names), labels=["Dog"], negatives=True, missing="ignore")
    assert [Path(path).name for path in clips.data] == names


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"files": "wav"}, "files='wav' must be one of 'clips', 'videos'"),
        ({"missing": "skip"}, "missing='skip' must be one of 'warn', 'raise', 'ignore'"),
    ],
)
def test_parameters_without_their_values(tables, tmp_path, parameters, match):
    with pytest.raises(ValueError, match=match):
        load(tables, tmp_path, **parameters)


def test_a_missing_folder(tables, tmp_path):
    with pytest.raises(ValueError, match=r"the folder of recordings .* does not exist"):
        load(tables, tmp_path / "absent")
