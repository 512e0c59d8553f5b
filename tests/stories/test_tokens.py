"""The story of tokens: from recordings to a search over vocabularies, in one pipeline."""

import pandas as pd
import pytest
from joblib import Memory
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline

from sklearn_audio import BERTClassifier, KMeansAudioTokenizer, MelSpectrogramTransformer, TokenMeanClassifier
from sklearn_audio.datasets import make_sound_events


@pytest.fixture
def digits(shared_data):
    table = pd.read_csv(shared_data / "digits" / "labels.csv", dtype=str)
    table = table[table["label"].isin(["0", "1", "6"]) & (table["take"].astype(int) < 6)]
    return [str(shared_data / "digits" / path) for path in table["path"]], table["label"], table["speaker"]


def pipeline(sample_rate, classifier, folder):
    return Pipeline(
        [
            ("mel", MelSpectrogramTransformer(sample_rate, n_fft=256, hop_length=160, n_mels=40)),
            ("tok", KMeansAudioTokenizer(random_state=0)),
            ("clf", classifier),
        ],
        memory=Memory(folder, verbose=0),
    )


def n_computed(folder):
    return len(list(folder.rglob("output.pkl")))


# Of the spectrograms one result per fold, and one of the refit; of the tokens one per fold and vocabulary.
N_COMPUTED = 3 + (2 * 2 + 1)


def test_a_search_over_vocabularies(tmp_path):
    sounds = make_sound_events(n_clips=36, random_state=0, classes=("chirp", "noise", "tone"))
    pipe = pipeline(16000, TokenMeanClassifier(max_epochs=20, lr=0.05, random_state=0), tmp_path)
    grid = {"tok__n_clusters": [2, 20], "clf__options": [{"dropout": 0.0}, None]}
    search = GridSearchCV(pipe, grid, cv=GroupKFold(2)).fit(sounds.data, sounds.target, groups=sounds.groups)
    assert search.best_params_["tok__n_clusters"] == 20  # two tokens cannot stand for three sounds and the silence
    assert search.best_score_ > 0.6  # chance is a third
    assert n_computed(tmp_path) == N_COMPUTED


@pytest.mark.slow
def test_a_search_over_vocabularies_of_speech(digits, tmp_path):
    recordings, labels, speakers = digits
    bert = BERTClassifier(width=32, n_heads=2, n_layers=1, max_epochs=15, lr=0.003, random_state=0)
    grid = {"tok__n_clusters": [10, 40], "clf__options": [{"dropout": 0.0}, None]}
    search = GridSearchCV(pipeline(8000, bert, tmp_path), grid, cv=GroupKFold(2), n_jobs=2)
    search.fit(recordings, labels, groups=speakers)
    assert search.best_score_ > 0.5  # chance is a third
    assert len(search.cv_results_["params"]) == 4
    assert n_computed(tmp_path) == N_COMPUTED
