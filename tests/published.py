"""Published weights for the examples in README and documentation: seeded checkpoints behind a server on this machine.

A pytest plugin. The examples of *.rst and *.md files see a registry whose addresses are here; all else is as usual: the
download, the conversion to safetensors, the strict load.
"""

from __future__ import annotations

import hashlib
import io

import pytest

from tests.loopback import running

# what the examples use
_NAMES = {"vggish": ("vggish", "vggish"), "efficientat_mn04_as": ("efficientat", "mn04_as")}
_TABLE = '["{name}"]\nurl = "{url}"\nfile = "{name}.pth"\nsha256 = "{sha256}"\nconverter = "{converter}"\n'
_RIGHTS = 'licence = "none"\npaper = "none"\n'


def _checkpoint(family: str, model: str) -> tuple[bytes, str]:
    """Return a seeded checkpoint, and how it is converted."""
    # not at the top: a plugin is imported before the tests' settings of OpenMP are made
    import torch

    from sklearn_audio.engine.models import CARDS

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = CARDS[family][model].build()
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    return file.getvalue(), CARDS[family][model].converter


@pytest.fixture(scope="session")
def _published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    with running() as server:
        text = ""
        for name, (family, model) in _NAMES.items():
            body, converter = _checkpoint(family, model)
            url = server.serve(f"/{name}.pth", body)
            sha256 = hashlib.sha256(body).hexdigest()
            text += _TABLE.format(name=name, url=url, sha256=sha256, converter=converter) + _RIGHTS
        (folder / "registry.toml").write_text(text)
        yield {
            "SKLEARN_AUDIO_REGISTRY": str(folder / "registry.toml"),
            "SKLEARN_AUDIO_HOME": str(folder / "home"),
            "NO_PROXY": "*",
            "no_proxy": "*",
        }


@pytest.fixture(autouse=True)
def _published_weights(request, monkeypatch):
    if request.node.path.suffix in (".rst", ".md"):
        for name, value in request.getfixturevalue("_published").items():
            monkeypatch.setenv(name, value)
