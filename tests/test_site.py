"""The built documentation holds what the docstrings say."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_documentation import DOCUMENTED

ROOT = Path(__file__).parents[1]


def plain(text):
    """Letters and digits alone: markup, links and line breaks do not count."""
    return re.sub(r"[\W_]+", "", text)


def text_of(page):
    body = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return plain(html.unescape(re.sub(r"<[^>]+>", "", body)))


def test_text_of_a_page_is_what_a_reader_sees():
    page = "<style>p {}</style><p>Fit &amp; <code>transform</code>\nthe clips.</p><script>x()</script>"
    assert text_of(page) == plain("Fit & ``transform`` the clips.")


@pytest.mark.slow
def test_every_public_docstring_is_on_the_site(tmp_path):
    pytest.importorskip("sphinx_copybutton", reason="the extra 'docs' is not installed")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-D", "plot_gallery=0", "-d", tmp_path / "d"]
    done = subprocess.run([*command, ROOT / "docs", tmp_path / "html"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    site = "".join(text_of(page.read_text()) for page in (tmp_path / "html" / "api").rglob("*.html"))
    summaries = {str(item): plain(" ".join(item.doc["Summary"])) for item in DOCUMENTED}
    assert len(summaries) > 200
    assert [name for name, summary in summaries.items() if summary not in site] == []
