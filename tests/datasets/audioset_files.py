"""Small files in the layouts that AudioSet publishes, all of their content made up."""

from __future__ import annotations

import json
from pathlib import Path

SEGMENTS = """\
# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=5, num_segs=6, num_unique_labels=4, num_positive_labels=9
# YTID, start_seconds, end_seconds, positive_labels
--PJHxphWEs, 30.000, 40.000, "/m/dog,/m/speech"
00000000012, 0.000, 10.000, "/m/cat"
Yabcdefgh_1, 21.500, 31.500, "/m/speech"
abcdefgh_30, 30.000, 40.000, "/m/dog"
abcdefgh_30, 70.000, 80.000, "/m/rain,/m/dog,/m/cat"
zzzzzzzzzzz, 30.000, 40.000, "/m/rain"
"""

CLASS_LABELS = """\
index,mid,display_name
0,/m/speech,"Speech"
1,/m/dog,"Dog"
2,/m/cat,"Cat"
3,/m/rain,"Rain, drizzle"
"""

# Animal has no restriction, is on no segment and holds labels; Unicorn is on no segment and holds none, as the 16
# of the 543 unrestricted classes of the published ontology that are no label.
ONTOLOGY = [
    {"id": "/m/things", "name": "Sounds of things", "child_ids": ["/m/rain"], "restrictions": ["abstract"]},
    {"id": "/m/animal", "name": "Animal", "child_ids": ["/m/pets", "/m/unicorn"], "restrictions": []},
    {"id": "/m/pets", "name": "Pets", "child_ids": ["/m/dog", "/m/cat"], "restrictions": ["blacklist"]},
    {"id": "/m/hunt", "name": "Hunt", "child_ids": ["/m/dog"], "restrictions": ["blacklist", "abstract"]},
    {"id": "/m/dog", "name": "Dog", "child_ids": [], "restrictions": []},
    {"id": "/m/cat", "name": "Cat", "child_ids": [], "restrictions": []},
    {"id": "/m/unicorn", "name": "Unicorn", "child_ids": [], "restrictions": []},
    {"id": "/m/rain", "name": "Rain, drizzle", "child_ids": [], "restrictions": []},
    {"id": "/m/speech", "name": "Speech", "child_ids": [], "restrictions": []},
]


def write_tables(folder: Path) -> tuple[Path, Path, Path]:
    """Write segments, class labels and ontology; return their paths."""
    texts = {
        "segments.csv": SEGMENTS,
        "class_labels_indices.csv": CLASS_LABELS,
        "ontology.json": json.dumps(ONTOLOGY),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    first, second, third = (folder / name for name in texts)
    return first, second, third


def write_recordings(folder: Path, *names: str) -> Path:
    """Write files that hold a byte each: nothing decodes them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"R")
    return folder
