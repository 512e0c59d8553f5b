"""Classes in words: what transformers' ClapModel gives for a clip on its own, prompts computed once, and errors."""

from __future__ import annotations

import json
import pickle
import shutil
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

from sklearn_audio import HuggingFaceEmbedder, ZeroShotClassifier
from sklearn_audio.engine import _prompts
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.files import Resampler
from sklearn_audio.inspection import predict_segments
from sklearn_audio.testing import check_audio_estimator
from tests.native_models import (
    config_of,
    save_model,
    save_tokenizer,
    skip_without_new_process,
    transformers_or_skip,
    waveform,
)

LABELS = ["rain", "a dog", "zebra song"]
RATE = 48000


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Folders of small models of CLAP with a tokenizer, written when they are first asked for."""
    folders = {}

    def folder_of(name="clap"):
        if name not in folders:
            folders[name] = save_tokenizer(save_model(name, tmp_path_factory.mktemp(name)))
        return folders[name]

    return folder_of


def logits_of(folder, clip, prompts):
    """Logits of one clip by transformers' own classes, prompts padded to one length."""
    transformers = transformers_or_skip()
    model = transformers.ClapModel.from_pretrained(folder).eval()
    texts = transformers.AutoTokenizer.from_pretrained(folder)(prompts, padding=True, return_tensors="pt")
    audio = transformers.AutoFeatureExtractor.from_pretrained(folder)(clip, sampling_rate=RATE, return_tensors="pt")
    with torch.inference_mode():
        return model(**texts, **audio).logits_per_audio[0].numpy().astype(np.float64)


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@pytest.mark.parametrize("name", ["clap", pytest.param("clap-fused", marks=pytest.mark.slow)])
@pytest.mark.parametrize("seconds", [0.3, *(pytest.param(s, marks=pytest.mark.slow) for s in (0.1, 5.3, 10.0))])
def test_equals_transformers(name, seconds, saved):
    clip = waveform(seconds, RATE)
    classifier = ZeroShotClassifier(saved(name), LABELS, sample_rate=RATE)
    prompts = [f"the sound of {label}" for label in sorted(LABELS)]
    expected = softmax(logits_of(saved(name), clip, prompts))
    found = classifier.predict_proba([clip])
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    assert found.shape == (1, 3)
    assert classifier.classes_.tolist() == ["a dog", "rain", "zebra song"]
    assert classifier.predict([clip])[0] == classifier.classes_[expected.argmax()]


@pytest.mark.slow
def test_a_long_clip_is_the_mean_of_its_windows(saved):
    clip = waveform(25.0, RATE)
    prompts = [f"the sound of {label}" for label in sorted(LABELS)]
    windows = [clip[: 10 * RATE], clip[10 * RATE : 20 * RATE], clip[20 * RATE :]]
    mean = np.average([logits_of(saved(), window, prompts) for window in windows], axis=0, weights=[1, 1, 0.5])
    classifier = ZeroShotClassifier(saved(), LABELS, sample_rate=RATE)
    found = classifier.predict_proba([clip])
    np.testing.assert_allclose(found[0], softmax(mean), atol=1e-5)
    np.testing.assert_array_equal(classifier.predict_proba([clip]), found)


def test_neighbours_order_and_batch_size_change_no_bit(saved):
    clips = [waveform(seconds, RATE, seed) for seed, seconds in enumerate([0.3, 1.0, 0.1, 0.3])]
    classifier = ZeroShotClassifier(saved(), LABELS, sample_rate=RATE)
    alone = np.concatenate([classifier.predict_proba([clip]) for clip in clips])
    np.testing.assert_array_equal(classifier.predict_proba(clips), alone)
    np.testing.assert_array_equal(classifier.set_params(batch_size=1).predict_proba(clips[::-1]), alone[::-1])
    np.testing.assert_allclose(alone.sum(axis=1), 1.0, atol=1e-12)


def test_the_order_of_labels_changes_no_bit(saved):
    clips = [waveform(0.3, RATE)]
    classifier = ZeroShotClassifier(saved(), LABELS, sample_rate=RATE)
    expected = classifier.predict_proba(clips)
    np.testing.assert_array_equal(classifier.set_params(labels=np.array(LABELS[::-1])).predict_proba(clips), expected)


def test_several_templates_are_the_mean_of_their_vectors(saved):
    clip, templates = waveform(0.3, RATE), ["a sound of {}.", "{} and {}", "Then {}"]
    prompts = [[template.replace("{}", label) for template in templates] for label in sorted(LABELS)]
    transformers = transformers_or_skip()
    model = transformers.ClapModel.from_pretrained(saved()).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved())
    with torch.inference_mode():
        texts = [model.get_text_features(**tokenizer(row, padding=True, return_tensors="pt")) for row in prompts]
        texts = [getattr(text, "pooler_output", text) for text in texts]
        means = torch.stack([torch.nn.functional.normalize(text, dim=-1).mean(dim=0) for text in texts])
        audio = torch.from_numpy(HuggingFaceEmbedder(saved(), sample_rate=RATE).transform([clip])[0])
        logits = torch.nn.functional.normalize(means, dim=-1) @ audio * model.logit_scale_a.exp()
    classifier = ZeroShotClassifier(saved(), LABELS, templates, sample_rate=RATE)
    np.testing.assert_allclose(classifier.predict_proba([clip])[0], softmax(logits.numpy()), atol=1e-5)
    single = classifier.set_params(template=templates[:1]).predict_proba([clip])
    np.testing.assert_array_equal(classifier.set_params(template=templates[0]).predict_proba([clip]), single)


def test_a_file_is_the_model_of_its_folder(saved, tmp_path):
    clips = [waveform(0.3, RATE)]
    expected = ZeroShotClassifier(saved(), LABELS, sample_rate=RATE).predict_proba(clips)
    folder = shutil.copytree(saved(), tmp_path / "copy")
    file = (folder / "model.safetensors").rename(folder / "mine.safetensors")
    np.testing.assert_array_equal(ZeroShotClassifier(file, LABELS, sample_rate=RATE).predict_proba(clips), expected)
    vectors = HuggingFaceEmbedder(saved(), sample_rate=RATE).transform(clips)
    np.testing.assert_array_equal(HuggingFaceEmbedder(file, sample_rate=RATE).transform(clips), vectors)
    with pytest.raises(ValueError, match=r"revision='main' needs a hub id; .*mine.safetensors' is a file"):
        ZeroShotClassifier(file, LABELS, revision="main", sample_rate=RATE).fit(clips)


def test_the_two_files_of_words_serve_as_tokenizer(saved, tmp_path):
    clips = [waveform(0.3, RATE)]
    expected = ZeroShotClassifier(saved(), LABELS, sample_rate=RATE).predict_proba(clips)
    folder = shutil.copytree(saved(), tmp_path / "copy")
    (folder / "tokenizer.json").unlink()
    np.testing.assert_array_equal(ZeroShotClassifier(folder, LABELS, sample_rate=RATE).predict_proba(clips), expected)
    (folder / "merges.txt").unlink()
    with pytest.raises(WeightsError, match="holds no tokenizer"):
        ZeroShotClassifier(folder, LABELS, sample_rate=RATE).predict_proba(clips)


def test_prompts_are_computed_once(saved, tmp_path, monkeypatch):
    clips, computed, compute = [waveform(0.3, RATE)], [], _prompts.embed_texts

    def counted(config, weights, tokenizer, prompts):
        computed.append(list(prompts))
        return compute(config, weights, tokenizer, prompts)

    monkeypatch.setattr(_prompts, "embed_texts", counted)
    monkeypatch.setattr(_prompts, "_kept", type(_prompts._kept)())
    classifier = ZeroShotClassifier(saved(), LABELS, "It is {}", sample_rate=RATE)
    expected = classifier.predict_proba(clips)
    np.testing.assert_array_equal(clone(classifier).predict_proba(clips), expected)
    assert computed == [["It is a dog", "It is rain", "It is zebra song"]]
    classifier.set_params(cache=tmp_path)
    np.testing.assert_array_equal(classifier.predict_proba(clips), expected)
    assert len(computed) == 2
    assert len(list(tmp_path.rglob("*.vectors"))) == 2
    _prompts._kept.clear()
    np.testing.assert_array_equal(classifier.predict_proba(clips), expected)
    assert len(computed) == 2
    classifier.set_params(labels=["a cat", "rain"]).predict_proba(clips)
    assert len(computed) == 3


def test_prompts_in_memory_are_bounded_and_follow_the_files(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(_prompts, "_kept", type(_prompts._kept)())
    monkeypatch.setattr(_prompts, "_MAX_KEPT", 2)
    folder, clips = shutil.copytree(saved(), tmp_path / "copy"), [waveform(0.3, RATE)]
    for template in ("{}", "a {}", "an {}"):
        first = ZeroShotClassifier(folder, LABELS, template, sample_rate=RATE).predict_proba(clips)
    assert len(_prompts._kept) == 2
    about = json.loads((folder / "tokenizer.json").read_text())
    about["model"]["merges"] = about["model"]["merges"][:1]
    (folder / "tokenizer.json").write_text(json.dumps(about))
    assert np.abs(ZeroShotClassifier(folder, LABELS, "an {}", sample_rate=RATE).predict_proba(clips) - first).max() > 0


def test_works_as_a_classifier_of_scikit_learn(saved):
    classifier, clips = (
        ZeroShotClassifier(saved(), LABELS, sample_rate=RATE),
        [waveform(0.3, RATE, k) for k in range(4)],
    )
    assert is_classifier(classifier)
    check_is_fitted(classifier)
    found = classifier.predict(clips)
    size = len(pickle.dumps(classifier))
    assert size < 10_000
    assert classifier.score(clips, found) == accuracy_score(found, found) == 1.0
    assert cross_val_score(classifier, clips, found, cv=2).tolist() == [1.0, 1.0]
    fitted = classifier.fit(clips, found)
    assert fitted is classifier
    assert fitted.revision_ is None
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(clips), found)


def test_a_fitted_estimator_stays_with_its_commit(saved, tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub", reason="the extra transformers is not installed")
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))

    def unreachable(*_, **__):
        raise hub.errors.LocalEntryNotFoundError("no network")

    monkeypatch.setattr(hub, "hf_hub_download", unreachable)
    folder, commit = tmp_path / "models--someone--clap", "a" * 40
    shutil.copytree(saved(), folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    clips = [waveform(0.3, RATE)]
    classifier = ZeroShotClassifier("someone/clap", LABELS, sample_rate=RATE).fit(clips)
    assert classifier.revision_ == commit
    expected = classifier.predict_proba(clips)
    (folder / "refs" / "main").write_text("b" * 40)
    np.testing.assert_array_equal(classifier.predict_proba(clips), expected)
    with pytest.raises(WeightsError, match="is not in the hub's cache, and the hub cannot be reached"):
        clone(classifier).predict_proba(clips)


CLIP = [np.zeros(RATE, np.float32)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"labels": []}, ValueError, r"labels=\[\] names no class; give two or more"),
        ({"labels": ["a dog"]}, ValueError, r"labels=\['a dog'\] names 1 class; give two or more"),
        ({"labels": ["a dog", "rain", "a dog"]}, ValueError, "labels holds 'a dog' twice"),
        ({"labels": ["a dog", 3]}, TypeError, r"labels\[1\] is 3 of type int; give strings"),
        ({"labels": ["a dog", None]}, TypeError, r"labels\[1\] is None of type NoneType"),
        ({"labels": ["a dog", b"rain"]}, TypeError, r"labels\[1\] is b'rain' of type bytes"),
        ({"labels": ["a dog", " "]}, ValueError, r"labels\[1\] is empty; give it words"),
        ({"labels": "a dog"}, ValueError, "The 'labels' parameter .* must be an array-like"),
        ({"template": "a sound"}, ValueError, "template='a sound' has no place {} for a label"),
        ({"template": ["a {}", "a sound"]}, ValueError, "template='a sound' has no place {}"),
        ({"template": []}, ValueError, "holds no sentence"),
        ({"template": ["a {}", "a {}"]}, ValueError, "template holds 'a {}' twice"),
        ({"template": ["a {}", 1]}, TypeError, r"template\[1\] is 1 of type int"),
        ({"cache_key": "stat"}, ValueError, "cache"),
    ],
)
def test_refuses(options, error, message):
    classifier = ZeroShotClassifier("no/such", **({"labels": LABELS} | options), sample_rate=RATE)
    with pytest.raises(error, match=message):
        classifier.predict_proba(CLIP)
    with pytest.raises(error, match=message):
        classifier.fit(CLIP)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model_type": "whisper"}, WeightsError, "is not a CLAP model of transformers, .* but a 'whisper'"),
        ({"model_type": "clap_audio_model"}, WeightsError, "is not a CLAP model .* but a 'clap_audio_model'"),
        ({"auto_map": {}, "model_type": "theirs"}, WeightsError, "is not a CLAP model .* but a 'theirs'"),
        ({"text_config": {"vocab_size": 20}}, WeightsError, "has more tokens than the 20 of the model"),
        (
            {"text_config": {"max_position_embeddings": 12}},
            ValueError,
            r"the prompt 'the sound of .* more than the 10 that",
        ),
        (
            {"text_config": {"vocab_size": 50, "hidden_size": 8}},
            WeightsError,
            "does not match the configuration of this",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused(change, error, message, saved, tmp_path):
    folder = shutil.copytree(saved(), tmp_path / "copy")
    config = config_of(folder)
    changed = {
        key: config[key] | value if isinstance(value, dict) and value else value for key, value in change.items()
    }
    (folder / "config.json").write_text(json.dumps(config | changed))
    with pytest.raises(error, match=message):
        ZeroShotClassifier(folder, LABELS, sample_rate=RATE).predict_proba(CLIP)


def test_files_that_lack_or_are_damaged_are_named(saved, tmp_path):
    folder = shutil.copytree(saved(), tmp_path / "copy")
    classifier = ZeroShotClassifier(folder, LABELS, sample_rate=RATE)
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(WeightsError, match=r"the tokenizer in '.*copy' cannot be read"):
        classifier.predict_proba(CLIP)
    tensors = pytest.importorskip("safetensors.torch").load_file(saved() / "model.safetensors")
    del tensors["logit_scale_a"]
    sys.modules["safetensors.torch"].save_file(tensors, folder / "model.safetensors")
    with pytest.raises(WeightsError, match="lacks logit_scale_a, so it is not a CLAP model with both towers"):
        classifier.predict_proba(CLIP)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsError, match=r"holds no preprocessor_config.json"):
        classifier.predict_proba(CLIP)


def test_bare_arrays_need_a_rate(saved):
    with pytest.raises(ValueError, match="is an array without a sample rate"):
        ZeroShotClassifier(saved(), LABELS).predict_proba(CLIP)


def test_clips_that_cannot_be_used(saved):
    good, bad = waveform(0.3, RATE), np.array([0.1, np.nan])
    classifier = ZeroShotClassifier(saved(), LABELS, sample_rate=RATE, on_error="nan")
    with pytest.warns(
        UserWarning, match=r"2 clip\(s\) could not be used and became NaN:\n  row 0.*\n  row 2.*no such f"
    ):
        found = classifier.predict_proba([bad, good, "none.wav"])
    assert np.isnan(found[[0, 2]]).all()
    np.testing.assert_array_equal(found[[1]], classifier.predict_proba([good]))
    with pytest.warns(UserWarning, match="could not be used"):
        labels = classifier.predict([bad, good])
    assert labels.tolist() == ["", classifier.predict([good])[0]]
    with pytest.raises(ValueError, match="row 0"):
        clone(classifier).set_params(on_error="raise").predict_proba([bad])


def test_windows_are_read_at_the_rate_of_the_model(saved):
    classifier = ZeroShotClassifier(saved(), LABELS, sample_rate=16000)
    clip = waveform(1.5, 16000)
    table = predict_segments(classifier, [clip], window=1.0, hop=0.5, form="wide")
    resampled = Resampler(16000, RATE)
    whole = np.concatenate(list(resampled.feed(clip, last=True)))
    expected = classifier.predict_proba([(whole[:RATE], RATE), (whole[RATE // 2 :], RATE)])
    np.testing.assert_array_equal(table[classifier.classes_], expected)


def test_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    (tmp_path / "config.json").write_text('{"model_type": "clap"}')
    with pytest.raises(ImportError, match=r"ZeroShotClassifier needs .*'transformers'.*sklearn-audio\[transformers\]"):
        ZeroShotClassifier(tmp_path, LABELS, sample_rate=RATE).fit(CLIP)


WORDS = "the classes are those of labels, in words; the check compares what is predicted with numbers"
NOTHING_LEARNT = "y is ignored, because nothing is learned from it; the classes are those of labels"
EXPECTED = {
    **dict.fromkeys(
        [
            "check_array_api_input",
            "check_classifier_data_not_an_array",
            "check_estimators_pickle",
            "check_fit_idempotent",
            "check_fit_score_takes_y",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
            "check_pipeline_consistency",
        ],
        WORDS,
    ),
    **dict.fromkeys(
        [
            "check_classifiers_classes",
            "check_classifiers_one_label",
            "check_classifiers_regression_target",
            "check_classifiers_train",
            "check_supervised_y_2d",
            "check_supervised_y_no_nan",
        ],
        NOTHING_LEARNT,
    ),
}


@pytest.mark.slow
def test_the_checks_of_scikit_learn_and_of_audio(saved):
    classifier = ZeroShotClassifier(saved(), LABELS, sample_rate=RATE)
    check_estimator(classifier, expected_failed_checks=EXPECTED)
    skip_without_new_process()
    check_audio_estimator(classifier)
