"""Synthetic sounds."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from sklearn_audio.datasets import make_sound_events, write_sound_events
from sklearn_audio.ragged import Ragged


def same(first: Ragged, second: Ragged) -> bool:
    return np.array_equal(first.values, second.values) and np.array_equal(first.offsets, second.offsets)


def test_what_comes_out():
    sounds = make_sound_events(23, random_state=0)
    assert isinstance(sounds.data, Ragged)
    assert sounds.data.dtype == np.float32
    assert len(sounds.data) == len(sounds.target) == len(sounds.groups) == len(sounds.events) == 23
    assert sounds.sample_rate == 16000
    _, counts = np.unique(sounds.target, return_counts=True)
    assert sorted(counts) == [4, 4, 5, 5, 5]
    assert sounds.target_names.tolist() == ["chirp", "click", "harmonic", "noise", "tone"]


def test_levels_and_durations():
    sounds = make_sound_events(60, random_state=1)
    peaks = np.array([np.abs(clip).max() for clip in sounds.data])
    assert np.all((peaks >= 0.24) & (peaks <= 0.91))
    seconds = sounds.data.lengths / sounds.sample_rate
    assert seconds.min() >= 0.4
    assert seconds.max() <= 1.0
    assert len(np.unique(sounds.data.lengths)) > 30
    assert np.all((sounds.events["start"] >= 0) & (sounds.events["start"] < sounds.events["end"]))
    assert np.all(sounds.events["end"] <= seconds)


def test_same_seed_same_sounds():
    first, again, other = (make_sound_events(20, seed) for seed in (3, 3, 4))
    assert same(first.data, again.data)
    assert not same(first.data, other.data)


def test_no_seed_gives_fresh_sounds():
    assert not same(make_sound_events(4).data, make_sound_events(4).data)


def test_a_shorter_set_begins_a_longer_one():
    assert same(make_sound_events(10, random_state=0).data, make_sound_events(20, random_state=0).data[:10])


def test_global_generator_is_neither_read_nor_changed():
    results = []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002 - the generator that must not matter
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        results.append(make_sound_events(5, random_state=7).data)
        make_sound_events(5)
        assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert same(*results)


@pytest.mark.parametrize("kind", [np.random.RandomState, np.random.default_rng])
def test_generators_advance(kind):
    state = kind(0)
    first, second = make_sound_events(5, state), make_sound_events(5, state)
    assert not same(first.data, second.data)
    assert same(first.data, make_sound_events(5, kind(0)).data)


def test_chosen_classes_and_one_duration():
    sounds = make_sound_events(6, random_state=0, classes=["tone", "noise"], duration=0.25, sample_rate=8000, noise=0)
    assert sounds.target.tolist() == ["tone", "noise"] * 3
    assert np.asarray(sounds.data).shape == (6, 2000)


def test_background_is_silent_without_noise():
    sounds = make_sound_events(10, random_state=0, noise=0)
    event = sounds.events.iloc[0]
    clip, start, end = sounds.data[0], round(event["start"] * 16000), round(event["end"] * 16000)
    assert not clip[:start].any()
    assert not clip[end:].any()
    assert np.abs(clip[start:end]).max() > 0.2


def test_a_tone_has_one_frequency_and_a_harmonic_tone_several():
    sounds = make_sound_events(20, random_state=0, classes=["tone", "harmonic"], duration=1.0, noise=0)
    spectra = np.abs(np.fft.rfft(np.asarray(sounds.data))) ** 2
    near_peak = np.array([s[max(0, s.argmax() - 20) : s.argmax() + 21].sum() / s.sum() for s in spectra])
    assert near_peak[sounds.target == "tone"].min() > 0.95
    assert near_peak[sounds.target == "harmonic"].max() < 0.9


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clips": 0}, "n_clips must be at least 1, got 0"),
        ({"sample_rate": 4000}, "sample_rate must be at least 8000 Hz .* got 4000"),
        ({"duration": (1.0, 0.5)}, r"duration must be a range of seconds .* got \(1\.0, 0\.5\)"),
        ({"duration": 0.0}, "duration must be a range of seconds"),
        ({"noise": -1.0}, r"noise must be 0 or more, got -1\.0"),
        ({"classes": ["tone", "bark"]}, "there is no sound 'bark'; choose from"),
        ({"classes": ["tone"]}, "classes must name two or more different sounds"),
        ({"classes": ["tone", "tone"]}, "classes must name two or more different sounds"),
    ],
)
def test_parameters_outside_their_range(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_sound_events(**parameters)


def test_random_state_of_another_kind():
    with pytest.raises(TypeError, match="random_state must be an int, a RandomState, a Generator or None, got 'x'"):
        make_sound_events(2, random_state="x")


def test_written_files_hold_the_same_sounds(tmp_path):
    folder = tmp_path / "new" / "sounds"
    clips = write_sound_events(folder, 12, random_state=0, sample_rate=8000)
    sounds = make_sound_events(12, random_state=0, sample_rate=8000)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(map(type(folder), clips.data))
    assert sorted(clips.groups.tolist()) == sorted(sounds.groups.tolist())
    for path, label in zip(clips.data, clips.target, strict=True):
        row = int(path.removesuffix(".wav").rsplit("_", 1)[1])
        clip, rate = soundfile.read(path, dtype="float32")
        assert (rate, label) == (8000, sounds.target[row])
        np.testing.assert_allclose(clip, sounds.data[row], atol=2**-15)


def test_a_folder_that_holds_anything_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not an empty folder; nothing was written"):
        write_sound_events(tmp_path, 5, random_state=0)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
