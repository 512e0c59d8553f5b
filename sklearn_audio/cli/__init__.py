"""The command line: ``sklearn-audio train | predict | report | demo``."""

from sklearn_audio.cli._parser import main

__all__ = ["main"]
