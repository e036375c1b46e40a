"""How any network is called: with whatever inputs it takes, parameters replaced, and nothing left behind."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.parametrizations import _WeightNorm
from torch.nn.utils.weight_norm import WeightNorm
from torch.overrides import TorchFunctionMode

from movingtarget.networks.stack import Parameters

COMPILED = "_orig_mod."
"""What torch.compile puts before the names of a module's parameters."""


def original(network: nn.Module) -> nn.Module:
    """The module that a compiled one was made of; any other module itself.

    Raises:
        TypeError: it is no module, or one whose parameters torch cannot replace.
    """
    found: nn.Module = getattr(network, COMPILED[:-1], network)
    if not isinstance(found, nn.Module):
        raise TypeError(f"the network is {type(found).__name__}; allowed: a torch module")
    for name, part in found.named_modules():
        if isinstance(part, (torch.jit.ScriptModule, nn.DataParallel)):
            raise TypeError(
                f"{f'part {name!r}' if name else 'the network'} is {type(part).__name__}, whose parameters "
                "torch cannot replace; allowed: the module that it was made of"
            )
    return found


def plain_name(name: str) -> str:
    """The name of a parameter in the module that a compiled one was made of."""
    return name.removeprefix(COMPILED)


def arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Inputs as a call's arguments, by place and by name.

    >>> arguments((1, 2)), arguments({"tokens": 3}), arguments(4)
    (((1, 2), {}), ((), {'tokens': 3}), ((4,), {}))
    """
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (tuple(inputs), {}) if isinstance(inputs, (tuple, list)) else ((inputs,), {})


def copied(inputs: Any) -> Any:
    """Inputs whose tensors a network may change in place, without a gradient."""
    if isinstance(inputs, Tensor):
        return inputs.detach().clone()
    if isinstance(inputs, Mapping):
        return {name: copied(value) for name, value in inputs.items()}
    return tuple(map(copied, inputs)) if type(inputs) in (tuple, list) else inputs


def call(network: nn.Module, parameters: Parameters, inputs: Any, seed: int = 0) -> Any:
    """What a network returns, with the parameters (and buffers) given in the place of its own.

    It writes to copies of its buffers, in the parameters' precision, and draws the same random numbers in
    every call, such as for dropout. All it does can be differentiated twice.

    Args:
        network: any module, in its own mode.
        parameters: by name; those not given are the network's own.
        inputs: a tensor, a tuple or list of arguments, or arguments by name.
        seed: of the random numbers; the state of torch's generators is as before afterwards.

    >>> network = nn.Sequential(nn.BatchNorm1d(1, affine=False), nn.Dropout())
    >>> draws = [call(network, {}, torch.tensor([[1.0], [3.0]])) for _ in range(2)]
    >>> bool((draws[0] == draws[1]).all()), network[0].running_mean.item()
    (True, 0.0)
    """
    places, names = arguments(inputs)
    with repeatable(network, seed):
        return functional_call(network, {**_buffers(network, parameters), **parameters}, places, names)


@contextmanager
def repeatable(network: nn.Module, seed: int = 0) -> Iterator[None]:
    """Inside, a call draws the random numbers of this seed, runs eagerly and has second derivatives."""
    fast = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        stack.enter_context(kept_random_state(network))
        if torch.is_inference_mode_enabled():  # nothing has a gradient in it; leaving it undoes no_grad
            stack.enter_context(torch.inference_mode(False))
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))  # the fused ones have no second derivatives
        if "torch._dynamo" in sys.modules:  # else nothing has been compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        if _has_weight_norm(network):
            stack.enter_context(_WeightNormOfParts())
        if _devices(network):
            torch.manual_seed(seed)
        else:  # that of every device would be seeded, too
            torch.default_generator.manual_seed(seed)
        torch.backends.mha.set_fastpath_enabled(False)
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        yield


@contextmanager
def kept_random_state(network: nn.Module) -> Iterator[None]:
    """Afterwards, torch's generators on the CPU and on devices of the network's kind are as before."""
    with ExitStack() as stack:
        for kind in _devices(network) or {"cuda"}:
            count = torch.get_device_module(kind).device_count() if _devices(network) else 0
            stack.enter_context(torch.random.fork_rng(range(count), device_type=kind))
        yield


def _devices(network: nn.Module) -> set[str]:
    """The kinds of devices with random numbers of their own that a network is on."""
    return {value.device.type for value in network.parameters()} - {"cpu", "meta"}


class _WeightNormOfParts(TorchFunctionMode):
    """A weight norm of primitives: the second derivative of torch's own takes the norm for a constant."""

    def __torch_function__(self, function: Any, types: Any, places: Any = (), names: Any = None) -> Any:
        if function is torch._weight_norm:
            direction, size, axis = places
            return direction * (size / torch.norm_except_dim(direction, 2, axis))
        return function(*places, **(names or {}))


def _has_weight_norm(network: nn.Module) -> bool:
    return any(
        isinstance(part, _WeightNorm)
        or any(isinstance(hook, WeightNorm) for hook in part._forward_pre_hooks.values())
        for part in network.modules()
    )


def _buffers(network: nn.Module, parameters: Parameters) -> Parameters:
    """Copies of the buffers; if parameters come in another precision, all that is floating in that one."""
    buffers = {name: value.detach().clone() for name, value in network.named_buffers()}
    own = dict(network.named_parameters())
    for name, value in parameters.items():
        if name in own and own[name].dtype != value.dtype:
            rest = {**buffers, **{key: held for key, held in own.items() if key not in parameters}}
            return {
                key: held.to(value.dtype) if held.is_floating_point() else held for key, held in rest.items()
            }
    return buffers
