"""`CNNClassifier` over frames: architectures by name, clips of unequal length, patches that vote."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from torch import nn

from sklearn_audio import CNNClassifier, ConvAutoencoder, Ragged
from sklearn_audio.augmentation import AddNoise, TimeShift
from sklearn_audio.classification._trained_network import TrainingData
from sklearn_audio.nets import ARCHITECTURES
from sklearn_audio.testing._probes import assert_same_rows
from tests.tiny_network import TinyNetwork

RNG = np.random.default_rng(0)
Y = np.array(["low", "high", "odd"])[np.arange(48) % 3]
LENGTHS = RNG.integers(4, 40, size=48)
# a bump of one of three widths somewhere in time, on noise
X = [RNG.normal(scale=0.3, size=(n, 6)).astype(np.float32) for n in LENGTHS]
for i, clip in enumerate(X):
    clip[:, i % 3 * 2] += 1.5
TAGS = np.stack([np.arange(48) % 3 == 0, np.arange(48) % 2 == 0], axis=1).astype(int)


def classifier(architecture=TinyNetwork, **options):
    return CNNClassifier(architecture, **({"max_epochs": 8, "lr": 0.03, "random_state": 0} | options))


def fit(architecture=TinyNetwork, y=Y, **options):
    return classifier(architecture, **options).fit(X, y)


def same_weights(one, other):
    states = one.network_.state_dict(), other.network_.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_frames": 10},
        {"n_frames": 8, "windows": "all"},
        {"n_frames": 6, "windows": {"take": "center", "short_clip": "zero"}},
    ],
)
def test_learns_clips_of_unequal_length(options):
    fitted = fit(**options)
    assert fitted.score(X, Y) > 0.9
    wanted = list(fitted.predict_proba(X))
    assert_same_rows([fitted.predict_proba([row])[0] for row in X], wanted, "one by one")
    assert_same_rows(list(fitted.predict_proba(Ragged.from_list(X[::-1])))[::-1], wanted, "in reverse")


# those that take seconds are tried by hand and by the slow tests
QUICK = {
    "cnn4": {},
    "sbcnn": {},
    "timbre": {},
    "vgg32": {},
    "crnn": {"options": {"n_embedding": 16}},
    "cnn_transformer": {"options": {"n_embedding": 16, "n_layers": 1}},
    "mobilenet_v2": {"options": {"dropout": 0.0}},
    "mlp": {"hidden_sizes": [16]},
    "efficientat": {"options": {"width": 0.2}},
}
SLOW = sorted({name for name, what in ARCHITECTURES.items() if not what.waveforms} - set(QUICK))


def runs(name, **options):
    fitted = fit(name, max_epochs=1, n_frames=None, **options)
    assert fitted.n_frames_ == max(LENGTHS.max(), ARCHITECTURES[name].shortest)
    read = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(read.predict_proba(X[:3]), fitted.predict_proba(X[:3]))
    assert np.isfinite(fitted.predict_proba(X[:3])).all()


@pytest.mark.parametrize("name", QUICK)
def test_architectures_fit_and_travel(name):
    runs(name, **QUICK[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_large_architectures_fit_and_travel(name):
    runs(name, **({"options": {"size": "tiny"}} if name == "ast" else {}))


@pytest.mark.slow
def test_deep_networks_answer_as_they_learned():
    plain = {"mixup": 0.0, "spec_augment": None, "lr": 0.005}
    assert fit("efficientat", max_epochs=40, **plain, **QUICK["efficientat"]).score(X, Y) > 0.9


def test_masks_and_mixup_are_on_for_architectures_over_frames():
    automatic = fit("timbre", max_epochs=2)
    assert same_weights(automatic, fit("timbre", max_epochs=2, mixup=0.3, spec_augment=True))
    assert not same_weights(automatic, fit("timbre", max_epochs=2, mixup=0.0))
    assert not same_weights(automatic, fit("timbre", max_epochs=2, spec_augment=None))
    own = fit(TinyNetwork, max_epochs=2)
    assert same_weights(own, fit(TinyNetwork, max_epochs=2, mixup=0.0, spec_augment=None))


def test_a_network_of_ones_own_travels_with_what_it_computes_itself():
    fitted = fit(options={"width": 5})
    assert fitted.network_.backbone.pairs.out_channels == 5
    read = pickle.loads(pickle.dumps(fitted))
    before = torch.get_rng_state()
    assert np.array_equal(read.predict_proba(X), fitted.predict_proba(X))
    assert torch.equal(torch.get_rng_state(), before)
    assert read.network_.backbone.gain.device.type == "cpu"


def test_length_of_the_network():
    assert fit(max_epochs=1).n_frames_ == LENGTHS.max()
    assert classifier("cnn4", max_epochs=1).fit([row[:3] for row in X], Y).n_frames_ == 16
    long = [np.concatenate([row] * 40) for row in X[:6]]
    assert classifier(max_epochs=1).fit(long, Y[:6]).n_frames_ == 1024


def test_short_clips_are_repeated():
    fitted = fit(n_frames=20)
    tiled = [np.concatenate([row[:7], row[:7], row[:6]]) for row in X if len(row) > 6]
    assert np.array_equal(fitted.predict_proba([row[:7] for row in X if len(row) > 6]), fitted.predict_proba(tiled))


def test_short_clips_are_filled_with_the_mean_frame():
    fitted = fit(n_frames=20, windows={"short_clip": "zero"})
    mean = fitted.network_.input.mean.numpy()
    np.testing.assert_allclose(mean, np.concatenate(X).mean(axis=0), atol=1e-6)
    filled = [np.concatenate([row[:7], np.tile(mean, (13, 1))]) for row in X if len(row) > 6]
    short = fitted.predict_proba([row[:7] for row in X if len(row) > 6])
    np.testing.assert_allclose(short, fitted.predict_proba(filled), atol=1e-5)


@pytest.mark.parametrize(("take", "part"), [("start", slice(0, 8)), ("center", slice(16, 24))])
def test_one_window_of_a_long_clip(take, part):
    fitted = fit(n_frames=8, windows=take)
    long = [RNG.normal(size=(40, 6)).astype(np.float32) for _ in range(3)]
    assert np.array_equal(fitted.predict_proba(long), fitted.predict_proba([row[part] for row in long]))


def test_windows_side_by_side_vote_where_training_took_one_at_random():
    fitted = fit(n_frames=8)
    long = RNG.normal(size=(20, 6)).astype(np.float32)
    windows = fitted.predict_proba([long[:8], long[8:16], long[12:]])
    np.testing.assert_allclose(fitted.predict_proba([long])[0], windows.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("y", [Y, TAGS], ids=["labels", "tags"])
@pytest.mark.parametrize("voting", ["soft", "log"])
def test_patches_vote(voting, y):
    fitted = fit(y=y, n_frames=8, windows={"take": "all", "hop": 3, "voting": voting})
    long = RNG.normal(size=(19, 6)).astype(np.float32)
    patches = fitted.predict_proba([long[start : start + 8] for start in (0, 3, 6, 9, 11)])
    if voting == "soft":
        wanted = patches.mean(axis=0)
    elif y is TAGS:
        wanted = expit(logit(patches).mean(axis=0))
    else:
        wanted = np.exp(np.log(patches).mean(axis=0))
        wanted /= wanted.sum()
    np.testing.assert_allclose(fitted.predict_proba([long])[0], wanted, rtol=1e-6)


def test_patches_of_a_clip_share_its_weight():
    """A clip of ten patches weighs as much as one of one patch."""
    clips = [np.concatenate([row] * (8 if label == "low" else 1)) for row, label in zip(X, Y, strict=True)]
    data = classifier(n_frames=8, windows="all")
    rows = data._read_rows(clips, reset=True)
    dataset = data._dataset(TrainingData(rows, np.arange(48), np.ones(48)), np.arange(48))
    assert len(dataset) > 200
    totals = np.bincount(dataset.targets, weights=dataset.weights)
    np.testing.assert_allclose(totals, len(dataset) / 48, rtol=1e-5)


def test_random_windows_differ_between_epochs_and_repeat_with_the_seed():
    seen = []

    class Watching(TinyNetwork):
        def forward(self, frames):
            if self.training:
                seen.append(frames.detach().clone())
            return super().forward(frames)

    numbered = [np.arange(60, dtype=np.float32)[:, None] + 100 * i for i in range(4)]
    options = {"n_frames": 5, "max_epochs": 3, "normalize": None}
    classifier(Watching, **options).fit(numbered, Y[:4])
    starts = [sorted(batch[:, 0, 0].tolist()) for batch in seen]
    assert len({tuple(epoch) for epoch in starts}) == 3
    first, seen[:] = [batch.clone() for batch in seen], []
    classifier(Watching, **options).fit(numbered, Y[:4])
    assert all(torch.equal(a, b) for a, b in zip(first, seen, strict=True))
    seen.clear()
    classifier(Watching, **options, windows="start").fit(numbered, Y[:4])
    assert all(sorted((batch[:, 0, 0] % 100).tolist()) == [0] * 4 for batch in seen)


def test_several_labels_per_clip():
    fitted = fit(y=TAGS, max_epochs=15)
    p = fitted.predict_proba(X)
    assert np.array_equal(fitted.predict(X), (p > 0.5).astype(int))
    assert (fitted.predict(X)[:, 0] == TAGS[:, 0]).mean() > 0.9


def test_training_continues():
    once = fit(warm_start=True, max_epochs=2, lr_schedule=None)
    assert once.fit(X, Y).n_iter_ == 4
    in_parts = classifier()
    for start in (0, 24):
        in_parts.partial_fit(X[start : start + 24], Y[start : start + 24], classes=np.unique(Y))
    assert in_parts.n_iter_ == 2
    assert in_parts.predict(X).shape == (48,)


def test_learned_compression():
    powers = [10 ** (row / 2) for row in X]
    fitted = classifier(options={"log_compression": "learned"}, max_epochs=4).fit(powers, Y)
    assert fitted.network_.compress.log_alpha.item() != 7.0
    assert fitted.score(powers, Y) > 0.8
    compressed = np.concatenate(powers) * np.exp(7) + np.log1p(np.e)
    np.testing.assert_allclose(fitted.network_.input.mean.numpy(), np.log(compressed).mean(axis=0), rtol=1e-4)
    with pytest.raises(ValueError, match=r"row 0 holds -.*log_compression takes the logarithm of powers"):
        fitted.predict([-powers[0]])


def test_changes_of_batches():
    options = {"mixup": 0.3, "spec_augment": True, "augmentations": [TimeShift(), AddNoise()], "sampler": "balanced"}
    changed = fit(max_epochs=3, **options)
    assert not same_weights(changed, fit(max_epochs=3))
    assert same_weights(changed, fit(max_epochs=3, **options))
    assert changed.predict(X).shape == (48,)


def test_starts_from_an_encoder():
    frames = [np.repeat(row, 4, axis=1) for row in X]
    encoder = ConvAutoencoder(2, n_frames=16, max_epochs=1, random_state=0).fit(frames)
    started = CNNClassifier("cnn4", options={"encoder": encoder}, lr=1e-12, max_epochs=1, random_state=0)
    started.set_params(weight_decay=0.0).fit(frames, Y)
    taken = encoder.encoder_.state_dict()
    assert taken
    for name, array in taken.items():
        if name.endswith("weight"):
            torch.testing.assert_close(started.network_.backbone.state_dict()[name], array, rtol=0, atol=1e-6)
    again = clone(started).fit(frames, Y)
    assert same_weights(started, again)
    with pytest.raises(ValueError, match=r"the encoder holds .*'timbre' has nothing"):
        clone(started).set_params(architecture="timbre").fit(frames, Y)
    with pytest.raises(NotFittedError):
        clone(started).set_params(options={"encoder": ConvAutoencoder()}).fit(frames, Y)


def test_clips_that_are_all_alike_and_silent():
    silent = [np.full((12, 6), -100, dtype=np.float32) for _ in range(6)]
    for normalize in ("standard", "clip", None):
        with pytest.warns(UserWarning, match="are equal, as in silence, so CNNClassifier has almost nothing"):
            p = classifier(normalize=normalize, max_epochs=2).fit(silent, Y[:6]).predict_proba(silent)
        assert np.isfinite(p).all()


def test_architecture_is_searched():
    search = GridSearchCV(classifier(max_epochs=2), {"architecture": ["timbre", TinyNetwork]}, cv=2)
    assert search.fit(X, Y).best_params_["architecture"] in ("timbre", TinyNetwork)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"architecture": "cnn15"}, r"unknown architecture 'cnn15'; did you mean 'cnn\d+'"),
        (
            {"architecture": "cnn4", "options": {"droput": 0.1}},
            r"unknown key of options for architecture 'cnn4': 'droput'; did you mean 'dropout'\? Choose one of \['",
        ),
        (
            {"architecture": "timbre", "options": {"dropout": 0.5}},
            r"for architecture 'timbre': 'dropout'; choose one of \['log_compression', 'encoder'\]",
        ),
        (
            {"options": {"encoder": 3}},
            r"options\['encoder'\].* parameter of CNNClassifier must be an object implementing",
        ),
        ({"options": {"log_compression": "log"}}, r"options\['log_compression'\].* Got 'log' instead"),
        ({"architecture": "crnn", "options": {"pooling": "sum"}}, r"options\['pooling'\].* Got 'sum' instead"),
        ({"architecture": "crnn", "options": {"n_embedding": 1}}, r"options\['n_embedding'\].* Got 1 instead"),
        (
            {"hidden_sizes": (4,)},
            r"hidden_sizes=\(4,\) has no effect here: it needs architecture='mlp', but architecture=",
        ),
        ({"architecture": "mlp", "hidden_sizes": (4, 0)}, r"hidden_sizes=\(4, 0\): give whole numbers above 0"),
        ({"architecture": "mlp", "options": {"hidden_sizes": (4,)}}, "unknown key of options .*'hidden_sizes'"),
        ({"windows": "middle"}, "'windows' parameter of CNNClassifier must be"),
        ({"windows": None}, "'windows' parameter of CNNClassifier must be"),
        ({"windows": {"crop": "start"}}, r"unknown key of windows 'crop'; choose one of \['take', 'hop', "),
        ({"windows": {"take": "middle"}}, r"windows\['take'\].* Got 'middle' instead"),
        ({"windows": {"take": "all", "hop": 0}}, r"windows\['hop'\].* Got 0 instead"),
        ({"mixup": {"alpha": -1}}, r"mixup\['alpha'\].* Got -1 instead"),
        ({"mixup": {"fraction": 0.0}}, r"mixup\['fraction'\].* Got 0.0 instead"),
        ({"mixup": {"alfa": 1}}, r"unknown key of mixup 'alfa'; did you mean 'alpha'"),
        ({"architecture": "cnn14", "n_frames": 20}, "n_frames=20, but architecture 'cnn14' takes at least 32 frames"),
        ({"architecture": "leenet11", "front_end": "ast"}, "takes waveforms; leave front_end at None"),
        ({"architecture": "res1dnet31", "n_frames": 9}, "takes at least 20476 timepoints"),
        ({"n_frames": 1, "windows": "all"}, "n_frames=1, but architecture .* takes at least 2 frames"),
        ({"windows": {"take": "start", "hop": 8}}, r"windows\['hop'\]=8 has no effect here: it needs windows of 'all'"),
        (
            {"windows": {"take": "start", "voting": "log"}},
            r"windows\['voting'\]='log' has no effect here: it needs several windows of a clip, as with",
        ),
        (
            {"mixup": {"alpha": 0.3, "on": "waveforms"}},
            r"mixup\['on'\]='waveforms' has no effect here: it needs audio, with a front_end",
        ),
        (
            {"mixup": {"alpha": 0.3, "loudness": True}},
            r"mixup\['loudness'\]=True has no effect here: it needs mixup of waveforms",
        ),
        ({"architecture": "leenet11", "mixup": {"style": 0.4}}, r"mixup\['style'\]=0.4 has no effect .* needs frames"),
        (
            {"options": {"log_compression": "learned"}, "mixup": {"style": 0.4}},
            r"mixup\['style'\]=0.4 has no effect here: it needs logarithms, as mixed powers may be negative",
        ),
        ({"mixup": {"style_p": 0.9}}, r"mixup\['style_p'\]=0.9 has no effect here: it needs a style above 0"),
        ({"mixup": {"style": -1.0}}, r"mixup\['style'\].* Got -1.0 instead"),
        ({"front_end": "panns"}, r"unknown front end 'panns'; did you mean 'panns_\d+k'"),
    ],
)
def test_parameters_that_make_no_sense(options, match):
    with pytest.raises(ValueError, match=match):
        fit(**options)


def test_the_style_of_batches_is_mixed():
    options = {"max_epochs": 2, "lr": 0.01}
    plain, styled, again, never = (
        fit(mixup={"alpha": 0.0, **style}, **options)
        for style in ({}, *[{"style": 0.4, "style_p": 1.0}] * 2, {"style": 0.4, "style_p": 0.0})
    )
    assert same_weights(styled, again)
    assert not same_weights(styled, plain)
    assert same_weights(never, plain)


def test_what_is_no_network():
    with pytest.raises(TypeError, match="is not a torch module class"):
        fit(int)


def test_clips_that_cannot_be_learned_from():
    with pytest.raises(ValueError, match="CNNClassifier needs clips of at least 2 classes, and y holds one class"):
        fit(y=["a"] * 48)
    with pytest.raises(ValueError, match="'rare'"):
        fit(y=["rare", *Y[1:]], validation_fraction=0.2)
    with pytest.raises(ValueError, match="row 1"):
        fit().predict([X[0], np.array([1, 2, 3])])


def test_tokens_are_refused():
    tokens = [RNG.integers(0, 5, size=n) for n in LENGTHS]
    with pytest.raises(ValueError, match=r"are tokens, and architecture .* takes frames"):
        classifier().fit(tokens, Y)
    with pytest.raises(ValueError, match="are tokens"):
        classifier("timbre").fit(Ragged.from_list(tokens), Y)


def test_an_augmentation_that_fails_surfaces():
    def broken(frames):
        raise RuntimeError("no such effect")

    with pytest.raises(RuntimeError, match="no such effect"):
        fit(augmentations=[broken])


def test_nothing_is_warned_of_and_the_generators_stay():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(max_epochs=1, n_frames=6)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_a_gpu_may_be_gone():
    fitted = fit(max_epochs=1)
    wanted = fitted.predict_proba(X)
    fitted.device = "cuda:7"
    with pytest.warns(RuntimeWarning, match="is not available; the CPU is used"):
        assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), wanted)


def test_modules_are_in_evaluation_mode():
    assert not any(module.training for module in fit(max_epochs=1).network_.modules() if isinstance(module, nn.Module))


class AttentionOverImages(nn.Module):
    """A network of torchvision, as in the guide."""

    def __init__(self, n_outputs, n_features, network="resnet50"):
        super().__init__()
        models = pytest.importorskip("torchvision").models
        maps, width = getattr(models, network)(weights=None), {"resnet50": 2048, "efficientnet_b0": 1280}[network]
        self.maps = nn.Sequential(*list(maps.children())[:-2]) if network == "resnet50" else maps.features
        self.attention, self.classes = nn.Conv1d(width, n_outputs, 1), nn.Conv1d(width, n_outputs, 1)

    def forward(self, frames):
        maps = self.maps(frames[:, None].expand(-1, 3, -1, -1)).mean(dim=3)
        return (self.attention(maps).softmax(dim=2) * self.classes(maps)).sum(dim=2)


@pytest.mark.parametrize("network", ["resnet50", "efficientnet_b0"])
def test_networks_of_torchvision(network):
    pytest.importorskip("torchvision")
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(4, 64, 32)).astype(np.float32)
    fitted = CNNClassifier(AttentionOverImages, options={"network": network}, max_epochs=1, random_state=0)
    assert fitted.fit(frames, ["a", "b"] * 2).predict_proba(frames).shape == (4, 2)
