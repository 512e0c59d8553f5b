"""Rows of one length: windows, filling up, frames that are computed batch by batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_audio import Ragged
from sklearn_audio.augmentation import Gain, Transform
from sklearn_audio.dsp import preset
from sklearn_audio.engine.augmentation import Augmentation
from sklearn_audio.engine.training import (
    BatchFrontEnd,
    Collation,
    RowView,
    ScratchValues,
    SegmentDataset,
    predict_logits,
)
from sklearn_audio.nets import FrameNetwork

ROWS = RowView.of(Ragged.from_list([np.arange(1, n + 1, dtype=np.float32)[:, None] for n in (2, 5, 11)]))
ALL = np.arange(3)


def windows(collation, rows=ROWS, **options):
    values, lengths = collation.collate(rows, ALL, **options)
    return values[..., 0].tolist(), lengths.tolist()


def test_short_rows_are_repeated():
    assert windows(Collation(5, short_clip="tile")) == ([[1, 2, 1, 2, 1], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]], [5, 5, 5])


def test_short_rows_are_filled_up_and_the_network_is_told():
    values, lengths = windows(Collation(5, "start", "zero", pad_value=9))
    assert (values[0], lengths) == ([1, 2, 9, 9, 9], [2, 5, 5])


def test_the_window_in_the_middle():
    assert windows(Collation(3, "center"))[0][1:] == [[2, 3, 4], [5, 6, 7]]


def test_random_windows_come_from_the_generator_alone():
    collation = Collation(3, "random")
    assert windows(collation) == windows(Collation(3, "center"))
    drawn = [windows(collation, rng=np.random.default_rng(seed))[0] for seed in (0, 0, *range(40))]
    assert drawn[0] == drawn[1]
    assert {row[2][0] for row in drawn} == set(range(1, 10))
    assert all(row[2][2] - row[2][0] == 2 for row in drawn)


def test_empty_rows_fill_the_tensor():
    values, lengths = Collation(3, "center", "tile").collate(ROWS, np.array([1]), n_rows=3)
    assert values.shape == (3, 3, 1)
    assert not values[1:].any()
    assert lengths.tolist() == [3, 1, 1]


class Marked(Transform):
    """Adds one, for a test that counts."""

    def change(self, array, rng, sample_rate=None):
        return array + sample_rate


def test_augmentation_is_for_training_only_and_knows_the_rate():
    collation = Collation(2, "start", front_end=BatchFrontEnd(None, 100.0, (Marked(),)))
    rows = RowView.of(Ragged.from_list([np.zeros(4, np.float32)]))
    assert not collation.collate(rows, np.array([0]))[0].any()
    assert (collation.collate(rows, np.array([0]), np.random.default_rng(0))[0] == 100).all()
    assert not rows[0].any()


@pytest.mark.parametrize("name", ["panns_8k", "vggish", "ast", "few_audio", "efficientat"])
@pytest.mark.parametrize("n_steps", [1, 2, 17])
def test_windows_of_waveforms_give_enough_frames(name, n_steps):
    front_end = preset(name)
    computing = BatchFrontEnd(front_end)
    assert front_end.n_frames(computing.n_items(n_steps)) >= n_steps
    waveforms = RowView.of(Ragged.from_list([np.random.default_rng(0).normal(size=200_000).astype(np.float32)]))
    values, lengths = Collation(n_steps, "start", front_end=computing).collate(waveforms, np.array([0]))
    assert values.shape == (1, n_steps, front_end.n_features)
    assert lengths.tolist() == [n_steps]
    # but for those at the end, whose surroundings were cut, frames are those of the clip
    if n_steps > 4 and front_end.top_db is None:
        whole = front_end(torch.from_numpy(waveforms[0]))
        torch.testing.assert_close(values[0, :12], whole[:12], atol=1e-4, rtol=1e-4)


def test_items_as_the_network_sees_them():
    waveforms = RowView.of(Ragged.from_list([np.zeros(3000, np.float32), np.zeros(900, np.float32)]))
    front_end = preset("panns_8k")
    made = Collation(4, front_end=BatchFrontEnd(front_end))
    assert made.item_shape(waveforms) == (64,)
    assert [block.shape for block in made.blocks(waveforms)] == [(front_end.n_frames(n), 64) for n in (3000, 900)]
    assert Collation(4, front_end=BatchFrontEnd(None)).item_shape(waveforms) == ()
    assert sum(map(len, Collation(4).blocks(waveforms))) == 3900


def test_a_dataset_has_batches():
    data = SegmentDataset(ROWS, np.array([0, 1, 0]), np.array([1, 2, 3], np.float32), Collation(3, "start", "tile"))
    batch = data.batch(np.array([2, 0]))
    assert batch.inputs.values[..., 0].tolist() == [[1, 2, 3], [1, 2, 1]]
    assert batch.inputs.weights.tolist() == [3, 1]
    assert batch.targets.tolist() == [0, 0]
    assert (len(data), data.length) == (3, 3)
    assert data.select(np.array([1])).batch(np.array([0])).targets.tolist() == [1]
    assert (len(data[2][0]), data[2][1]) == (11, 0)


@pytest.mark.parametrize("short_clip", ["tile", "zero"])
def test_waveforms_are_mixed_before_their_frames_are_computed(short_clip):
    rng, front_end = np.random.default_rng(0), preset("panns_8k")
    rows = RowView.of(Ragged.from_list([rng.normal(size=n).astype(np.float32) for n in (900, 4000, 1500, 6000)]))
    collation = Collation(30, "random", short_clip, front_end=BatchFrontEnd(front_end, 8000.0, (Gain(),)))
    mixup = Augmentation(1.0, n_classes=2)
    collation = replace(collation, mixup=mixup)
    weights = np.array([1, 2, 3, 4], np.float32)
    data = SegmentDataset(rows, np.array([0, 1, 0, 1]), weights, collation)
    chosen = np.array([3, 0, 1, 2])
    batch = data.batch(chosen, np.random.default_rng(5))
    again = np.random.default_rng(5)
    plain = SegmentDataset(rows, data.targets, weights, replace(collation.before_frames(), mixup=None)).batch(
        chosen, again
    )
    lengths = plain.inputs.lengths
    assert lengths.tolist() == [2400, 900, 2400, 1500]
    wanted = mixup(plain, again)
    assert torch.equal(batch.targets, wanted.targets)
    assert torch.equal(batch.inputs.weights, wanted.inputs.weights)
    assert ((batch.targets > 0) & (batch.targets < 1)).any()
    for row, waveform, n in zip(batch.inputs.values, wanted.inputs.values, lengths, strict=True):
        frames = front_end(waveform[:n])[:30]
        torch.testing.assert_close(row[: len(frames)], frames)
        repeated = frames[:1] if short_clip == "tile" else torch.zeros(1, 64)
        torch.testing.assert_close(row[len(frames) : len(frames) + 1], repeated[: 30 - len(frames)])
    # neither validation nor prediction is mixed
    assert data.batch(chosen).targets.tolist() == [1, 0, 1, 0]
    assert torch.equal(data.batch(chosen).inputs.values, collation.collate(rows, chosen)[0])
    assert data.select(chosen).collation is collation


def test_where_no_frames_are_computed_there_is_nothing_before_them():
    waveforms = Collation(3, front_end=BatchFrontEnd(None))
    assert waveforms.before_frames() is waveforms
    padded = waveforms.collate(RowView.of(Ragged.from_list([np.zeros(2, np.float32)])), np.array([0]))
    assert waveforms.compute_frames(padded) is padded


def test_threads_work_where_there_is_something_to_do():
    def n_jobs(rows=ROWS, **options):
        collation = Collation(3, front_end=BatchFrontEnd(None, **options) if options else None)
        return SegmentDataset(rows, ALL, np.ones(3, np.float32), collation, 2).n_jobs

    assert n_jobs() is None
    assert n_jobs(transforms=(Gain(),)) == 2
    in_file = RowView(ScratchValues((1,)), ROWS.starts, ROWS.lengths)
    assert n_jobs(in_file) == 2


@pytest.mark.parametrize(
    ("name", "one_by_one"), [("cnn4", True), ("crnn", True), ("cnn6", True), ("timbre", True), ("timbre", False)]
)
def test_logits_of_a_row_do_not_depend_on_others(name, one_by_one):
    rng = np.random.default_rng(0)
    rows = RowView.of(Ragged.from_list([rng.normal(size=(n, 40)).astype(np.float32) for n in (9, 40, 25, 33, 70)]))
    network = FrameNetwork(3, n_features=40, architecture=name, n_frames=32).eval()
    options = {"device": torch.device("cpu"), "one_by_one": one_by_one}
    wanted = predict_logits(network, rows, Collation(32, "center", "tile"), **options)
    assert wanted.shape == (5, 3)
    for i in range(5):
        alone = predict_logits(network, rows[np.array([i])], Collation(32, "center", "tile"), **options)[0]
        np.testing.assert_allclose(alone, wanted[i], rtol=0, atol=1e-5)
        if one_by_one:
            assert np.array_equal(alone, wanted[i])
