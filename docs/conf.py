"""Configuration of the documentation; `make docs` builds it with warnings as errors and without the network."""

from __future__ import annotations

import os
import re
import sys
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import sklearn_audio  # noqa: E402
from docs.api_pages import public_names, write_pages  # noqa: E402
from docs.changes.build import render_unreleased  # noqa: E402

project = "sklearn-audio"
author = "The sklearn-audio developers"
copyright = "2026, the sklearn-audio developers"
version = release = sklearn_audio.__version__

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "changes", "examples"]
templates_path = ["_templates"]
nitpicky = False
default_role = "py:obj"

# Written before Sphinx looks for its pages; nothing of them is kept in the repository.
write_pages(HERE / "api")
(HERE / "api" / "unreleased.inc").write_text(render_unreleased(HERE / "changes"))

autosummary_generate = True
autodoc_typehints = "none"  # the numpydoc sections say the types, in words
numpydoc_show_class_members = False  # the template of a class documents its members in full
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Links into the pages of other projects need their inventories from the network: only the build that is to be
# published asks for them, so that no other depends on somebody else's server.
INVENTORIES = {
    "joblib": "https://joblib.readthedocs.io/en/stable/",
    "librosa": "https://librosa.org/doc/latest/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "sklearn": "https://scikit-learn.org/stable/",
    "torch": "https://docs.pytorch.org/docs/stable/",
}
intersphinx_mapping = {name: (url, None) for name, url in INVENTORIES.items() if os.environ.get("DOCS_INTERSPHINX")}
intersphinx_timeout = 20

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 1_000_000,
    "show_memory": False,
    "write_computation_times": False,
}

# The digits that the examples use lie beside the repository unless the variable says otherwise.
os.environ.setdefault("SKLEARN_AUDIO_DATA", str(HERE.parents[1] / "shared" / "data"))


def escape_shapes(app, what, name, obj, options, lines):
    """Keep docutils from reading a shape such as ``(n_features_in_, *item_shape)`` as a link and emphasis."""
    lines[:] = [
        re.sub(r"shape \([^)]*\)", lambda shape: re.sub(r"\*|_(?=[,)])", r"\\\g<0>", shape[0]), line) for line in lines
    ]


def skip_foreign(app, what, name, obj, skip, options):
    """Leave out members that other packages define, and document."""
    function = obj.fget if isinstance(obj, property) else obj.func if isinstance(obj, cached_property) else obj
    return skip or not (getattr(function, "__module__", None) or "").startswith("sklearn_audio")


PAGES = {name: f"{module}.{name}" for module, names in public_names().items() for name in names}


def link_short_names(app, env, node, contnode):
    """Link the bare name of something public, as in `MFCCTransformer`, to its page."""
    if node.get("refdomain") == "py" and (full := PAGES.get(node["reftarget"])):
        return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", full, node, contnode)
    return None


def setup(app):
    app.connect("missing-reference", link_short_names)
    app.connect("autodoc-skip-member", skip_foreign)
    # after numpydoc, which takes the sections apart
    app.connect("autodoc-process-docstring", escape_shapes, priority=900)


html_theme = "pydata_sphinx_theme"
html_title = "sklearn-audio"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
