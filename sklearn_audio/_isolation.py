"""Isolation from torch's settings and generators: those of the program do not change results of the library.

Autocast, gradient modes and the default device are per thread, and set during a call. The default dtype is global and
visible to other threads, so it is not changed; instead, functions that create tensors get an explicit dtype.

Initialisation and dropout use torch's global generators, which all threads share, so concurrent fits would interfere.
Within `drawing_from`, torch's random functions use a separate generator, with the numbers that the global one would
give for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from sklearn_audio._forks import ForkSafeLock

_Function = Callable[..., Any]


def functions_named(*names: str) -> frozenset[_Function]:
    """Collect the functions and methods of torch with these names."""
    homes = (torch, torch.Tensor, torch.nn.functional, nn.init, torch._C._nn)
    return frozenset(getattr(home, name) for home in homes for name in names if hasattr(home, name))


# Functions with a parameter `generator`.
_TAKE_A_GENERATOR = functions_named(
    *("bernoulli", "multinomial", "normal", "poisson", "rand", "randint", "randn", "randperm"),
    *("bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "normal_", "random_", "uniform_"),
    *("kaiming_normal_", "kaiming_uniform_", "orthogonal_", "sparse_", "trunc_normal_"),
    *("xavier_normal_", "xavier_uniform_"),
)
# Random functions without it.
_DRAW_WITHIN = functions_named(
    *("rand_like", "randint_like", "randn_like", "binomial", "rrelu", "rrelu_", "gumbel_softmax", "native_dropout"),
    *("fractional_max_pool2d", "fractional_max_pool2d_with_indices"),
    *("fractional_max_pool3d", "fractional_max_pool3d_with_indices"),
    *("_standard_gamma", "_sample_dirichlet", "rrelu_with_noise", "rrelu_with_noise_"),
)
# Random if their dropout probability, the only float argument, is above zero.
_DROP = functions_named(
    *("dropout", "dropout_", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "alpha_dropout_"),
    *("feature_dropout", "feature_dropout_", "feature_alpha_dropout", "feature_alpha_dropout_"),
    *("multi_head_attention_forward", "scaled_dot_product_attention", "gru", "lstm", "rnn_relu", "rnn_tanh"),
)


class Generators:
    """One generator per device, all with one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._by_device: dict[torch.device, torch.Generator] = {}

    def of(self, device: torch.device) -> torch.Generator:
        """Return the generator of a device."""
        if device.type == "cuda" and device.index is None:  # pragma: no cover - needs CUDA
            device = torch.device("cuda", torch.cuda.current_device())
        if device not in self._by_device:
            self._by_device[device] = torch.Generator(device=device).manual_seed(self._seed)
        return self._by_device[device]

    @contextmanager
    def lent(self, device: torch.device) -> Iterator[None]:
        """Temporarily set torch's global generator, for operations without the parameter."""
        own = self.of(device)
        of_cuda, index = torch.cuda.default_generators, own.device.index
        of_process = torch.default_generator if device.type == "cpu" else of_cuda[index]
        with _lending:
            before = of_process.get_state()
            of_process.set_state(own.get_state())
            try:
                yield
            finally:
                own.set_state(of_process.get_state())
                of_process.set_state(before)


_lending = ForkSafeLock()


class drawing_from(TorchFunctionMode):
    """Use separate generators in place of the global ones, in this thread.

    Adds some microseconds to each torch call, so use it around construction and forward pass of a network, but not
    around gradients or the optimiser.
    """

    def __init__(self, generators: Generators) -> None:
        super().__init__()
        self._generators = generators

    def __torch_function__(
        self, func: _Function, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _TAKE_A_GENERATOR:
            device = _device_of(args, kwargs)
            if kwargs.get("generator") is None and device.type != "meta":
                kwargs = {**kwargs, "generator": self._generators.of(device)}
        elif func in _DRAW_WITHIN or (func in _DROP and _drops(args, kwargs)):
            with _DrawingWithin(self._generators):
                return func(*args, **kwargs)
        return func(*args, **kwargs)


class _DrawingWithin(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Passes a generator to the operations within a function."""

    def __init__(self, generators: Generators) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generators = generators

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not _draws(func) or kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        device, func = _device_of(args, kwargs), _overload(func)
        if _takes_a_generator(func):
            return func(*args, **{**kwargs, "generator": self._generators.of(device)})
        if device.type not in ("cpu", "cuda"):
            return func(*args, **kwargs)
        with self._generators.lent(device):
            return func(*args, **kwargs)


@cache
def _takes_a_generator(operation: Any) -> bool:
    return any(argument.name == "generator" for argument in operation._schema.arguments)


def _overload(operation: Any) -> Any:
    """Return the overload of an operation with a generator, if it is another one."""
    if operation._overloadname != "default":
        return operation
    return getattr(operation.overloadpacket, "generator", operation)


@cache
def _draws(operation: Any) -> bool:
    return _takes_a_generator(operation) or torch.Tag.nondeterministic_seeded in operation.tags


def _drops(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return any(isinstance(value, float) and value > 0 for value in (*args, *kwargs.values()))


def _device_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.device:
    """Return the device of the random numbers: that of the tensors, or the `device` argument."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            return value.device
    named = kwargs.get("device")
    return torch.get_default_device() if named is None else torch.device(named)


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
