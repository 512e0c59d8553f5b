"""``completion``: bash completes as the script says; the other scripts name every command and option."""

import argparse
import shutil
import subprocess

import pytest

from sklearn_audio.cli._parser import SHELLS, build_parser

COMMANDS = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)).choices


def completed(script, *words):
    """Let bash complete the last of some words; returns its offers."""
    array = " ".join(f"'{word}'" for word in words)
    call = f"COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; _sklearn_audio; echo ${{COMPREPLY[@]}}"
    run = subprocess.run(["bash", "--norc", "-c", f"{script}\n{call}"], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return run.stdout.split()


@pytest.fixture(scope="module")
def bash():
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    from sklearn_audio.cli._completion import _bash, _commands

    return "\n".join(_bash(list(_commands(build_parser()))))


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (["tr"], ["train"]),
        (["--v"], ["--version"]),
        (["train", "--met"], ["--method"]),
        (["train", "data", "--group-"], ["--group-pattern"]),
        (["train", "--method", "cr"], ["crnn"]),
        (["train", "--method", "=", "cr"], ["crnn"]),
        (["train", "--on-error", "="], ["raise", "skip"]),
        (["embed", "--embedder", "pa"], ["panns"]),
        (["report", "m", "--format", ""], ["text", "json", "csv"]),
        (["similar", "i", "-k", ""], []),
        (["train", "--output", "m"], []),
        (["predict", "mod"], []),
        (["weights", "ver"], ["verify"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["nonsense", "--x"], []),
    ],
)
def test_bash(bash, words, offers):
    assert completed(bash, "sklearn-audio", *words) == offers


def test_bash_knows_all_commands_and_options(bash):
    assert set(completed(bash, "sklearn-audio", "")) == {*COMMANDS, "--help", "--version"}
    for name in ("train", "detect", "index"):
        flags = {flag for action in COMMANDS[name]._actions for flag in action.option_strings}
        assert set(completed(bash, "sklearn-audio", name, "-")) == flags


@pytest.mark.parametrize("shell", SHELLS)
def test_all_scripts_name_everything(shell, run):
    out = run("completion", shell)
    for name, command in COMMANDS.items():
        assert name in out
        for action in command._actions:
            if action.option_strings:
                flag = action.option_strings[-1]
                assert (f"-l {flag[2:]} " if shell == "fish" else flag) in out
    program = shutil.which(shell)
    if program is not None:
        assert subprocess.run([program, "-n"], input=out, capture_output=True, text=True).stderr == ""


def test_descriptions_are_quoted():
    from sklearn_audio.cli._completion import _Command, _fish, _Option, _zsh

    command = _Command("x", "don't", [_Option(["-y", "--yes"], "it's", False, [])], [])
    assert "-s y -l yes -d 'it\\'s'" in "\n".join(_fish([command]))
    assert """'--yes:it'"'"'s'""" in "\n".join(_zsh([command]))


def test_other_shells_are_refused(capsys):
    from sklearn_audio.cli import main

    with pytest.raises(SystemExit):
        main(["completion", "csh"])
    assert "invalid choice: 'csh'" in capsys.readouterr().err
