"""Keywords from text alone: synthetic words train a classifier, which is tested on the real digits.

    python benchmarks/typed_words.py | tee docs/guide/typed_words.txt

The words are spoken by the command espeak-ng or, where that is missing, by the library in the package espeakng-loader.
Reads the recordings and the weights in the folder that SKLEARN_AUDIO_DATA names.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import SpeechEmbedder

DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
WEIGHTS = DATA / "weights" / "speech_embedding.onnx"
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ACCENTS = ("en-us", "en-gb-x-rp", "en-gb-scotland")
TIMBRES = ("m1", "m3", "m7", "f2", "f4")
RATES = (120, 160, 200)  # words a minute
PITCHES = (30, 50, 70)  # one for each rate
POOLINGS = ("mean", "mean_max", "mean_std")
Speak = Callable[[str, str, int, int], dict]


def by_command(word: str, voice: str, rate: int, pitch: int) -> dict:
    """Speak a word with the command espeak-ng."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "word.wav")
        options = ["-v", voice, "-s", str(rate), "-p", str(pitch), "-w", str(file)]
        subprocess.run(["espeak-ng", *options, word], check=True)
        array, sample_rate = soundfile.read(file, dtype="float32")
    return {"array": array, "sampling_rate": sample_rate}


def by_library() -> Speak:
    """Return a function that speaks a word with the library of espeakng-loader."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    sample_rate = library.espeak_Initialize(1, 0, espeakng_loader.get_data_path().encode(), 0)
    pieces: list[np.ndarray] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def receive(samples, n_samples, events):
        if samples and n_samples:
            pieces.append(np.ctypeslib.as_array(samples, (n_samples,)).copy())
        return 0

    library.espeak_SetSynthCallback(receive)

    def speak(word: str, voice: str, rate: int, pitch: int) -> dict:
        pieces.clear()
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}.")
        library.espeak_SetParameter(1, rate, 0)
        library.espeak_SetParameter(3, pitch, 0)
        text = word.encode()
        library.espeak_Synth(text, len(text) + 1, 0, 1, 0, 1, None, None)
        library.espeak_Synchronize()
        return {"array": np.concatenate(pieces).astype(np.float32) / 32768, "sampling_rate": sample_rate}

    speak.receive = receive  # the library keeps no reference
    return speak


def spoken(speak: Speak) -> tuple[list[dict], list[str]]:
    """Speak every word in every accent and timbre, each at three rates with a pitch of their own."""
    settings = list(product(WORDS, ACCENTS, TIMBRES, zip(RATES, PITCHES, strict=True)))
    clips = [speak(word, f"{accent}+{timbre}", *how) for word, accent, timbre, how in settings]
    return clips, [word for word, *_ in settings]


def main() -> None:
    speak = by_command if shutil.which("espeak-ng") else by_library()
    clips, words = spoken(speak)
    seconds = sum(len(clip["array"]) / clip["sampling_rate"] for clip in clips)
    voices = f"{len(ACCENTS)} accents, {len(TIMBRES)} timbres, {len(RATES)} rates"
    print(f"{len(clips)} words spoken: {voices}; {seconds:.0f} s")
    table = pd.read_csv(DATA / "digits" / "labels.csv")
    digits = [DATA / "digits" / path for path in table["path"]]
    labels = np.array(WORDS)[table["label"]]
    for pooling in POOLINGS:
        embedder = SpeechEmbedder(weights=WEIGHTS, pooling=pooling)
        head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        vectors = embedder.transform(digits)
        right = head.fit(embedder.transform(clips), words).predict(vectors) == labels
        by_speaker = [right[table["speaker"] == speaker].mean() for speaker in table["speaker"].unique()]
        real = cross_val_score(head, vectors, labels, groups=table["speaker"], cv=LeaveOneGroupOut()).mean()
        print(
            f"{pooling:8}  from text {right.mean():.3f} (speakers {min(by_speaker):.3f} to {max(by_speaker):.3f})  "
            f"from digits of other speakers {real:.3f}"
        )


if __name__ == "__main__":
    main()
