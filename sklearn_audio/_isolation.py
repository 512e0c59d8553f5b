"""Isolation from torch's settings: those of the program do not change results of the library.

Autocast, gradient modes and the default device are per thread, and set during a call. The default dtype is global and
visible to other threads, so it is not changed; instead, functions that create tensors get an explicit dtype. The same
holds for torch's global generator, see `Generators`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from sklearn_audio import _forks as _forks  # installs the hooks for forked children
from sklearn_audio._generators import Generators, drawing_from, functions_named

_AUTOCAST = ("cpu", "cuda", "mps", "xpu")
_MAKERS_OF_FLOATS = functions_named(
    *("empty", "empty_strided", "eye", "linspace", "logspace", "normal", "ones", "rand", "randn", "zeros"),
    *("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"),
)
# float results if the input is float
_MAKERS = functions_named("arange", "as_tensor", "asarray", "full", "range", "scalar_tensor", "tensor")


class _Float32(TorchFunctionMode):
    """Makes functions that create tensors use float32, whatever torch's default dtype."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if torch.get_default_dtype() != torch.float32 and _makes_the_default(func, args, kwargs):
            kwargs = {**kwargs, "dtype": torch.float32}
        return func(*args, **kwargs)


def _makes_the_default(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function creates a tensor of torch's default dtype."""
    given = (*args, *kwargs.values())
    if any(value is not None and (hasattr(value, "dtype") or isinstance(value, torch.dtype)) for value in given):
        return False
    return func in _MAKERS_OF_FLOATS or (func in _MAKERS and func(*args, **kwargs).dtype == torch.get_default_dtype())


@contextmanager
def isolated(generators: Generators | None = None, *, keep_gradients: bool = False) -> Iterator[None]:
    """Compute in float32, by default on the CPU, with gradients, without autocast.

    Only thread-local settings are changed, and restored. Inner contexts take precedence.
    """
    with ExitStack() as stack:
        for kind in _AUTOCAST:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if not keep_gradients:
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        # another thread may set the default dtype during a fit
        if generators is not None or torch.get_default_dtype() != torch.float32:
            stack.enter_context(_Float32())
        if generators is not None:
            stack.enter_context(drawing_from(generators))
        yield
