"""The output of a clip is looked at as its samples are: it is finite, or the clip failed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_output"]


def check_output(values: NDArray[Any], clip: str) -> None:
    """Refuse what was computed from a clip if it is not finite, as the powers of huge samples are not."""
    if not math.isfinite(values.sum(dtype=np.float64)):
        raise ValueError(
            f"{clip}: what is computed from the clip is NaN or infinite, though its samples are finite: samples far "
            "beyond [-1, 1] leave the range of float32. Repair it or leave it out."
        )
