"""Arguments of the command line, and handling of errors."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module

from sklearn_audio._version import __version__
from sklearn_audio.cli._help import ABOUT, EXAMPLES
from sklearn_audio.cli._messages import (
    abandon_output,
    in_options,
    one_line,
    output,
    separate_results,
    tell,
    warnings_as_lines,
)
from sklearn_audio.cli._recipe import option_keys, read_recipe
from sklearn_audio.cli._table_output import FORMATS

SHELLS = ("bash", "zsh", "fish")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    if arguments is None:
        separate_results()
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        if getattr(options, "config", None) is not None:
            options = _with_recipe(parser, options, sys.argv[1:] if arguments is None else arguments)
        command = import_module(f"sklearn_audio.cli._{options.command}")
        with warnings_as_lines():
            command.run(options)
        output().flush()
    except BrokenPipeError:
        abandon_output()
        return 141
    except KeyboardInterrupt:
        return _ended("interrupted", 130)
    except SystemExit as end:
        if end.code not in (0, None):
            raise
        # raised by code in the model; it must not look like success
        return _ended("error: the model ended the program while it was in use. Load only models that you trust.", 2)
    # errors in the input or the installation; any other exception is a bug and keeps its traceback
    except (OSError, ValueError, ImportError) as error:
        if options.debug:
            raise
        return _ended(f"error: {in_options(one_line(error))}", 2)
    return 0


def _with_recipe(
    parser: argparse.ArgumentParser, options: argparse.Namespace, arguments: Sequence[str]
) -> argparse.Namespace:
    """Put the options of a recipe before those of the command line, of which the last wins."""
    given, recipe = read_recipe(options.config, list(option_keys(options)))
    try:
        options = parser.parse_args([arguments[0], *given, *arguments[1:]])
    except SystemExit:
        tell(f"the options are those of the recipe {options.config!r} and of the command line")
        raise
    options.recipe = recipe
    return options


def _ended(message: str, code: int) -> int:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # such as a full disk; the interpreter would flush again at exit
        with suppress(OSError):
            abandon_output()
    tell(message)
    return code


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="sklearn-audio",
        description="Train, score and use classifiers of recordings.",
        epilog="Run 'sklearn-audio COMMAND --help' for the options of a command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sklearn-audio {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(_command(commands, "train", "train a classifier and save it"))
    _add_report(_command(commands, "report", "score a saved classifier on labelled recordings"))
    _add_predict(_command(commands, "predict", "label recordings with a saved classifier"))
    _add_detect(_command(commands, "detect", "find events in long recordings"))
    _add_embed(_command(commands, "embed", "compute vectors by a pretrained network"))
    _add_files(_command(commands, "check", "list damaged, silent, clipped and duplicate recordings"))
    _add_durations(_command(commands, "durations", "list lengths, sample rates and channels of recordings"))
    _add_tokenize(_command(commands, "tokenize", "turn recordings into tokens"))
    _add_model(_command(commands, "info", "describe a saved model"))
    _add_tag(_command(commands, "tag", "label recordings with a pretrained tagger"))
    _add_index(_command(commands, "index", "index a collection of recordings for search by sound"))
    _add_similar(_command(commands, "similar", "search an index for similar sounds"))
    _add_evaluate(_command(commands, "evaluate", "score events by a reference"))
    _add_weights(_command(commands, "weights", "download and verify the weights of pretrained networks"))
    _add_demo(_command(commands, "demo", "train, report and predict on spoken digits"))
    _add_completion(_command(commands, "completion", "print a script that completes commands and options in a shell"))
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=ABOUT[name],
        epilog=EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "-j", "--jobs", type=_threads, default=-1, metavar="N", help="decoding threads; -1: one per core (default)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bars")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _add_data(parser: argparse.ArgumentParser, groups: str) -> None:
    """Add the options of labelled recordings, which train and report share."""
    parser.add_argument(
        "data", metavar="FOLDER_OR_TABLE", help="a folder with one folder per class, or a CSV, TSV or JSON table"
    )
    parser.add_argument(
        "--label", metavar="COLUMN", help="column of the labels, or several 0/1 columns separated by commas"
    )
    parser.add_argument(
        "--path", metavar="COLUMN", help="column of the paths (default: path, file, filename, wav, ...)"
    )
    parser.add_argument("--root", metavar="FOLDER", help="folder of relative paths (default: the table's folder)")
    parser.add_argument("--groups", metavar="COLUMN", help=groups)
    parser.add_argument(
        "--group-pattern", metavar="REGEX", help="the same for folders: its (...) matches the group in a path"
    )
    _add_on_error(parser, "stop and list unreadable recordings (default), or skip them")


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_data(parser, "column of groups that each split keeps together: speaker, site, session, ...")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="file to write, such as model.joblib")
    parser.add_argument("--force", action="store_true", help="replace an existing model or log")
    parser.set_defaults(recipe=None)
    parser.add_argument(
        "--config", metavar="FILE", help="TOML recipe with options and the steps of a pipeline; options given here win"
    )
    parser.add_argument(
        "--method",
        default="auto",
        help="auto (default): the best of statistics and of the pretrained networks whose weights are stored; or one "
        "of statistics, efficientat, panns, vggish, ast, yamnet, openl3, musicnn, speech, whisper, crnn, tokens, "
        "prototypes, finetune",
    )
    _add_network(parser, "layers to compare, separated by commas (default: four at several depths)")
    parser.add_argument(
        "--log", metavar="FOLDER", help="folder to write: configuration, versions, hash of the data, scores, history"
    )
    parser.add_argument("--show-code", action="store_true", help="print a Python program that trains the same model")
    parser.add_argument(
        "--sample-rate",
        type=_at_least(1000),
        metavar="HZ",
        help="rate to which recordings are resampled, other than by a pretrained network (default 16000)",
    )
    parser.add_argument(
        "--folds",
        type=_at_least(2),
        default=4,
        metavar="N",
        help="maximum number of folds (default 4)",
    )
    parser.add_argument("--seed", type=_at_least(0), default=0, metavar="N", help="seed of the folds (default 0)")


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_files(parser)
    parser.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="output format (default csv)")
    _add_on_error(parser, "stop at an unreadable file (default), or leave its label empty")


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="recordings, folders, tables with a column of paths, @LIST (a file with one path per line), or - for "
        "a list on standard input",
    )


def _add_network(parser: argparse.ArgumentParser, layers: str) -> None:
    parser.add_argument("--model", metavar="NAME", help="network of the family, such as mn04_as of efficientat")
    parser.add_argument("--weights", metavar="FILE", help="file with weights of the network (default: published ones)")
    parser.add_argument("--layer", metavar="NAMES", help=layers)
    parser.add_argument("--device", default="auto", help="device of networks: auto (default), cpu, cuda, ...")


def _add_embed(parser: argparse.ArgumentParser) -> None:
    _add_files(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="folder to write the parts to")
    _add_embedder(parser)
    parser.add_argument("--format", choices=["npz", "csv", "parquet"], default="npz", help="format (default npz)")
    earlier = parser.add_mutually_exclusive_group()
    earlier.add_argument("--resume", action="store_true", help="skip the parts that an earlier run finished")
    earlier.add_argument("--force", action="store_true", help="replace the parts of an earlier run")
    _add_on_error(parser, "stop at an unreadable recording (default), or leave it out")


def _add_durations(parser: argparse.ArgumentParser) -> None:
    _add_files(parser)
    _add_table(parser)
    _add_on_error(parser, "stop at an unreadable recording (default), or leave it out")


def _add_tokenize(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="file with a tokenizer, such as of train --method tokens; --learn writes it"
    )
    _add_files(parser)
    parser.add_argument(
        "--learn", type=_at_least(2), metavar="N", help="learn N tokens of log-mel frames, and save them"
    )
    parser.add_argument(
        "--sample-rate", type=_at_least(1000), metavar="HZ", help="of --learn: rate of the sound (default 16000)"
    )
    parser.add_argument("--seed", type=_at_least(0), metavar="N", help="of --learn: seed (default 0)")
    _add_table(parser)
    _add_on_error(parser, "stop at an unreadable recording (default), or leave it out")


def _add_table(parser: argparse.ArgumentParser) -> None:
    """Add the options of a table that goes to standard output or to a file."""
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write (default: standard output)")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--format", choices=FORMATS, help="output format (default: that of the name of the output, else csv)"
    )


def _add_embedder(parser: argparse.ArgumentParser) -> None:
    """Add the options of an embedder, which embed and index share."""
    parser.add_argument(
        "--embedder",
        required=True,
        metavar="NAME",
        help="efficientat, panns, vggish, ast, yamnet, openl3, musicnn, speech or whisper",
    )
    _add_network(parser, "layers to concatenate, separated by commas (default: the embedding)")
    _add_seconds(parser, "--window", "a vector per window of this length (default: per recording)", above=0.0)
    _add_seconds(parser, "--hop", "time between the starts of windows (default: the window)", above=0.0)
    parser.add_argument(
        "--pooling", choices=["mean", "max", "mean_std", "mean_max"], help="statistics of a recording (default: mean)"
    )


def _add_index(parser: argparse.ArgumentParser) -> None:
    _add_files(parser)
    parser.add_argument("-o", "--output", required=True, metavar="INDEX", help="folder to write the index to")
    parser.add_argument("--force", action="store_true", help="replace an existing index")
    _add_embedder(parser)
    parser.add_argument(
        "--kind",
        choices=["exact", "ivf", "hnsw"],
        default="exact",
        help="compare with all vectors (default), or faster and approximately",
    )
    parser.add_argument(
        "--metric", choices=["cosine", "euclidean"], default="cosine", help="distance of vectors (default cosine)"
    )
    _add_on_error(parser, "stop at an unreadable recording (default), or leave it out")


def _add_similar(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", metavar="INDEX", help="folder that index wrote")
    _add_files(parser)
    parser.add_argument("-k", "--top", type=_at_least(1), default=10, metavar="N", help="items per query (default 10)")
    parser.add_argument("--weights", metavar="FILE", help="file with weights of the network, if it was moved")
    parser.add_argument("--device", default="auto", help="device of networks: auto (default), cpu, cuda, ...")
    parser.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="output format (default csv)")
    _add_on_error(parser, "stop at an unreadable query (default), or skip it")


def _add_detect(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_files(parser)
    place = parser.add_mutually_exclusive_group()
    place.add_argument("-o", "--output", metavar="FILE", help="one file for all events, such as events.csv")
    place.add_argument("--output-dir", metavar="FOLDER", help="a file per recording, such as FOLDER/night.events.csv")
    place.add_argument("--beside", action="store_true", help="a file per recording, beside it")
    parser.add_argument(
        "--format",
        choices=["csv", "raven", "audacity", "jsonl", "parquet"],
        help="output format (default: that of the name of the output, else csv)",
    )
    earlier = parser.add_mutually_exclusive_group()
    earlier.add_argument("--resume", action="store_true", help="skip the recordings that an earlier run finished")
    earlier.add_argument("--force", action="store_true", help="replace existing outputs")
    own = "(default: the detector's own; for a classifier of clips "
    _add_seconds(parser, "--window", f"length of a window {own}1)", above=0.0)
    _add_seconds(parser, "--hop", f"time between the starts of windows {own}half a window)", above=0.0)
    parser.add_argument(
        "--threshold",
        type=_threshold,
        action="append",
        metavar="[LABEL=]NUMBER",
        help=f"smallest score of an event {own}0.5, or 0 of decisions); with LABEL= only, other labels are not found",
    )
    _add_seconds(parser, "--median", "length of a median filter over the decisions")
    _add_seconds(parser, "--min-duration", "drop shorter events")
    _add_seconds(parser, "--merge-gap", "merge events of a label with a shorter gap")
    _add_on_error(parser, "stop at an unreadable recording (default), or skip it")


def _add_tag(parser: argparse.ArgumentParser) -> None:
    _add_files(parser)
    parser.add_argument(
        "--model", default="panns_cnn14", metavar="NAME", help="network with its family (default panns_cnn14)"
    )
    parser.add_argument("--weights", metavar="FILE", help="file with weights of the network (default: published ones)")
    parser.add_argument("--top", type=_at_least(1), default=10, metavar="N", help="labels per recording (default 10)")
    parser.add_argument("--device", default="auto", help="device of the network: auto (default), cpu, cuda, ...")
    parser.add_argument("--format", choices=["csv", "jsonl"], default="csv", help="output format (default csv)")
    _add_on_error(parser, "stop at an unreadable recording (default), or skip it")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", metavar="EVENTS", help="file or folder of the events to score")
    parser.add_argument("reference", metavar="REFERENCE", help="file or folder of the annotations")
    parser.add_argument(
        "--metric",
        choices=["event", "segment"],
        default="event",
        help="match events one to one (default), or compare segments",
    )
    _add_seconds(parser, "--collar", "of events: how much starts and ends may differ (default 0.2)")
    parser.add_argument("--starts-only", action="store_true", help="of events: ignore the ends")
    _add_seconds(parser, "--segment", "length of a segment (default 1)", above=0.0)
    parser.add_argument("--root", metavar="FOLDER", help="folder of relative paths in REFERENCE (default: this one)")
    parser.add_argument("--by-name", action="store_true", help="compare names of files, not paths")
    parser.add_argument("--format", choices=["text", "csv"], default="text", help="output format (default text)")


def _add_seconds(parser: argparse.ArgumentParser, name: str, about: str, *, above: float | None = None) -> None:
    parser.add_argument(name, type=_number(0.0 if above is None else None, above), metavar="SECONDS", help=about)


def _add_on_error(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument("--on-error", choices=["raise", "skip"], default="raise", help=about)


def _add_report(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_data(parser, "column of groups for an accuracy per group: speaker, site, session, ...")
    parser.add_argument(
        "--format", choices=["text", "json", "csv"], default="text", help="output format (default text)"
    )
    parser.add_argument(
        "--plots",
        metavar="FOLDER",
        help="write pictures (confusion matrix, F1 per label, accuracy per group, precision and recall, calibration), "
        "and a table of the recordings, the worst first",
    )
    parser.add_argument(
        "--html", metavar="FILE", help="write the same as one page, with players of the worst recordings"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing page; write into a folder with files")


def _add_weights(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="names, sizes, licences, and which files are stored")
    download = actions.add_parser("download", help="download, verify and convert; prints the files")
    path = actions.add_parser("path", help="paths of the converted files, stored or not")
    for action in (download, path):
        action.add_argument("names", nargs="+", metavar="NAME", help="a name from 'list'")
    verify = actions.add_parser("verify", help="read the files again and compare their hashes")
    verify.add_argument("names", nargs="*", metavar="NAME", help="a name from 'list' (default: all that are stored)")


def _add_completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--synthetic", action="store_true", help="use synthetic sounds instead of the recordings")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="file written by train, or by joblib.dump; load only files you trust"
    )


def _at_least(smallest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if (value := _integer(text)) < smallest:
            raise argparse.ArgumentTypeError(f"got {value}; it must be {smallest} or more")
        return value

    return number


def _number(smallest: float | None = None, above: float | None = None) -> Callable[[str], float]:
    bound = "" if smallest is None else f", {smallest:g} or more"
    bound = bound if above is None else f" above {above:g}"

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        fits = math.isfinite(value) and (smallest is None or value >= smallest) and (above is None or value > above)
        if not fits:
            raise argparse.ArgumentTypeError(f"got {text!r}; it must be a number{bound}")
        return value

    return number


def _threshold(text: str) -> tuple[str | None, float]:
    label, equals, number = text.rpartition("=")
    return label if equals else None, _number()(number)


def _threads(text: str) -> int:
    if (value := _integer(text)) < 1 and value != -1:
        raise argparse.ArgumentTypeError(f"got {value}; it must be 1 or more, or -1")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"got {text!r}; it must be a whole number") from error
