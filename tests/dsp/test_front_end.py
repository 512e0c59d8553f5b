"""FrontEnd: conventions, streaming, odd clips. Parity with other libraries stands in tests/parity."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_audio.dsp import PRESETS, FrontEnd, FrontEndModule, preset


def noise(n, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32))


@pytest.mark.parametrize("name", sorted(PRESETS))
@pytest.mark.parametrize("n_timepoints", [1, 2, 10, 400, 1000, 30_000])
def test_frames_are_counted_and_finite(name, n_timepoints):
    front_end = PRESETS[name]
    frames = front_end(noise(n_timepoints))
    assert frames.shape == (front_end.n_frames(n_timepoints), front_end.n_features)
    assert torch.isfinite(frames).all()


@pytest.mark.parametrize("name", sorted(PRESETS))
@pytest.mark.parametrize("piece", [1000, 77_777])
def test_a_clip_in_pieces_is_the_whole_clip_to_the_bit(name, piece):
    front_end, waveform = PRESETS[name], noise(600_000)
    stream, parts = front_end.stream(), []
    for first in range(0, len(waveform), piece):
        parts += list(stream.feed(waveform[first : first + piece]))
    parts += list(stream.finish())
    assert len(parts) > 1
    assert torch.equal(front_end.finish(torch.cat(parts)), front_end(waveform))


def test_single_timepoints_make_a_clip_too():
    front_end, waveform = FrontEnd(n_fft=16, hop_length=5, n_mels=2), noise(50)
    stream = front_end.stream()
    parts = [part for value in waveform for part in stream.feed(value[None])] + list(stream.finish())
    assert torch.equal(front_end.finish(torch.cat(parts)), front_end(waveform))


@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
@pytest.mark.parametrize("n_timepoints", [1, 2, 3, 100, 511, 512, 513, 5000])
def test_padding_is_that_of_numpy(pad_mode, n_timepoints):
    waveform = noise(n_timepoints)
    padded = torch.from_numpy(np.pad(waveform.numpy(), 512, mode=pad_mode))
    centred = FrontEnd(pad_mode=pad_mode, top_db=None)
    assert torch.equal(centred(waveform), replace(centred, center=False)(padded))


@pytest.mark.parametrize("win_length", [512, 300])
@pytest.mark.parametrize("n_timepoints", [1, 2, 90, 100, 101, 511, 512, 513, 5000])
def test_zeros_at_the_end_complete_all_frames_that_begin_in_the_clip(n_timepoints, win_length):
    waveform = noise(n_timepoints)
    plain = FrontEnd(n_fft=512, win_length=win_length, hop_length=100, center=False, top_db=None)
    ended = replace(plain, pad_end=True)
    n_frames = -(-n_timepoints // 100)
    padded = torch.from_numpy(np.pad(waveform.numpy(), (0, (n_frames - 1) * 100 + 512 - n_timepoints)))
    assert ended.n_frames(n_timepoints) == n_frames
    assert torch.equal(ended(waveform), plain(padded))
    torch.testing.assert_close(ended.module()(waveform[None])[0], plain(padded), rtol=1e-4, atol=1e-3)
    stream = ended.stream()
    parts = [part for value in waveform.split(37) for part in stream.feed(value)] + list(stream.finish())
    assert torch.equal(torch.cat(parts), plain(padded))


def test_zeros_at_the_end_have_one_meaning():
    with pytest.raises(ValueError, match="pad_end=True adds zeros where center=True has padding; set one of them to F"):
        FrontEnd(pad_end=True)


def test_hop_beyond_the_window():
    front_end = FrontEnd(n_fft=64, hop_length=500, n_mels=4, center=False)
    waveform = noise(400_000)
    stream = front_end.stream()
    parts = [p for i in range(0, 400_000, 999) for p in stream.feed(waveform[i : i + 999])] + list(stream.finish())
    assert torch.equal(front_end.finish(torch.cat(parts)), front_end(waveform))
    assert len(front_end(waveform)) == front_end.n_frames(400_000) == 1 + (400_000 - 64) // 500


def test_a_shift_of_the_window_within_the_frame_does_not_change_magnitudes():
    """Frames are read under the window alone, which is what a transform of the whole padded frame gives."""
    from scipy.signal import get_window

    front_end = FrontEnd(
        sample_rate=16000, n_fft=512, win_length=300, n_mels=None, log=None, center=False, hop_length=100
    )
    waveform = noise(2000).double()
    window = np.pad(get_window("hann", 300), (106, 106))
    frames = np.lib.stride_tricks.sliding_window_view(waveform.numpy(), 512)[::100]
    wanted = np.abs(np.fft.rfft(frames * window)) ** 2
    np.testing.assert_allclose(front_end(waveform).numpy(), wanted, rtol=1e-9, atol=1e-12)


def test_remove_dc_and_frame_preemphasis():
    front_end = FrontEnd(
        n_fft=8,
        hop_length=8,
        n_mels=None,
        log=None,
        center=False,
        remove_dc=True,
        preemphasis=0.9,
        window="rectangular",
    )
    x = np.random.default_rng(1).normal(size=8)
    y = x - x.mean()
    y = y - 0.9 * np.r_[y[0], y[:-1]]
    np.testing.assert_allclose(front_end(torch.from_numpy(x))[0].numpy(), np.abs(np.fft.rfft(y)) ** 2, rtol=1e-10)


def test_waveform_preemphasis_shortens_by_one():
    front_end = FrontEnd(
        n_fft=8, hop_length=1, n_mels=None, log=None, center=False, preemphasis=0.9, preemphasis_scope="waveform"
    )
    x = noise(40)
    wanted = replace(front_end, preemphasis=0.0)(x[1:] - 0.9 * x[:-1])
    assert torch.equal(front_end(x), wanted)
    assert front_end.n_frames(40) == len(wanted)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"log": None}, lambda x: x),
        ({"log": "ln", "log_offset": 0.01, "log_floor": 0.0}, lambda x: np.log(x + 0.01)),
        ({"log": "log10", "log_gain": 10.0, "log_offset": 1.0}, lambda x: np.log10(10 * x + 1)),
        ({"log": "ln", "log_floor": 1e-3}, lambda x: np.log(np.maximum(x, 1e-3))),
        ({"log": "db", "top_db": None}, lambda x: 10 * np.log10(np.maximum(x, 1e-10))),
        ({"log": "db", "top_db": 30.0}, lambda x: np.maximum(10 * np.log10(x), 10 * np.log10(x.max()) - 30)),
        ({"log": "db", "ref": 4.0, "top_db": None}, lambda x: 10 * np.log10(x / 4)),
        ({"log": "db", "ref": "max", "top_db": 25.0}, lambda x: np.maximum(10 * np.log10(x / x.max()), -25)),
        ({"log": "db", "top_db": None, "mean": -4.0, "std": 2.0}, lambda x: (10 * np.log10(x) + 4) / 2),
        (
            {"log": "db", "top_db": 30.0, "mean": -4.0, "std": 2.0},
            lambda x: (np.maximum(10 * np.log10(x), 10 * np.log10(x.max()) - 30) + 4) / 2,
        ),
        (
            {"log": "db", "ref": "max", "top_db": None, "mean": 5.0, "std": 2.0},
            lambda x: (10 * np.log10(x / x.max()) - 5) / 2,
        ),
    ],
)
def test_compression(settings, wanted):
    waveform = noise(20_000).double()
    powers = FrontEnd(log=None)(waveform).numpy()
    np.testing.assert_allclose(FrontEnd(**settings)(waveform).numpy(), wanted(powers), rtol=1e-9, atol=1e-9)


def test_decibels_of_magnitudes_count_twenty():
    magnitudes = FrontEnd(power=1.0, log=None)(noise(5000))
    torch.testing.assert_close(FrontEnd(power=1.0, top_db=None)(noise(5000)), 20 * magnitudes.log10())


def test_half_precision_stays_finite_where_float16_overflows():
    loud = FrontEnd(half_precision=True, log="log10", log_gain=10000.0, log_offset=1.0)(noise(20_000) * 1e4)
    assert torch.isfinite(loud).all()
    assert loud.max() == pytest.approx(np.log10(65504), abs=5e-3)


def test_precision_follows_the_waveform():
    assert FrontEnd()(noise(2000).double()).dtype == torch.float64
    assert FrontEnd()(noise(2000)).dtype == torch.float32


def test_front_ends_are_values():
    assert preset("panns_32k") == pickle.loads(pickle.dumps(preset("panns_32k")))
    assert len({preset("vggish"), preset("vggish"), preset("ast")}) == 2
    assert preset("vggish", n_mels=32).n_features == 32
    assert preset("deep_audio_features", sample_rate=8000).hop_length == 400
    assert preset("deep_audio_features", sample_rate=8000, n_fft=512).n_fft == 512


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: FrontEnd(win_length=2048), "win_length=2048 must lie between 1 and n_fft=1024"),
        (lambda: FrontEnd(hop_length=0), "hop_length=0 must be at least 1 timepoint"),
        (lambda: FrontEnd(window="kaiser"), "unknown window 'kaiser'; choose one of"),
        (lambda: FrontEnd(log_floor=0.0), "the logarithm of silence needs log_floor > 0 or log_offset > 0"),
        (lambda: FrontEnd(std=0.0), "std must not be 0"),
        (lambda: FrontEnd(fmax=20_000.0), "fmin=0.0 and fmax=20000.0 do not fit sample_rate=22050"),
        (
            lambda: FrontEnd()(torch.zeros(0)),
            r"need one waveform of shape \(n_timepoints,\) that is not empty, got \(0,\)",
        ),
        (lambda: FrontEnd()(torch.zeros(2, 5)), r"got \(2, 5\)"),
        (lambda: list(FrontEnd().stream().finish()), "a waveform without timepoints has no frames"),
        (lambda: preset("leaf"), "unknown front end 'leaf'; choose one of"),
    ],
)
def test_mistakes(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_an_unknown_field_is_a_type_error():
    with pytest.raises(TypeError, match="n_bands"):
        preset("vggish", n_bands=3)


def test_feeding_nothing_is_no_clip():
    stream = FrontEnd().stream()
    assert list(stream.feed(torch.zeros(0))) == []
    with pytest.raises(ValueError, match="a waveform without timepoints has no frames"):
        list(stream.finish())


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_batch_of_ragged_clips_equals_clip_by_clip(name):
    front_end = PRESETS[name]
    clips = [noise(n, seed=n) for n in (1, 30_000, 700, 100_000, 16_000)]
    batch = front_end.batch(clips)
    for frames, clip in zip(batch, clips, strict=True):
        wanted = front_end(clip)
        assert frames.shape == wanted.shape
        torch.testing.assert_close(frames, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))
    # to the bit: not who stands beside a clip, nor where
    for frames, again in zip(batch, front_end.batch(clips[::-1])[::-1], strict=True):
        assert torch.equal(frames, again)
    assert front_end.batch([]) == []


def test_a_batch_refuses_an_empty_clip():
    with pytest.raises(ValueError, match="need one waveform of shape"):
        FrontEnd().batch([torch.zeros(5), torch.zeros(0)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", sorted(PRESETS))
def test_cuda_equals_cpu(name):
    front_end, clip = PRESETS[name], noise(100_000)
    wanted = front_end(clip)
    for frames in (front_end(clip.cuda()), front_end.batch([clip.cuda()])[0]):
        torch.testing.assert_close(frames.cpu(), wanted, rtol=1e-3, atol=1e-3)


# modules of a network

SETTINGS = {name: PRESETS[name] for name in sorted(PRESETS)} | {
    "default": FrontEnd(),
    "max": FrontEnd(ref="max", top_db=60.0, mean=-30.0, std=20.0),
    "magnitudes": FrontEnd(n_mels=None, log=None, power=1.0),
    "reflect": FrontEnd(pad_mode="reflect", win_length=400, power=1.5, log="ln", log_floor=1e-5),
    "left": FrontEnd(window_align="left", win_length=400, center=False, remove_dc=True, preemphasis=0.97),
}
modules = pytest.mark.parametrize("front_end", SETTINGS.values(), ids=SETTINGS)


def noises(n_clips, n_timepoints):
    return torch.stack([noise(n_timepoints, seed) for seed in range(n_clips)])


@modules
@pytest.mark.parametrize("n_timepoints", [1, 2, 399, 1000, 30_000])
def test_a_module_computes_the_frames_of_each_clip(front_end, n_timepoints):
    waveforms = noises(3, n_timepoints)
    waveforms[1] *= 100  # each has a maximum of its own
    wanted = torch.stack([front_end(waveform) for waveform in waveforms])
    found = front_end.module()(waveforms)
    assert found.shape == (3, front_end.n_frames(n_timepoints), front_end.n_features)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


@modules
def test_gradients_reach_the_waveform(front_end):
    front_end = replace(front_end, half_precision=False)  # differences of float16 are steps
    small = {"sample_rate": 1000, "n_fft": 16, "win_length": 12, "hop_length": 5, "fmin": 0.0, "fmax": None}
    front_end = replace(front_end, n_mels=front_end.n_mels and 3, **small)
    module = FrontEndModule(front_end, dtype=torch.float64)
    waveforms = noises(2, 23).double().requires_grad_()
    assert torch.autograd.gradcheck(module, waveforms)
    # and through the front end itself
    assert torch.autograd.gradcheck(lambda waveform: front_end(waveform), waveforms[0].detach().requires_grad_())


class FFT(torch.nn.Module):
    def forward(self, waveforms):
        return torch.fft.rfft(waveforms)


@pytest.fixture(scope="module")
def torch_exports_fft():
    try:
        torch.export.export(FFT(), (torch.zeros(2, 8),), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    except torch._dynamo.exc.Unsupported:
        pytest.skip(f"torch {torch.__version__} exports no FFT of any number of clips")


@pytest.mark.usefixtures("torch_exports_fft")
@pytest.mark.parametrize("name", ["efficientat", "musicnn", "max", "magnitudes", "reflect", "left"])
def test_a_module_is_exported(name):
    """As a graph of torch that holds for any number of clips, of any length."""
    module, waveforms, others = SETTINGS[name].module(), noises(2, 16_000), noises(5, 23_456)
    free = torch.export.Dim.AUTO
    exported = torch.export.export(module, (waveforms,), dynamic_shapes=({0: free, 1: free},)).module()
    assert torch.equal(exported(waveforms), module(waveforms))
    assert torch.equal(exported(others), module(others))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # from the exporter of torch
@pytest.mark.parametrize("name", ["vggish", "panns_32k", "ast"])
def test_onnx_runtime_computes_the_same_frames(name):
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime, of the extra `slow`")
    pytest.importorskip("onnxscript", reason="needs onnxscript, of the extra `slow`")
    module, free = preset(name).module(), torch.export.Dim.AUTO
    exported = torch.export.export(module, (noises(2, 16_000),), dynamic_shapes=({0: free, 1: free},))
    model = torch.onnx.export(exported, dynamo=True, verbose=False).model_proto.SerializeToString()
    session = runtime.InferenceSession(model)
    for waveforms in (noises(2, 16_000), noises(5, 23_456)):
        (frames,) = session.run(None, {session.get_inputs()[0].name: waveforms.numpy()})
        np.testing.assert_allclose(frames, module(waveforms), atol=2e-3)


def test_state_and_copies_of_a_module():
    module = preset("vggish").module()
    state = module.state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == {"window": (400,), "filters": (257, 64)}
    assert list(module.parameters()) == []
    assert list(FrontEnd(n_mels=None).module().state_dict()) == ["window"]
    module.window.zero_()
    other = preset("vggish").module()
    assert not torch.equal(other.window, module.window)
    other.load_state_dict(state)
    assert torch.equal(other.window, module.window)
    with pytest.raises(RuntimeError, match="size mismatch for filters"):
        preset("vggish", n_mels=32).module().load_state_dict(state)
    other = preset("vggish").module()
    for copied in (pickle.loads(pickle.dumps(other)), copy.deepcopy(other)):
        assert torch.equal(copied(noises(2, 9000)), other(noises(2, 9000)))


def test_no_front_end_sees_what_is_done_to_a_module():
    front_end = preset("vggish")
    wanted = front_end(noise(9000))
    front_end.module().window.zero_()
    assert torch.equal(front_end(noise(9000)), wanted)


def test_a_module_moves_and_keeps_its_precision():
    assert FrontEnd().module().to("meta")(torch.zeros(2, 9000, device="meta")).shape == (2, 18, 64)
    module = FrontEndModule(FrontEnd(), dtype=torch.float64)
    wanted = FrontEnd()(noise(9000).double())
    assert torch.equal(module(noises(1, 9000).double())[0], wanted)
    single = FrontEnd().module()
    with torch.autocast("cpu", torch.bfloat16):
        found = single(noises(2, 9000))
    assert torch.equal(found, single(noises(2, 9000)))


@pytest.mark.parametrize(
    ("waveforms", "error", "match"),
    [
        (torch.zeros(9000), ValueError, r"need waveforms of shape \(n_clips, n_timepoints\) .* got \(9000,\)"),
        (torch.zeros(2, 0), ValueError, r"that are not empty, got \(2, 0\)"),
        (torch.zeros(2, 1, 9000), ValueError, r"got \(2, 1, 9000\)"),
        (
            torch.zeros(2, 90).double(),
            TypeError,
            r"are torch.float64, but the front end computes in torch.float32; conv",
        ),
        (torch.zeros(2, 90).long(), TypeError, r"are torch.int64, but"),
    ],
)
def test_mistakes_with_a_module(waveforms, error, match):
    with pytest.raises(error, match=match):
        FrontEnd().module()(waveforms)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@modules
def test_a_module_on_cuda_equals_that_on_the_cpu(front_end):
    module, waveforms = front_end.module(), noises(3, 30_000)
    wanted = module(waveforms)
    torch.testing.assert_close(module.cuda()(waveforms.cuda()).cpu(), wanted, rtol=1e-3, atol=1e-3)
