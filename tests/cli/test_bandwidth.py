"""Sound above half of the chosen rate: measured, and said where it is much."""

import numpy as np
import pytest
import soundfile

from sklearn_audio.cli._bandwidth import share_above

T = np.arange(44100) / 44100
pytestmark = pytest.mark.usefixtures("few_settings")


@pytest.mark.parametrize("amplitude", [0.0, 0.1, 0.3])
def test_the_share_of_two_tones(tmp_path, amplitude):
    wave = 0.4 * np.sin(2 * np.pi * 1000 * T) + amplitude * np.sin(2 * np.pi * 12000 * T)
    soundfile.write(tmp_path / "t.wav", wave, 44100, subtype="FLOAT")
    wanted = amplitude**2 / (amplitude**2 + 0.4**2)
    assert share_above(str(tmp_path / "t.wav"), 44100, 8000) == pytest.approx(wanted, abs=1e-3)
    assert share_above((str(tmp_path / "t.wav"), 0.2, 0.6), 44100, 8000) == pytest.approx(wanted, abs=1e-3)


def test_hum_and_silence(tmp_path):
    soundfile.write(tmp_path / "t.wav", 0.9 * np.sin(2 * np.pi * 20 * T) + 0.01 * np.sin(2 * np.pi * 12000 * T), 44100)
    assert share_above(str(tmp_path / "t.wav"), 44100, 8000) > 0.8
    soundfile.write(tmp_path / "s.wav", np.zeros(100), 44100)
    assert share_above(str(tmp_path / "s.wav"), 44100, 8000) == 0


def calls(folder, high):
    """Write whistles of two classes at 48 kHz, with overtones above 8 kHz or without."""
    t = np.arange(24000) / 48000
    for label, pitch in (("a", 1000), ("b", 2000)):
        (folder / label).mkdir(parents=True)
        for i in range(5):
            wave = 0.3 * np.sin(2 * np.pi * (pitch + 50 * i) * t) + high * np.sin(2 * np.pi * 15000 * t)
            soundfile.write(folder / label / f"{i}.wav", wave, 48000)
    return folder


def test_train_says_so(tmp_path, run):
    loud, plain = calls(tmp_path / "loud", 0.3), calls(tmp_path / "plain", 0.001)
    flags = ["--method", "statistics", "--folds", "2", "-o"]
    told = (
        "in 10 of 10 recordings examined, more than 1 % of the sound (above 50 Hz) is above 8000 Hz, where the model, "
    )
    assert told + "at 16000 Hz, hears nothing; the most are 50 % in " in run("train", loud, *flags, tmp_path / "a")
    assert "hears nothing" not in run("train", plain, *flags, tmp_path / "b")
    assert "hears nothing" not in run("train", loud, *flags, tmp_path / "c", "--sample-rate", "44100")
