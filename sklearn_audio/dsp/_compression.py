"""From the complex spectrum to powers, and from powers to their compressed values."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

_FLOAT16_MAX = 65504.0


def magnitude(spectrum: Tensor, power: float) -> Tensor:
    """Compute the magnitudes, raised to a power, of complex values, which are lost."""
    if power == 1.0:
        return spectrum.abs()
    parts = torch.view_as_real(spectrum).square_()  # (..., bins) -> (..., bins, 2), in place: it stays in the CPU cache
    squared = parts[..., 0] + parts[..., 1]
    return squared if power == 2.0 else squared.pow(power / 2)


class Compression:
    """The steps of a `FrontEnd` after the filterbank; `FrontEnd` gives the settings their defaults."""

    power: float
    log: Literal["db", "ln", "log10"] | None
    log_gain: float
    log_offset: float
    log_floor: float
    ref: float | Literal["max"]
    top_db: float | None
    half_precision: bool
    mean: float
    std: float

    def compress(self, values: Tensor) -> Tensor:
        """Apply the logarithm, except for steps that need the whole clip.

        Parameters
        ----------
        values : Tensor of float, shape (n_frames, n_features)
            Powers or magnitudes.

        Returns
        -------
        Tensor of shape (n_frames, n_features)
            Compressed; may be a new tensor.
        """
        if self.half_precision:
            dtype, half = values.dtype, values.clamp(max=_FLOAT16_MAX).half()
            scaled = (half * self.log_gain).clamp(max=_FLOAT16_MAX) + self.log_offset
            return torch.log10(scaled.clamp(max=_FLOAT16_MAX)).to(dtype)
        if self.log is None:
            return values
        if self.log_gain != 1.0:
            values = values * self.log_gain
        if self.log_offset:
            values = values + self.log_offset
        if self.log_floor > 0:
            values = values.clamp(min=self.log_floor)
        if self.log == "ln":
            return values.log_()
        if self.log == "log10":
            return values.log10_()
        decibels = values.log10_().mul_(20.0 / self.power)
        if self.ref == "max" or self.ref == 1.0:
            return decibels
        return decibels.sub_(20.0 / self.power * math.log10(max(self.ref, self.log_floor)))

    @property
    def needs_whole_clip(self) -> bool:
        """Whether a frame depends on the maximum of its clip, by `ref` "max" or `top_db`."""
        return self.log == "db" and (self.ref == "max" or self.top_db is not None)

    def finish(self, frames: Tensor, highest: Tensor | None = None) -> Tensor:
        """Apply `ref` "max" and `top_db`, which need the whole clip, in place.

        Parameters
        ----------
        frames : Tensor of shape (..., n_frames, n_features)
            All frames of each clip, or some of them if `highest` is given.
        highest : Tensor of shape (), default=None
            The maximum of the whole clip. None: that of `frames`, clip by clip.

        Returns
        -------
        Tensor of shape (..., n_frames, n_features)
            The same object.
        """
        if not self.needs_whole_clip:
            return frames
        if highest is None:
            # the gradient of the maximum needs the frames as they were
            before = frames.clone() if frames.requires_grad else frames
            highest = before.amax(dim=(-2, -1), keepdim=True)
        if self.ref == "max":
            frames -= highest + self.mean / self.std  # the maximum is 0 dB before mean and std
            highest = torch.full_like(highest, -self.mean / self.std)
        if self.top_db is not None:
            frames.clamp_(min=highest - self.top_db / self.std)
        return frames
