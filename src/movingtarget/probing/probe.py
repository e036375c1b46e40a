"""The probe: from a network, a loss, batches and an optimiser to what is wrong."""

import math
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from movingtarget.measures.calling import call, copied
from movingtarget.measures.objective import tensors
from movingtarget.measures.untouched import untouched
from movingtarget.probing.given import (
    Loss,
    Subject,
    checked_loss,
    checked_network,
    checked_optimiser,
    kept,
    repeated,
    taken,
)
from movingtarget.probing.labels import related
from movingtarget.probing.measured import Layers, Measured, measured, weight_gain
from movingtarget.probing.moved import update_ratio, vector
from movingtarget.probing.notes import notes
from movingtarget.probing.outputs import is_summed, softmax_is_taken_twice
from movingtarget.probing.plan import Plan, planned
from movingtarget.probing.reference import kind_of, likeness, usual, usual_values
from movingtarget.probing.result import Passes, Result
from movingtarget.probing.stepping import restored
from movingtarget.probing.trials import NORMALISATIONS, trials
from movingtarget.probing.verdict import Signs, findings
from movingtarget.study import Say

PASSES = 50
"""Passes forward, and as many backward, that a probe makes at most unless it is asked for more."""


@torch.inference_mode(False)
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
        batches: pairs `(inputs, targets)`, inputs being a tensor, a tuple of arguments or a mapping of them;
            or mappings, which are given to the network by name. Four of equal size are enough.
        optimiser: that trains the network, as it is at this moment.
        passes: of the network forward at most, and as many backward; more of them measure more layers alone.
        say: told lines of progress.

    Raises:
        CannotMeasure: one line that says why.

    >>> network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> inputs = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    >>> batches = [(part, (part[:, 0] > 0).long()) for part in inputs.split(16)]
    >>> optimiser = torch.optim.SGD(network.parameters(), 0.1)
    >>> found = probe(network, nn.functional.cross_entropy, batches, optimiser)
    >>> [layer.name for layer in found.layers], found.passes.forward <= 50
    (['0', '2'], True)
    """
    say = say or (lambda line: None)
    network = checked_network(network)
    checked_loss(loss)
    checked_optimiser(network, optimiser)
    owners = [part for part in network.modules() if next(part.parameters(recurse=False), None) is not None]
    plan = planned(len(owners), passes)
    with untouched(network):  # for batches that draw random numbers
        read = taken(batches, plan.read)
    made = plan._replace(batches=len(read) - 1, shifts=min(plan.shifts, len(read) - 1))
    say(f"at most {made.forward} passes forward and {made.backward} backward, of {passes} allowed")
    of_loss: AbstractContextManager[None] = untouched(loss) if isinstance(loss, nn.Module) else nullcontext()
    with restored(network, optimiser), of_loss, kept(read):
        found = _probed(Subject(network, repeated(network, loss), read, optimiser), made, passes, say)
    short = f"batches of equal size were fewer than wanted: {len(read)} of {plan.read}"
    return replace(found, notes=(short, *found.notes)) if made.batches < plan.batches else found


def _probed(subject: Subject, plan: Plan, passes: int, say: Say) -> Result:
    network = subject.network
    found = measured(subject, plan, say)
    say(f"trials of {plan.steps} steps each")
    tried = trials(subject, found.blocks, plan.steps, found.seen[0].gradient, found.seen[0].entered)
    signs = _signs(subject, found)
    kind, table = kind_of(network), usual_values()
    of_layers, of_whole = usual(found.of_layers, kind, table)
    banded = zip(found.of_layers, of_layers, strict=True)
    return Result(
        network=type(network).__name__,
        parameters=sum(value.numel() for value in network.parameters()),
        layers=tuple(replace(layer, usual=bands) for layer, bands in banded),
        blocks=found.of_blocks,
        whole=found.whole,
        usual=of_whole,
        likeness=likeness(found.of_layers, kind, table),
        trials=tuple(tried),
        findings=findings(found.of_layers, found.whole, tried, signs),
        optimiser=signs.optimiser,
        learning_rate=signs.learning_rate,
        batches=plan.batches,
        examples=subject.examples,
        passes=Passes(plan.forward, plan.backward, passes),
        notes=notes(found.of_layers, found.of_blocks, found.whole, tried, signs.related),
    )


def _signs(subject: Subject, found: Measured) -> Signs:
    network, loss, batch = subject.network, subject.loss, subject.batches[0]
    layers, seen, steps = found.layers, found.seen, found.steps
    outputs = seen[0].outputs
    moved_by = [name for name, own in layers.items() if any(update_ratio(own, step) != 0 for step in steps)]
    without = [
        name for name, own in layers.items() if all(one.gradient.get(p) is None for one in seen for p in own)
    ]
    frozen = [
        name for name, own in layers.items() if not any(network.get_parameter(p).requires_grad for p in own)
    ]
    moving = {
        id(value) for group in subject.optimiser.param_groups if group["lr"] for value in group["params"]
    }
    held = [name for name, own in layers.items() if all(id(network.get_parameter(p)) in moving for p in own)]
    felt = [name for name, own in layers.items() if any(vector(own, step.gradient).any() for step in steps)]
    suspects = [name for name in without if name not in frozen and name in seen[0].entered]
    return Signs(
        summed=is_summed(loss, outputs, batch),
        softmax_twice=softmax_is_taken_twice(loss, outputs, batch),
        related=related(subject.batches[:-1], [one.first for one in seen]),
        cut=_deciding(subject, layers, suspects, outputs),
        still=tuple(
            name
            for name in layers
            if name not in moved_by and (name in frozen or (name in felt and name not in held))
        ),
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
