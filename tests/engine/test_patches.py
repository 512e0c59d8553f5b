"""Clips to patches: what each holds, what a partial one weighs, and where they lie."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_audio.engine._patches import PatchOptions, iter_patches, longest_patch, patch_spans
from sklearn_audio.engine.models import CARDS, ClipPatching, FramePatching
from tests.standin import vggish_network

VGGISH = replace(CARDS["vggish"]["vggish"], build=vggish_network)
LEENET = replace(CARDS["panns"]["leenet11"], patching=ClipPatching(shortest=3200, seconds=1.0, whole=2.0))
MN04 = CARDS["efficientat"]["mn04_as"]
HOPS = [None, 0.05, 0.48, 0.96, 1.7]


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32)


def pieces(clip, size):
    return (clip[i : i + size] for i in range(0, len(clip), size))


def cut_clip(card, clip, block=None, **cutting):
    return list(iter_patches(card, pieces(clip, block or len(clip)), PatchOptions(**cutting)))


def test_whole_patches_are_the_frames_of_the_clip():
    clip = noise(48000)
    frames = VGGISH.front_end(torch.from_numpy(clip)).numpy()
    patches = cut_clip(VGGISH, clip, partial="drop")
    assert [patch.weights for patch in patches] == [(1.0,)] * 3
    for i, patch in enumerate(patches):
        np.testing.assert_array_equal(patch.inputs[0], frames[96 * i : 96 * i + 96])


def test_a_partial_patch_is_filled_by_the_models_rule_and_weighs_its_share():
    clip = noise(20000)
    frames = VGGISH.front_end(torch.from_numpy(clip)).numpy()
    last = cut_clip(VGGISH, clip)[-1]
    assert last.weights == ((len(frames) - 96) / 96,)
    np.testing.assert_array_equal(last.inputs[0][: len(frames) - 96], frames[96:])
    assert (last.inputs[0][len(frames) - 96 :] == np.float32(np.log(0.01))).all()


def test_what_fills_a_patch_is_silence():
    silence = VGGISH.front_end(torch.zeros(16000)).numpy()
    np.testing.assert_allclose(silence, VGGISH.patching.fill, rtol=1e-6)


@pytest.mark.parametrize(("how", "wanted"), [("tile", np.resize), ("zero", lambda x, n: np.pad(x, (0, n - len(x))))])
@pytest.mark.parametrize("n", [1, 400, 9919])
def test_short_clips_are_filled(how, wanted, n):
    card = CARDS["panns"]["cnn14"]
    clip = noise(n)
    (patch,) = cut_clip(card, clip, short_clip=how)
    filled = torch.from_numpy(np.ascontiguousarray(wanted(clip, 9920)))
    np.testing.assert_array_equal(patch.inputs[0], card.front_end(filled).numpy())
    assert patch.weights == (1.0,)


def test_clips_up_to_the_limit_are_whole_and_longer_ones_cut():
    whole, longer = noise(64000), noise(64001 + 16000)
    (patch,) = cut_clip(LEENET, whole)
    np.testing.assert_array_equal(patch.inputs[0], whole)
    first, second, last = cut_clip(LEENET, longer)
    np.testing.assert_array_equal(second.inputs[0], longer[32000:64000])
    assert (first.weights, last.weights) == ((1.0,), (16001 / 32000,))
    np.testing.assert_array_equal(last.inputs[0], np.pad(longer[64000:], (0, 15999)))


def test_a_hop_cuts_every_clip_longer_than_a_patch():
    clip = noise(48000)
    patches = cut_clip(LEENET, clip, hop=0.25)
    assert [patch.weights for patch in patches] == [(1.0,)] * 3
    np.testing.assert_array_equal(patches[1].inputs[0], clip[8000:40000])


def test_networks_that_read_both_get_both():
    card = CARDS["panns"]["wavegram_logmel_cnn14"]
    clip = noise(32000)
    (patch,) = cut_clip(card, clip)
    np.testing.assert_array_equal(patch.inputs[0], clip)
    assert patch.inputs[1].shape == (101, 64)


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("partial", ["weight", "drop"])
@pytest.mark.parametrize("card", [VGGISH, LEENET, replace(MN04, patching=LEENET.patching)], ids=lambda card: card.name)
@settings(max_examples=12, deadline=None)
@given(n=st.integers(1, 100_000), block=st.sampled_from([997, 16000, 200_000]))
def test_spans_count_the_patches_and_blocks_do_not_matter(card, partial, hop, n, block):
    clip = noise(n)
    patches = cut_clip(card, clip, block, partial=partial, hop=hop)
    where = patch_spans(card, n, PatchOptions(hop, partial))
    assert len(where) == len(patches)
    assert (where[:, 1] > where[:, 0]).all()
    assert where[:, 1].max() <= n / card.sample_rate
    for patch, again in zip(patches, cut_clip(card, clip, partial=partial, hop=hop), strict=True):
        assert patch.weights == again.weights
        np.testing.assert_array_equal(patch.inputs[0], again.inputs[0])


def test_spans_of_patches():
    assert patch_spans(VGGISH, 20000, PatchOptions()).tolist() == [[0.0, 0.96], [0.96, 1.25]]
    assert patch_spans(VGGISH, 20000, PatchOptions(hop=0.2, partial="drop")).tolist() == [[0.0, 0.96], [0.2, 1.16]]
    assert patch_spans(LEENET, 80000, PatchOptions()).tolist() == [[0.0, 1.0], [1.0, 2.0], [2.0, 2.5]]
    assert patch_spans(VGGISH, 10, PatchOptions()).tolist() == [[0.0, 10 / 16000]]


def test_a_second_of_musicnn_is_62_frames():
    card = replace(VGGISH, front_end=CARDS["musicnn"]["msd_musicnn"].front_end, patching=FramePatching(187, 47616))
    assert patch_spans(card, 16000 * 10, PatchOptions(hop=1.0, partial="drop"))[1, 0] == 62 * 256 / 16000


SPEECH = CARDS["speech"]["speech_embedding"]


def windows_of(patches, size=76, hop=8):
    """The windows of each piece, one by one, without those beyond its weights."""
    pieces = [patch.inputs[0][hop * i : hop * i + size] for patch in patches for i in range(len(patch.weights))]
    return np.stack(pieces), np.concatenate([patch.weights for patch in patches])


@pytest.mark.parametrize("partial", ["weight", "drop"])
@pytest.mark.parametrize("n", [20480, 20481, 21000, 21760, 53000, 61600, 100000, 16000 * 9, 16000 * 31])
def test_windows_in_pieces_are_those_one_by_one(n, partial):
    clip = noise(n)
    patches = cut_clip(SPEECH, clip, block=7001, partial=partial)
    assert {len(patch.inputs[0]) for patch in patches} <= {76 + 8 * (n - 1) for n in SPEECH.patching.joint}
    single = replace(SPEECH, patching=replace(SPEECH.patching, joint=(1,)))
    for got, wanted in zip(windows_of(patches), windows_of(cut_clip(single, clip, partial=partial)), strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert len(patch_spans(SPEECH, n, PatchOptions(partial=partial))) == sum(len(patch.weights) for patch in patches)


def test_the_loudest_frame_of_the_clip_sets_the_floor_of_all():
    clip = noise(16000 * 3) * np.linspace(0, 1, 16000 * 3, dtype=np.float32) ** 6
    frames = SPEECH.front_end(torch.from_numpy(clip)).numpy()
    (piece,) = cut_clip(SPEECH, clip, block=4096, partial="drop")[:1]
    np.testing.assert_array_equal(piece.inputs[0][: len(frames)], frames[: len(piece.inputs[0])])
    assert (frames == frames.min()).sum() > 100


def test_frames_of_a_long_clip_wait_in_a_file(monkeypatch):
    clip = noise(16000 * 12)
    held = cut_clip(SPEECH, clip, block=4096)
    monkeypatch.setattr("sklearn_audio.engine._patches._MOST_VALUES_IN_MEMORY", 32 * 300)
    for got, wanted in zip(cut_clip(SPEECH, clip, block=4096), held, strict=True):
        np.testing.assert_array_equal(got.inputs[0], wanted.inputs[0])


def test_silence_goes_to_both_ends_of_a_short_word():
    clip = noise(4000)
    (patch,) = cut_clip(SPEECH, clip, short_clip="zero", partial="drop")
    centred = np.pad(clip, 8240)
    np.testing.assert_array_equal(patch.inputs[0][:125], SPEECH.front_end(torch.from_numpy(centred)))
    spans = patch_spans(SPEECH, 4000, PatchOptions(partial="drop"))
    assert spans.tolist() == [[0.0, 0.25]] * 7


OPENL3 = CARDS["openl3"]["env_linear"]


@pytest.mark.parametrize("partial", ["weight", "drop"])
@pytest.mark.parametrize("hop", [None, 0.25, 1.5])
@pytest.mark.parametrize("n", [3000, 24000, 24001, 28800, 48000, 100_001])
def test_windows_around_every_hop(n, hop, partial):
    """Half a window of silence before the clip; silence after it, up to the end of the last window."""
    clip, step = noise(n), round(48000 * (hop or 0.1))
    patches = cut_clip(OPENL3, clip, block=7001, short_clip="zero", hop=hop, partial=partial)
    n_windows = 1 + max(0, -(-(24000 + n - 48000) // step))
    if step > 48000 and (24000 + n - 48000) % step <= step - 48000:
        n_windows -= n_windows > 1  # would begin after the end
    padded = np.pad(clip, (24000, 48000 + n_windows * step))
    wanted = [padded[k * step : k * step + 48000] for k in range(n_windows)]
    filled = [min(48000, 24000 + n - k * step) for k in range(n_windows)]
    if partial == "drop" and n_windows > 1 and (n_windows - 1) * step + 24000 > n:
        wanted, filled = wanted[:-1], filled[:-1]
    assert len(patches) == len(wanted)
    for patch, window in zip(patches, wanted, strict=True):
        np.testing.assert_array_equal(patch.inputs[0], OPENL3.front_end(torch.from_numpy(window)))
    if len(wanted) > 1:
        np.testing.assert_allclose([patch.weights[0] for patch in patches], np.array(filled) / 48000)
    starts = np.maximum(0, np.arange(len(wanted)) * step - 24000) / 48000
    ends = np.minimum(n, np.arange(len(wanted)) * step + 24000) / 48000
    spans = patch_spans(OPENL3, n, PatchOptions(hop, partial, "zero"))
    np.testing.assert_allclose(spans, np.stack([starts, ends], axis=1))


def test_the_longest_clip_of_one_window_around_its_start():
    assert longest_patch(OPENL3, PatchOptions()) == 0.5
    assert len(patch_spans(OPENL3, 24000, PatchOptions())) == 1
    assert len(patch_spans(OPENL3, 24001, PatchOptions())) == 2


def test_the_fill_of_speech_embedding_is_silence():
    np.testing.assert_allclose(SPEECH.front_end(torch.zeros(20480)), SPEECH.patching.fill, rtol=1e-6)


YAMNET = CARDS["yamnet"]["yamnet"]


def published_patches(n):
    """The length to which YAMNet's code fills a clip, in patches."""
    return 1 + max(0, -(-(n - 15600) // 7680))


@pytest.mark.parametrize("block", [1000, 1 << 20])
@pytest.mark.parametrize("n", [1, 1600, 15600, 15601, 15760, 16000, 23279, 23280, 23281, 36800, 166400])
def test_a_clip_that_is_filled_to_its_end(n, block):
    clip = noise(n)
    patches = cut_clip(YAMNET, clip, block=block, short_clip="zero")
    n_patches = published_patches(n)
    assert len(patches) == len(patch_spans(YAMNET, n, PatchOptions(short_clip="zero"))) == n_patches
    whole = np.pad(clip, (0, 15600 + 7680 * (n_patches - 1) - n))
    frames = YAMNET.front_end(torch.from_numpy(whole)).numpy()
    for i, patch in enumerate(patches):
        np.testing.assert_allclose(patch.inputs[0], frames[48 * i : 48 * i + 96], atol=1e-5)
    # frames that begin within the clip
    begun = min(96, -(-n // 160) - 48 * (n_patches - 1))
    assert patches[-1].weights == (1.0 if n_patches == 1 else begun / 96,)
    assert {patch.weights for patch in patches[:-1]} <= {(1.0,)}


@pytest.mark.parametrize("hop", [None, 0.1, 0.96, 2.0])
@pytest.mark.parametrize("partial", ["weight", "drop"])
@pytest.mark.parametrize("n", [15600, 15601, 17000, 40000, 47600, 47601, 48000, 100000])
def test_spans_of_clips_that_are_filled_to_their_end(n, partial, hop):
    patches = cut_clip(YAMNET, noise(n), block=4096, partial=partial, hop=hop)
    spans = patch_spans(YAMNET, n, PatchOptions(hop, partial))
    assert len(spans) == len(patches)
    assert (spans[:, 1] > spans[:, 0]).all()
    assert spans[-1, 1] <= n / 16000
    if partial == "drop":
        assert {patch.weights for patch in patches} == {(1.0,)}
        frames = YAMNET.front_end(torch.from_numpy(noise(n))).numpy()
        step = round(100 * (hop or 0.48))
        assert len(patches) == 1 + (len(frames) - 96) // step


def test_the_fill_of_yamnet_is_silence():
    np.testing.assert_allclose(YAMNET.front_end(torch.zeros(15600)), YAMNET.patching.fill, rtol=1e-6)
