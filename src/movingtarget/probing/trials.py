"""What would help: a few steps with something changed, then the loss on a batch that was not stepped on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager as Context
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from movingtarget.measures.calling import arguments, copied, repeatable
from movingtarget.measures.layers import Layers
from movingtarget.measures.objective import tensors
from movingtarget.networks.layers import Normalisation
from movingtarget.probing.given import Batch, Subject, number
from movingtarget.probing.intervals import over_batches
from movingtarget.probing.observe import check_finite
from movingtarget.probing.outputs import mapped
from movingtarget.probing.result import Trial
from movingtarget.probing.stepping import restored, step

AS_IT_IS = "as-it-is"

PARTS = 8
"""The batch that is not stepped on is scored in so many parts, over which intervals are."""

NORMALISATIONS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.LocalResponseNorm,
    nn.RMSNorm,
    Normalisation,
)

Gradient = Mapping[str, Tensor | None]


def trials(
    subject: Subject, blocks: Layers, steps: int, known: Gradient, entered: Sequence[str]
) -> list[Trial]:
    """Everything that is tried, each from the network as it is.

    Args:
        subject: is as before afterwards; its last batch is the one that is not stepped on.
        blocks: that move one at a time, in as many groups as there are steps, if there are more.
        steps: of each trial.
        known: the gradient on the first batch.
        entered: the names of the parts that a pass forward enters.
    """
    start = _scores(subject)
    check_finite(torch.tensor(start.mean()), {}, subject.batches[-1], len(subject.batches) - 1)
    if start.mean() == 0:
        return [Trial(AS_IT_IS, steps, None, note="the loss of the batch left over is zero")]
    groups = _groups([own for own in blocks.values() if _trains(subject.network, own)], steps)
    parts = [subject.network.get_submodule(name) for name in entered]
    rates: list[tuple[str, float]] = [(AS_IT_IS, 1.0), ("half-rate", 0.5), ("double-rate", 2.0)]
    ends = {
        name: _after(subject, partial(_train, steps=steps, known=known, rate=rate)) for name, rate in rates
    }
    ends["one-layer-at-a-time"] = _after(subject, partial(_in_turn, groups=groups, known=known))
    notes = {"one-layer-at-a-time": "" if len(groups) > 1 else "there is one layer only"}
    for name, (changes, note) in {"normalisation": _normalised(parts), "skips": _skipping(parts)}.items():
        notes[name] = note
        if not note:
            ends[name] = _after(subject, partial(_train, steps=steps, known=None, rate=1.0), changes)
    taken = {"one-layer-at-a-time": len(groups)}
    made = []
    for name in ("as-it-is", "half-rate", "double-rate", "one-layer-at-a-time", "normalisation", "skips"):
        if notes.get(name):
            made.append(Trial(name, taken.get(name, steps), None, note=notes[name]))
        else:
            made.append(_trial(name, taken.get(name, steps), start, ends[name], ends[AS_IT_IS]))
    return made


def _trial(name: str, steps: int, start: Any, end: Any, as_it_is: Any) -> Trial:
    size = abs(start.mean())
    if not np.isfinite(end).all():
        return Trial(name, steps, None, note="the loss is no longer finite")
    gain = (
        None if name == AS_IT_IS or not np.isfinite(as_it_is).all() else over_batches((as_it_is - end) / size)
    )
    return Trial(name, steps, over_batches((start - end) / size), gain)


def _after(subject: Subject, train: Callable[[Subject], None], changes: Context[Any] | None = None) -> Any:
    """The scores after training, with changes to the network; it is as before afterwards."""
    with restored(subject.network, subject.optimiser), changes or nullcontext():
        train(subject)
        return _scores(subject)


@torch.no_grad()
def _scores(subject: Subject) -> Any:
    """The loss of the batch left over, in parts; in one, if it cannot be parted."""
    network, batch = subject.network, subject.batches[-1]
    with restored(network, subject.optimiser):
        outputs = _call(network, batch)
    parted = any(value.dim() and len(value) == batch.examples for value in tensors(outputs))
    parts = min(PARTS, batch.examples // 2) if parted else 1
    ends = np.linspace(0, batch.examples, parts + 1).astype(int)
    try:
        values = [
            subject.loss(*(_part(whole, batch.examples, slice(*own)) for whole in (outputs, batch.targets)))
            for own in pairwise(ends)
        ]
    except Exception:  # a user's loss may know the size of its batch
        values = []
    if not values or not all(value.isfinite() for value in values):  # a part may have no targets
        values = [number(subject.loss(outputs, batch.targets), len(subject.batches) - 1)]
    return np.array([value.item() for value in values])


def _part(whole: Any, examples: int, own: slice) -> Any:
    return mapped(lambda value: value[own], whole, examples)


def _call(network: nn.Module, batch: Batch, seed: int = 0) -> Any:
    places, names = arguments(copied(batch.inputs))
    with repeatable(network, seed):
        return network(*places, **names)


def _gradient(subject: Subject, place: int, names: Sequence[str] | None = None) -> dict[str, Tensor | None]:
    batch = subject.batches[place % (len(subject.batches) - 1)]
    own = {
        name: leaf
        for name, leaf in subject.network.named_parameters()
        if leaf.requires_grad and (names is None or name in names)
    }
    if not own:  # all are frozen
        return {}
    with torch.enable_grad():
        value = subject.loss(_call(subject.network, batch, seed=place), batch.targets)
        if not value.requires_grad:
            return {}
        slopes = torch.autograd.grad(value.reshape(()), [*own.values()], allow_unused=True)
    return dict(zip(own, slopes, strict=True))


def _train(subject: Subject, steps: int, known: Gradient | None, rate: float) -> None:
    """Steps at a multiple of the rate, the first by the gradient that is known, if it is."""
    for group in subject.optimiser.param_groups:
        group["lr"] = rate * group["lr"]
    for place in range(steps):
        gradient = known if place == 0 and known is not None else _gradient(subject, place)
        step(subject.network, subject.optimiser, gradient)


def _in_turn(subject: Subject, groups: Sequence[Sequence[str]], known: Gradient) -> None:
    """A step of each group alone, bottom first, each by a gradient of its own on the next batch."""
    for place, names in enumerate(groups):
        gradient = known if place == 0 else _gradient(subject, place, names)
        step(subject.network, subject.optimiser, {name: gradient.get(name) for name in names})


def _trains(network: nn.Module, own: Sequence[str]) -> bool:
    return any(network.get_parameter(name).requires_grad for name in own)


def _groups(blocks: Sequence[Sequence[str]], most: int) -> list[list[str]]:
    """Successive blocks joined, so that there are no more than so many."""
    ends = np.linspace(0, len(blocks), min(most, len(blocks)) + 1).round().astype(int)
    return [[name for own in blocks[a:b] for name in own] for a, b in pairwise(ends)]


def _normalised(parts: Sequence[nn.Module]) -> tuple[Context[Any], str]:
    """Hooks that normalise what layers put out, all but the last; or why there are none."""
    if any(isinstance(part, NORMALISATIONS) for part in parts):
        return nullcontext(), "there is normalisation in the network"
    inner = _weighted(parts)[:-1]
    if not inner:
        return nullcontext(), "there is one layer only"
    return _hooked(inner, lambda part, inputs, output: standardised(part, output)), ""


def _skipping(parts: Sequence[nn.Module]) -> tuple[Context[Any], str]:
    """Hooks that add what comes into a layer, where it has the shape of what comes out."""
    inner = _weighted(parts)[:-1]
    alike = [part for part in inner if _keeps_its_width(part)]
    if not alike:
        return nullcontext(), "no layer's outputs are as many as its inputs"
    return _hooked(alike, _added), ""


def _weighted(parts: Sequence[nn.Module]) -> list[nn.Module]:
    """Linear and convolutional layers."""
    return [part for part in parts if isinstance(part, (nn.Linear, nn.modules.conv._ConvNd))]


def _keeps_its_width(part: nn.Module) -> bool:
    if isinstance(part, nn.Linear):
        return part.in_features == part.out_features
    kept = getattr(part, "in_channels", 0) == getattr(part, "out_channels", 1)
    return kept and all(stride == 1 for stride in part.stride)  # type: ignore[union-attr]


def _added(part: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor | None:
    if not inputs or inputs[0].shape != output.shape:
        return None
    return (inputs[0] + output) / 2**0.5  # type: ignore[no-any-return]


def standardised(part: nn.Module, output: Tensor) -> Tensor:
    """A layer's outputs with mean 0 and deviation 1: of each unit over examples (and places), else of tokens.

    >>> standardised(nn.Linear(1, 1), torch.tensor([[1.0], [3.0]])).round(decimals=2).tolist()
    [[-1.0], [1.0]]
    """
    if isinstance(part, nn.Linear) and output.dim() > 2:
        return nn.functional.layer_norm(output, output.shape[-1:])
    if output.dim() < 2 or output.numel() == output.shape[1]:
        return output
    return nn.functional.batch_norm(output, None, None, training=True)


@contextmanager
def _hooked(parts: Sequence[nn.Module], hook: Callable[..., Any]) -> Iterator[None]:
    with ExitStack() as hooks:
        for part in parts:
            hooks.callback(part.register_forward_hook(hook).remove)
        yield
