"""LocoProp: layer-wise targets, cached for a minibatch, and local steps of every layer towards its own."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import Batch, Cost, Memory, Outcome, UpdateRule
from movingtarget.training.local_optimisers import LocalOptimiser, descent, rmsprop
from movingtarget.training.local_problems import local_flops, matched_transfers, problem_of
from movingtarget.training.signals import signals_flops, signals_of

LEAST_DECAY = 0.25

Loss = Literal["matching", "squared"]


def locoprop(
    iterations: int, gamma: float, loss: Loss = "matching", optimiser: LocalOptimiser = rmsprop
) -> UpdateRule:
    r"""The update rule LocoProp-M or -S, as released, with `iterations` local steps of each layer.

    Layer i of the chain computes the pre-activation $a_i = A(x_i; W_i)$, W being all of its parameters, and
    $f(a_i)$. A pass forward and one backward cache $x_i$, $a_i$ and $e_i = \partial L / \partial a_i$, L
    being the minibatch's mean loss. Each layer alone then descends a loss whose inputs $x_i$ and targets

    $$ t_i = f(a_i) - \gamma e_i \;\text{(matching)}, \quad t_i = a_i - \gamma e_i \;\text{(squared)} $$

    stay fixed: the matching loss of f, whose gradient needs no derivative of f, or half the squared distance
    of pre-activations, for which f below stands for the identity. The optimiser is given the gradient, the
    examples b summed,

    $$ G = \sum_b \Bigl(\frac{\partial a_{ib}}{\partial W_i}\Bigr)^T (f(a_{ib}) - t_{ib}), \quad
       \eta_k = \eta \max(1 - k / T, 1/4), \quad k = 0, \dots, T - 1 $$

    and the rate. With T = 1 and gradient descent, the step is that of backpropagation at rate $\gamma \eta$,
    for both losses. The output layer's f is what its loss matches: the softmax of classes, the sigmoid of
    images. CReLU is a pair of rectifiers, of a and -a; their two matching losses add up to the squared one.
    The layers of a residual stream have the identity as f.

    Each layer is a problem by itself: no local step of a `Linear` layer takes more than its own matrix
    products, see `local_problems`. A step of an autoencoder costs as much as 2T + 1 passes forward.

    Args:
        iterations: T, local steps of each layer for a minibatch; at least 1.
        gamma: how far targets lie from what the layers reach, above 0.
        loss: "matching" (LocoProp-M) or "squared" (LocoProp-S).
        optimiser: of every layer; what it remembers is kept from minibatch to minibatch.

    Raises:
        ValueError: a value that is not allowed; when used, a layer without weights and bias, or a transfer
            without a matching loss.

    Source: Amid, Anil & Warmuth 2022, and the authors' notebook.
    """
    _check(iterations, gamma, loss)
    decays = [max(1 - k / iterations, LEAST_DECAY) for k in range(iterations)]

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links = chain(network)
        transfers = matched_transfers(links, batch.labels) if loss == "matching" else [None] * len(links)
        losses, signals = signals_of(links, parameters, batch.inputs, batch.labels)
        memory = dict(memory)
        for link, transfer, signal in zip(links, transfers, signals, strict=True):
            gradient_at = problem_of(link, parameters, signal, gamma, iterations, transfer)
            own = {name: parameters[name] for name in link.names.values()}
            for decay in decays:
                optimiser(own, gradient_at(own), memory, learning_rates * decay)
        return Outcome(parameters, memory, _cost(links, batch.size, iterations, loss), losses)

    return rule


def locoprop_by_descent(iterations: int, gamma: float, loss: Loss = "matching") -> UpdateRule:
    r"""LocoProp by gradient descent, with $\gamma$ and rates that mean the same as other rules'.

    `gamma` is that of an example's own loss, B times smaller than that of the minibatch's mean, B being the
    examples; rates are divided by $\gamma B$. The first local step is then the step of gradient descent at
    the rate given, and at gamma 1 the output layer's target is the label. Raises what `locoprop` raises.
    """
    _check(iterations, gamma, loss)

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        of_mean = gamma * batch.size
        local = locoprop(iterations, of_mean, loss, descent)
        return local(network, parameters, batch, memory, learning_rates / of_mean)

    return rule


def _check(iterations: int, gamma: float, loss: str) -> None:
    if not iterations >= 1:
        raise ValueError(f"iterations is {iterations}; allowed: at least 1")
    if not gamma > 0:
        raise ValueError(f"gamma is {gamma}; allowed: above 0")
    if loss not in ("matching", "squared"):
        raise ValueError(f"loss '{loss}' is unknown; allowed: matching, squared")


def _cost(links: Sequence[Link], batch_size: int, iterations: int, loss: Loss) -> Cost:
    """Of a pass forward, one backward and the local problems."""
    local = sum(local_flops(link, batch_size, iterations, loss) for link in links)
    return Cost(float(iterations), signals_flops(links, batch_size) + local)
