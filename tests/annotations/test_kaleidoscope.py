"""Tables of Kaleidoscope and BirdNET."""

import pytest

from sklearn_audio import annotations
from tests.annotations.texts import rows, table

CLUSTERS = (
    "INDIR,FOLDER,IN FILE,CHANNEL,OFFSET,DURATION,Fmin,TOP1MATCH*,TOP1DIST*,MANUAL ID\n"
    "D:\\rec,site1,a.wav,0,0.1,0.2,1800,0007,0.2,owl\n"
    "D:\\rec,site1,b.wav,0,7.5,1.25,2000,0012,0.7,\n"
)
BIRDNET = (
    "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence\n"
    "/rec,s,a.wav,3.0,3.0,Turdus merula,Blackbird,0.8\n"
)


def read(tmp_path, text, **options):
    (tmp_path / "clusters.csv").write_text(text)
    return annotations.read(tmp_path / "clusters.csv", **options)


def test_the_label_is_the_manual_one_or_the_best_match(tmp_path):
    events = read(tmp_path, CLUSTERS)
    assert rows(events) == [("D:\\rec\\site1\\a.wav", 0.1, 0.3, "owl"), ("D:\\rec\\site1\\b.wav", 7.5, 8.75, "0012")]
    assert rows(events, "TOP1MATCH*", "TOP1DIST*", "Fmin", "MANUAL ID") == [
        ("0007", 0.2, 1800, "owl"),
        ("0012", 0.7, 2000, ""),
    ]
    assert read(tmp_path, CLUSTERS, label="TOP1MATCH*")["label"].tolist() == ["0007", "0012"]


def test_tables_of_birdnet(tmp_path):
    assert rows(read(tmp_path, BIRDNET)) == [("/rec/s/a.wav", 3.0, 6.0, "Blackbird")]


def test_a_table_is_read_back(tmp_path):
    annotations.write(table(), tmp_path / "k.csv", "kaleidoscope")
    assert (tmp_path / "k.csv").read_text().splitlines()[:2] == [
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,MANUAL ID",
        "site/,,a.wav,0.1,0.2,dog",
    ]
    assert rows(annotations.read(tmp_path / "k.csv")) == rows(table())


def test_what_a_person_said_stays_apart_from_the_match(tmp_path):
    events = read(tmp_path, CLUSTERS)
    annotations.write(events, tmp_path / "k.csv", "kaleidoscope")
    assert annotations.read(tmp_path / "k.csv")["MANUAL ID"].tolist() == ["owl", ""]
    events.loc[1, "label"] = "fox"
    annotations.write(events, tmp_path / "k.csv", "kaleidoscope")
    assert rows(annotations.read(tmp_path / "k.csv"), "label", "MANUAL ID") == [("owl", "owl"), ("fox", "fox")]


def test_times_count_in_decimals(tmp_path):
    given = table(*(("a.wav", n / 10, n / 10 + k / 1000, "x") for n in range(20) for k in range(1, 20)))
    annotations.write(given, tmp_path / "k.csv", "kaleidoscope")
    assert rows(annotations.read(tmp_path / "k.csv")) == rows(given)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (CLUSTERS.replace("DURATION", "LENGTH"), {}, r"have no column 'DURATION'"),
        (CLUSTERS, {"label": "x"}, r"have no column 'x'.*Pass label="),
        ("IN FILE,OFFSET,DURATION\na.wav,0,1\n", {}, r"have no column 'MANUAL ID' or 'TOP1MATCH'"),
        (CLUSTERS.replace("7.5", "seven"), {}, r"row 1 of .* has 'seven' in the column 'OFFSET'; expected seconds"),
    ],
)
def test_damage(tmp_path, text, options, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, **options)
