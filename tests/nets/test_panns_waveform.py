"""The networks of PANNs over waveforms."""

import pytest
import torch

from sklearn_audio import nets
from sklearn_audio.dsp import preset


def on_meta(build):
    with torch.device("meta"):
        return build().eval()


@pytest.mark.parametrize("n_timepoints", [10240, 32000, 45678, 139840, 320000, 320319])
def test_wavegram_and_log_mel_meet_at_any_length(n_timepoints):
    network = on_meta(nets.WavegramLogmelCnn14)
    frames = torch.empty(1, 1 + n_timepoints // 320, 64, device="meta")
    assert network(torch.empty(1, n_timepoints, device="meta"), frames).shape == (1, 2048)


@pytest.mark.slow
def test_a_front_end_inside_gives_what_frames_give():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        inside = nets.WavegramLogmelOfWaveforms(front_end=preset("panns_32k")).eval()
    outside = nets.WavegramLogmelCnn14().eval()
    outside.load_state_dict(inside.state_dict())
    waveforms = torch.randn(2, 16000, generator=torch.Generator().manual_seed(1))
    frames = torch.stack([preset("panns_32k")(waveform) for waveform in waveforms])
    with torch.no_grad():
        torch.testing.assert_close(inside(waveforms), outside(waveforms, frames))
