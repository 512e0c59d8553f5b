"""The command line, ``sklearn-audio COMMAND``: a module for each command."""

from sklearn_audio.cli._parser import main

__all__ = ["main"]
