"""Bars where there is no stream to show them on."""

import io
import sys

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_audio import ConvAutoencoder, KMeansAudioTokenizer, MelSpectrogramTransformer, PrototypicalClassifier
from sklearn_audio._progress import can_show_progress, progress_bar
from sklearn_audio.datasets import summarize_clips
from sklearn_audio.downloads import ManualDownload, download
from tests.instances import EMBEDDERS

CLIPS = [np.random.default_rng(i).normal(scale=0.1, size=4000).astype(np.float32) for i in range(4)]
FRAMES = [np.random.default_rng(i).normal(size=(20, 4)).astype(np.float32) for i in range(4)]


CLOSED = io.StringIO()
CLOSED.close()
# as under pythonw, and as in some services
every_absence = pytest.mark.parametrize("stream", [None, CLOSED], ids=["none", "closed"])


def test_a_bar_is_shown_if_wanted(capsys):
    assert can_show_progress()
    assert list(progress_bar("abc", unit="letter", description="spelling", shown=1)) == ["a", "b", "c"]
    assert "spelling: 100%" in capsys.readouterr().err
    assert list(progress_bar("abc", unit="letter", shown=0)) == ["a", "b", "c"]
    assert not capsys.readouterr().err


@every_absence
def test_without_a_stream_nothing_is_shown(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    assert not can_show_progress()
    assert list(progress_bar("abc", unit="letter", shown=1)) == ["a", "b", "c"]
    with progress_bar(total=2, unit="step", shown=1) as bar:
        bar.set_postfix({"loss": 1.0})
        bar.update()


@every_absence
@pytest.mark.parametrize(
    "call",
    [
        lambda: MelSpectrogramTransformer(16000, verbose=1).fit_transform(CLIPS),
        lambda: clone(EMBEDDERS["PANNsEmbedder"]).set_params(verbose=1).fit_transform(CLIPS),
        lambda: KMeansAudioTokenizer(2, random_state=0, verbose=1).fit_transform(FRAMES),
        lambda: ConvAutoencoder(2, n_filters=(4,), max_epochs=1, verbose=1).fit(FRAMES),
        lambda: PrototypicalClassifier(
            embedding_dim=2, n_support=1, n_query=1, n_episodes=2, random_state=0, verbose=1
        ).fit(FRAMES, [0, 1, 0, 1]),
        lambda: summarize_clips(CLIPS, sample_rate=16000, verbose=1),
    ],
    ids=["frames", "vectors", "tokens", "epochs", "episodes", "summary"],
)
def test_verbose_works_without_a_stream(call, stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    call()


@every_absence
def test_a_download_works_without_a_stream(stream, monkeypatch, loopback, tmp_path):
    monkeypatch.setattr(sys, "stderr", stream)
    url = loopback.serve("/x", b"12345")
    download(url, tmp_path / "x", ManualDownload(tmp_path / "by_hand"), failure=OSError, verbose=1)
    assert (tmp_path / "x").read_bytes() == b"12345"
