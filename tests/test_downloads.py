"""Downloads that lead nowhere or never end, folders that are none, and what a killed process leaves behind."""

import os
import re
import threading
from types import SimpleNamespace

import pytest

from sklearn_audio import downloads
from sklearn_audio.downloads import ManualDownload, cache_folder, download, scratch_folder
from sklearn_audio.exceptions import WeightsError


def fetch(url, target):
    download(url, target, ManualDownload(target.with_name("by-hand"), expected="0" * 64), failure=WeightsError)


NOWHERE = [
    "http://[::bad",
    "http://[",
    "http://127.0.0.1:99999999/",
    "http://127.0.0.1:port/",
    "http://.../",
    f"http://{'a' * 300}.invalid/",
    "http://",
    "http:///x",
    "ftp://127.0.0.1/x",
    "file:///etc/hostname",
    "nonsense://x",
    "http://127.0.0.1:1/",
    "http://\x01/",
]


@pytest.mark.parametrize("address", NOWHERE)
def test_redirects_and_addresses_that_lead_nowhere(loopback, tmp_path, address):
    redirect = loopback.serve("/a", status=302, location=address)
    for url in (redirect, address):
        with pytest.raises(
            WeightsError, match=rf"could not download {re.escape(url)}: .*Fetch it by hand, see that its sha256 is 0000"
        ):
            fetch(url, tmp_path / "file")


def test_a_redirect_to_itself(loopback, tmp_path):
    url = loopback.serve("/a", status=302, location="/a")
    with pytest.raises(WeightsError, match="Exceeded 30 redirects"):
        fetch(url, tmp_path / "file")


@pytest.mark.parametrize("how", [{}, {"slow_head": True}, {"status": 302, "location": "/b"}, {"status": 500}])
def test_one_byte_now_and_then_is_no_progress(loopback, tmp_path, monkeypatch, how):
    monkeypatch.setattr(downloads, "_GRACE", 0.2)
    url = loopback.serve("/a", bytes(3000), pause=0.02, **how)
    with pytest.raises(WeightsError, match=r"could not download .*(less than 1000 bytes per second came for|500 )"):
        fetch(url, tmp_path / "file")


class Answer:
    ok = True

    def iter_content(self, chunk_size):
        return iter([bytes(chunk_size)] * 3)


def test_progress_extends_the_deadline(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr(downloads.time, "monotonic", lambda: now)
    transfer, answer, deadlines = downloads._Transfer("http://127.0.0.1/", tmp_path / "file", 0), Answer(), []
    transfer._watch(answer)
    for _ in answer.iter_content(10_000):
        deadlines.append(transfer._deadline)
        now += 25.0
    assert deadlines == [60.0, 70.0, 80.0]  # 10 s for 10 kB, and never more than a minute from now


def test_a_download_that_was_given_up_ends(loopback, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_GRACE", 0.2)
    before = set(threading.enumerate())
    with pytest.raises(WeightsError):
        fetch(loopback.serve("/a", bytes(3000), pause=1e-3, sent=2500), tmp_path / "file")
    started = [thread for thread in threading.enumerate() if isinstance(thread, downloads._Transfer)]
    for thread in set(started) - before:
        thread.join(20)
        assert not thread.is_alive()


def test_an_interrupt_is_an_interrupt(loopback, tmp_path, monkeypatch):
    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads._Transfer, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(loopback.serve("/a", b"body"), tmp_path / "file")


def test_the_home_folder_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("SKLEARN_AUDIO_HOME", "~/x")
    assert cache_folder() == tmp_path / "x"
    monkeypatch.setenv("SKLEARN_AUDIO_HOME", "~nobody-of-this-name/x")
    with pytest.raises(
        ValueError, match=r"SKLEARN_AUDIO_HOME='~nobody-of-this-name/x': there is no home folder of that"
    ):
        cache_folder()


def use(folder):
    with scratch_folder(folder, "fetching", failure=WeightsError):
        raise AssertionError("the folder cannot be used")


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_a_file_where_the_folder_should_be(tmp_path, monkeypatch, below):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("SKLEARN_AUDIO_HOME", f"{tmp_path}/file{below}")
    with pytest.raises(
        WeightsError,
        match=r"cannot write to '.*file.*weights': .*SKLEARN_AUDIO_HOME is '.*file.*'; it must name a folder",
    ):
        use(cache_folder() / "weights")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("SKLEARN_AUDIO_HOME", str(tmp_path))
    monkeypatch.setattr(downloads.tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(WeightsError, match=r"Permission denied\. SKLEARN_AUDIO_HOME is .* can be written to"):
        use(tmp_path / "weights")
    with pytest.raises(WeightsError, match=r"Permission denied\. Give a folder that can be written to; it need not"):
        use(tmp_path.parent / "elsewhere")
    monkeypatch.delenv("SKLEARN_AUDIO_HOME")
    monkeypatch.setattr(downloads.pooch, "os_cache", lambda name: tmp_path)
    with pytest.raises(WeightsError, match=r"Permission denied\. Set the environment variable SKLEARN_AUDIO_HOME to a"):
        use(cache_folder())


def test_old_scratch_folders_go_and_nothing_else(tmp_path):
    outside = tmp_path / "outside"
    names = {
        ".fetching-abcdefgh": True,
        ".unpacking-a_234567": True,
        ".fetching-mine": False,
        ".unpacking-abcdefghi": False,
        "fetching-abcdefgh": False,
        "weights.safetensors": False,
    }
    home = tmp_path / "home"
    for folder in (outside, *(home / name for name in names)):
        (folder / "deeper").mkdir(parents=True)
        (folder / "deeper" / "half").write_bytes(b"half")
    (home / ".fetching-12345678").symlink_to(outside)
    (home / ".fetching-87654321").write_text("a file")
    for path in (*home.rglob("*"), *outside.rglob("*")):
        os.utime(path, (1e9, 1e9), follow_symlinks=False)
    in_use = home / ".fetching-zzzzzzzz"
    in_use.mkdir()
    (in_use / "growing").write_bytes(b"new")
    os.utime(in_use, (1e9, 1e9))
    with scratch_folder(home, "unpacking", failure=WeightsError) as scratch:
        assert scratch.parent == home
    left = {path.name for path in home.iterdir()}
    kept = {name for name, goes in names.items() if not goes}
    assert left == kept | {".fetching-12345678", ".fetching-87654321", ".fetching-zzzzzzzz"}
    assert (outside / "deeper" / "half").exists()


def test_transfers_that_end_early(tmp_path, monkeypatch):
    transfer = downloads._Transfer("http://127.0.0.1/x", tmp_path / "x", verbose=0)
    monkeypatch.setattr(transfer, "run", lambda: None)
    transfer.start()
    with pytest.raises(RuntimeError, match="the download ended early"):
        transfer.wait()


def test_transfers_that_nobody_waits_for(tmp_path):
    closed = []
    pieces = SimpleNamespace(ok=True, iter_content=lambda: iter([b"a", b"b"]), close=lambda: closed.append(True))
    transfer = downloads._Transfer("http://127.0.0.1/x", tmp_path / "x", verbose=0)
    transfer._watch(pieces)
    content = pieces.iter_content()
    assert next(content) == b"a"
    transfer.is_wanted = False
    with pytest.raises(RuntimeError, match="the download was given up"):
        next(content)
    assert closed == [True]
