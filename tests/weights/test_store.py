"""Downloads from a server on this machine, and everything that can go wrong with them."""

import hashlib
import io
import os
import re
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import joblib
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.pipeline import make_pipeline

from sklearn_audio import PANNsEmbedder
from sklearn_audio.engine.models import CARDS
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import _store, fetch, stored_file, verify, weights_folder
from sklearn_audio.weights._safetensors import about_of
from tests import forked
from tests.registered import PANNS, STATE, toml, torch_bytes

SHA256, MD5 = hashlib.sha256(PANNS).hexdigest(), hashlib.md5(PANNS).hexdigest()


@pytest.fixture
def offer(loopback, home, use_registry):
    """Register one file and serve it; returns its address."""

    def register(body=PANNS, *, converter="panns", served=None, fields=None, **answer):
        url = loopback.serve("/small.pth", body if served is None else served, **answer)
        use_registry(toml("small", url, body, converter=converter, **(fields or {})))
        return url

    return register


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def same_tensors(path):
    stored = load_file(path)
    return stored.keys() == STATE.keys() and all(torch.equal(stored[name], STATE[name]) for name in STATE)


def test_download_convert_keep(offer, loopback, home, capsys):
    url = offer()
    path = fetch("small")
    assert path == stored_file("small") == home / "weights" / "small.safetensors"
    assert same_tensors(path)
    about = about_of(path)
    assert re.fullmatch("[0-9a-f]{64}", about.pop("seal"))
    hashes = {"sha256": SHA256, "md5": MD5}
    origin = {"name": "small", "url": url, "converter": "panns", "member": "", "conversion": "1"}
    assert about == origin | hashes | {"size": str(len(PANNS))}
    assert files(home) == ["weights/small.safetensors"]
    assert fetch("small") == path
    assert loopback.paths == ["/small.pth"]
    assert capsys.readouterr() == ("", "")
    verify("small")


def test_tensors_that_share_memory(offer):
    whole = torch.arange(12.0).reshape(4, 3)
    shared = {"bn0.weight": whole[0], "fc1.weight": whole, "fc1.transposed": whole.T}
    offer(torch_bytes({"model": shared}))
    stored = load_file(fetch("small"))
    assert stored.keys() == shared.keys()
    assert all(torch.equal(stored[name], shared[name]) for name in shared)


def test_progress(offer, capsys):
    offer()
    fetch("small", verbose=1)
    assert "100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    "fields",
    [{"sha256": SHA256}, {"md5": MD5}, {"sha256": SHA256[:8]}, {"size": len(PANNS)}, {"md5": MD5, "size": len(PANNS)}],
    ids=["sha256", "md5", "part of sha256", "size", "md5 and size"],
)
def test_hashes_and_sizes_that_agree(offer, fields):
    offer(fields=fields)
    assert same_tensors(fetch("small"))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        (
            {"sha256": "0" * 64},
            rf"its sha256 is {SHA256}\. Fetch it by hand, see that its sha256 is {'0' * 64}, and put it",
        ),
        ({"md5": "0" * 32}, rf"its md5 is {MD5}\. Fetch it by hand, see that its md5 is {'0' * 32}, and put it at"),
        ({"sha256": "00000000"}, r".* see that its sha256 begins with 00000000, and put it at .*small\.pth"),
        ({"size": 17}, rf"it has {len(PANNS)} bytes, not 17\. Fetch it by hand and put it at"),
    ],
    ids=["sha256", "md5", "part of sha256", "size"],  # the hash of what torch saves may differ between processes
)
def test_hashes_and_sizes_that_differ(offer, home, fields, match):
    url = offer(fields=fields)
    with pytest.raises(WeightsError, match=rf"{url} is not the expected file: {match}"):
        fetch("small")
    assert files(home) == []


def test_a_connection_that_is_cut(offer, home):
    url = offer(sent=len(PANNS) // 2)
    with pytest.raises(WeightsError, match=rf"could not download {url}: .*\. Fetch it by hand, see that .* {SHA256}"):
        fetch("small")
    assert files(home) == []


def test_a_refusal(offer, home):
    url = offer(status=404)
    with pytest.raises(WeightsError, match=rf"could not download {url}: 404 .*put it at {home}/weights/small\.pth\."):
        fetch("small")
    assert files(home) == []


def test_no_network(offer, loopback, home):
    url = offer()
    loopback.close()
    with pytest.raises(WeightsError, match=rf"could not download {url}: .*refused.* put it at {home}/weights/small"):
        fetch("small")
    assert files(home) == []


def test_a_redirect(offer, loopback):
    offer(status=302, served=b"", location=loopback.serve("/there", PANNS))
    assert same_tensors(fetch("small"))
    assert loopback.paths == ["/small.pth", "/there"]


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (PANNS[: len(PANNS) // 2], "is damaged, no PyTorch checkpoint, or holds more than tensors"),
        (torch_bytes({"features.0.weight": torch.zeros(1)}), r"this is not a checkpoint of PANNs: it lacks fc1\.w"),
        (torch_bytes([1, 2]), "holds a list, not named tensors"),
    ],
)
def test_files_without_a_published_hash_must_be_checkpoints(offer, home, body, match):
    offer(body, fields={"size": len(body)})
    with pytest.raises(WeightsError, match=rf"did not return the weights of small: .*{match}.*Fetch it by hand"):
        fetch("small")
    assert files(home) == []


def test_a_file_put_there_by_hand(offer, loopback, home):
    offer()
    weights_folder().mkdir(parents=True)
    (weights_folder() / "small.pth").write_bytes(PANNS)
    assert same_tensors(fetch("small"))
    assert loopback.paths == []
    assert files(home) == ["weights/small.pth", "weights/small.safetensors"]


def test_a_wrong_file_put_there_by_hand(offer, loopback, home):
    offer()
    weights_folder().mkdir(parents=True)
    (weights_folder() / "small.pth").write_bytes(PANNS + b"more")
    with pytest.raises(WeightsError, match=r"small\.pth is not the expected file: its sha256 is"):
        fetch("small")
    assert files(home) == ["weights/small.pth"]
    assert loopback.paths == []


def test_a_conversion_that_is_interrupted_leaves_nothing(offer, home, monkeypatch):
    offer()

    def interrupt(tensors, path, facts):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(_store, "save_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch("small")
    assert files(home) == []
    monkeypatch.undo()


def test_two_processes_at_once(offer, home):
    offer()
    program = "from sklearn_audio.weights import fetch; print(fetch('small'))"
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(partial(forked.run, check=True), [["-c", program]] * 2))
    printed = {run.stdout.strip() for run in runs}
    assert printed == {str(stored_file("small"))}
    assert same_tensors(stored_file("small"))
    assert files(home) == ["weights/small.safetensors"]


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_a_checkpoint_within_an_archive(offer, monkeypatch):
    body = zipped(
        {"pack/one/.index": b"index", "pack/one/.data-00000-of-00001": b"data", "pack/other": b"", "../x": b""}
    )
    seen = []

    def read(path, converter):
        seen.append((sorted(os.listdir(path)), converter))
        return STATE

    monkeypatch.setattr(_store, "read_checkpoint", read)
    offer(body, converter="musicnn", fields={"member": "pack/one"})
    assert same_tensors(fetch("small"))
    assert seen == [([".data-00000-of-00001", ".index"], "musicnn")]


def test_an_archive_that_is_none(offer):
    offer(b"no archive", converter="musicnn", fields={"member": "pack/one"})
    with pytest.raises(WeightsError, match=r"did not return the weights of small: '.*' is no zip archive"):
        fetch("small")


def test_verify(offer):
    offer()
    with pytest.raises(WeightsError, match="small is not in the cache; download it first"):
        verify("small")
    fetch("small")
    offer(fields={"sha256": "1" * 64})
    with pytest.raises(WeightsError, match=r"came from a file with another sha256\. Delete '.*' and download it again"):
        verify("small")
    stored_file("small").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"is damaged or no safetensors file: .* Delete '.*' and download it again"):
        verify("small")


def test_an_embedder_downloads_by_itself(loopback, home, use_registry):
    network = CARDS["panns"]["leenet11"].build()
    body = torch_bytes({"iteration": 1, "model": network.state_dict(), "sampler": {}})
    use_registry(toml("panns_leenet11", loopback.serve("/LeeNet11.pth", body), body))
    embedder = PANNsEmbedder("leenet11", sample_rate=32000)
    first = embedder.transform([torch.ones(5000).numpy()])
    assert loopback.paths == ["/LeeNet11.pth"]
    assert (embedder.transform([torch.ones(5000).numpy()]) == first).all()
    assert loopback.paths == ["/LeeNet11.pth"]


def test_bundled_weights_need_neither_cache_nor_network(loopback, home, use_registry, tmp_path):
    body = torch_bytes({"model": CARDS["panns"]["leenet11"].build().state_dict()})
    use_registry(toml("panns_leenet11", loopback.serve("/LeeNet11.pth", body), body))
    embedder = PANNsEmbedder("leenet11", sample_rate=32000, bundle_weights=True)
    clips = [np.linspace(-1, 1, n, dtype=np.float32) for n in (5000, 40000)]
    wanted = embedder.fit_transform(clips)
    joblib.dump((make_pipeline(embedder), clips), tmp_path / "sent.joblib")
    shutil.rmtree(home)
    loopback.close()
    program = "import joblib, sys; pipe, X = joblib.load(sys.argv[1]); joblib.dump(pipe.transform(X), sys.argv[2])"
    command = ["-c", program, tmp_path / "sent.joblib", tmp_path / "received.joblib"]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    forked.run(command, check=True, env=os.environ | threads)
    np.testing.assert_array_equal(joblib.load(tmp_path / "received.joblib"), wanted)
    assert not home.exists()


OTHER = torch_bytes({"model": {name: value + 1 for name, value in STATE.items()}})
UNREACHABLE = "http://127.0.0.1:9/small.pth"


def is_other(path):
    return all(torch.equal(value, STATE[name] + 1) for name, value in load_file(path).items())


def test_what_another_registry_names_is_fetched_anew(offer):
    offer()
    assert same_tensors(fetch("small"))
    offer(OTHER)
    assert is_other(fetch("small"))
    verify("small")
    offer()
    assert same_tensors(fetch("small"))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"sha256": hashlib.sha256(OTHER).hexdigest()}, "came from a file with another sha256"),
        ({"sha256": hashlib.sha256(OTHER).hexdigest()[:8]}, "came from a file with another sha256"),
        ({"md5": hashlib.md5(OTHER).hexdigest()}, "came from a file with another md5"),
        ({"sha256": SHA256, "md5": hashlib.md5(OTHER).hexdigest()}, "came from a file with another md5"),
        ({"sha256": SHA256, "size": 17}, "came from a file of another size"),
        ({"sha256": SHA256, "member": "a/b"}, "was converted in another way"),
        ({"licence": "mine"}, r"came from http://127\.0\.0\.1:\d+/small\.pth"),  # no hash: the address counts
    ],
)
def test_without_a_network_other_weights_are_an_error(offer, use_registry, fields, match):
    offer()
    stored = fetch("small")
    use_registry(toml("small", UNREACHABLE, OTHER, **fields))
    for find, message in (
        (fetch, rf"could not download {UNREACHABLE}: .*The stored '.*small\.safetensors' {match}, and is not used\."),
        (verify, rf"small\.safetensors' {match}\. Delete '.*' and download it again\."),
    ):
        with pytest.raises(WeightsError, match=message):
            find("small")
    assert same_tensors(stored)


def test_another_converter(offer, use_registry):
    offer()
    fetch("small")
    use_registry(toml("small", UNREACHABLE, PANNS, converter="efficientat"))
    with pytest.raises(WeightsError, match="was converted in another way, and is not used"):
        fetch("small")


def test_another_version_of_the_converters(offer, loopback, monkeypatch):
    offer()
    fetch("small")
    monkeypatch.setattr(_store, "_CONVERSION", "0")
    with pytest.raises(WeightsError, match="was converted by another version of this library"):
        verify("small")
    assert same_tensors(fetch("small"))
    assert len(loopback.paths) == 2
    verify("small")


def test_files_of_an_earlier_version_carry_no_seal(offer, loopback):
    offer()
    stored = fetch("small")
    save_file({name: value + 2 for name, value in STATE.items()}, stored, {"converter": "panns", "sha256": SHA256})
    with pytest.raises(WeightsError, match="was converted by another version of this library"):
        verify("small")
    assert same_tensors(fetch("small"))


def test_a_mirror_of_the_same_file_is_the_same(offer, loopback, use_registry):
    offer()
    stored = fetch("small")
    use_registry(toml("small", UNREACHABLE, PANNS))
    assert fetch("small") == stored
    assert len(loopback.paths) == 1


def test_without_a_hash_the_file_put_there_by_hand_counts(offer, loopback, home):
    offer(fields={"licence": "mine"})
    weights_folder().mkdir(parents=True)
    (weights_folder() / "small.pth").write_bytes(PANNS)
    assert same_tensors(fetch("small"))
    assert same_tensors(fetch("small"))
    (weights_folder() / "small.pth").write_bytes(OTHER)
    with pytest.raises(WeightsError, match=r"came from another file than the present '.*small\.pth'\. Delete"):
        verify("small")
    assert is_other(fetch("small"))
    assert loopback.paths == []


def test_a_flipped_bit_in_a_stored_file(offer, loopback):
    offer()
    stored = fetch("small")
    content = stored.read_bytes()
    for at in (3, 30, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[at] ^= 16
        stored.write_bytes(damaged)
        for find in (fetch, verify):
            with pytest.raises(WeightsError, match=r"is damaged or no .*\. Delete '.*small\.safetensors' and download"):
                find("small")
    stored.write_bytes(content)
    assert fetch("small") == stored
    verify("small")


def test_an_embedder_finds_damage_and_other_weights(loopback, home, use_registry):
    def offered(seed):
        torch.manual_seed(seed)
        body = torch_bytes({"model": CARDS["panns"]["leenet11"].build().state_dict()})
        use_registry(toml("panns_leenet11", loopback.serve("/LeeNet11.pth", body), body))

    clip, embeddings = [np.ones(5000, np.float32)], []
    for seed in (0, 1):
        offered(seed)
        embeddings.append(PANNsEmbedder("leenet11", sample_rate=32000).transform(clip))
    assert not np.array_equal(*embeddings)
    stored = stored_file("panns_leenet11")
    damaged = bytearray(stored.read_bytes())
    damaged[-5] ^= 1
    stored.write_bytes(damaged)
    with pytest.raises(WeightsError, match="its content is not what was written"):
        PANNsEmbedder("leenet11", sample_rate=32000).transform(clip)


def test_a_stored_file_that_cannot_be_read(offer, monkeypatch):
    offer()
    fetch("small")

    def refuse(file):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_store, "whole", refuse)
    with pytest.raises(WeightsError, match=r"small\.safetensors' cannot be read: Permission denied\. Change its perm"):
        fetch("small")


def test_what_a_killed_download_left_behind_goes(offer, home):
    offer()
    old = weights_folder() / ".fetching-abcdefgh"
    old.mkdir(parents=True)
    (old / "small.pth").write_bytes(b"half")
    for path in (old / "small.pth", old):
        os.utime(path, (1e9, 1e9))
    fetch("small")
    assert files(home) == ["weights/small.safetensors"]


def test_a_home_that_is_a_file(offer, tmp_path, monkeypatch):
    offer()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKLEARN_AUDIO_HOME", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"cannot write to .*SKLEARN_AUDIO_HOME is '.*file'; it must name a folder"):
        fetch("small")
