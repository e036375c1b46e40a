"""The faults: each takes a healthy draft and a seed, and returns it with the fault put in."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from movingtarget.cases.draft import Draft
from movingtarget.networks.initialise import generator

TOO_HIGH, TOO_LOW = 30.0, 1000.0
"""Factors of the learning rate."""

BAD_SCALE = 5.0
"""The factor by which initial weights are too large, or too small."""

DEAD_BIAS = -30.0
"""Far below what a unit's weighted inputs, or its normalised ones, add up to."""


def rate_too_high(draft: Draft, seed: int) -> Draft:
    """A learning rate 30 times what trains well."""
    return draft._replace(learning_rate=TOO_HIGH * draft.learning_rate)


def rate_too_low(draft: Draft, seed: int) -> Draft:
    """A learning rate of a thousandth of what trains well."""
    return draft._replace(learning_rate=draft.learning_rate / TOO_LOW)


def layer_frozen(draft: Draft, seed: int) -> Draft:
    """One layer is not given to the optimiser or, by odd seeds, has no gradients."""
    layers = weighted(draft.network)
    name = layers[seed // 2 % len(layers)]
    frozen = draft.network.get_submodule(name)
    if seed % 2:
        frozen.requires_grad_(False)
        return draft
    return draft._replace(left_out=tuple(f"{name}.{own}" for own, _ in frozen.named_parameters()))


class Cut(nn.Module):
    """A module whose outputs are taken out of the graph."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        """The module's outputs, without a gradient."""
        return self.inner(inputs).detach()  # type: ignore[no-any-return]


def gradients_cut(draft: Draft, seed: int) -> Draft:
    """What the middle of the network puts out is detached."""
    draft.network.set_submodule(draft.middle, Cut(draft.network.get_submodule(draft.middle)))
    return draft


def dead_rectifiers(draft: Draft, seed: int) -> Draft:
    """One layer of rectifiers, another for each seed, has biases so low that no unit is ever active."""
    biased = rectified(draft.network)
    layer = draft.network.get_submodule(biased[seed % len(biased)])
    with torch.no_grad():
        layer.bias.fill_(DEAD_BIAS)  # type: ignore[operator]
    return draft


def loss_summed(draft: Draft, seed: int) -> Draft:
    """The sum over examples in place of their mean."""
    return draft._replace(loss=nn.CrossEntropyLoss(reduction="sum"))


def labels_unrelated(draft: Draft, seed: int) -> Draft:
    """Labels are shuffled over all batches."""
    labels = torch.cat([of_batch for _, of_batch in draft.batches])
    shuffled = labels[torch.randperm(len(labels), generator=generator(seed, "shuffle"))]
    parts = torch.split(shuffled, [len(of_batch) for _, of_batch in draft.batches])
    return draft._replace(
        batches=[(inputs, part) for (inputs, _), part in zip(draft.batches, parts, strict=True)]
    )


def no_normalisation(draft: Draft, seed: int) -> Draft:
    """Every batch norm is taken out."""
    norms = [
        name
        for name, part in draft.network.named_modules()
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    for name in norms:
        draft.network.set_submodule(name, nn.Identity())
    return draft


def initial_scale(draft: Draft, seed: int) -> Draft:
    """All weights but those of normalisations are 5 times too large, or by odd seeds as much too small."""
    factor = 1 / BAD_SCALE if seed % 2 else BAD_SCALE
    with torch.no_grad():
        for value in draft.network.parameters():
            if value.dim() > 1:
                value.mul_(factor)
    return draft


def softmax_twice(draft: Draft, seed: int) -> Draft:
    """The network ends with a softmax, and the loss takes another."""
    return draft._replace(network=nn.Sequential(draft.network, nn.Softmax(-1)), middle=f"0.{draft.middle}")


def weighted(network: nn.Module) -> list[str]:
    """Names of the modules that own weights, matrices or kernels, without those inside another."""
    names = [
        name
        for name, part in network.named_modules()
        if name and any(value.dim() > 1 for value in part.parameters(recurse=False))
    ]
    return [name for name in names if name.rpartition(".")[0] not in names]


def rectified(network: nn.Module) -> list[str]:
    """Names of the modules with a bias whose outputs a rectifier reads, as they are registered."""
    modules = [(name, part) for name, part in network.named_modules() if not list(part.children())]
    return [
        name
        for (name, part), (_, after) in pairwise(modules)
        if isinstance(after, nn.ReLU) and isinstance(getattr(part, "bias", None), Tensor)
    ]
