"""Checks of annotations."""

import numpy as np
import pytest
import soundfile

from sklearn_audio import annotations
from sklearn_audio.exceptions import AudioReadError
from tests.annotations.texts import table


@pytest.fixture
def recording(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(3000), 1000)
    return tmp_path


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (("a.wav", 2.0, 1.0, "dog"), r"row 1 of the annotations ends before it starts: 2\.0 to 1\.0 s"),
        (("", 0.0, 1.0, "dog"), r"row 1 of the annotations names no recording; fill in the path"),
        ((None, 0.0, 1.0, "dog"), r"row 1 of the annotations names no recording"),
        (("a.wav", -0.5, 1.0, "dog"), r"row 1 of the annotations starts at -0\.5 s; expected seconds, at least 0"),
        (("a.wav", np.inf, np.inf, "dog"), r"row 1 of the annotations starts at inf s"),
        (("a.wav", 0.0, np.inf, "dog"), r"row 1 of the annotations ends at inf s"),
        (("a.wav", 2.0, 3.002, "dog"), r"row 1 of .* runs from 2\.0 to 3\.002 s, beyond the end of '.*a\.wav' at 3 s"),
        (("a.wav", 3.5, np.nan, "dog"), r"row 1 of .* runs from 3\.5 to nan s, beyond the end"),
        (("a.wav", 0.5, 1.5, "dog"), r"rows 0 and 1 of .* overlap: 'a\.wav', 'dog', 0\.0 to 1\.0 s and 0\.5 to 1\.5 s"),
    ],
)
def test_impossible_events(recording, event, message):
    with pytest.raises(ValueError, match=message):
        annotations.check(table(("a.wav", 0.0, 1.0, "dog"), event), root=recording, allow_overlap=False)


def test_possible_events(recording):
    events = table(
        ("a.wav", 0.0, 1.0, "dog"),
        ("a.wav", 1.0, 3.0009, "dog"),
        ("a.wav", 0.5, 0.5, "cat"),
        ("a.wav", 2.0, np.nan, "cat"),
    )
    annotations.check(events, root=recording, allow_overlap=False)
    annotations.check(table(("a.wav", 0.0, 1.0, "dog"), ("a.wav", 0.5, 1.0, "dog")), root=recording)


def test_the_longest_event_before_counts():
    events = table(
        ("a", 5.0, 6.0, "x"), ("a", 0.0, 9.0, "x"), ("a", 1.0, 2.0, "y"), ("a", 2.0, np.nan, "y"), ("a", 7.0, 8.0, "y")
    )
    with pytest.raises(ValueError, match="rows 1 and 0 of the annotations overlap"):
        annotations.check(events, check_audio=False, allow_overlap=False)
    with pytest.raises(ValueError, match="rows 1 and 2 of the annotations overlap"):
        annotations.check(events[2:], check_audio=False, allow_overlap=False)


def test_an_unknown_recording(recording):
    with pytest.raises(
        AudioReadError, match=r"row 1 of the annotations names the recording '.*b\.wav', which does not"
    ):
        annotations.check(table(("a.wav", 0.0, 1.0, "dog"), ("b.wav", 0.0, 1.0, "dog")), root=recording)
    with pytest.raises(AudioReadError, match="does not exist"):
        annotations.check(table())


def test_limits_of_frequency():
    events = table(low_frequency=[1.0, np.nan, 1.0, 5.0], high_frequency=[2.0, 1.0, np.nan, 4.0])
    with pytest.raises(ValueError, match=r"row 3 of .* has the frequency limits 5\.0 and 4\.0 Hz; swap or repair"):
        annotations.check(events, check_audio=False)
