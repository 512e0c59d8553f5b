"""Streams of random numbers, and global generators that are put back."""

import itertools
import random

import numpy as np
import pytest
import torch

from sklearn_audio.engine._randomness import Purpose, seeded_globals, stream


def global_states():
    return random.getstate(), tuple(np.random.get_state()[1]), tuple(torch.get_rng_state().tolist())  # noqa: NPY002


def global_draws():
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002


def test_streams_of_other_seeds_purposes_and_keys_differ_and_zeros_count():
    keys = [(), (0,), (0, 0), (0, 1), (1, 0), (1,)]
    numbers = [
        stream(seed, purpose, *key).random() for seed, purpose, key in itertools.product((0, 1), list(Purpose), keys)
    ]
    assert len(set(numbers)) == len(numbers)
    # the order of batches is drawn from these
    assert not {np.random.default_rng([seed, epoch]).random() for seed in (0, 1) for epoch in (0, 1)} & set(numbers)


def test_a_stream_is_a_function_of_its_arguments():
    assert stream(7, Purpose.AUGMENTATION, 2).random() == stream(7, Purpose.AUGMENTATION, 2).random()


def test_global_generators_are_seeded_and_put_back():
    before = global_states()
    with seeded_globals(np.random.default_rng(1)):
        first = global_draws()
    assert global_states() == before
    with seeded_globals(np.random.default_rng(1)):
        assert global_draws() == first
    with seeded_globals(np.random.default_rng(2)):
        assert not set(global_draws()) & set(first)


def draw_and_fail():
    with seeded_globals(np.random.default_rng(1)):
        global_draws()
        raise RuntimeError("no luck")


def test_global_generators_are_put_back_after_an_error():
    before = global_states()
    with pytest.raises(RuntimeError, match="no luck"):
        draw_and_fail()
    assert global_states() == before
