"""As many simultaneous steps as there are layers: the control of a sweep, which takes as many gradients."""

from torch import Tensor, nn

from movingtarget.networks.chain import chain
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import Batch, Cost, Outcome, UpdateRule
from movingtarget.training.simultaneous import simultaneous


def repeated(fresh: bool = False) -> UpdateRule:
    r"""The rule that takes k simultaneous steps in one, k being the number of layers.

    $$ W \leftarrow W - \eta \nabla_W L(W), \quad k \text{ times} $$

    A sweep that takes each layer's gradient anew uses a minibatch k times as well, so what it gains by that,
    or loses, this gains and loses without ever moving a layer alone.

    Args:
        fresh: take each step on examples of its own; the batch then holds k times as many, the first kth for
            the first step and so on.

    When used, raises ValueError for a batch that does not divide into k parts, and as `chain` does.
    """

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
    ) -> Outcome:
        layers = len(chain(network))
        parts = batch.parts(layers) if fresh else [batch] * layers
        steps = [simultaneous(network, parameters, part, memory, learning_rates) for part in parts]
        costs = zip(*(step.cost for step in steps), strict=True)
        return Outcome(parameters, memory, Cost(*map(sum, costs)), steps[0].loss)

    return rule
