"""Times and sites from the names of AudioMoth and Song Meter, in folders, tables and proposals of groups."""

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio.cli import main
from sklearn_audio.datasets import load_audio_folder, load_audio_table
from sklearn_audio.datasets._recorders import SITE_PATTERN, recorder_columns

AT = pd.Timestamp(2019, 6, 1, 5, 30)


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("20190601_053000.WAV", None),
        ("20190601_053000T.WAV", None),
        ("24F319055FDF4AFB_20190601_053000.WAV", "24F319055FDF4AFB"),
        ("S4A01234_20190601_053000.wav", "S4A01234"),
        ("NORTH_POND_20190601_053000.wav", "NORTH_POND"),
        ("S4A01234_0+1_20190601_053000.wav", "S4A01234"),
        ("SITE1_0+1_20190601_053000_000.wav", "SITE1"),
        ("SITE1_20190601$053000.wav", "SITE1"),
        ("night 1/deep/SITE1_20190601_053000.flac", "SITE1"),
        (r"C:\night\SITE1_20190601_053000.wav", "SITE1"),
    ],
)
def test_names_of_recorders(name, site):
    found = recorder_columns([name])
    assert found["recorded_at"].tolist() == [AT]
    assert found.get("site", pd.Series([None])).tolist() == [site]
    if site is not None and "\\" not in name:
        assert re.search(SITE_PATTERN, name)[1] == site


def test_hexadecimal_names():
    stamp = int(datetime(2019, 6, 1, 5, 30, tzinfo=UTC).timestamp())
    assert recorder_columns([f"a/{stamp:08X}.WAV"])["recorded_at"].tolist() == [AT]
    assert recorder_columns(["5CF20DA8.WAV", "5CF20DA9.WAV"])["recorded_at"].dt.year.tolist() == [2019, 2019]
    assert recorder_columns(["5CF20DA8.WAV", "dog.wav"]) == {}


@pytest.mark.parametrize(
    "name",
    [
        *("dog.wav", "00000017.wav", "20190601.wav", "FFFFFFFF.WAV", "5cf20da8.wav", "20191301_053000.wav"),
        *(
            "20190601_256000.wav",
            "20190601_053000_clip.wav",
            "1-100032-A-0.wav",
            "source0_0001.wav",
            "120190601_053000.wav",
        ),
    ],
)
def test_other_names(name):
    assert recorder_columns([name]) == {}


def test_a_few_other_names():
    found = recorder_columns(["A_20190601_053000.wav", "dog.wav"])
    assert found["recorded_at"].isna().tolist() == [False, True]
    assert found["site"].tolist() == ["A", None]


NAMES = [f"{label}/{site}_2019060{day}_053000.wav" for label in ("owl", "wren") for site in "AB" for day in (1, 2)]


@pytest.fixture
def nights(tmp_path):
    rng = np.random.default_rng(0)
    for i, name in enumerate(NAMES):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        wave = 0.3 * np.sin((0.1 + 0.2 * (i > 3)) * np.arange(4000)) + 0.01 * rng.normal(size=4000)
        soundfile.write(tmp_path / "data" / name, wave, 8000)
    return tmp_path / "data"


def test_folders(nights):
    frame = load_audio_folder(nights).frame
    assert frame.columns.tolist() == ["path", "label", "recorded_at", "site"]
    assert frame["site"].tolist() == list("AABB") * 2
    assert frame["recorded_at"].dt.day.tolist() == [1, 2] * 4
    assert load_audio_folder(nights, group_pattern=SITE_PATTERN).groups.tolist() == list("AABB") * 2


def test_tables(nights):
    table = pd.DataFrame({"file": NAMES, "label": [name.split("/")[0] for name in NAMES]})
    clips = load_audio_table(table, root=nights, group="site")
    assert clips.frame.columns.tolist() == ["file", "label", "recorded_at", "site"]
    assert clips.groups.tolist() == list("AABB") * 2
    table.index = range(10, 18)
    assert load_audio_table(table, root=nights).frame["recorded_at"].dt.day.tolist() == [1, 2] * 4
    own = load_audio_table(table.assign(site="here"), root=nights, group="site")
    assert set(own.groups) == {"here"}
    assert "site" not in load_audio_table(table.assign(file="x.wav"), check_files=False).frame
    some = table.assign(file=[*NAMES[:-1], "20190601_053000.wav"])
    with pytest.raises(ValueError, match="row 7 of the table has nothing in the column 'site'"):
        load_audio_table(some, check_files=False, group="site")


def test_train_proposes_the_sites(nights, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._train._C", [0.1])
    flags = ["-o", str(tmp_path / "m"), "--method", "statistics", "--force"]
    assert main(["train", str(nights), *flags]) == 0
    assert f"--group-pattern '{SITE_PATTERN}' keeps them together" in capsys.readouterr().out
    assert main(["train", str(nights), *flags, "--group-pattern", SITE_PATTERN]) == 0
    assert "2-fold cross-validation by groups" in capsys.readouterr().out
    pd.DataFrame({"path": NAMES, "label": ["a", "b"] * 4}).to_csv(nights / "t.csv")
    assert main(["train", str(nights / "t.csv"), *flags]) == 0
    assert "--groups site keeps them together" in capsys.readouterr().out
    assert main(["train", str(nights / "t.csv"), *flags, "--groups", "site"]) == 0
