"""Render the fragments of this folder as the unreleased section of the change log.

Run it as a script to print the section; the documentation includes the same text.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

KINDS = {
    "feature": "Added",
    "change": "Changed",
    "fix": "Fixed",
    "performance": "Faster or smaller",
    "docs": "Documentation",
}
_NAME = re.compile(r"(?P<slug>[a-z0-9]+(-[a-z0-9]+)*)\.(?P<kind>[a-z]+)\.md")


def read_fragments(folder: Path) -> dict[str, list[str]]:
    """Sentences by kind, in the order of `KINDS` and then of file names; a malformed fragment raises ValueError."""
    fragments: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for path in sorted(folder.glob("*.md")):
        if path.name != "README.md":
            kind, sentence = _read_fragment(path)
            fragments[kind].append(sentence)
    return fragments


def _read_fragment(path: Path) -> tuple[str, str]:
    match = _NAME.fullmatch(path.name)
    if match is None or match["kind"] not in KINDS:
        raise ValueError(f"{path.name}: a fragment is named <slug>.<kind>.md with a kind of {', '.join(KINDS)}.")
    sentence = " ".join(path.read_text().split())
    if not re.fullmatch(r"[A-Z`].*\.", sentence):
        raise ValueError(
            f"{path.name}: a fragment is one sentence that begins with a capital and ends with a full stop."
        )
    return match["kind"], sentence


def render_unreleased(folder: Path) -> str:
    """The unreleased section in reStructuredText; inline code is marked as in Markdown, by single backticks."""
    lines: list[str] = []
    for kind, sentences in read_fragments(folder).items():
        if sentences:
            lines += [KINDS[kind], "-" * len(KINDS[kind]), ""]
            lines += ["- " + re.sub("`+([^`]+)`+", r"``\1``", sentence) for sentence in sentences]
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(render_unreleased(Path(__file__).parent))
