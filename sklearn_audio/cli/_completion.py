"""``sklearn-audio completion``: completion scripts of shells, generated from the arguments of the commands."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable, Iterator
from shlex import quote
from typing import NamedTuple

from sklearn_audio.cli._messages import say
from sklearn_audio.cli._methods import EMBEDDERS, METHODS
from sklearn_audio.cli._parser import SHELLS, build_parser

# Values of options that are checked later than the others.
_VALUES = {"--method": METHODS, "--embedder": tuple(EMBEDDERS)}


class _Option(NamedTuple):
    flags: list[str]
    help: str
    takes_value: bool
    values: list[str]


class _Command(NamedTuple):
    """A command: its options, and the words that may follow it."""

    name: str
    help: str
    options: list[_Option]
    words: list[str]


def run(options: Namespace) -> None:
    """Print the script of a shell."""
    say("\n".join(_SCRIPTS[options.shell](list(_commands(build_parser())))))


def _commands(parser: argparse.ArgumentParser) -> Iterator[_Command]:
    (tree,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    helps = {action.dest: action.help or "" for action in tree._choices_actions}
    for name, command in tree.choices.items():
        options = [_option(action) for action in command._actions if action.option_strings]
        words = [str(word) for action in command._actions if not action.option_strings for word in action.choices or ()]
        yield _Command(name, helps[name], options, words)


def _option(action: argparse.Action) -> _Option:
    values = list(map(str, action.choices or _VALUES.get(action.option_strings[-1], ())))
    return _Option(list(action.option_strings), action.help or "", action.nargs != 0, values)


def _bash(commands: list[_Command]) -> Iterator[str]:
    names = " ".join(command.name for command in commands)
    yield from (
        "_sklearn_audio() {",
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=",
        "    # bash splits --option=value into three words",
        "    [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}",
        "    [[ $current == = ]] && current=",
        "    COMPREPLY=()",
        "    if ((COMP_CWORD == 1)); then",
        f"        words='{names} --help --version'",
        "    else",
        "        case ${COMP_WORDS[1]} in",
    )
    for command in commands:
        yield f"        {command.name})"
        yield "            case $previous in"
        for option in command.options:
            if option.takes_value:
                yield f"            {' | '.join(option.flags)}) words='{' '.join(option.values)}' ;;"
        flags = " ".join(flag for option in command.options for flag in option.flags)
        yield f"            *) [[ $current == -* ]] && words='{flags}' || words='{' '.join(command.words)}' ;;"
        yield "            esac"
        yield "            ;;"
    yield from (
        "        esac",
        "    fi",
        "    # nothing to offer: names of files",
        '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o default -F _sklearn_audio sklearn-audio",
    )


def _zsh(commands: list[_Command]) -> Iterator[str]:
    described = " ".join(quote(f"{command.name}:{command.help}") for command in commands)
    yield from (
        "_sklearn_audio() {",
        "    local -a choices",
        "    if (( CURRENT == 2 )); then",
        f"        choices=({described})",
        "        _describe command choices",
        "        return",
        "    fi",
        "    case ${words[2]} in",
    )
    for command in commands:
        yield f"    {command.name})"
        yield "        case ${words[CURRENT-1]} in"
        for option in command.options:
            if option.takes_value:
                offer = f"compadd -- {' '.join(option.values)}" if option.values else "_files"
                yield f"        {'|'.join(option.flags)}) {offer}; return ;;"
        yield "        esac"
        flags = " ".join(quote(f"{option.flags[-1]}:{option.help}") for option in command.options)
        yield "        if [[ $PREFIX == -* ]]; then"
        yield f"            choices=({flags})"
        yield "            _describe -o option choices"
        yield "        else"
        yield f"            {'compadd -- ' + ' '.join(command.words) if command.words else '_files'}"
        yield "        fi"
        yield "        ;;"
    yield from ("    esac", "}", "compdef _sklearn_audio sklearn-audio")


def _fish(commands: list[_Command]) -> Iterator[str]:
    start = "complete -c sklearn-audio"
    for command in commands:
        yield f"{start} -f -n __fish_use_subcommand -a {command.name} -d {_fish_quote(command.help)}"
        seen = f"{start} -n '__fish_seen_subcommand_from {command.name}'"
        for option in command.options:
            names = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags]
            value = f" -x -a '{' '.join(option.values)}'" if option.values else " -r -F" * option.takes_value
            yield f"{seen} {' '.join(names)}{value} -d {_fish_quote(option.help)}"
        if command.words:
            yield f"{seen} -f -a '{' '.join(command.words)}'"


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SCRIPTS: dict[str, Callable[[list[_Command]], Iterator[str]]] = dict(zip(SHELLS, (_bash, _zsh, _fish), strict=True))
