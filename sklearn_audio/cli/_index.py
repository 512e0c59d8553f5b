"""``sklearn-audio index``: a collection of recordings, to be searched by sound."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from sklearn_audio._atomic import written_whole
from sklearn_audio._paths import local_path
from sklearn_audio._progress import can_show_progress
from sklearn_audio.cli._compute import skipped_clips
from sklearn_audio.cli._data import distinct, expanded
from sklearn_audio.cli._embed import chosen_embedder
from sklearn_audio.cli._messages import say
from sklearn_audio.retrieval import AudioIndex

# How the embedder was chosen; an index holds only its name.
EMBEDDER_FILE = "embedder.json"
_CHOSEN = ("embedder", "model", "weights", "layer", "window", "hop", "pooling")


def run(options: Namespace) -> None:
    """Write an index."""
    folder = _checked_output(options)
    skip = options.on_error == "skip"
    clips = distinct(expanded(options.files, may_miss=skip))
    name, embedder = chosen_embedder(options)
    shows = not options.quiet and can_show_progress() and sys.stderr.isatty()
    embedder.set_params(on_error="nan" if skip else "raise", verbose=int(shows))
    index = AudioIndex(embedder, options.metric, index=options.kind)
    errors: dict[int, str] = {}
    with skipped_clips(errors):
        index.fit(clips)
    index.save(folder, overwrite=options.force)
    chosen = {key: getattr(options, key) for key in _CHOSEN}
    if options.weights is not None:
        chosen["weights"] = os.path.abspath(local_path(options.weights))
    with written_whole(folder / EMBEDDER_FILE, durable=True) as unfinished:
        unfinished.write_text(json.dumps(chosen), encoding="utf-8")
    say(f"{len(index.items_)} vectors of {len(clips) - len(errors)} recordings by {name} in {options.output}")


def _checked_output(options: Namespace) -> Path:
    """Return the folder to write to; raise, before any work is done, if it must not be replaced."""
    if not options.output:
        raise ValueError("--output is empty; name a folder such as collection.index. Is a variable not set?")
    folder = Path(local_path(options.output))
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        if not options.force:
            raise ValueError(f"--output {options.output!r} exists; name another folder, or replace it with --force.")
        with suppress(ValueError):  # a damaged index may be replaced; a folder without one raises
            AudioIndex.load(folder)
    return folder
