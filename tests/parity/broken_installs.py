"""torchaudio and torchvision where their compiled parts do not fit the torch at hand, as beside a CPU build of it."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch

__all__ = ["install_kaldi", "torchvision_without_operators"]


def install_kaldi() -> Any:
    """Put a torchaudio in place that is empty but for ``compliance.kaldi``, and return that."""
    spec = importlib.util.find_spec("torchaudio")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("torchaudio, which holds Kaldi's filterbank, is not installed.")
    stub = types.ModuleType("torchaudio")
    stub.__spec__ = spec
    sys.modules["torchaudio"] = stub
    name, file = "torchaudio.compliance.kaldi", f"{spec.submodule_search_locations[0]}/compliance/kaldi.py"
    kaldi_spec = importlib.util.spec_from_file_location(name, file)
    if kaldi_spec is None or kaldi_spec.loader is None:
        raise ImportError(f"{file} cannot be imported.")
    kaldi = importlib.util.module_from_spec(kaldi_spec)
    kaldi_spec.loader.exec_module(kaldi)
    stub.compliance = types.SimpleNamespace(kaldi=kaldi)
    return kaldi


@contextlib.contextmanager
def torchvision_without_operators() -> Iterator[None]:
    """Let torchvision be imported although the operators it describes do not exist; no network here uses them."""

    def describe_nothing(*args: Any, **kwargs: Any) -> Any:
        return lambda function: function

    with mock.patch.object(torch.library, "register_fake", describe_nothing):
        import torchvision  # noqa: F401

        yield
