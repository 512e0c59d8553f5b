"""Warnings name the line that called the package, however deep they arise."""

import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_audio import AudioLoader, LSTMClassifier, SequencePooling
from sklearn_audio._caller import warn_caller


def test_the_caller_is_named():
    with pytest.warns(RuntimeWarning, match="so") as warned:
        warn_caller("so", RuntimeWarning)
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    "call",
    [
        lambda: AudioLoader(on_error="nan").fit_transform([np.full(9, np.nan)]),
        lambda: AudioLoader(on_error="nan").fit([np.ones(9)]).transform([np.full(9, np.nan)]),
        lambda: make_pipeline(AudioLoader(on_error="nan"), SequencePooling()).fit_transform([np.full(9, np.nan)]),
        lambda: LSTMClassifier(max_epochs=1, random_state=0).fit([np.zeros((3, 2))] * 4, [0, 1, 0, 1]),
    ],
)
def test_estimators_name_the_line_that_used_them(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert [warning.filename for warning in caught] == [__file__]
