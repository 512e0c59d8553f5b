"""Throughput of training: `LSTMClassifier`, `BERTClassifier` and `CNNClassifier` beside plain loops in PyTorch.

    python benchmarks/training.py

Prints clips per second of both on the same network and the same clips: log-mel frames of spoken digits, found as
`fetch_spoken_digits` finds them. The plain loop is what one writes first: a DataLoader over a list of tensors, padded
by `pad_sequence`. The lean loop keeps nothing but what a step needs, over batches padded in advance in the same way.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from sklearn_audio import BERTClassifier, CNNClassifier, FrameMLPClassifier, LSTMClassifier, MelSpectrogramTransformer
from sklearn_audio.datasets import fetch_spoken_digits

EPOCHS, REPEATS, BATCH = 2, 5, 32
OPTIONS: dict[str, Any] = {"max_epochs": EPOCHS, "batch_size": BATCH, "random_state": 0, "device": "cpu"}
CLASSIFIERS = {
    "LSTM": LSTMClassifier(**OPTIONS),
    "BERT": BERTClassifier(options={"max_length": 256}, **OPTIONS),
    "MLP": FrameMLPClassifier(**OPTIONS),
    "CRNN": CNNClassifier("crnn", mixup=0.0, spec_augment=None, **OPTIONS),
}


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def step(network: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: Any) -> float:
    values, lengths, targets = batch
    optimizer.zero_grad()
    loss = F.cross_entropy(network(values, lengths), targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def loop(classifier: Any, batches: Callable[[], Any]) -> Callable[[], None]:
    network = copy.deepcopy(classifier.network_).train()  # with the mean and deviation of the frames
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)

    def run() -> None:
        for _ in range(EPOCHS):
            for batch in batches():
                step(network, optimizer, batch)

    return run


def pad(pairs: list[Any], n_places: int | None) -> Any:
    values = pad_sequence([torch.from_numpy(frames) for frames, _ in pairs], batch_first=True)
    if n_places is not None:
        values = F.pad(values, (0, 0, 0, n_places - values.shape[1]))
    return values, torch.tensor([len(frames) for frames, _ in pairs]), torch.tensor([code for _, code in pairs])


def plain_batches(classifier: Any, frames: Any, codes: Any) -> Callable[[], Any]:
    n_places = getattr(classifier, "n_frames_", None)
    pairs = list(zip(frames.to_list(), codes.tolist(), strict=True))
    loader: Any = DataLoader(pairs, batch_size=BATCH, shuffle=True, collate_fn=lambda some: pad(some, n_places))
    return lambda: loader


def lean_batches(classifier: Any, frames: Any, codes: Any) -> Callable[[], Any]:
    n_places = getattr(classifier, "n_frames_", None)
    order = np.argsort(frames.lengths, kind="stable")
    pairs = [(frames[int(row)], int(codes[row])) for row in order]
    batches = [pad(pairs[i : i + BATCH], n_places) for i in range(0, len(pairs), BATCH)]
    return lambda: batches


def main() -> None:
    digits = fetch_spoken_digits()
    mel = MelSpectrogramTransformer(16000, n_fft=512, hop_length=160, n_mels=64)
    frames = mel.fit_transform(digits.data)
    codes = np.unique(digits.target, return_inverse=True)[1]
    n_clips = EPOCHS * len(frames)
    print(f"{len(frames)} clips, {len(frames.values)} frames, {torch.get_num_threads()} thread(s); clips per second")
    for name, classifier in CLASSIFIERS.items():
        classifier.fit(frames, digits.target)
        plain = loop(classifier, plain_batches(classifier, frames, codes))
        lean = loop(classifier, lean_batches(classifier, frames, codes))
        times: list[list[float]] = [[], [], []]
        for _ in range(REPEATS):  # in turn, so that another load on the machine falls on all
            for of_one, work in zip(
                times, (lambda c=classifier: c.fit(frames, digits.target), plain, lean), strict=True
            ):
                of_one.append(seconds_of(work))
        ours, by_plain, by_lean = (n_clips / statistics.median(of_one) for of_one in times)
        print(
            f"{name}: {ours:.0f} ours, {by_plain:.0f} plain loop ({ours / by_plain:.2f}x), "
            f"{by_lean:.0f} lean loop ({ours / by_lean:.2f}x)"
        )


if __name__ == "__main__":
    main()
