"""``detect``: events of recordings, with the rules of the command line."""

import io
import json

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier, OutputCodeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_audio import AudioTagger, SequencePooling, SoundEventDetector
from sklearn_audio.cli import main


def parsed(text):
    return pd.read_csv(io.StringIO(text))


@pytest.fixture
def saved(tmp_path):
    """Save a model; returns its path."""

    def save(model, name="model.joblib"):
        joblib.dump(model, tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture
def short_clip(tmp_path):
    soundfile.write(tmp_path / "short.wav", np.zeros(2000), 8000)
    return tmp_path / "short.wav"


def test_events_are_those_of_the_detector(night, detector, run):
    table = parsed(run("detect", detector, night))
    expected = joblib.load(detector).predict(sorted(map(str, night.iterdir())))
    expected = expected.sort_values(["clip", "start"], ignore_index=True)
    assert list(table.columns) == ["path", "start", "end", "label", "score"]
    pd.testing.assert_frame_equal(table, expected[table.columns].round(6), check_dtype=False, rtol=0, atol=1e-6)
    assert table[table["path"].str.endswith("1.wav")]["label"].tolist() == ["hum", "hiss"]
    lines = [json.loads(line) for line in run("detect", detector, night, "--format", "jsonl").splitlines()]
    pd.testing.assert_frame_equal(pd.DataFrame(lines), table, check_dtype=False)


def test_the_rules_of_the_command_line_replace_those_of_the_detector(night, detector, run):
    rules = {"window": 1.0, "hop": 0.5, "threshold": 0.4, "median": 1.0, "min_duration": 0.5, "merge_gap": 2.0}
    options = [part for name, value in rules.items() for part in (f"--{name.replace('_', '-')}", value)]
    expected = joblib.load(detector).set_params(**rules).predict([night / "1.wav"])
    table = parsed(run("detect", detector, night / "1.wav", *options))
    assert table[["start", "end"]].values.tolist() == expected.sort_values("start")[["start", "end"]].values.tolist()
    assert table.values.tolist() != parsed(run("detect", detector, night / "1.wav")).values.tolist()


def test_a_classifier_of_clips_is_a_detector(night, hearing, saved, run):
    table = parsed(run("detect", saved(hearing), night / "1.wav"))
    ready = SoundEventDetector(hearing, prefit=True, window=1.0, hop=0.5, threshold=0.5)
    expected = ready.predict([night / "1.wav"]).sort_values("start")
    assert table[["start", "end", "label"]].values.tolist() == expected[["start", "end", "label"]].values.tolist()
    assert set(table["label"]) == {"hum", "hiss"}
    assert len(parsed(run("detect", saved(hearing), night / "1.wav", "--window", 0.5))) >= 2  # hop: half of it


def test_decisions_have_a_threshold_of_zero(night, hearing, saved, run):
    clips = [{"array": np.roll(wave, 100), "sampling_rate": 8000} for wave in _parts(night)]
    model = make_pipeline(hearing[0], SequencePooling(), StandardScaler(), LinearSVC())
    model.fit(clips, ["background", "hum", "hiss"])
    table = parsed(run("detect", saved(model), night / "1.wav"))
    ready = SoundEventDetector(model, prefit=True, threshold=0.0).predict([night / "1.wav"])
    assert sorted(table["label"]) == sorted(ready["label"])
    assert (table["score"] > 0).all()


def _parts(night):
    wave = soundfile.read(night / "1.wav", dtype="float32")[0]
    return wave[:8000], wave[8000:16000], wave[24000:]


def test_labels_have_the_names_that_train_gave_them(tags, sounds, tagger, run):
    table = parsed(run("detect", tagger, sounds.data[0], "--threshold", 0.1))
    assert set(table["label"]) <= {"chirp", "noise", "tone", "loud"}
    assert len(table)


def test_numbers_as_labels(night, hearing, saved, run):
    model = make_pipeline(hearing[0], SequencePooling(), StandardScaler(), OneVsRestClassifier(hearing[-1]))
    model.fit(list(_parts(night)), np.eye(3, dtype=int)[:, 1:])
    table = parsed(run("detect", saved(model), night / "1.wav", "--threshold", "1=0.5"))
    assert set(table["label"]) == {1}


def test_a_tagger(night, saved, run):
    tagger = AudioTagger("efficientat_mn04_as", weights=None)
    assert set(parsed(run("detect", saved(tagger), night / "0.wav", "--threshold", "Dog=0"))["label"]) == {"Dog"}


def test_thresholds_by_label(night, detector, run, refused):
    def labels(*thresholds):
        options = [part for threshold in thresholds for part in ("--threshold", threshold)]
        return set(parsed(run("detect", detector, night / "1.wav", *options))["label"])

    assert labels("hum=0.5") == {"hum"}
    assert labels("hum=2", "0.5") == {"hiss"}
    assert labels("hum=0.5", "hiss=0.5") == {"hum", "hiss"}
    refused(["detect", detector, night, "--threshold", "hun=0.5"], "unknown label 'hun'; did you mean 'hum'?")
    refused(["detect", detector, night, "--threshold", "background=0.5"], "unknown label 'background'")


def test_parts_and_lists(night, detector, tmp_path, run):
    (tmp_path / "parts.csv").write_text(f"path,start,end\n{night}/1.wav,0.5,2.5\n{night}/1.wav,2.5,\n")
    table = parsed(run("detect", detector, tmp_path / "parts.csv"))
    assert table["label"].tolist() == ["hum", "hiss"]
    np.testing.assert_allclose(table["start"], [1.0, 3.0], atol=0.25)
    (tmp_path / "list.txt").write_text(f"{night}/1.wav\n{night}/1.wav\n")
    again = f"{night}/../{night.name}/1.wav"
    named_twice = run("detect", detector, f"@{tmp_path}/list.txt", night / "1.wav", again)
    assert named_twice == run("detect", detector, night / "1.wav")


def test_events_come_recording_by_recording(night, detector, monkeypatch, capsys):
    seen, predict = [], SoundEventDetector.predict

    def spied(self, X):
        seen.append((X, capsys.readouterr().out.count("\n")))
        return predict(self, X)

    monkeypatch.setattr(SoundEventDetector, "predict", spied)
    assert main(["detect", detector, str(night)]) == 0
    assert [X for X, _ in seen] == [[str(path)] for path in sorted(night.iterdir())]
    assert [n_lines for _, n_lines in seen[:3]] == [0, 2, 2]  # the header with the first event


def test_what_cannot_be_read_is_skipped_or_named(night, detector, tmp_path, capsys, refused):
    (tmp_path / "text.wav").write_text("this is text")
    files = [str(tmp_path / "text.wav"), "missing.wav", str(night / "1.wav")]
    assert "row" not in refused(["detect", detector, files[0]], "cannot read", "text.wav'")
    refused(["detect", detector, *files], "missing.wav", "1 of 3 files are missing")
    assert main(["detect", detector, *files, "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    assert len(parsed(out)) == 2
    assert [line.split("skipped: ")[0] for line in err.splitlines()] == ["sklearn-audio: warning: "] * 2


def test_recordings_shorter_than_a_window_are_counted(short_clip, night, detector, tmp_path, capsys):
    again = tmp_path / "again.wav"
    again.write_bytes(short_clip.read_bytes())
    assert main(["detect", detector, str(short_clip), str(again), str(night / "1.wav")]) == 0
    out, err = capsys.readouterr()
    assert len(parsed(out)) == 2
    assert err == (
        f"sklearn-audio: warning: 1 clip(s) are shorter than --window 0.5 s: '{short_clip}', 0.25 s. Each is one "
        "window, which the estimator fills by its own rule. (and 1 more such recordings)\n"
    )


def test_models_that_find_no_events(night, hearing, saved, refused):
    wrong = "which is neither a SoundEventDetector nor a fitted classifier with probabilities or decisions"
    refused(["detect", saved(StandardScaler()), night], f"holds a StandardScaler, {wrong}")
    codes = OutputCodeClassifier(LogisticRegression(), random_state=0).fit(np.eye(3), [0, 1, 2])
    refused(["detect", saved(codes), night], f"holds a OutputCodeClassifier, {wrong}")
    unfitted = SoundEventDetector(make_pipeline(hearing[0], SequencePooling(), LinearSVC()))
    refused(["detect", saved(unfitted), night], f"holds a Pipeline, {wrong}")
    untuned = saved(SoundEventDetector(hearing, prefit=True))
    refused(["detect", untuned, night], "is not fitted yet", "or give --threshold, such as 0.5")
    assert main(["detect", str(untuned), str(night / "1.wav"), "--threshold", "0.5"]) == 0


def test_a_detector_is_no_classifier(night, detector, refused):
    refused(["predict", detector, night], "holds a SoundEventDetector, which finds events; use sklearn-audio detect")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--window", "0"], "got '0'; it must be a number above 0"),
        (["--hop", "x"], "got 'x'; it must be a number above 0"),
        (["--median", "-1"], "got '-1'; it must be a number, 0 or more"),
        (["--threshold", "hum="], "got ''; it must be a number"),
        (["--threshold", "nan"], "got 'nan'; it must be a number"),
        (["--format", "wav"], "invalid choice: 'wav'"),
        (["--beside", "-o", "events.csv"], "not allowed with argument"),
        (["--resume", "--force"], "not allowed with argument"),
    ],
)
def test_options_that_make_no_sense(options, part, capsys):
    with pytest.raises(SystemExit):
        main(["detect", "m", "x", *options])
    assert part in capsys.readouterr().err


def test_a_hop_that_leaves_gaps(night, detector, refused):
    refused(["detect", detector, night, "--hop", "1"], "--hop 1 leaves gaps between windows of 0.5 s; give at most 0.5")
