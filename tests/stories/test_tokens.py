"""The story of tokens: from recordings to a search over vocabularies, in one pipeline."""

import pandas as pd
import pytest
from joblib import Memory
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline

from sklearn_audio import BERTClassifier, KMeansAudioTokenizer, MelSpectrogramTransformer


@pytest.fixture
def digits(shared_data):
    table = pd.read_csv(shared_data / "digits" / "labels.csv", dtype=str)
    table = table[table["label"].isin(["0", "1", "6"]) & (table["take"].astype(int) < 6)]
    return [str(shared_data / "digits" / path) for path in table["path"]], table["label"], table["speaker"]


@pytest.mark.slow
def test_a_grid_over_vocabularies(digits, tmp_path):
    recordings, labels, speakers = digits
    pipe = Pipeline(
        [
            ("mel", MelSpectrogramTransformer(8000, n_fft=256, hop_length=160, n_mels=40)),
            ("tok", KMeansAudioTokenizer(random_state=0)),
            ("clf", BERTClassifier(width=32, n_heads=2, n_layers=1, max_epochs=15, lr=0.003, random_state=0)),
        ],
        memory=Memory(tmp_path, verbose=0),
    )
    grid = {"tok__n_clusters": [10, 40], "clf__dropout": [0.0, 0.2]}
    search = GridSearchCV(pipe, grid, cv=GroupKFold(2), n_jobs=2).fit(recordings, labels, groups=speakers)
    assert search.best_score_ > 0.5  # chance is a third
    assert len(search.cv_results_["params"]) == 4
    # of the spectrograms one result per fold, and one of the refit; of the tokens one per fold and vocabulary
    outputs = list(tmp_path.rglob("output.pkl"))
    assert len(outputs) == 3 + (2 * 2 + 1)
