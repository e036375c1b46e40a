"""All that is measured of a network and a step of its optimiser."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.layers import grouped
from movingtarget.probing.curved import curvature, step_curvature
from movingtarget.probing.given import Subject
from movingtarget.probing.intervals import over_batches
from movingtarget.probing.moved import Step, made, matched, moved, ratio, shifts, update_ratio, vector
from movingtarget.probing.observe import Seen, observed
from movingtarget.probing.plan import Plan
from movingtarget.probing.refused import CannotMeasure
from movingtarget.probing.result import Layer
from movingtarget.probing.stepping import stepped
from movingtarget.statistics.bootstrap import Interval
from movingtarget.study import Say

Layers = dict[str, list[str]]

WHOLE = "(network)"
"""The layer of parameters that the network itself owns, outside of its parts."""


class Measured(NamedTuple):
    """What was measured.

    Attributes:
        layers: the names of each layer's parameters, bottom first.
        blocks: the same of what was moved alone.
        seen: of each batch that was stepped on.
        steps: on each of these.
        of_layers: by layer, what is known of it.
        of_blocks: by block, what moving it showed.
        whole: of the network.
    """

    layers: Layers
    blocks: Layers
    seen: list[Seen]
    steps: list[Step]
    of_layers: tuple[Layer, ...]
    of_blocks: tuple[Layer, ...]
    whole: dict[str, Interval]


def measured(subject: Subject, plan: Plan, say: Say) -> Measured:
    """Pass batches through, step on each, move blocks alone and together.

    Raises:
        CannotMeasure: as `observed`; or a layer that could be trained is never called.
    """
    network, loss = subject.network, subject.loss
    seen = []
    for place, batch in enumerate(subject.batches[:-1], 1):
        say(f"pass forward and backward {place} of {plan.batches}")
        seen.append(observed(network, loss, batch, place - 1))
    layers = {name or WHOLE: own for name, own in grouped(network, seen[0].entered).items()}
    _check_called(network, layers, seen)
    blocks = stretches(layers, plan.blocks)
    steps = [_step(subject, place, one) for place, one in enumerate(seen)]
    say(f"{len(blocks)} blocks moved, alone and together")
    whole, of_blocks = _moved(subject, blocks, steps, plan)
    say("curvature")
    whole |= _curved(subject, blocks, steps[0])
    whole["loss"] = over_batches(one.loss.item() for one in seen)
    of_layers = _of_layers(network, layers, seen, steps, of_blocks)
    return Measured(
        layers,
        blocks,
        seen,
        steps,
        tuple(_layer(network, name, own, of_layers[name]) for name, own in layers.items()),
        tuple(
            replace(_layer(network, name, own, of_blocks[name]), layers=members(layers, own))
            for name, own in blocks.items()
        ),
        whole,
    )


def _check_called(network: nn.Module, layers: Layers, seen: Sequence[Seen]) -> None:
    entered = {name for one in seen for name in one.entered}
    for name, own in layers.items():
        trained = any(network.get_parameter(one).requires_grad for one in own)
        if (
            trained
            and name != WHOLE
            and name not in entered
            and all(one.gradient.get(p) is None for one in seen for p in own)
        ):
            raise CannotMeasure(
                f"layer '{name}' is never called; allowed: layers that run, or whose parameters are frozen"
            )


def stretches(layers: Mapping[str, Sequence[str]], count: int) -> Layers:
    """Layers joined to so many blocks of successive ones, of about equal number, bottom first.

    >>> stretches({"a": ["a.w"], "b": ["b.w"], "c": ["c.w"]}, 2)
    {'a to b': ['a.w', 'b.w'], 'c': ['c.w']}
    """
    names = [*layers]
    ends = [round(place * len(names) / min(count, len(names))) for place in range(min(count, len(names)) + 1)]
    parts = [names[start:end] for start, end in pairwise(ends)]
    return {
        part[0] if len(part) == 1 else f"{part[0]} to {part[-1]}": [
            own for name in part for own in layers[name]
        ]
        for part in parts
    }


def members(layers: Mapping[str, Sequence[str]], own: Sequence[str]) -> tuple[str, ...]:
    """The layers that a stretch is made of; none for a single one.

    >>> members({"a": ["a.w"], "b": ["b.w"], "c": ["c.w"]}, ["b.w", "c.w"])
    ('b', 'c')
    """
    held = tuple(name for name, parameters in layers.items() if set(parameters) <= set(own))
    return held if len(held) > 1 else ()


def _step(subject: Subject, place: int, seen: Seen) -> Step:
    after = stepped(subject.network, subject.optimiser, seen.gradient)
    return made(subject.network, after, seen.gradient, seen.loss, subject.batches[place])


def _moved(
    subject: Subject, blocks: Layers, steps: Sequence[Step], plan: Plan
) -> tuple[dict[str, Interval], dict[str, dict[str, Interval]]]:
    """What steps keep of their promises: of the whole network, and by block."""
    network, loss = subject.network, subject.loss
    found = [moved(network, loss, blocks, step) for step in steps]
    shifted = [shifts(network, loss, blocks, step) for step in steps[: plan.shifts]]
    whole = {
        "promise": over_batches(one.promise for one in found),
        "kept": over_batches(one.kept for one in found),
        "kept_alone": over_batches(one.kept_alone for one in found),
        "interaction": over_batches(one.kept_alone - one.kept for one in found),
    }
    scaled = matched(blocks, steps[0])
    if scaled is not None:
        small = moved(network, loss, blocks, scaled)
        whole["matched_kept"] = over_batches([small.kept])
        whole["matched_interaction"] = over_batches([small.kept_alone - small.kept])
    by_block = {
        name: {
            "kept_alone": over_batches(one.by_block[place] for one in found),
            "promise_share": over_batches(one.shares[place] for one in found),
            "target_shift": over_batches(one[place] for one in shifted),
            "update_ratio": over_batches(update_ratio(own, step) for step in steps),
        }
        for place, (name, own) in enumerate(blocks.items())
    }
    return whole, by_block


def _curved(subject: Subject, blocks: Layers, step: Step) -> dict[str, Interval]:
    """Nothing, if a part of the network has no second derivative."""
    network, loss = subject.network, subject.loss
    try:
        return {
            "curvature": over_batches([curvature(network, loss, blocks, step)]),
            "step_curvature": over_batches([step_curvature(network, loss, blocks, step)]),
        }
    except RuntimeError as error:  # torch has no kind of its own for it
        if not any(word in str(error) for word in ("derivative", "differentiate", "double backward")):
            raise
        return {}


def _of_layers(
    network: nn.Module,
    layers: Layers,
    seen: Sequence[Seen],
    steps: Sequence[Step],
    of_blocks: Mapping[str, dict[str, Interval]],
) -> dict[str, dict[str, Interval]]:
    """All that is known of each layer; of one that is a block, what is known of that too."""
    found, quantities = {}, [one.quantities for one in seen]
    for name, own in layers.items():
        gradients = [vector(own, step.gradient) for step in steps]
        part = "" if name == WHOLE else name
        measured = {
            quantity: over_batches(of[quantity][part] for of in quantities if part in of[quantity])
            for quantity in seen[0].quantities
        }
        measured |= {
            "gradient_norm": over_batches(gradient.norm().item() for gradient in gradients),
            "gradient_noise": over_batches([noise(gradients)]),
            "update_ratio": over_batches(update_ratio(own, step) for step in steps),
            "weight_gain": over_batches([weight_gain(network, own)]),
        }
        measured |= of_blocks.get(name, {})
        found[name] = measured
    return found


def noise(gradients: Sequence[Tensor]) -> float:
    r"""The deviation of a gradient from batch to batch, over the norm of its mean.

    $$ \sqrt{\tfrac{1}{n - 1} \sum_b \|g_b - \bar g\|^2} \, / \, \|\bar g\| $$

    NaN for one batch, or a mean of zero.
    """
    together = torch.stack([*gradients])
    if len(together) < 2:
        return math.nan
    spread = (together - together.mean(0)).square().sum() / (len(together) - 1)
    return ratio(spread.sqrt().item(), together.mean(0).norm().item())


def weight_gain(network: nn.Module, own: Sequence[str]) -> float:
    r"""The root mean square of a layer's weights times $\sqrt{n}$, n being how many inputs a unit reads.

    Sizes are passed on by $1$ (linear), $\sqrt 2$ (rectifiers). NaN for other layers.
    """
    for name in own:
        part = network.get_submodule(name.rpartition(".")[0])
        if name.endswith("weight") and isinstance(part, (nn.Linear, nn.modules.conv._ConvNd)):
            weight = network.get_parameter(name).detach().double()
            return (weight.square().mean() * weight[0].numel()).sqrt().item()
    return math.nan


def _layer(network: nn.Module, name: str, own: Sequence[str], measured: Mapping[str, Interval]) -> Layer:
    known = {quantity: value for quantity, value in measured.items() if not math.isnan(value.estimate)}
    parts = dict(network.named_modules())
    kind = type(parts[name]).__name__ if name in parts else "several"
    return Layer(name, kind, sum(network.get_parameter(one).numel() for one in own), known)
