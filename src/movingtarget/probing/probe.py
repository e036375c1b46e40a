"""The probe: from a network, a loss, batches and an optimiser to what is wrong."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from movingtarget.measures.calling import call, copied
from movingtarget.measures.layers import grouped
from movingtarget.measures.objective import tensors
from movingtarget.measures.untouched import untouched
from movingtarget.probing.curved import curvature, step_curvature
from movingtarget.probing.given import Loss, Subject, checked_network, checked_optimiser, taken
from movingtarget.probing.intervals import over_batches
from movingtarget.probing.labels import related
from movingtarget.probing.moved import Step, made, matched, moved, ratio, shifts, update_ratio, vector
from movingtarget.probing.observe import Seen, observed
from movingtarget.probing.outputs import is_summed, softmax_is_taken_twice
from movingtarget.probing.plan import Plan, planned
from movingtarget.probing.result import Layer, Passes, Result
from movingtarget.probing.stepping import restored, stepped
from movingtarget.probing.trials import NORMALISATIONS, trials
from movingtarget.probing.verdict import Signs, findings
from movingtarget.statistics.bootstrap import Interval

PASSES = 50
"""Passes forward, and as many backward, that a probe makes at most unless it is asked for more."""

Say = Callable[[str], None]

Layers = dict[str, list[str]]


def probe(
    network: nn.Module,
    loss: Loss,
    batches: Iterable[Any],
    optimiser: torch.optim.Optimizer,
    passes: int = PASSES,
    say: Say | None = None,
) -> Result:
    """Tell which layer of a network is in trouble, how sure that is and what would help.

    Network, optimiser, gradients, buffers, modes, hooks and random state are as before afterwards, whatever
    happens.

    Args:
        network: any module, as it is trained: in its mode, on its device.
        loss: `loss(outputs, targets)`, a single number; `loss(outputs, batch)` where a batch is a mapping.
        batches: pairs `(inputs, targets)`, inputs being a tensor, a tuple of arguments or a mapping of them; or
            mappings, which are given to the network by name. Four of equal size are enough.
        optimiser: that trains the network, as it is at this moment.
        passes: of the network forward at most, and as many backward; more of them measure more layers alone.
        say: told lines of progress.

    Raises:
        CannotMeasure: one line that says why.

    >>> network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> inputs = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    >>> batches = [(part, (part[:, 0] > 0).long()) for part in inputs.split(16)]
    >>> found = probe(network, nn.functional.cross_entropy, batches, torch.optim.SGD(network.parameters(), 0.1))
    >>> [layer.name for layer in found.layers], found.passes.forward <= 50
    (['0', '2'], True)
    """
    say = say or (lambda line: None)
    network = checked_network(network)
    checked_optimiser(network, optimiser)
    owners = [part for part in network.modules() if next(part.parameters(recurse=False), None) is not None]
    plan = planned(len(owners), passes)
    with untouched(network):  # for batches that draw random numbers
        read = taken(batches, plan.read)
    plan = plan._replace(batches=len(read) - 1, shifts=min(plan.shifts, len(read) - 1))
    say(f"at most {plan.forward} passes forward and {plan.backward} backward, of {passes} allowed")
    with restored(network, optimiser):
        return _measured(Subject(network, loss, read, optimiser), plan, passes, say)


def _measured(subject: Subject, plan: Plan, passes: int, say: Say) -> Result:
    network, loss = subject.network, subject.loss
    seen = []
    for place, batch in enumerate(subject.batches[:-1], 1):
        say(f"pass forward and backward {place} of {plan.batches}")
        seen.append(observed(network, loss, batch, place - 1))
    layers = grouped(network, seen[0].entered)
    blocks = stretches(layers, plan.blocks)
    steps = [_step(subject, place, one) for place, one in enumerate(seen)]
    say(f"{len(blocks)} blocks moved, alone and together")
    whole, of_blocks = _moved(subject, blocks, steps, plan)
    say("curvature")
    whole |= _curved(subject, blocks, steps[0])
    say(f"trials of {plan.steps} steps each")
    tried = tuple(trials(subject, blocks, plan.steps, seen[0].gradient, seen[0].entered))
    of_layers = _of_layers(network, layers, seen, steps, of_blocks)
    signs = _signs(subject, layers, seen, steps)
    whole["loss"] = over_batches(one.loss.item() for one in seen)
    made_of = [_layer(network, name, own, of_layers[name]) for name, own in layers.items()]
    moved_alone = [_layer(network, name, own, of_blocks[name]) for name, own in blocks.items()]
    return Result(
        network=type(network).__name__,
        parameters=sum(value.numel() for value in network.parameters()),
        layers=tuple(made_of),
        blocks=tuple(moved_alone),
        whole=whole,
        usual={},
        likeness="",
        trials=tried,
        findings=findings(tuple(made_of), whole, tried, signs),
        optimiser=signs.optimiser,
        learning_rate=signs.learning_rate,
        batches=plan.batches,
        examples=subject.examples,
        passes=Passes(plan.forward, plan.backward, passes),
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
    network, loss = subject.network, subject.loss
    return {
        "curvature": over_batches([curvature(network, loss, blocks, step)]),
        "step_curvature": over_batches([step_curvature(network, loss, blocks, step)]),
    }


def _of_layers(
    network: nn.Module,
    layers: Layers,
    seen: Sequence[Seen],
    steps: Sequence[Step],
    of_blocks: Mapping[str, dict[str, Interval]],
) -> dict[str, dict[str, Interval]]:
    """All that is known of each layer; of one that is a block, what is known of that too."""
    found = {}
    for name, own in layers.items():
        gradients = [vector(own, step.gradient) for step in steps]
        measured = {
            quantity: over_batches(
                of[quantity][name] for of in (one.quantities for one in seen) if name in of[quantity]
            )
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

    Sizes are passed on by $1$ (linear), $\sqrt 2$ (rectifiers). NaN for a layer that is no linear map or convolution.
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


def _signs(subject: Subject, layers: Layers, seen: Sequence[Seen], steps: Sequence[Step]) -> Signs:
    network, loss, batch = subject.network, subject.loss, subject.batches[0]
    outputs = seen[0].outputs
    moved_by = [name for name, own in layers.items() if any(update_ratio(own, step) != 0 for step in steps)]
    without = [
        name for name, own in layers.items() if all(one.gradient.get(p) is None for one in seen for p in own)
    ]
    frozen = [
        name for name, own in layers.items() if not any(network.get_parameter(p).requires_grad for p in own)
    ]
    felt = [name for name, own in layers.items() if any(vector(own, step.gradient).any() for step in steps)]
    suspects = [name for name in without if name not in frozen and name in seen[0].entered]
    return Signs(
        summed=is_summed(loss, outputs, batch),
        softmax_twice=softmax_is_taken_twice(loss, outputs, batch),
        related=related(subject.batches[:-1], [one.first for one in seen]),
        cut=_deciding(subject, layers, suspects, outputs),
        still=tuple(name for name in layers if name not in moved_by and (name in frozen or name in felt)),
        weighted=tuple(name for name, own in layers.items() if not math.isnan(weight_gain(network, own))),
        normalised=any(isinstance(part, NORMALISATIONS) for part in network.modules()),
        optimiser=type(subject.optimiser).__name__,
        learning_rate=float(subject.optimiser.param_groups[0]["lr"]),
        batches=len(seen),
    )


@torch.no_grad()
def _deciding(subject: Subject, layers: Layers, suspects: Sequence[str], outputs: Any) -> tuple[str, ...]:
    """These layers, if outputs change when their parameters do."""
    if not suspects:
        return ()
    network = subject.network
    names = [one for name in suspects for one in layers[name]]
    other = {name: 1.5 * network.get_parameter(name) + 0.1 for name in names}
    changed = call(network, other, copied(subject.batches[0].inputs))
    same = all(torch.equal(one, two) for one, two in zip(tensors(outputs), tensors(changed), strict=True))
    return () if same else tuple(suspects)
