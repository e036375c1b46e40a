"""A device beside the CPU, for tests on any machine: it is called meta, as torch knows it, but has numbers.

Inside `another_device()` tensors that are made on or brought to device "meta" hold numbers, which the CPU
computes. As on a graphics card, operations refuse tensors of both devices, and what is there has to be
brought to the CPU to be read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch.optim.optimizer as optimisers
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ELSEWHERE = torch.device("meta")
ATEN = torch.ops.aten
BRINGING = {ATEN._to_copy.default, ATEN.copy_.default}
INDEXED = {ATEN.index.Tensor, ATEN.index_put.default, ATEN.index_put_.default, ATEN._index_put_impl_.default}
"""Whose indices may be on the CPU, as on a graphics card."""


class There(Tensor):
    """A tensor on the other device; `here` are its numbers."""

    here: Tensor
    is_meta = False  # which stands for: has no numbers

    @staticmethod
    def __new__(cls, here: Tensor) -> "There":
        """Made of its numbers."""
        made = Tensor._make_wrapper_subclass(
            cls,
            here.size(),
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            layout=here.layout,
            device=ELSEWHERE,
        )
        made.here = here
        return made

    def tolist(self) -> Any:
        """The numbers, brought to the CPU."""
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """As of a tensor on a graphics card."""
        raise TypeError("can't convert a tensor of another device to numpy; use Tensor.cpu() first")

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, function: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        return _computed(function, arguments, named or {})


class _Device(TorchDispatchMode):
    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        return _computed(function, arguments, named or {})


class _FromNumbers(TorchFunctionMode):
    """torch.tensor, which makes no operation of it."""

    def __torch_function__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        named = named or {}
        if function is torch.tensor and named.get("device") == ELSEWHERE:
            return function(*arguments, **{**named, "device": "cpu"}).to(ELSEWHERE)
        return function(*arguments, **named)


@contextmanager
def another_device() -> Iterator[torch.device]:
    """The device, which has numbers inside; there as here, optimisers of torch may be fused."""
    fused = patch.object(optimisers, "_get_fused_kernels_supported_devices", lambda: ["cpu", ELSEWHERE.type])
    with _Device(), _FromNumbers(), fused:
        yield ELSEWHERE


def _computed(function: Any, arguments: Any, named: dict[str, Any]) -> Any:
    tensors = [value for value in tree_leaves([arguments, named]) if isinstance(value, Tensor)]
    there = any(isinstance(value, There) for value in tensors)
    if named.get("device") is not None:
        there = torch.device(named["device"]) == ELSEWHERE
        named = {**named, "device": torch.device("cpu")}
    if function not in BRINGING:
        _check(function, arguments, named, tensors)
    found = function(*tree_map(_here, arguments), **tree_map(_here, named))
    if function._schema.is_mutable:
        written = [
            value
            for value, argument in zip(arguments, function._schema.arguments, strict=False)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        written += [value for name, value in named.items() if name == "out"]
        return written[0] if isinstance(found, Tensor) else tree_map(_there, found) if there else found
    return tree_map(_there, found) if there else found


def _check(function: Any, arguments: Any, named: dict[str, Any], tensors: list[Tensor]) -> None:
    if any(type(value) is Tensor and value.is_meta for value in tensors):
        raise RuntimeError(f"{function}: a tensor without numbers")
    looked_at = [arguments[0]] if function in INDEXED and isinstance(arguments[0], There) else tensors
    kinds = {isinstance(value, There) for value in looked_at}
    if any(isinstance(value, There) for value in tensors) and isinstance(
        named.get("generator"), torch.Generator
    ):
        raise RuntimeError(f"{function}: expected a generator of the other device")
    if len(kinds) > 1:
        raise RuntimeError(f"{function}: expected all tensors to be on the same device, but found two")


def _here(value: Any) -> Any:
    return value.here if isinstance(value, There) else value


def _there(value: Any) -> Any:
    return There(value) if isinstance(value, Tensor) and not isinstance(value, There) else value
