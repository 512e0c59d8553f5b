"""The folder of a published data set."""

import pytest

from sklearn_audio.datasets import load_esc50, load_gtzan, load_speech_commands, load_tut_scenes_2017, load_urbansound8k
from sklearn_audio.exceptions import AudioReadError


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (load_esc50, r"does not hold ESC-50: there is no 'meta/esc50.csv' in it, nor in 'ESC-50-master' or 'ESC-50'"),
        (load_gtzan, "does not hold GTZAN: there is no 'blues'"),
        (load_speech_commands, "does not hold Speech Commands: there is no 'testing_list.txt'"),
        (load_tut_scenes_2017, "does not hold TUT-acoustic-scenes-2017-development: there is no 'evaluation_setup'"),
        (load_urbansound8k, "does not hold UrbanSound8K: there is no 'metadata/UrbanSound8K.csv'"),
    ],
)
def test_another_folder(tmp_path, load, message):
    with pytest.raises(AudioReadError, match=message):
        load(tmp_path)
    with pytest.raises(AudioReadError, match=message):
        load(str(tmp_path / "nowhere"))
