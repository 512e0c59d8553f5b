"""Names that are looked up in a table."""

import pytest

from sklearn_audio._names import check_name


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        (
            "han",
            ("hann", "povey"),
            r"^unknown window 'han'; did you mean 'hann'\? Choose one of \['hann', 'povey'\]\.$",
        ),
        ("xyzzy", ["hann"], r"^unknown window 'xyzzy'; choose one of \['hann'\]\.$"),
        (2, [0, 1], r"^unknown window 2; choose one of \[0, 1\]\.$"),
        (None, ["hann"], r"^unknown window None; choose one of \['hann'\]\.$"),
    ],
)
def test_refused(name, known, message):
    with pytest.raises(ValueError, match=message):
        check_name("window", name, known)


def test_known():
    check_name("window", "hann", iter(["povey", "hann"]))
