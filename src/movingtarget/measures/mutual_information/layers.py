"""Mutual information between layers of any torch module, by their names."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from movingtarget.measures.calling import call, copied
from movingtarget.measures.capture import capture
from movingtarget.measures.given import measurable
from movingtarget.measures.input_gradient import by_name
from movingtarget.measures.mutual_information.by_name import information_through_noise
from movingtarget.measures.mutual_information.channel import Scaling
from movingtarget.measures.mutual_information.estimate import Estimate, not_negative
from movingtarget.measures.population import evaluating
from movingtarget.measures.untouched import untouched
from movingtarget.names import unknown


def layer_information(
    network: nn.Module,
    inputs: Any,
    below: str,
    above: str,
    estimator: str = "gaussian",
    noise: float = 0.1,
    scaling: Scaling = "deviation",
    seed: int = 0,
) -> Estimate:
    r"""Information between the outputs of two layers, each at unit size and read through noise of its own.

    $$ I(x / |x| + \sigma e;\; y / |y| + \sigma e') $$

    The network is called once, in eval mode and without gradients, on copies of its buffers: what it holds,
    its mode and the inputs stay as they are. Outputs `(examples, ...)` are taken as `(examples, units)`, as
    they leave the layer, whatever becomes of them in place.

    Args:
        network: any module.
        inputs: a tensor with the examples along its first axis; a tuple or list of arguments, or a mapping of
            arguments by name.
        below: a name in `network.named_modules()`, such as "0" or "hidden.3.linear"; "" is the whole network.
            The inputs are layer "0" of `nn.Sequential(nn.Identity(), network)`.
        above: another one, or the same: then what a layer shares with itself through two noises.
        estimator: a name in `ESTIMATORS`.
        noise: the standard deviation sigma, relative to a layer's size; without noise the information of
            a layer with what is computed from it is infinite.
        scaling: what counts as a layer's size, as in `scaled`.
        seed: of the noise.

    Returns:
        The estimate; one that is less than zero, as it is by chance alone, is zero.

    Raises:
        ValueError: one line that names the layer: unknown; not called once; of anything but one tensor of
            real, finite numbers with as many rows as there are inputs; the same for all inputs; with more
            units than the estimator can tell from so few inputs. Or a setting that is not allowed.

    Source: as `by_name.information`.

    Two units, and the same turned, share -ln(1 - 0.8^2) nats through noise of half their size:

    >>> network = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    >>> network[0].weight.data = torch.tensor([[0.6, 0.8], [-0.8, 0.6]])
    >>> inputs = torch.randn(10_000, 2, generator=torch.Generator().manual_seed(1))
    >>> whole = nn.Sequential(nn.Identity(), network)
    >>> round(layer_information(whole, inputs, "0", "1.0", noise=0.5).value, 1)
    1.0
    """
    layers = successive_information(network, inputs, [below, above], estimator, noise, scaling, seed)
    return layers[below, above]


def successive_information(
    network: nn.Module,
    inputs: Any,
    names: Sequence[str],
    estimator: str = "gaussian",
    noise: float = 0.1,
    scaling: Scaling = "deviation",
    seed: int = 0,
) -> dict[tuple[str, str], Estimate]:
    """The same between each of two or more named layers and the next, by both names, from one call.

    The other arguments, and the errors, are those of `layer_information`.

    >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> list(successive_information(network, torch.randn(50, 4), ["0", "1", "2"]))
    [('0', '1'), ('1', '2')]
    """
    if isinstance(names, str) or len(names) < 2:
        given = f"'{names}' is one name" if isinstance(names, str) else f"{len(names)} names"
        raise ValueError(f"{given} of layers; allowed: two or more")
    tables = _tables(network, inputs, names)
    return {
        (below, above): _between(tables, below, above, estimator, noise, scaling, seed)
        for below, above in pairwise(names)
    }


def _between(tables: dict[str, Tensor], below: str, above: str, *settings: Any) -> Estimate:
    """The information of two layers; of too few inputs, what would serve."""
    first, second = tables[below], tables[above]
    try:
        return not_negative(information_through_noise(first, second, *settings))
    except ValueError as error:
        if len(first) > first.shape[1] + second.shape[1]:
            raise
        raise ValueError(
            f"{error} (layer '{below}' has {first.shape[1]} units, '{above}' {second.shape[1]}, on "
            f"{len(first)} inputs: give more of them, or take an estimator that needs fewer, such as "
            "pairwise-lower)"
        ) from error


def _tables(network: nn.Module, inputs: Any, names: Sequence[str]) -> dict[str, Tensor]:
    """The outputs `(examples, units)` of layers, by name."""
    tensors = [value for value in by_name(inputs).values() if isinstance(value, Tensor)]
    examples = tensors[0].shape[0] if tensors and tensors[0].dim() else None
    outputs = _outputs(network, inputs, names)
    return {name: _table(f"layer '{name}'", output, examples) for name, output in outputs.items()}


@torch.no_grad()
def _outputs(network: nn.Module, inputs: Any, names: Sequence[str]) -> dict[str, Any]:
    """What each layer returns when the network is called once."""
    network = measurable(network)
    parts = dict(network.named_modules(remove_duplicate=False))
    for name in names:
        if name not in parts:
            raise ValueError(unknown("layer", name, (known or "'' (the whole)" for known in parts)))
    calls: dict[str, list[Any]] = {name: [] for name in names}
    with untouched(network), evaluating(network), ExitStack() as captures:
        for name, seen in calls.items():
            captures.enter_context(capture({name: parts[name]}, _kept_in(seen)))
        call(network, {}, copied(inputs))
    for name, seen in calls.items():
        if len(seen) != 1:
            raise ValueError(
                f"layer '{name}' was called {len(seen)} times; allowed: a layer called once, as a module"
            )
    return {name: seen[0] for name, seen in calls.items()}


def _kept_in(seen: list[Any]) -> Callable[[Any, Any], None]:
    return lambda _, output: seen.append(_copied(output))


def _copied(value: Any) -> Any:
    """A copy of a tensor, which the network cannot change in place; anything else as it is."""
    return value.detach().clone() if isinstance(value, Tensor) else value


def _table(layer: str, output: Any, examples: int | None) -> Tensor:
    if not isinstance(output, Tensor) or output.layout != torch.strided:
        kind = output.layout if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(
            f"{layer} returned {kind}; allowed: one dense tensor, as of a part of the layer, or of a module "
            "around it that picks what is meant"
        )
    shape = "x".join(map(str, output.shape)) or "a single number"
    if output.dim() == 0 or len(output) < 2:
        raise ValueError(f"{layer} returned {shape}; allowed: two examples or more along the first axis")
    if examples not in (None, len(output)):
        raise ValueError(
            f"{layer} returned {shape} for {examples} inputs; allowed: as many along the first axis"
        )
    if output.is_complex():
        raise ValueError(f"{layer} returned complex numbers; allowed: real ones")
    if output.is_meta:
        raise ValueError(f"{layer} is on device meta, which holds no values; allowed: any other device")
    table = output.cpu().reshape(len(output), -1)
    if not table.isfinite().all():
        raise ValueError(f"{layer} returned values that are not finite; allowed: finite numbers alone")
    if (table == table[0]).all():
        raise ValueError(f"{layer} returned the same for all {len(table)} inputs; allowed: outputs that vary")
    return table
