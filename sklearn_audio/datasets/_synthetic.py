"""Synthetic sounds: seeded, small and fast to make."""

from __future__ import annotations

import numbers
import os
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sklearn_audio._paths import new_folder
from sklearn_audio.datasets._folder import load_audio_folder
from sklearn_audio.ragged import Ragged

RandomState = int | np.random.RandomState | np.random.Generator | None
Signal = NDArray[np.float32]

_N_SOURCES = 6
_LOWEST_RATE = 8000  # the highest chirp ends at 3450 Hz


def make_sound_events(
    n_clips: int = 60,
    random_state: RandomState = None,
    *,
    classes: Sequence[str] | None = None,
    sample_rate: int = 16000,
    duration: float | tuple[float, float] = (0.4, 1.0),
    noise: float = 0.05,
) -> Bunch:
    """Make short clips of synthetic sounds.

    Each clip is background noise with one event: a chirp, a train of clicks, a harmonic tone with vibrato, a burst of
    coloured noise or a steady tone. Pitch, colour, length and level vary. Six simulated sources differ in pitch and are
    the groups. Class and source follow from the row number: the classes alternate, and a shorter set is the beginning
    of a longer one.

    Parameters
    ----------
    n_clips : int, default=60
        Number of clips; classes differ by at most one clip.
    random_state : int, RandomState, Generator or None, default=None
        The same int gives the same clips; None gives new ones. NumPy's global generator is not used.
    classes : sequence of str, default=None
        Two or more of ``"chirp"``, ``"click"``, ``"harmonic"``, ``"noise"``, ``"tone"``; None: all five.
    sample_rate : int, default=16000
        Rate in Hz, at least 8000.
    duration : float or (float, float), default=(0.4, 1.0)
        Duration of the clips in seconds, or its range; at least 0.05.
    noise : float, default=0.05
        Standard deviation of the background noise, relative to the peak of the event, 0 or more.

    Returns
    -------
    Bunch
        ``data`` : `Ragged` of float32 waveforms, peaks at most 1; ``target`` : ndarray of str, shape
        (n_clips,); ``target_names`` : ndarray of str, the sorted classes; ``sample_rate`` : int; ``groups`` : ndarray
        of str, the sources; ``events`` : DataFrame of clip, start, end (seconds), label; ``DESCR`` : str.

    Raises
    ------
    ValueError
        If a parameter is outside its range.
    TypeError
        If `random_state` has another type.

    Examples
    --------
    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(10, random_state=0)
    >>> len(sounds.data), sounds.sample_rate
    (10, 16000)
    >>> sounds.target[:5].tolist()
    ['chirp', 'click', 'harmonic', 'noise', 'tone']
    """
    names = _check_classes(classes)
    shortest, longest = _check_ranges(n_clips, sample_rate, duration, noise)
    rng = _generator(random_state)
    pitches = rng.uniform(0.85, 1.15, size=_N_SOURCES)
    clips, spans, sources = [], [], []
    for i in range(n_clips):
        source = i // len(names) % _N_SOURCES
        n_timepoints = round(rng.uniform(shortest, longest) * sample_rate)
        clip, span = _clip(_SOUNDS[names[i % len(names)]], n_timepoints, sample_rate, pitches[source], noise, rng)
        clips.append(clip)
        spans.append(span)
        sources.append(f"source{source}")
    target = np.array([names[i % len(names)] for i in range(n_clips)])
    starts, ends = np.array(spans).T / sample_rate
    return Bunch(
        data=Ragged.from_list(clips),
        target=target,
        target_names=np.array(sorted(names)),
        sample_rate=sample_rate,
        groups=np.array(sources),
        events=pd.DataFrame({"clip": np.arange(n_clips), "start": starts, "end": ends, "label": target}),
        DESCR=f"{n_clips} synthetic clips of {len(names)} kinds of sound at {sample_rate} Hz.",
    )


def write_sound_events(
    folder: str | os.PathLike[str],
    n_clips: int = 60,
    random_state: RandomState = None,
    *,
    classes: Sequence[str] | None = None,
    sample_rate: int = 16000,
    duration: float | tuple[float, float] = (0.4, 1.0),
    noise: float = 0.05,
) -> Bunch:
    """Write the clips of `make_sound_events` as 16-bit WAV files, one folder per class.

    Parameters
    ----------
    folder : str or path-like
        Output folder; created if missing, must be empty. Files are named ``class/source_number.wav``.
    n_clips : int, default=60
        Number of clips; classes differ by at most one clip.
    random_state : int, RandomState, Generator or None, default=None
        Seed.
    classes : sequence of str, default=None
        Two or more of the sounds of `make_sound_events`; None: all.
    sample_rate : int, default=16000
        Rate in Hz, at least 8000.
    duration : float or (float, float), default=(0.4, 1.0)
        Duration of the clips in seconds, or its range.
    noise : float, default=0.05
        Standard deviation of the background noise, relative to the peak of the event.

    Returns
    -------
    Bunch
        The result of `load_audio_folder`, with the sources as groups.

    Raises
    ------
    ValueError
        If the folder is not empty, or a parameter is outside its range.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import write_sound_events
    >>> with TemporaryDirectory() as folder:
    ...     clips = write_sound_events(folder, 10, random_state=0)
    >>> len(clips.data)
    10
    """
    import soundfile

    root = new_folder(folder, "folder")
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(f"{str(root)!r} is not an empty folder; nothing was written. Pass a new or empty one.")
    sounds = make_sound_events(
        n_clips, random_state, classes=classes, sample_rate=sample_rate, duration=duration, noise=noise
    )
    for i, (clip, label, source) in enumerate(zip(sounds.data, sounds.target, sounds.groups, strict=True)):
        (root / label).mkdir(parents=True, exist_ok=True)
        soundfile.write(root / label / f"{source}_{i:04d}.wav", clip, sample_rate, subtype="PCM_16")
    return load_audio_folder(root, group_pattern=r"/(\w+)_\d+\.wav$")


# ---- one clip -------------------------------------------------------------------------------------------------------


def _clip(
    sound: Callable[[Signal, int, float, np.random.Generator], Signal],
    n_timepoints: int,
    sample_rate: int,
    pitch: float,
    noise: float,
    rng: np.random.Generator,
) -> tuple[Signal, tuple[int, int]]:
    """Return a waveform of shape (n_timepoints,), and the start and end of its event in timepoints."""
    n_event = round(rng.uniform(0.6, 0.95) * n_timepoints)
    start = int(rng.integers(n_timepoints - n_event + 1))
    seconds = np.arange(n_event, dtype=np.float32) / np.float32(sample_rate)
    event = sound(seconds, sample_rate, pitch, rng)
    fade = max(1, min(sample_rate // 100, n_event // 4))
    ramp = np.arange(1, fade + 1, dtype=np.float32) / np.float32(fade)
    event[:fade] *= ramp
    event[-fade:] *= ramp[::-1]
    clip = rng.standard_normal(n_timepoints, dtype=np.float32) * np.float32(noise)
    clip[start : start + n_event] += event / np.abs(event).max()
    clip *= np.float32(rng.uniform(0.25, 0.9)) / np.abs(clip).max()
    return clip, (start, start + n_event)


def _sine(seconds: Signal, frequency: Signal | float) -> Signal:
    # Reduce the argument of the sine to one period, where float32 is precise enough.
    turns = seconds * np.asarray(frequency, dtype=np.float32)
    return np.asarray(np.sin(np.float32(2 * np.pi) * (turns - np.floor(turns))), dtype=np.float32)


def _chirp(seconds: Signal, sample_rate: int, pitch: float, rng: np.random.Generator) -> Signal:
    low = pitch * rng.uniform(300, 1200)
    high = low * rng.uniform(1.6, 2.5)
    first, last = (low, high) if rng.random() < 0.5 else (high, low)
    # the phase of a linear chirp is its mean frequency so far, times the time
    return _sine(seconds, first + (last - first) / 2 * (seconds / seconds[-1]))


def _click(seconds: Signal, sample_rate: int, pitch: float, rng: np.random.Generator) -> Signal:
    period = np.float32(1 / (pitch * rng.uniform(10, 25)))
    since_click = seconds % period
    decay = np.exp(-since_click / np.float32(rng.uniform(0.001, 0.004)))
    return np.asarray(decay * rng.standard_normal(len(seconds), dtype=np.float32), dtype=np.float32)


def _harmonic(seconds: Signal, sample_rate: int, pitch: float, rng: np.random.Generator) -> Signal:
    pitch_hz, rate = pitch * rng.uniform(110, 260), rng.uniform(4, 7)
    # vibrato: time is modulated by up to 0.3 % of the vibrato period, hence the pitch by 2 %
    swinging = seconds + np.float32(0.003 / rate) * _sine(seconds, rate)
    total = np.zeros_like(seconds)
    for k in range(1, 7):
        total += _sine(swinging, k * pitch_hz) * np.float32(rng.uniform(0.5, 1.0) / k)
    return total


def _noise(seconds: Signal, sample_rate: int, pitch: float, rng: np.random.Generator) -> Signal:
    white = rng.standard_normal(len(seconds), dtype=np.float32)
    n_taps = int(rng.integers(1, 5))
    return np.convolve(white, np.full(n_taps, 1 / n_taps, dtype=np.float32), mode="same")


def _tone(seconds: Signal, sample_rate: int, pitch: float, rng: np.random.Generator) -> Signal:
    return _sine(seconds, pitch * rng.uniform(300, 2400))


_SOUNDS: dict[str, Callable[[Signal, int, float, np.random.Generator], Signal]] = {
    "chirp": _chirp,
    "click": _click,
    "harmonic": _harmonic,
    "noise": _noise,
    "tone": _tone,
}


# ---- parameters -----------------------------------------------------------------------------------------------------


def _generator(random_state: RandomState) -> np.random.Generator:
    if random_state is None or isinstance(random_state, numbers.Integral):
        return np.random.default_rng(None if random_state is None else int(random_state))
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31 - 1))
    raise TypeError(f"random_state must be an int, a RandomState, a Generator or None, got {random_state!r}.")


def _check_classes(classes: Sequence[str] | None) -> list[str]:
    names = list(_SOUNDS) if classes is None else list(classes)
    unknown = [name for name in names if name not in _SOUNDS]
    if unknown:
        raise ValueError(f"there is no sound {unknown[0]!r}; choose from {list(_SOUNDS)}.")
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ValueError(f"classes must name two or more different sounds, got {names}.")
    return names


def _check_ranges(
    n_clips: int, sample_rate: int, duration: float | tuple[float, float], noise: float
) -> tuple[float, float]:
    if n_clips < 1:
        raise ValueError(f"n_clips must be at least 1, got {n_clips!r}.")
    if sample_rate < _LOWEST_RATE:
        raise ValueError(f"sample_rate must be at least {_LOWEST_RATE} Hz to hold these sounds, got {sample_rate!r}.")
    shortest, longest = duration if isinstance(duration, tuple | list) else (duration, duration)
    if not 0.05 <= shortest <= longest < np.inf:
        raise ValueError(f"duration must be a range of seconds from 0.05 upwards, got {duration!r}.")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must be 0 or more, got {noise!r}.")
    return shortest, longest
