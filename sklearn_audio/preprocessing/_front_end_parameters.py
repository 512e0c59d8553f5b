"""The parameters of a front end: constraints, and conditions under which they have an effect."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn_audio._meaning import Use, Uses, needs
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.dsp import WINDOWS

FRONT_END_CONSTRAINTS: dict[str, list[Any]] = {
    "n_fft": [Interval(Integral, 1, None, closed="left")],
    "win_length": [None, Interval(Integral, 1, None, closed="left")],
    "hop_length": [Interval(Integral, 1, None, closed="left")],
    "n_mels": [Interval(Integral, 1, None, closed="left")],
    "fmin": [Interval(Real, 0, None, closed="left")],
    "fmax": [None, Interval(Real, 0, None, closed="neither")],
    "window": [StrOptions(set(WINDOWS))],
    "center": ["boolean"],
    "pad_mode": [StrOptions({"constant", "reflect"})],
    "power": [Interval(Real, 0, None, closed="neither")],
    "mel_scale": [StrOptions({"slaney", "htk"})],
    "mel_norm": [None, StrOptions({"slaney"})],
    "log": [None, StrOptions({"db", "ln", "log10"})],
    "log_floor": [Interval(Real, 0, None, closed="left")],
    "ref": [StrOptions({"max"}), Interval(Real, 0, None, closed="neither")],
    "top_db": [None, Interval(Real, 0, None, closed="left")],
}


FRONT_END_USES: Uses = {
    "pad_mode": needs("center=True", lambda owner: owner.center, "center"),
    "log_floor": needs("a logarithm", lambda owner: owner.log is not None, "log"),
    "ref": needs("log='db'", lambda owner: owner.log == "db", "log"),
    "top_db": needs("log='db'", lambda owner: owner.log == "db", "log", idle=(None,)),
}


def front_end_uses(name: str) -> tuple[Use, ...]:
    """Return the conditions of a parameter as a tuple."""
    uses = FRONT_END_USES.get(name, ())
    return (uses,) if isinstance(uses, Use) else uses
