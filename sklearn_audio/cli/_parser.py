"""Arguments of the command line, and what happens with errors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from sklearn_audio._version import __version__

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, default=None
        What stands behind the program's name; None takes that of the process.

    Returns
    -------
    int
        Exit code: 0, or 2 with one sentence on standard error if the arguments, the recordings or the model are not
        usable, or 130 when interrupted.

    Examples
    --------
    >>> from sklearn_audio.cli import main
    >>> main(["predict", "no-such-model.joblib", "dog.wav"])
    2
    """
    options = _parser().parse_args(arguments)
    command = import_module(f"sklearn_audio.cli._{options.command}")
    try:
        command.run(options)
    except (OSError, ValueError, TypeError, ImportError) as error:
        if options.debug:
            raise
        sys.stderr.write(f"sklearn-audio: error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("sklearn-audio: interrupted\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sklearn-audio", description="Train, inspect and use classifiers of recordings.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"sklearn-audio {__version__}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("-j", "--jobs", type=int, default=-1, help="threads that decode; -1 is one per core (default)")
    shared.add_argument("-q", "--quiet", action="store_true", help="no progress bars")
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", parents=[shared], help="train a classifier and save it"))
    _add_predict(commands.add_parser("predict", parents=[shared], help="label recordings with a saved classifier"))
    _add_report(commands.add_parser("report", parents=[shared], help="score a saved classifier on labelled recordings"))
    demo = commands.add_parser("demo", parents=[shared], help="train, report and predict on spoken digits")
    demo.add_argument("--synthetic", action="store_true", help="use made-up sounds even where recordings are at hand")
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="FOLDER_OR_TABLE", help="a folder per class, or a CSV, TSV or JSON table")
    parser.add_argument("--label", help="column of the labels (several, separated by commas: 0/1 columns)")
    parser.add_argument("--groups", help="column of the groups that must stay together (speaker, session, ...)")
    parser.add_argument("--group-pattern", help="for folders: regular expression whose group is the group of a path")


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="file to write, such as model.joblib")
    parser.add_argument("--sample-rate", type=int, default=16000, help="analysis rate in Hz (default 16000)")
    parser.add_argument("--folds", type=int, default=4, help="folds of the cross-validation (default 4)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the folds (default 0)")


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="file written by train; load only files you trust")
    parser.add_argument("files", nargs="+", metavar="FILE", help="recordings, or folders of them")
    parser.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="what to print (default csv)")
    parser.add_argument(
        "--on-error",
        choices=["raise", "skip"],
        default="raise",
        help="stop at a file that cannot be read (default), or leave its label empty",
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="file written by train; load only files you trust")
    _add_data(parser)
