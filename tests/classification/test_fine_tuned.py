"""Pretrained networks with a new head: the start, what is trained, the interpolation, and what is refused."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_audio import EfficientATEmbedder, PANNsEmbedder, SpeechEmbedder, YAMNetEmbedder
from sklearn_audio.classification import FineTunedClassifier
from sklearn_audio.engine import read_network
from tests import forked
from tests.standin import StandInOpenL3, StandInVGGish, StandInWaveform

RATE = 16000


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    lengths = rng.integers(600, 900, 36)
    kinds = np.arange(36) % 3
    X = [
        rng.normal(size=n) * 0.3 + np.sin(np.arange(n) * (0.05 + 0.4 * k)) for n, k in zip(lengths, kinds, strict=True)
    ]
    return [x.astype(np.float32) for x in X], np.array(["hum", "buzz", "hiss"])[kinds], np.arange(36) // 6


def embedder(**options):
    return StandInWaveform("wave", **({"weights": None, "sample_rate": RATE} | options))


def classifier(**options):
    defaults = {"lr": 0.01, "validation_fraction": 0.0, "max_epochs": 2, "batch_size": 8, "random_state": 0}
    return FineTunedClassifier(options.pop("embedder", embedder()), **(defaults | options))


def probing(**options):
    return FineTunedClassifier(options.pop("embedder", embedder()), strategy="probe", random_state=0, **options)


def pretrained_state():
    body = embedder()._body()
    return read_network(body.card, body.source).state_dict()


def body_state(fitted):
    return fitted.network_.body.network.state_dict()


BODIES = {
    "one patch of any length": embedder(),
    "patches of a fixed length": StandInVGGish(weights=None, sample_rate=RATE),
    "patches with a hop": StandInVGGish(weights=None, sample_rate=RATE, hop=0.3),
    "windows of the waveform": StandInWaveform("wave", weights=None, sample_rate=RATE, window=0.4, hop=0.3),
    "patches centred in silence": StandInOpenL3(weights=None, sample_rate=RATE),
    "another layer": embedder(layer="low"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_probe_is_the_pipeline(body):
    rng = np.random.default_rng(1)
    X = [rng.normal(size=n).astype(np.float32) for n in (16000, 18000, 30000, 41000, 16000, 25000)]
    y = [0, 1, 2, 0, 1, 2]
    fitted = probing(embedder=body).fit(X, y)
    expected = make_pipeline(body, LogisticRegression(max_iter=1000)).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-6)
    assert fitted.alpha_ == 0
    assert fitted.history_.empty


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_training_starts_from_the_pipeline(body):
    """The network that is trained, on waveforms, gives the vectors of the embedder."""
    rng = np.random.default_rng(2)
    X = [rng.normal(size=n).astype(np.float32) for n in (16000, 18000, 30000, 41000)]
    network = body._body().load().eval()
    rate = body._card().sample_rate
    resampled = body._validate_audio(X, rate, reset=False, bare_rate=RATE)
    with torch.no_grad():
        for row, vector in zip(resampled, body.transform(X), strict=True):
            values = torch.from_numpy(np.append(row, np.ones(77, dtype=np.float32)))[None]  # padding has no effect
            np.testing.assert_allclose(network(values, torch.tensor([len(row)]))[0], vector, rtol=1e-4, atol=1e-5)


PROBES = {
    "scaled": make_pipeline(StandardScaler(), LogisticRegression(C=0.1)),
    "projected": make_pipeline(StandardScaler(), PCA(3, random_state=0), LogisticRegression()),
}


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_the_probe_may_be_any_linear_pipeline(clips, probe):
    X, y, _ = clips
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    fitted = probing(probe=probe, class_weight={"hum": 3.0}).fit(X, y, sample_weight=weights)
    vectors = embedder().transform(X)
    weights = weights * np.where(y == "hum", 3.0, 1.0)
    expected = clone(probe).fit(vectors, y, logisticregression__sample_weight=weights).predict_proba(vectors)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-5)


def test_a_probe_of_two_classes_and_of_several_labels(clips):
    X, y, _ = clips
    vectors = embedder().transform(X)
    two = probing().fit(X, y == "hum").predict_proba(X)
    np.testing.assert_allclose(
        two, LogisticRegression(max_iter=1000).fit(vectors, y == "hum").predict_proba(vectors), atol=1e-6
    )
    labels = np.stack([y == "hum", y == "buzz", np.ones(len(y)), np.zeros(len(y))], axis=1).astype(int)
    with pytest.warns(UserWarning, match="never be predicted"):
        several = probing().fit(X, labels).predict_proba(X)
    expected = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(vectors, labels[:, :2]).predict_proba(vectors)
    np.testing.assert_allclose(several[:, :2], expected, atol=1e-6)
    assert (several[:, 2] > 0.9).all()
    assert (several[:, 3] < 0.1).all()


class Overconfident(LogisticRegression):
    def predict_proba(self, X):
        return np.eye(len(self.classes_))[self.decision_function(X).argmax(axis=1)]


def test_a_probe_that_is_not_linear_raises(clips):
    X, y, _ = clips
    with pytest.raises(ValueError, match="'probe' parameter"):
        probing(probe=GaussianNB()).fit(X, y)
    with pytest.raises(ValueError, match="is not a linear layer with a softmax: its probabilities differ by"):
        probing(probe=Overconfident()).fit(X, y)


STRATEGIES = ["probe_then_finetune", "last_blocks", "full", "lora"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_train(clips, strategy):
    X, y, _groups = clips
    options = {"lora_rank": 1} if strategy == "lora" else {}
    fitted = classifier(strategy=strategy, max_epochs=6, **options).fit(X, y)
    before, after = pretrained_state(), body_state(fitted)
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    norms = {name for name in before if "running" in name or "batches" in name}
    expected = {
        "probe_then_finetune": {name for name in before if not name.startswith("last")} - norms,
        "last_blocks": {name for name in before if name.startswith("high")} - norms,
        "full": {name for name in before if not name.startswith("last")},
        "lora": {"high.0.weight"},
    }[strategy]
    assert changed == expected
    assert fitted.alpha_ == 1
    assert len(fitted.history_) == fitted.n_iter_ == 6
    assert fitted.n_parameters_ < sum(p.numel() for p in fitted.network_.parameters()) or strategy == "full"


def test_a_frozen_backbone_does_not_change(clips):
    X, y, _ = clips
    fitted = classifier(freeze="backbone").fit(X, y)
    for name, tensor in pretrained_state().items():
        assert torch.equal(body_state(fitted)[name], tensor), name
    assert fitted.n_parameters_ == 8 * 3 + 3
    assert not torch.equal(fitted.network_.head.weight, probing().fit(X, y).network_.head.weight)


@pytest.mark.parametrize("strategy", ["probe_then_finetune", "full"])
@pytest.mark.parametrize("freeze", [1, "low", ["low"]])
def test_frozen_blocks_do_not_change(clips, strategy, freeze):
    X, y, _ = clips
    fitted = classifier(strategy=strategy, freeze=freeze).fit(X, y)
    after = body_state(fitted)
    for name, tensor in pretrained_state().items():
        is_frozen = name.startswith(("low", "last")) or (
            strategy != "full" and ("running" in name or "batches" in name)
        )
        assert torch.equal(after[name], tensor) == is_frozen, name


@pytest.mark.parametrize("strategy", ["probe_then_finetune", "full"])
def test_blocks_are_trained_one_after_the_other_from_the_last(clips, strategy):
    X, y, _ = clips
    seen = []

    class Watch(Callback):
        def on_batch_end(self, net, training=None, **kwargs):
            names = [name for name, p in net.module_.body.network.named_parameters() if p.grad is not None]
            seen.append({name.split(".")[0] for name in names})

    options = {"strategy": strategy, "unfreeze_every": 2, "max_epochs": 3, "batch_size": 36}
    fitted = classifier(**options, callbacks=[Watch()]).fit(X, y)
    assert seen == [{"high"}, {"high"}, {"high", "low"}]
    again = classifier(**options, callbacks=[Watch()]).fit(X, y)
    assert np.array_equal(fitted.predict_proba(X), again.predict_proba(X))
    before, after = pretrained_state(), body_state(classifier(**options | {"max_epochs": 2}).fit(X, y))
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"high"}  # statistics of the batch norm of the other block included


def test_frozen_blocks_are_never_unfrozen(clips):
    X, y, _ = clips
    before, after = pretrained_state(), body_state(classifier(freeze=1, unfreeze_every=1).fit(X, y))
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"high"}


def test_a_part_of_the_clips_is_mixed(clips):
    X, y, _ = clips
    few, all_mixed, default = (
        classifier(mixup=mixup).fit(X, y).predict_proba(X) for mixup in ({"fraction": 1e-9}, {"alpha": 0.3}, 0.3)
    )
    assert np.array_equal(all_mixed, default)
    np.testing.assert_allclose(few, classifier(mixup=0.0).fit(X, y).predict_proba(X), atol=1e-6)
    assert not np.allclose(few, default, atol=1e-4)
    loudly = classifier(mixup={"loudness": True}).fit(X, y).predict_proba(X)
    assert not np.allclose(loudly, default, atol=1e-4)


def test_nothing_is_dropped_in_a_frozen_part(clips):
    X, y, _ = clips
    network = classifier(strategy="full", freeze=1).fit(X, y).network_.train()
    assert not network.body.network.low[3].training
    assert network.body.network.high[1].training


def test_validation_chooses_rate_and_interpolation(clips):
    X, y, groups = clips
    fitted = classifier(lr=[1e-4, 3e-2], validation_fraction=None, max_epochs=3).fit(X, y, groups=groups)
    trials = fitted.trials_
    assert trials["alpha"].tolist() == [0, 0.2, 0.4, 0.6, 0.8, 1] * 2
    assert trials["lr"].unique().tolist() == [1e-4, 3e-2]
    start = trials[trials["alpha"] == 0]
    assert start["valid_loss"].nunique() == 1  # the probe
    best = trials.sort_values(["valid_score", "valid_loss"], ascending=[False, True], kind="stable").iloc[0]
    assert fitted.alpha_ == best["alpha"]
    if fitted.alpha_:
        assert fitted.history_["lr"].max() == pytest.approx(best["lr"], rel=0.05)


def test_a_harmful_training_is_undone(clips):
    X, y, groups = clips
    noise = np.random.default_rng(3).permutation(y)
    harmed = classifier(lr=5.0, head_factor=1.0, optimizer="sgd", gradient_clip=1e-4, validation_fraction=0.3)
    fitted = harmed.fit(X, noise, groups=groups)
    scores = fitted.trials_.groupby("alpha")["valid_score"].max()
    assert fitted.trials_.set_index("alpha").loc[fitted.alpha_, "valid_score"] == scores.max()
    if fitted.alpha_ == 0:
        np.testing.assert_array_equal(fitted.predict_proba(X), probing().fit(X, noise).predict_proba(X))


def test_early_stopping_gives_the_number_of_epochs(clips):
    X, y, groups = clips
    fitted = classifier(validation_fraction=0.3, early_stopping=True, patience=2, max_epochs=8, lr=0.05)
    fitted.fit(X, y, groups=groups)
    assert fitted.trials_["n_epochs"].nunique() == 1
    assert fitted.n_iter_ in (0, fitted.trials_["n_epochs"][0])


def test_rates_of_head_and_blocks(clips):
    X, y, _ = clips
    seen = {}

    class Rates(Callback):
        def on_train_begin(self, net, X=None, y=None, **kwargs):
            for group in net.optimizer_.param_groups:
                seen.setdefault(round(group["lr"], 6), 0)
                seen[round(group["lr"], 6)] += sum(p.numel() for p in group["params"])

    classifier(layer_decay=0.5, head_factor=4.0, lr_schedule=None, callbacks=[Rates()]).fit(X, y)
    assert seen == {0.01: 8 * 4 + 8 + 16, 0.005: 8 * 4 + 4 + 8, 0.04: 8 * 3 + 3}


def test_options_of_training_apply(clips):
    X, y, _groups = clips
    weights = np.ones(len(X))
    weights[:3] = 0
    options = {
        "mixup": {"mixup": 0.0},
        "sampler": {"sampler": "balanced"},
        "weights": {"class_weight": "balanced"},
        "augmentations": {"augmentations": [lambda x: x * 0.5]},
        "step": {"lr_schedule": "step", "warmup": 1.0},
    }
    results = {
        name: classifier(**given).fit(X, y, sample_weight=weights).predict_proba(X) for name, given in options.items()
    }
    reference = classifier().fit(X, y, sample_weight=weights).predict_proba(X)
    for name in ("mixup", "sampler", "augmentations", "step"):
        assert not np.array_equal(results[name], reference), name


def test_masks_are_for_frames(clips):
    X, y, _ = clips
    over_frames = StandInVGGish(weights=None, sample_rate=RATE)
    plain, masked = (
        classifier(embedder=over_frames, spec_augment=masks).fit(X, y).predict_proba(X) for masks in (None, True)
    )
    assert not np.array_equal(plain, masked)
    with pytest.raises(ValueError, match="spec_augment=True masks frames, which the network of"):
        classifier(spec_augment=True).fit(X, y)


@pytest.mark.parametrize("strategy", ["probe_then_finetune", "lora", "full"])
def test_repeats_are_equal(clips, strategy):
    X, y, groups = clips
    options = {"strategy": strategy, "lr": [1e-3, 1e-2], "validation_fraction": 0.2}
    one, two = (classifier(**options).fit(X, y, groups=groups) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert one.alpha_ == two.alpha_


def test_a_row_does_not_depend_on_the_others(clips):
    X, y, _ = clips
    fitted = classifier().fit(X, y)
    whole = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.predict_proba(X[::-1])[::-1], whole)
    np.testing.assert_array_equal(np.concatenate([fitted.predict_proba(X[i : i + 1]) for i in range(4)]), whole[:4])


def test_a_pickle_predicts_in_another_process(clips, tmp_path):
    X, y, _ = clips
    fitted = classifier().fit(X, y)
    expected = fitted.predict_proba(X)
    assert len(pickle.dumps(fitted)) < 50_000
    (tmp_path / "model.pickle").write_bytes(pickle.dumps((fitted, X)))
    code = "import pickle, sys; m, X = pickle.load(open(sys.argv[1], 'rb')); print(m.predict_proba(X).tolist())"
    shown = forked.run(["-c", code, tmp_path / "model.pickle"], check=True).stdout
    np.testing.assert_array_equal(np.array(json.loads(shown)), expected)


class Killed(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("strategy", ["probe_then_finetune", "lora"])
@pytest.mark.parametrize("n_epochs", [1, 4, 7])
def test_a_killed_fit_resumes(clips, tmp_path, strategy, n_epochs, monkeypatch):
    """The first rate, the second rate, and the run on all clips are interrupted."""
    from sklearn_audio.engine.training import _checkpoint

    X, y, groups = clips
    options = {"strategy": strategy, "lr": [1e-3, 3e-2], "max_epochs": 3, "validation_fraction": 0.2}
    whole = classifier(**options).fit(X, y, groups=groups)
    saved = 0
    save = _checkpoint.Checkpoint._save

    def stop(self, net):
        nonlocal saved
        save(self, net)
        saved += len(net.history) > 0
        if saved == n_epochs:
            saved = -100
            raise Killed

    monkeypatch.setattr(_checkpoint.Checkpoint, "_save", stop)
    resumed = classifier(**options, checkpoint_dir=tmp_path)
    try:
        resumed.fit(X, y, groups=groups)
    except Killed:
        n_before = len(list(tmp_path.iterdir()))
        assert n_before == 1 + (n_epochs - 1) // 3
        resumed.fit(X, y, groups=groups)
    else:
        assert whole.alpha_ == 0  # no third run
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    pd.testing.assert_frame_equal(resumed.trials_, whole.trials_)
    assert not list(tmp_path.iterdir())


def test_partial_fit_continues(clips):
    X, y, _ = clips
    fitted = classifier().partial_fit(X, y, classes=np.unique(y))
    once = fitted.predict_proba(X)
    fitted.partial_fit(X, y)
    assert fitted.n_iter_ == 2
    assert not np.array_equal(fitted.predict_proba(X), once)
    with pytest.raises(ValueError, match="partial_fit has none; give a single lr"):
        classifier(lr=[1e-3, 1e-2]).partial_fit(X, y, classes=np.unique(y))


@pytest.mark.parametrize("freeze", ["low", "backbone"])
def test_what_is_frozen_stays_frozen_after_a_pickle(clips, freeze):
    X, y, _ = clips
    fitted = classifier(freeze=freeze, strategy="full").partial_fit(X, y, classes=np.unique(y))
    again = pickle.loads(pickle.dumps(fitted)).partial_fit(X, y)
    for name, tensor in pretrained_state().items():
        if name.startswith("low") or freeze == "backbone":
            assert torch.equal(body_state(again)[name], tensor), name


def test_a_hop_needs_longer_clips(clips):
    X, y, _ = clips
    with pytest.raises(ValueError, match="hop="):
        classifier(embedder=embedder(hop=0.5)).fit(X, y)


def test_it_learns(clips):
    X, y, groups = clips
    held_out = groups == 5
    train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    fitted = classifier(max_epochs=30, lr=0.03).fit([X[i] for i in train], y[train])
    assert fitted.score([X[i] for i in test], y[test]) >= 0.8


REFUSED = {
    "several layers": (
        {"embedder": embedder(layer=["low", "embedding"])},
        r"layer=\['low', 'embedding'\] of StandInWaveform: only a single layer can be trained",
    ),
    "another pooling": (
        {"embedder": embedder(pooling="max")},
        "pooling='max' of StandInWaveform.*choose pooling='mean'",
    ),
    "no vector of a clip": ({"embedder": embedder(pooling=None)}, "pooling=None of StandInWaveform"),
    "a layer that does not exist": ({"embedder": embedder(layer="lwo")}, "unknown layer 'lwo'; did you mean 'low'"),
    "rows of NaN": ({"embedder": embedder(on_error="nan")}, "on_error='nan' of StandInWaveform would give rows of NaN"),
    "post-processing": (
        {"embedder": StandInVGGish(weights=None, sample_rate=RATE, output_activation="relu")},
        "output_activation or postprocess cannot be trained",
    ),
    "no embedder": ({"embedder": StandardScaler()}, "'embedder' parameter"),
    "too many blocks": ({"freeze": 3}, r"freeze=3 is more than the 2 blocks of the network: \['low', 'embedding'\]"),
    "an unknown block": ({"freeze": "lwo"}, "unknown block to freeze 'lwo'; did you mean 'low'"),
    "a misspelt backbone": ({"freeze": "backbon"}, "did you mean 'backbone'"),
    "frozen last blocks": ({"strategy": "last_blocks", "freeze": 1}, "freeze=1 has no effect here"),
    "unfreezing nothing": ({"freeze": "backbone", "unfreeze_every": 2}, "unfreeze_every=2 has no effect here"),
    "unfreezing lora": ({"strategy": "lora", "unfreeze_every": 2}, "it needs a strategy other than 'lora'"),
    "a fraction of no mixtures": (
        {"mixup": {"alpha": 0.0, "fraction": 0.5}},
        r"mixup\['fraction'\]=0.5 has no effect here: it needs an alpha above 0",
    ),
    "loudness of vectors": (
        {"freeze": "backbone", "mixup": {"loudness": True}},
        r"mixup\['loudness'\]=True has no eff",
    ),
    "an unknown key of mixup": ({"mixup": {"alfa": 0.1}}, "unknown key of mixup 'alfa'; did you mean 'alpha'"),
    "rank without lora": ({"lora_rank": 2}, "lora_rank=2 has no effect here: it needs strategy='lora'"),
    "a rate without training": ({"strategy": "probe"}, "lr=0.01 has no effect here: it needs a strategy other than"),
    "decay without a body": ({"freeze": "backbone", "layer_decay": 0.5}, "layer_decay=0.5 has no effect here"),
    "a probe without a start": ({"strategy": "full", "probe": LogisticRegression()}, "has no effect here"),
    "rates without validation": ({"lr": [0.1, 0.2]}, "validation_fraction=0 has none; give a single lr"),
    "no rates": ({"lr": []}, r"lr=\[\] must be a learning rate above 0"),
    "a rate of zero": ({"lr": [0.1, 0.0]}, "must be a learning rate above 0"),
    "plateau": ({"lr_schedule": "plateau"}, "'lr_schedule' parameter"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(clips, options, message):
    X, y, _ = clips
    with pytest.raises((ValueError, TypeError), match=message):
        classifier(**options).fit(X, y)


def test_one_class_is_refused(clips):
    X, _, _ = clips
    with pytest.raises(ValueError, match="needs clips of at least 2 classes"):
        classifier().fit(X, ["hum"] * len(X))


def test_a_diverging_loss_raises(clips):
    X, y, _ = clips
    with pytest.raises(ValueError, match="Lower lr"):
        classifier(lr=1e30, gradient_clip=None, optimizer="sgd").fit(X, y)


REAL = {
    "efficientat": EfficientATEmbedder("mn04_as", weights=None, sample_rate=RATE),
    "leenet": PANNsEmbedder("leenet11", weights=None, sample_rate=RATE),
    "speech": SpeechEmbedder(weights=None, sample_rate=RATE),
    "yamnet": YAMNetEmbedder(weights=None, sample_rate=RATE),
}


@pytest.mark.parametrize("body", REAL.values(), ids=REAL)
def test_published_networks_train(body):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=n).astype(np.float32) * 0.1 for n in (8000, 10500, 9000, 12000)]
    y = [0, 1, 0, 1]
    network, vectors = body._body().load().eval(), body.transform(X)
    rate = body._card().sample_rate
    clips = [torch.from_numpy(clip) for clip in body._validate_audio(X, rate, reset=False, bare_rate=RATE)]
    with torch.no_grad():
        for clip, vector in zip(clips, vectors, strict=True):
            found = network(clip[None].clone(), torch.tensor([len(clip)]))[0].numpy()
            np.testing.assert_allclose(found, vector, rtol=1e-3, atol=1e-4 * np.abs(vector).max())
    fitted = classifier(embedder=body, max_epochs=1, lr=1e-3).fit(X, y)
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_a_given_validation_set(clips):
    X, y, groups = clips
    names = np.array([f"speaker {group}" for group in groups])
    chosen = classifier(validation_fraction=["speaker 1", "speaker 4"], max_epochs=1).fit(X, y, groups=names)
    kept = ~np.isin(groups, (1, 4))
    probe = probing().fit([x for x, keep in zip(X, kept, strict=True) if keep], y[kept])
    held_out = [x for x, keep in zip(X, kept, strict=True) if not keep]
    assert chosen.trials_["valid_score"][0] == pytest.approx(probe.score(held_out, y[~kept]))
    with pytest.raises(ValueError, match="names groups; pass the groups of the clips to fit"):
        classifier(validation_fraction=["speaker 1"]).fit(X, y)
