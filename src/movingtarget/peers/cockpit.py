"""What Cockpit 1.0.2 shows of a training, read as its authors read it.

It draws instruments and leaves the verdict to who looks at them; the readings below are ours, after its
paper. Where its individual gradients cannot be had, it has those instruments that do without.

Source: Schneider, Dangel & Hennig 2021, "Cockpit: A practical debugging tool for the training of deep neural
networks", sections 3 and 4.
"""

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from movingtarget.cases.draft import Case
from movingtarget.peers.answer import Answer, Told, meaning

MEANINGS = {
    "steps overshoot": "rate-too-high loss-summed initial-scale",
    "steps undershoot": "rate-too-low",
    "loss explodes": "rate-too-high loss-summed initial-scale",
    "a weight stays": "layer-frozen gradients-cut dead-rectifiers rate-too-low",
    "a gradient is zero": "gradients-cut dead-rectifiers layer-frozen",
    "gradients differ in size": "no-normalisation initial-scale dead-rectifiers gradients-cut",
}
"""The faults that may be read from its instruments."""

OVERSHOOTS, UNDERSHOOTS = 0.0, -0.8
"""Medians of alpha: a step of -1 stays, of 0 ends in the valley, of 1 as high on its other side."""

EXPLODES = 1.5
"""The loss at the end over that at the beginning."""

SPREAD = 1e4
"""The largest norm of a weight's gradient over the least: those of matrices and kernels, not of biases."""


def ask(case: Case, steps: int) -> Answer:
    """What four instruments of its economy configuration show in as many steps; three where alpha fails."""
    from cockpit import quantities
    from cockpit.utils.schedules import linear

    schedule, spare = linear(1), copy.deepcopy(case)
    simple = (quantities.Loss, quantities.GradNorm, quantities.Distance)

    def shown(case: Case, kinds: Sequence[Any]) -> tuple[Told, ...]:
        tracked = _track(case, [kind(schedule) for kind in kinds], steps)
        return tuple(_read(tracked, _weights(case)))

    try:
        return Answer(shown(case, (quantities.Alpha, *simple)))
    except (NotImplementedError, ValueError, AttributeError, KeyError, RuntimeError) as error:
        return Answer(shown(spare, simple), f"no alpha: {type(error).__name__}: {error}")


def _track(case: Case, instruments: Sequence[Any], steps: int) -> list[Mapping[str, Any]]:
    """What each step's instruments show, as in Cockpit's own example."""
    import cockpit
    from backpack import extend

    network, loss_function = extend(case.network), extend(case.loss)
    tracker = cockpit.Cockpit(_with_gradient(case), quantities=instruments)
    of_examples = nn.CrossEntropyLoss(reduction="none")
    with warnings.catch_warnings(action="ignore"):
        for step in range(steps):
            inputs, labels = case.batches[step % len(case.batches)]
            case.optimiser.zero_grad()
            outputs = network(inputs)
            loss, losses = loss_function(outputs, labels), of_examples(outputs, labels)
            info = {
                "batch_size": len(labels),
                "individual_losses": losses,
                "loss": loss,
                "optimizer": case.optimiser,
            }
            with tracker(step, info=info):
                loss.backward(create_graph=tracker.create_graph(step))
            case.optimiser.step()
    shown = tracker.get_output()
    return [shown[step] for step in range(steps)]


def _with_gradient(case: Case) -> list[nn.Parameter]:
    return [parameter for parameter in case.network.parameters() if parameter.requires_grad]


def _weights(case: Case) -> list[bool]:
    """Which of the parameters that it watches are matrices or kernels."""
    return [parameter.dim() > 1 for parameter in _with_gradient(case)]


def _read(shown: Sequence[Mapping[str, Any]], weights: Sequence[bool]) -> Iterator[Told]:
    words = [*_alphas(shown), *_losses(shown), *_parameters(shown, weights)]
    yield from (meaning(text, MEANINGS) for text in words)


def _alphas(shown: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    alphas = [float(step["Alpha"]) for step in shown if step.get("Alpha") is not None]
    if not alphas:
        return
    if np.median(alphas) > OVERSHOOTS:
        yield "steps overshoot"
    if np.median(alphas) < UNDERSHOOTS:
        yield "steps undershoot"


def _losses(shown: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    losses = [step["Loss"] for step in shown]
    if not np.mean(losses[-5:]) <= EXPLODES * losses[0]:
        yield "loss explodes"


def _parameters(shown: Sequence[Mapping[str, Any]], weights: Sequence[bool]) -> Iterator[str]:
    """Of each weight: how far it has come, and its gradient's norm."""
    norms = np.array([step["GradNorm"] for step in shown]).mean(0)[list(weights)]
    if (np.array(shown[-1]["Distance"])[list(weights)] == 0).any():
        yield "a weight stays"
    if (norms == 0).any():
        yield "a gradient is zero"
    elif norms.max() > SPREAD * norms.min():
        yield "gradients differ in size"
