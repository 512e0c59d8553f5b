"""The metadata of a wheel: licences, ours and those of the tables that are not ours."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from setuptools import build_meta; build_meta.prepare_metadata_for_build_wheel(sys.argv[1])"


def test_the_notice_names_every_table_that_is_shipped():
    tables = sorted((ROOT / "sklearn_audio").rglob("*.csv"))
    assert tables
    notice = (ROOT / "NOTICE").read_text()
    assert [table for table in tables if table.relative_to(ROOT).as_posix() not in notice] == []


def test_licence_and_notice_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license-files"] == ["LICENSE", "NOTICE"]


def test_licence_and_notice_are_in_the_wheel(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    source, out = tmp_path / "source", tmp_path / "out"
    (source / "sklearn_audio").mkdir(parents=True)
    out.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE", "sklearn_audio/_version.py"):
        shutil.copy(ROOT / name, source / name)
    (source / "sklearn_audio" / "__init__.py").write_text("")
    subprocess.run([sys.executable, "-W", "ignore", "-c", BUILD, str(out)], cwd=source, check=True, capture_output=True)
    shipped = {path.name: path.read_bytes() for path in out.glob("*.dist-info/licenses/*")}
    assert shipped == {name: (ROOT / name).read_bytes() for name in ("LICENSE", "NOTICE")}
