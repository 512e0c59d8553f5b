from __future__ import annotations

import pickle

import pytest

from sklearn_audio import exceptions


@pytest.mark.parametrize("name", exceptions.__all__)
def test_is_an_os_error_and_nothing_broader(name):
    error = getattr(exceptions, name)
    assert error.__bases__ == (OSError,)


@pytest.mark.parametrize("name", exceptions.__all__)
def test_message_survives_pickling(name):
    # Errors of worker processes come back to the caller pickled.
    error = getattr(exceptions, name)("row 3 (a.wav): cut short")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == "row 3 (a.wav): cut short"


def test_a_reading_error_is_not_a_weights_error():
    assert not issubclass(exceptions.AudioReadError, exceptions.WeightsError)
    assert not issubclass(exceptions.WeightsError, exceptions.AudioReadError)
