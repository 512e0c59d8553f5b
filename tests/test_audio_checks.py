"""The library's own check suite over every estimator."""

import pytest

from sklearn_audio.testing import audio_checks
from tests.instances import INSTANCES

CASES = [
    pytest.param(check, id=f"{name}-{check_name}")
    for name, estimator in INSTANCES.items()
    for check_name, check in audio_checks(estimator)
]


@pytest.mark.parametrize("check", CASES)
def test_audio(check):
    check()
