"""Descriptions of objects by content: equal in every process, and different if any part of the object differs."""

from __future__ import annotations

import copyreg
import hashlib
import sys
import types
from collections.abc import Iterator, Mapping
from os import PathLike, fspath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from skorch.callbacks import Callback

from sklearn_audio._saved_version import STATE_VERSION
from sklearn_audio.ragged import Ragged

__all__ = ["DIGEST", "Describer", "digest_of_array"]

# Prefix of objects without readable content.
DIGEST = "blake2b:"
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), torch.device, torch.dtype)
# Maximum length of a description; longer ones are replaced by their digest.
_LONGEST = 200
# Attributes that do not affect the results of an estimator.
_NOT_USED = ("history_", "verbose", "n_jobs", "device", "checkpoint_dir", STATE_VERSION)


class Describer:
    """Describes objects by their content, recursively.

    Functions are described by their code, default arguments, closure and the global names they use; objects by the
    state that pickle would save; functions and classes of installed libraries by name and version.
    """

    def __init__(self) -> None:
        # id -> (the object, which keeps the id valid, and its description; None while it is incomplete)
        self._known: dict[int, tuple[Any, str | None]] = {}

    def describe(self, value: Any) -> str:
        """Describe an object."""
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) in _PLAIN or isinstance(value, torch.device | torch.dtype):
            return repr(value)
        known = self._known.get(id(value))
        if known is not None:
            return known[1] if known[1] is not None else f"<{type(value).__qualname__} that holds this>"
        self._known[id(value)] = (value, None)
        text = self._content(value)
        if len(text) > _LONGEST:
            text = f"{_name_of(value)}({DIGEST}{_hash(text)})"
        self._known[id(value)] = (value, text)
        return text

    def _content(self, value: Any) -> str:
        if type(value) in _CONTAINERS:
            return str(_CONTAINERS[type(value)](self, value))
        for kinds, describe in _KINDS.items():
            if isinstance(value, kinds):
                return str(describe(self, value))
        return self._reduced(value)

    def _items(self, values: Any) -> str:
        return ", ".join(self.describe(item) for item in values)

    def _mapping(self, value: Mapping[Any, Any]) -> str:
        items = ", ".join(f"{self.describe(key)}: {self.describe(item)}" for key, item in value.items())
        return "{" + items + "}"

    def _sequence(self, value: Any) -> str:
        return f"[{self._items(value)}]"

    def _set(self, value: Any) -> str:
        return "{" + ", ".join(sorted(self.describe(item) for item in value)) + "}"

    def _module(self, value: types.ModuleType) -> str:
        return f"module {value.__name__}"

    def _network(self, value: torch.nn.Module) -> str:
        state = {**value.state_dict(), **dict(value.named_buffers())}
        return f"{self.describe(type(value))} {value} {value.training} {self._mapping(state)} {self._state(value)}"

    def _state(self, value: torch.nn.Module) -> str:
        """Describe the attributes of a network other than tensors, submodules and internals of torch."""
        inside = vars(torch.nn.Module())
        own = {name: item for name, item in vars(value).items() if name not in inside}
        parts = {name: self._state(part) for name, part in value.named_children()}
        return f"{self._mapping(own)} {parts}"

    def _tensor(self, value: torch.Tensor) -> str:
        array = value.detach().cpu().contiguous()
        content = array.view(torch.uint8).numpy() if array.ndim else array.reshape(1).view(torch.uint8).numpy()
        return f"{value.dtype} {tuple(value.shape)} {digest_of_array(content)}"

    def _array(self, value: Any) -> str:
        if isinstance(value, np.ndarray) and value.dtype.hasobject:
            return f"{value.dtype} {value.shape} [{self._items(value.ravel().tolist())}]"
        return digest_of_array(value)

    def _code(self, value: types.CodeType) -> str:
        parts = (value.co_code, value.co_consts, value.co_names, value.co_varnames, value.co_freevars, value.co_flags)
        return f"code [{self._items(parts)}]"

    def _function(self, value: types.FunctionType) -> str:
        name = _qualified(value)
        if _is_installed(value.__module__):
            # identified by its name, unless it is a nested function
            return f"{name}{self._made_with(value)}" if "<locals>" in name else name
        return f"{name} {self.describe(value.__code__)}{self._made_with(value)} {self._globals(value)}"

    def _made_with(self, value: types.FunctionType) -> str:
        cells = [_inside(cell) for cell in value.__closure__ or ()]
        attributes = {name: item for name, item in vars(value).items() if name != "__wrapped__"}
        made_with = (value.__defaults__, value.__kwdefaults__, cells, attributes)
        return f" {self._items(made_with)}" if any(made_with) else ""

    def _globals(self, value: types.FunctionType) -> str:
        space = value.__globals__
        return self._mapping({name: space[name] for name in _names_in(value.__code__) if name in space})

    def _method(self, value: types.MethodType) -> str:
        return f"{self.describe(value.__func__)} of {self.describe(value.__self__)}"

    def _class(self, value: type) -> str:
        name = _qualified(value)
        if _is_installed(value.__module__):
            return name
        own = {key: item for key, item in vars(value).items() if _is_content(value, key, item)}
        return f"{name} of {self._items(value.__bases__)} {self._mapping(own)}"

    def _descriptor(self, value: Any) -> str:
        inside = [getattr(value, name, None) for name in ("fget", "fset", "fdel", "__func__", "func")]
        return f"{type(value).__qualname__} {self._items(inside)}"

    def _estimator(self, value: BaseEstimator) -> str:
        state = {name: item for name, item in value.__getstate__().items() if name not in _NOT_USED}
        return f"{self.describe(type(value))} {self._mapping(state)}"

    def _reduced(self, value: Any) -> str:
        """Describe the state that pickle would write."""
        reduce = copyreg.dispatch_table.get(type(value))
        reduced: Any = reduce(value) if reduce is not None else value.__reduce_ex__(4)
        if isinstance(reduced, str):
            module = getattr(value, "__module__", None) or type(value).__module__
            # such as a cached function
            inside = f" {self.describe(value.__wrapped__)}" if hasattr(value, "__wrapped__") else ""
            return f"{module}.{reduced}{inside}"
        make, arguments, *rest = reduced
        state = rest[0] if rest else None
        contents = [list(items) if isinstance(items, Iterator) else items for items in rest[1:3]]
        made_by = [item for item in arguments if item is not type(value)]
        made = "" if make in _MAKERS else f"{self.describe(make)} "
        return f"{self.describe(type(value))}({made}{self._items([*made_by, state, *contents])})"


# constructors that pickle uses for plain objects
_MAKERS = (getattr(copyreg, "__newobj__", None), getattr(copyreg, "_reconstructor", None))

# subclasses may have further state, which pickle includes
_CONTAINERS: dict[type, Any] = {
    list: Describer._sequence,
    tuple: Describer._sequence,
    dict: Describer._mapping,
    set: Describer._set,
    frozenset: Describer._set,
}
_KINDS: dict[Any, Any] = {
    PathLike: lambda describer, value: repr(fspath(value)),
    (np.ndarray, Ragged): Describer._array,
    torch.Tensor: Describer._tensor,
    torch.nn.Module: Describer._network,
    torch.Generator: lambda describer, value: f"torch.Generator {describer.describe(value.get_state())}",
    types.ModuleType: Describer._module,
    types.CodeType: Describer._code,
    types.FunctionType: Describer._function,
    types.MethodType: Describer._method,
    (staticmethod, classmethod, property): Describer._descriptor,
    type: Describer._class,
    BaseEstimator: Describer._estimator,
}


def digest_of_array(value: Any) -> str:
    """Compute the digest of type, shape and values of an array or of rows, which may be larger than memory."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
    if hasattr(value, "lengths"):
        digest.update(value.lengths.tobytes())
        for row in range(len(value)):
            digest.update(np.ascontiguousarray(value[row]).tobytes())
    else:
        array: NDArray[Any] = np.asarray(value)
        digest.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
    return f"{DIGEST}{digest.hexdigest()}"


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _name_of(value: Any) -> str:
    return _qualified(value if isinstance(value, type | types.FunctionType) else type(value))


def _qualified(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _is_installed(module: str | None) -> bool:
    """Whether a module belongs to an installed library, which has a version, rather than to user code."""
    top = (module or "").partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    is_library = "site-packages" in file or "dist-packages" in file
    return top in sys.stdlib_module_names or top in ("builtins", "sklearn_audio") or is_library


def _is_content(owner: type, name: str, item: Any) -> bool:
    """Whether an attribute of a class is a method or setting, not internal to Python, `abc` or `dataclasses`."""
    if isinstance(item, types.FunctionType | staticmethod | classmethod | property):
        return True
    is_slot = isinstance(item, types.MemberDescriptorType | types.GetSetDescriptorType)
    is_about = name.startswith("__") or name.startswith("_abc_")
    # a callback class may have counters as class attributes; its instances are copied for each fit
    return not (is_slot or is_about or issubclass(owner, Callback))


def _inside(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return Ellipsis  # not filled yet


def _names_in(code: types.CodeType) -> list[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return list(dict.fromkeys([*code.co_names, *(name for part in inner for name in _names_in(part))]))
