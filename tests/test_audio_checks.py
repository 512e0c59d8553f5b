"""The library's own check suite over every estimator."""

from pathlib import Path

import pytest

from sklearn_audio.testing import audio_checks
from tests.instances import INSTANCES, LARGE


def cases(instances):
    return [
        pytest.param(check, id=f"{name}-{check_name}")
        for name, estimator in instances.items()
        for check_name, check in audio_checks(estimator)
    ]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Files that neighbours write meanwhile are not the estimator's."""
    monkeypatch.chdir(tmp_path)
    # where fresh interpreters find the stand-ins of the tests
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.mark.parametrize("check", cases(INSTANCES))
def test_audio(check):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", cases(LARGE))
def test_audio_with_large_networks(check):
    check()
