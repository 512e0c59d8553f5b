"""The networks of PANNs over waveforms."""

import pytest
import torch

from sklearn_audio import nets


def on_meta(build):
    with torch.device("meta"):
        return build().eval()


@pytest.mark.parametrize("n_timepoints", [10240, 32000, 45678, 139840, 320000, 320319])
def test_wavegram_and_log_mel_meet_at_any_length(n_timepoints):
    network = on_meta(nets.WavegramLogmelCnn14)
    frames = torch.empty(1, 1 + n_timepoints // 320, 64, device="meta")
    assert network(torch.empty(1, n_timepoints, device="meta"), frames).shape == (1, 2048)
