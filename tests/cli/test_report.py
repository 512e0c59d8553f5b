"""``report``: scores that can be recomputed from the predictions."""

import csv
import io
import json

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sklearn_audio import FrameMLPClassifier, MelSpectrogramTransformer, SequencePooling
from sklearn_audio.cli import main
from sklearn_audio.datasets import load_audio_table
from sklearn_audio.metrics import mean_average_precision
from sklearn_audio.model_selection import MultilabelThresholdClassifierCV


@pytest.fixture(scope="module")
def wrong(sounds, tmp_path_factory):
    """A table in which the first ten labels are wrong."""
    target = sounds.target.copy()
    target[:10] = [{"chirp": "noise", "noise": "tone", "tone": "chirp"}[label] for label in target[:10]]
    path = tmp_path_factory.mktemp("wrong") / "table.csv"
    frame = pd.DataFrame({"path": sounds.data, "label": target, "half": ["x"] * 10 + ["y"] * 30})
    frame.to_csv(path, index=False)
    return path


def test_accuracy_table_and_matrix(folder, model, run):
    out = run("report", model, folder)
    assert out.startswith("40 of these 40 recordings are exact copies of recordings that the model was trained on;")
    assert "\n\naccuracy 1.000 on 40 recordings\n" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["precision", "recall", "f1-score", "support"] in rows
    assert ["chirp", "1.000", "1.000", "1.000", "14"] in rows
    matrix = out.split("confusion matrix (rows: truth, columns: prediction)\n")[1].splitlines()
    assert [row.split() for row in matrix[1:4]] == [
        ["chirp", "14", "0", "0"],
        ["noise", "0", "13", "0"],
        ["tone", "0", "0", "13"],
    ]


def test_it_agrees_with_predict(wrong, model, run):
    truth = load_audio_table(wrong)
    predicted = [row["label"] for row in csv.DictReader(io.StringIO(run("predict", model, *truth.data)))]
    accuracy = np.mean(np.asarray(predicted) == truth.target)
    assert accuracy < 0.8
    assert f"\naccuracy {accuracy:.3f} " in run("report", model, wrong)


def test_accuracy_per_group(wrong, model, run):
    rows = [line.split() for line in run("report", model, wrong, "--groups", "half").splitlines()]
    assert ["x", "0.000", "10"] in rows
    assert ["y", "1.000", "30"] in rows


def test_many_classes_get_a_list_of_confusions(wrong, folder, model, run, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._report._N_MATRIX", 2)
    out = run("report", model, wrong)
    assert "confusion matrix" not in out
    confusions = out.split("most frequent confusions\n")[1].splitlines()
    counts = [int(line.split()[0]) for line in confusions]
    assert sum(counts) == 10
    assert counts == sorted(counts, reverse=True)
    assert " predicted as " in confusions[0]
    assert "most frequent confusions\n     none\n" in run("report", model, folder)


def test_classes_may_be_missing(sounds, model, tmp_path, run):
    table = pd.DataFrame({"path": sounds.data, "label": sounds.target})
    table[table.label != "tone"].to_csv(tmp_path / "table.csv", index=False)
    assert ["tone", "0.000", "0.000", "0.000", "0"] in [
        line.split() for line in run("report", model, tmp_path / "table.csv").splitlines()
    ]
    assert "tone,0.0,0.0,0.0,,0" in run("report", model, tmp_path / "table.csv", "--format", "csv").splitlines()


def test_several_labels(tags, tagger, run):
    out = run("report", tagger, tags)
    truth = load_audio_table(tags)
    expected = average_precision_score(truth.target, joblib.load(tagger).predict_proba(truth.data), average="macro")
    assert f"\nmean average precision {expected:.3f} over 4 labels on 40 recordings\n" in out
    assert "loud" in out


def test_new_recordings_have_no_note(sounds, model, tmp_path, run):
    for i, (path, label) in enumerate(zip(sounds.data[::8], sounds.target[::8], strict=True)):
        waveform, rate = soundfile.read(path)
        (tmp_path / "new" / label).mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "new" / label / f"{i}.wav", waveform * 0.9, rate)
    assert run("report", model, tmp_path / "new").startswith("accuracy ")


def test_what_cannot_be_used_may_be_skipped(model, tree, capsys):
    data = tree(
        {"tone/1.wav": None, "noise/1.wav": b"this is text", "noise/2.wav": np.full(50, np.nan), "noise/3.wav": None},
        n_good=0,
    )
    assert main(["report", model, str(data), "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    assert " on 2 recordings\n" in out
    assert "1.wav" in err
    assert "2.wav" in err
    only = tree({"chirp/1.wav": np.full(50, np.nan)}, n_good=0)
    (only / "tone" / "1.wav").write_bytes((only / "chirp" / "1.wav").read_bytes())
    (only / "noise" / "3.wav").write_bytes((only / "chirp" / "1.wav").read_bytes())
    assert main(["report", model, str(only), "--on-error", "skip"]) == 2
    assert "none of the recordings can be used" in capsys.readouterr().err


def test_labels_that_the_model_does_not_know(model, tree, refused):
    data = tree({"tone/1.wav": None, "whistle/1.wav": None}, n_good=0)
    refused(["report", model, data], "was not trained on the label 'whistle'", "'chirp', 'noise', 'tone'")


def test_labels_of_the_other_kind(folder, tags, model, tagger, refused):
    refused(["report", model, tags], "trained on one label per recording", "has several labels")
    refused(["report", tagger, folder], "trained on several labels per recording", "has one label")


@pytest.fixture(scope="module")
def tagged(tags):
    """A front end, the table, and its features."""
    clips = load_audio_table(tags)
    reader = make_pipeline(MelSpectrogramTransformer(16000, n_mels=8), SequencePooling())
    return reader, clips, reader.fit_transform(clips.data)


MULTI_LABEL = {
    "ridge": RidgeClassifier(),
    "nearest": KNeighborsClassifier(2),
    "forest": RandomForestClassifier(5, random_state=0),
    "perceptron": MLPClassifier(max_iter=200, random_state=0),
    "one per label": MultiOutputClassifier(LogisticRegression(max_iter=5000)),
    "chain": ClassifierChain(LogisticRegression(max_iter=5000)),
    "search": GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [2, 3]}, cv=2),
    "thresholds": MultilabelThresholdClassifierCV(KNeighborsClassifier(4), cv=2),
}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", MULTI_LABEL)
def test_multi_label_classifiers_of_any_class(name, tagged, tags, tmp_path, run, refused):
    reader, clips, features = tagged
    model = make_pipeline(*reader, MULTI_LABEL[name].fit(features, clips.target))
    model.label_names_ = clips.target_names
    joblib.dump(model, tmp_path / "model.joblib")
    predicted = model.predict(clips.data)
    lines = list(csv.DictReader(io.StringIO(run("predict", tmp_path / "model.joblib", *clips.data))))
    assert [line["labels"] for line in lines] == [";".join(clips.target_names[row > 0]) for row in predicted]
    if name == "ridge":
        refused(["report", tmp_path / "model.joblib", tags], "multi-label scores need probabilities")
        return
    table = np.array([[float(line[f"p({name})"]) for name in clips.target_names] for line in lines])
    out = run("report", tmp_path / "model.joblib", tags)
    assert f"mean average precision {mean_average_precision(clips.target, table):.3f} over 4 labels" in out
    macro = next(line.split() for line in out.splitlines() if "macro avg" in line)
    assert macro[4] == f"{f1_score(clips.target, predicted, average='macro', zero_division=0.0):.3f}"


def test_multi_label_networks(tagged, tags, tmp_path, run):
    _, clips, _ = tagged
    network = FrameMLPClassifier(hidden_sizes=(4,), max_epochs=1, random_state=0)
    model = make_pipeline(MelSpectrogramTransformer(16000, n_mels=8), network)
    target = pd.DataFrame(clips.target, columns=clips.target_names)
    joblib.dump(model.fit(clips.data, target), tmp_path / "model.joblib")
    expected = mean_average_precision(clips.target, model.predict_proba(clips.data))
    assert f"mean average precision {expected:.3f} over 4 labels" in run("report", tmp_path / "model.joblib", tags)


def test_labels_are_those_of_predict(tagged, tmp_path, run):
    reader, clips, features = tagged
    target = np.where(clips.target[:, 1] == 1, "loud", "soft")
    classifier = FixedThresholdClassifier(KNeighborsClassifier(5), threshold=0.9, pos_label="soft").fit(
        features, target
    )
    joblib.dump(make_pipeline(*reader, classifier), tmp_path / "model.joblib")
    pd.DataFrame({"path": clips.data, "label": target}).to_csv(tmp_path / "table.csv", index=False)
    accuracy = classifier.score(features, target)
    assert accuracy != classifier.estimator_.score(features, target)
    assert f"accuracy {accuracy:.3f} on 40 recordings" in run(
        "report", tmp_path / "model.joblib", tmp_path / "table.csv"
    )


def test_labels_without_names(tagged, tags, tmp_path, refused):
    reader, clips, features = tagged
    model = make_pipeline(*reader, RandomForestClassifier(3, random_state=0).fit(features, clips.target))
    joblib.dump(model, tmp_path / "model.joblib")
    refused(["report", tmp_path / "model.joblib", tags], "does not name its 4 labels; set label_names_")


def test_answers_that_are_no_labels(tagged, tags, tmp_path, refused):
    reader, _, features = tagged
    answers = np.stack([np.arange(40) % 3, np.arange(40) % 2], axis=1)
    model = make_pipeline(*reader, RandomForestClassifier(3, random_state=0).fit(features, answers))
    joblib.dump(model, tmp_path / "model.joblib")
    refused(["report", tmp_path / "model.joblib", tags], "several answers per recording that are not 0 or 1")


def test_several_labels_need_probabilities(tags, tmp_path, refused):
    clips = load_audio_table(tags)
    model = make_pipeline(MelSpectrogramTransformer(16000), SequencePooling(), OneVsRestClassifier(RidgeClassifier()))
    model.fit(clips.data, clips.target).label_names_ = clips.target_names  # as train sets it
    joblib.dump(model, tmp_path / "model.joblib")
    refused(["report", tmp_path / "model.joblib", tags], "multi-label scores need probabilities")


def test_recordings_that_cannot_be_used(model, tree, tmp_path, refused):
    refused(["report", model, tmp_path / "none.csv"], "does not exist")
    data = tree({"tone/1.wav": None, "noise/1.wav": b"this is text"}, n_good=0)
    refused(["report", model, data], "1.wav", "text", "skip it with --on-error skip")


def test_json(wrong, model, run):
    found = json.loads(run("report", model, wrong, "--groups", "half", "--format", "json"))
    text = run("report", model, wrong, "--groups", "half")
    assert f"accuracy {found['accuracy']:.3f} on {found['recordings']} recordings" in text
    assert found["copies_of_training"] == 40
    assert f"{found['groups']['x']:.3f}" in text
    assert np.trace(found["confusion"]) == round(found["accuracy"] * 40)
    assert set(found["labels"]) >= {"chirp", "noise", "tone", "macro avg"}


def test_json_of_several_labels(tags, tagger, run):
    found = json.loads(run("report", tagger, tags, "--format", "json"))
    assert f"mean average precision {found['mean_average_precision']:.3f}" in run("report", tagger, tags)
    assert "accuracy" not in found


def test_average_precision_of_each_label(tags, tagger, run):
    table = pd.read_csv(io.StringIO(run("report", tagger, tags, "--format", "csv")), index_col="label")
    truth = load_audio_table(tags)
    expected = average_precision_score(truth.target, joblib.load(tagger).predict_proba(truth.data), average=None)
    np.testing.assert_allclose(table.loc[truth.target_names, "average_precision"], expected)
