"""Greedy layer-wise training: one layer after the other under a common output layer, then all together."""

from collections.abc import Sequence

from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain
from movingtarget.networks.layers import Linear
from movingtarget.networks.stack import Parameters
from movingtarget.training.freezing import descend_above
from movingtarget.training.interface import Batch, Memory, Outcome, UpdateRule, steps_done


def greedy(steps: int) -> UpdateRule:
    """Greedy supervised layer-wise training in the first half of `steps` steps, then fine-tuning.

    The hidden layers share the first half equally, bottom first. In the share of layer l the network is
    layers 1 to l and the output layer: those two move, the layers below stand still without a gradient, and
    those above are left out; the output layer goes on from share to share. The second half is gradient
    descent of all layers at once, as is every step of a network without hidden layers. The memory counts
    the steps. The loss of the outcome is that of the network trained, cut short in the first half.

    Raises ValueError for `steps` below 1 and, when used, for hidden layers of different widths: one output
    layer does not fit on all of them.

    Source: Bengio et al. 2007, "Greedy layer-wise training of deep networks" (the supervised variant; there
    each layer is trained under an output layer of its own, which is thrown away).
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; allowed: at least 1")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links, done = chain(network), steps_done(memory)
        _check_widths(links)
        frozen, half = 0, steps // 2
        if done < half and len(links) > 1:
            frozen = done * (len(links) - 1) // half
            links = [*links[: frozen + 1], links[-1]]
        losses, cost = descend_above(links, frozen, parameters, batch, learning_rates)
        return Outcome(parameters, {"step": done + 1}, cost, losses)

    return rule


def _check_widths(links: Sequence[Link]) -> None:
    """Raise ValueError unless all layers above the first take equally many features."""
    affine = [[part for part in link.affine.modules() if isinstance(part, Linear)] for link in links[1:]]
    widths = {parts[0].features for parts in affine if parts}
    if len(widths) > 1:
        raise ValueError(
            f"hidden layers give {', '.join(map(str, sorted(widths)))} features: the output layer does not "
            "fit on all; allowed in greedy training: hidden layers of one width"
        )
