"""Fits that are interrupted: what is saved, what continues, and what is refused."""

import os
import pickle
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler

from sklearn_audio.engine.training import Checkpoint, GradientAccumulation, WeightAveraging
from sklearn_audio.engine.training._checkpoint import read_state, write_state
from tests.engine.training.trainable import Normed, Plain, assert_same, clips, trained, weights_of

RUN = {"estimator": "Plain", "lr": "0.1"}


class Interruption(Exception):
    """An interrupt from outside."""


class Interrupt(Callback):
    """Raises at a batch of training, counted over the whole of it."""

    batches_left: ClassVar[int] = -1

    def on_batch_end(self, net, training=None, **kwargs):
        if training:
            type(self).batches_left -= 1
            if self.batches_left == 0:
                raise Interruption("pulled the plug")


class Drawing(torch.nn.Module):
    """A network that draws random numbers, as dropout does."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2))

    def forward(self, values, lengths):
        return self.layers(values.mean(dim=1))


@pytest.fixture
def no_sync(monkeypatch):
    # nobody pulls the plug here, and the disk is slow
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def interrupted(folder, n_batches, network=Plain, valid=None, **options):
    """Train until a batch, then again in the same folder."""
    options = {"callbacks": [Interrupt()]} | options
    for Interrupt.batches_left in (n_batches, -1):
        checkpoint = Checkpoint(folder, RUN, [0])
        try:
            return trained(network, valid, checkpoint, **options)
        except Interruption:
            continue
    raise RuntimeError("it was interrupted twice")


OPTIONS = {
    "plain": {},
    "adamw and a schedule": {"optimizer": "adamw", "lr": 0.01, "lr_schedule": "cosine", "warmup": 1.5},
    "plateau": {"lr_schedule": "plateau", "patience": 2, "lr": 1.5, "n_epochs": 9},
    "early stopping": {"early_stopping": True, "patience": 2, "lr": 1.5, "n_epochs": 9},
    "ema": {"callbacks": [Interrupt(), WeightAveraging()]},
    "swa": {"callbacks": [Interrupt(), WeightAveraging("swa")], "n_epochs": 8},
    "accumulated": {"callbacks": [Interrupt(), GradientAccumulation(4)]},
    "sampler": {"sampler": "balanced"},
    "scores of classes": {"sampler": "worst_class"},
    "callbacks": {
        "callbacks": [
            Interrupt(),
            EpochScoring("f1_macro", lower_is_better=False),
            EarlyStopping("f1_macro", lower_is_better=False, patience=3),
            LRScheduler("StepLR", step_size=1, gamma=0.5),
        ]
    },
}


@pytest.mark.parametrize("n_batches", [2, 6, 17])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.usefixtures("no_sync")
def test_interrupted_training_ends_at_the_same_bits(tmp_path, options, n_batches):
    valid = clips(n_rows=16, seed=3)
    Interrupt.batches_left = -1
    whole = trained(Normed, valid, **({"callbacks": [Interrupt()]} | options))
    resumed = interrupted(tmp_path, n_batches, Normed, valid, **options)
    assert_same(weights_of(resumed), weights_of(whole))
    assert len(resumed.history) == len(whole.history)
    for one, other in zip(resumed.history, whole.history, strict=True):
        assert {k: v for k, v in one.items() if k in ("train_loss", "valid_loss", "lr", "valid_score")} == {
            k: v for k, v in other.items() if k in ("train_loss", "valid_loss", "lr", "valid_score")
        }


@pytest.mark.parametrize("n_batches", [2, 17])
@pytest.mark.usefixtures("no_sync")
def test_random_numbers_go_on_where_they_were(tmp_path, n_batches):
    resumed = interrupted(tmp_path, n_batches, Drawing)
    Interrupt.batches_left = -1
    assert_same(weights_of(resumed), weights_of(trained(Drawing, callbacks=[Interrupt()])))


@pytest.mark.parametrize(("n_batches", "n_epochs"), [(1, 0), (5, 0), (6, 0), (7, 1), (12, 1), (13, 2), (23, 3)])
def test_the_start_and_the_end_of_every_epoch_are_saved(tmp_path, n_batches, n_epochs):
    Interrupt.batches_left = n_batches
    with pytest.raises(Interruption):
        trained(checkpoint=Checkpoint(tmp_path, RUN, [0]), callbacks=[Interrupt()])
    assert [row["epoch"] for row in Checkpoint(tmp_path, RUN, [0]).saved["history"]] == [*range(1, n_epochs + 1)]


@pytest.mark.usefixtures("no_sync")
def test_interrupted_again_and_again_it_ends_at_the_same_bits(tmp_path):
    """A try that ends within an epoch has gained the epochs before."""
    options = {"callbacks": [Interrupt(), WeightAveraging()], "lr_schedule": "onecycle"}
    Interrupt.batches_left = -1
    whole = trained(Normed, **options)
    for n_batches, n_epochs in ((3, 0), (7, 1), (7, 2), (2, 2), (7, 3)):
        Interrupt.batches_left = n_batches
        with pytest.raises(Interruption):
            trained(Normed, checkpoint=Checkpoint(tmp_path, RUN, [0]), **options)
        assert len(Checkpoint(tmp_path, RUN, [0]).saved["history"]) == n_epochs
    Interrupt.batches_left = -1
    assert_same(weights_of(trained(Normed, checkpoint=Checkpoint(tmp_path, RUN, [0]), **options)), weights_of(whole))


def test_done_is_done(tmp_path):
    """The file goes, and the next fit begins anew; one that was killed right at the end only ends."""
    folder = tmp_path / "made" / "for it"
    whole = trained(checkpoint=Checkpoint(folder, RUN, [0]))
    ended = Checkpoint(folder, RUN, [0])
    assert_same(weights_of(trained(checkpoint=ended)), weights_of(whole))
    ended.remove()
    assert list(folder.iterdir()) == []
    # an interrupt right after that
    ended.put_back()
    assert Checkpoint(folder, RUN, [0]).saved["history"][-1]["epoch"] == 4


def test_what_is_not_removed_is_not_put_back(tmp_path):
    checkpoint = Checkpoint(tmp_path, RUN, [0])
    checkpoint.put_back()
    checkpoint.remove()
    checkpoint.put_back()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_sync")
def test_early_stopping_may_end_training(tmp_path):
    options = {"early_stopping": True, "patience": 2, "lr": 1.5, "n_epochs": 200}
    net = trained(Plain, clips(n_rows=16, seed=3), Checkpoint(tmp_path, RUN, [0]), **options)
    assert len(net.history) < 200


def test_seeds_are_those_of_the_fit_that_is_continued(tmp_path):
    Interrupt.batches_left = 8
    with pytest.raises(Interruption):
        trained(checkpoint=Checkpoint(tmp_path, RUN, [5, 6]), callbacks=[Interrupt()])
    assert Checkpoint(tmp_path, RUN, [1, 2]).seeds == [5, 6]


@pytest.fixture
def left_behind(tmp_path):
    Interrupt.batches_left = 8
    with pytest.raises(Interruption):
        trained(checkpoint=Checkpoint(tmp_path, RUN, [0]), callbacks=[Interrupt()])
    return tmp_path


@pytest.mark.parametrize(
    ("run", "match"),
    [
        (RUN | {"lr": "0.5"}, r"checkpoint of another fit: lr was 0\.1 and is 0\.5\. Resume that fit"),
        (RUN | {"estimator": "Other", "lr": "1"}, r"estimator was Plain and is Other, lr was 0\.1 and is 1\."),
        (RUN | {"X": "blake2b:12"}, r"another fit: X differs\."),
        (RUN | {"lr": "[" + "1, " * 40}, r"another fit: lr differs\."),
    ],
)
def test_the_file_of_another_fit_is_refused(left_behind, run, match):
    """Under its own name it is left alone."""
    (saved,) = left_behind.iterdir()
    other = Checkpoint(left_behind, run, [0])
    assert other.saved is None
    trained(checkpoint=other)
    other.remove()
    assert list(left_behind.iterdir()) == [saved]
    saved.rename(other.file)
    with pytest.raises(ValueError, match=match):
        Checkpoint(left_behind, run, [0])


def test_runs_share_a_folder(tmp_path):
    """The remains that a killed process left of a file are removed with it."""
    one, other = (Checkpoint(tmp_path, RUN | {"X": name}, [0]) for name in "ab")
    for checkpoint in (one, other):
        trained(checkpoint=checkpoint)
        checkpoint.file.with_name(f".{checkpoint.file.name}.{'0' * 16}.partial").touch()
    one.remove()
    assert all(other.file.name in file.name for file in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 2


def test_another_network_is_refused(left_behind):
    with pytest.raises(ValueError, match=r"another network: the shape of layers\.2\.weight was \(2, 4\) and is none"):
        trained(Normed, checkpoint=Checkpoint(left_behind, RUN, [0]), callbacks=[Interrupt()])


@pytest.mark.parametrize("damage", ["byte", "end", "empty", "foreign"])
def test_a_damaged_file_is_refused_by_name(left_behind, damage):
    (file,) = left_behind.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    changed = {"byte": bytes(content), "end": file.read_bytes()[:-1], "empty": b"", "foreign": b"PK" + bytes(500)}
    file.write_bytes(changed[damage])
    with pytest.raises(
        ValueError, match=r"fit-\w+\.checkpoint is damaged or was not written by this library; remove it"
    ):
        Checkpoint(left_behind, RUN, [0])


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file' is a file; give a folder"):
        Checkpoint(tmp_path / "file", RUN, [0])


class Stateful(Callback):
    """Keeps what is no data."""

    def on_train_begin(self, net, **kwargs):
        self.found_ = {"numbers": [np.float64(1.0), np.int64(2)], "array": np.zeros(2)}


def test_state_that_is_no_data_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"cannot save the callback 'Stateful', attribute 'found_', which .* ndarray"):
        trained(checkpoint=Checkpoint(tmp_path, RUN, [0]), callbacks=[Stateful()])


def test_a_write_that_fails_leaves_the_file_before(tmp_path, monkeypatch):
    file = tmp_path / "state"
    write_state(file, {"n": 1})

    def fail(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        write_state(file, {"n": 2})
    assert read_state(file) == {"n": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_another_process_sweeps_is_repeated(tmp_path, monkeypatch):
    replace, moved = os.replace, []

    def swept(source, target):
        if not moved:
            Path(source).unlink()
        moved.append(source)
        replace(source, target)

    monkeypatch.setattr("os.replace", swept)
    write_state(tmp_path / "state", {"n": 2})
    assert read_state(tmp_path / "state") == {"n": 2}
    assert len(moved) == 2


def test_nothing_but_data_comes_out_of_a_file(tmp_path):
    with pytest.raises((AttributeError, pickle.PicklingError), match="<lambda>"):
        write_state(tmp_path / "state", {"code": lambda: None})
    write_state(tmp_path / "state", {"code": Interrupt()})
    with pytest.raises(Exception, match="Weights only load failed"):
        read_state(tmp_path / "state")
