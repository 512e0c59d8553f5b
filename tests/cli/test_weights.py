"""Weights from the command line, from a registry on this machine."""

import pytest

from sklearn_audio.cli import main
from sklearn_audio.weights import registry, stored_file
from tests.registered import PANNS, toml


@pytest.fixture
def registered(loopback, home, use_registry):
    url = loopback.serve("/small.pth", PANNS)
    use_registry(toml("small", url, PANNS, converter="panns") + toml("gone", loopback.url("/gone"), PANNS))


def test_list(registered, run):
    before = run("weights", "list").splitlines()
    assert len(before) == len(registry()) == len(set(before))
    assert any(line.split() == ["panns_cnn14", "327", "MB", "CC", "BY", "4.0"] for line in before)
    run("weights", "download", "small")
    (line,) = set(run("weights", "list").splitlines()) - set(before)
    assert line.split()[0] == "small"
    assert line.endswith("here")


def test_list_tells_whether_what_is_here_counts(registered, run, use_registry):
    def state():
        (line,) = (line for line in run("weights", "list").splitlines() if line.split()[0] == "small")
        return line.split()[-1]

    run("weights", "-q", "download", "small")
    assert state() == "here"
    use_registry(toml("small", "http://127.0.0.1:9/small.pth", PANNS, sha256="0" * 64))
    assert state() == "outdated"
    stored_file("small").write_bytes(b"damaged")
    assert state() == "damaged"


def test_download_prints_the_file(registered, run):
    out = run("weights", "-q", "download", "small")
    assert out == f"{stored_file('small')}\n"
    assert run("weights", "path", "small", "panns_cnn14").splitlines()[0] == out.strip()


def test_verify(registered, run, capsys):
    assert run("weights", "verify") == ""
    run("weights", "-q", "download", "small")
    assert run("weights", "verify") == run("weights", "verify", "small") == "small: intact\n"
    stored_file("small").write_bytes(b"not what it was")
    assert main(["weights", "verify"]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("small: ")
    assert "is damaged or no safetensors file" in out
    assert err == "sklearn-audio: error: 1 of 1 did not pass: small.\n"


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["download", "smal"], "unknown weights 'smal'; did you mean 'small'?"),
        (["path", "smal"], "unknown weights 'smal'"),
        (["verify", "small"], "1 of 1 did not pass: small"),
        (["-q", "download", "gone"], "could not download"),
    ],
)
def test_refusals(registered, capsys, arguments, match):
    assert main(["weights", *arguments]) == 2
    err = capsys.readouterr().err
    assert match in err.splitlines()[-1]
