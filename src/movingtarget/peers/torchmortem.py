"""What torchmortem 0.1.1 says after it has watched a training: its findings from warnings upwards."""

import logging

from movingtarget.cases.build import train
from movingtarget.cases.draft import Case
from movingtarget.peers.answer import Answer, meaning

MEANINGS = {
    "Vanishing gradients": "no-normalisation initial-scale dead-rectifiers gradients-cut",
    "Exploding gradients": "rate-too-high loss-summed initial-scale no-normalisation",
    "Gradient stalling": "gradients-cut dead-rectifiers layer-frozen no-normalisation initial-scale",
    "Dead units": "dead-rectifiers",
    "Activation saturation": "initial-scale rate-too-high softmax-twice",
    "Update ratio too low": "rate-too-low layer-frozen gradients-cut dead-rectifiers softmax-twice",
    "Update ratio too high": "rate-too-high loss-summed initial-scale",
    "Weight norm explosion": "rate-too-high loss-summed initial-scale",
    "Stagnant weight norms": "rate-too-low layer-frozen gradients-cut dead-rectifiers no-normalisation",
    "Inter-layer weight norm imbalance": "initial-scale",
    "Training divergence": "rate-too-high loss-summed initial-scale",
    "Loss plateau": "rate-too-low labels-unrelated dead-rectifiers no-normalisation softmax-twice",
    "Catapult phase": "rate-too-high loss-summed initial-scale",
    "Edge of stability": "rate-too-high loss-summed",
    "High gradient noise": "labels-unrelated rate-too-high loss-summed",
    "Rank collapse": "no-normalisation initial-scale",
}
"""The faults that its titles may mean, as its texts explain them."""


def ask(case: Case, steps: int) -> Answer:
    """Its findings, each once, after as many steps of training, with its most thorough sampling."""
    from torchmortem import Autopsy
    from torchmortem.types import Severity

    logging.getLogger("torchmortem").setLevel(logging.CRITICAL)
    with Autopsy(case.network, optimizer=case.optimiser, sampling="thorough") as autopsy:
        train(case, steps, lambda loss: autopsy.step(loss=loss.item()))
    found = [finding for finding in autopsy.get_report().findings if finding.severity >= Severity.WARNING]
    words = dict.fromkeys(finding.title.partition(" in ")[0] for finding in found)
    return Answer(tuple(meaning(text, MEANINGS) for text in words))
