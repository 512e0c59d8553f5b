"""The parameters of a front end: constraints, and conditions under which they have an effect."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn_audio._meaning import Uses, needs
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
    "window_periodic": ["boolean"],
    "window_align": [StrOptions({"center", "left"})],
    "center": ["boolean"],
    "pad_mode": [StrOptions({"constant", "reflect"})],
    "remove_dc": ["boolean"],
    "preemphasis": [Interval(Real, 0, 1, closed="both")],
    "preemphasis_scope": [StrOptions({"frame", "waveform"})],
    "power": [Interval(Real, 0, None, closed="neither")],
    "mel_scale": [StrOptions({"slaney", "htk"})],
    "triangle_domain": [StrOptions({"hz", "mel"})],
    "mel_norm": [None, StrOptions({"slaney"})],
    "drop_nyquist": ["boolean"],
    "log": [None, StrOptions({"db", "ln", "log10"})],
    "log_gain": [Interval(Real, 0, None, closed="neither")],
    "log_offset": [Interval(Real, 0, None, closed="left")],
    "log_floor": [Interval(Real, 0, None, closed="left")],
    "ref": [StrOptions({"max"}), Interval(Real, 0, None, closed="neither")],
    "top_db": [None, Interval(Real, 0, None, closed="left")],
    "half_precision": ["boolean"],
    "mean": [Real],
    "std": [Real],
}


_LOG = needs("a logarithm", lambda owner: owner.log is not None, "log")
FRONT_END_USES: Uses = {
    "window_periodic": needs("a window that is not flat", lambda owner: owner.window != "rectangular", "window"),
    "window_align": needs(
        "win_length below n_fft",
        lambda owner: owner.win_length is not None and owner.win_length < owner.n_fft,
        "win_length",
        "n_fft",
    ),
    "pad_mode": needs("center=True", lambda owner: owner.center, "center"),
    "preemphasis_scope": needs("preemphasis above 0", lambda owner: owner.preemphasis > 0, "preemphasis"),
    "log_gain": _LOG,
    "log_offset": _LOG,
    "log_floor": (
        _LOG,
        needs("half_precision=False", lambda owner: not owner.half_precision, "half_precision", idle=(0.0,)),
    ),
    "ref": needs("log='db'", lambda owner: owner.log == "db", "log"),
    "top_db": needs("log='db'", lambda owner: owner.log == "db", "log", idle=(None,)),
    "half_precision": needs("log='log10'", lambda owner: owner.log == "log10", "log"),
}
