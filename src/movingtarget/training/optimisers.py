"""Optimisers of torch and of pytorch-optimizer as update rules, each member with an optimiser of its own."""

from collections.abc import Callable
from functools import partial
from math import prod, sqrt

import torch
from pytorch_optimizer import SOAP
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, Optimizer, RMSprop

from movingtarget.networks.stack import Parameters, unstack
from movingtarget.training.interface import Batch, Memory, Outcome, UpdateRule
from movingtarget.training.muon import directions_of_momentum, orthogonalisation_flops
from movingtarget.training.simultaneous import backpropagation_cost, descend, gradients_of

Make = Callable[[list[Tensor]], Optimizer]
"""(parameters of a member) -> their optimiser."""

MUON_SCALE = 0.2
SOAP_BETAS = (0.95, 0.95)
QR_FLOPS = 8.0 / 3.0
"""Of Q and R of an n x n matrix by reflections, in n^3: Golub & Van Loan 2013, section 5.2."""


def by_optimiser(
    make: Make, product_flops: Callable[[Parameters], float] = lambda gradients: 0
) -> UpdateRule:
    """The update rule of an optimiser that steps along backpropagation's gradient, for every member.

    Args:
        make: the optimiser of one member.
        product_flops: of one member's step beyond backpropagation, from the stack's gradients.
    """

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        losses, gradients = gradients_of(network, parameters, batch)
        memory = advance(make, parameters, gradients, memory, learning_rates)
        cost = backpropagation_cost(network, batch.size)
        cost = cost._replace(flops=cost.flops + product_flops(gradients))
        return Outcome(parameters, memory, cost, losses)

    return rule


def advance(
    make: Make,
    parameters: Parameters,
    gradients: Parameters,
    memory: Memory,
    learning_rates: Tensor,
) -> Memory:
    """Move, in place, the parameters that have a gradient by an optimiser of each member; memory after it.

    Optimisers step from zero at a rate of 1, and the parameters go as far times the rates, which so are
    never read. This holds for optimisers whose step is the rate times what follows from gradients alone.
    They are made anew for every step and go on from what `state_dict` gave after the step before, which the
    memory keeps for each member as "optimisers". At a rate of 0 the states alone change. A member whose
    optimiser meets a matrix that cannot be decomposed, as one that is not finite, becomes NaN. Beside the
    steps themselves this takes 0.1 to 0.4 ms a member.
    """
    steps = {name: torch.zeros_like(gradient) for name, gradient in gradients.items()}
    states, after = memory.get("optimisers", [None] * len(learning_rates)), []
    for member, state in enumerate(states):
        own = [*unstack(steps, member).values()]
        optimiser = make(own)
        if state is not None:
            optimiser.load_state_dict(state)
        if not _stepped(optimiser, own, unstack(gradients, member)):
            for value in own:
                value.fill_(torch.nan)
        after.append(optimiser.state_dict())
    descend(parameters, steps, -learning_rates)  # steps go down already
    return {**memory, "optimisers": after}


def heavy_ball(share: float) -> UpdateRule:
    r"""Gradient descent with momentum by torch.optim.SGD, $V \leftarrow m V + G$, $W \leftarrow W - \eta V$.

    Args:
        share: m, from 0 up to but not 1.

    Raises:
        ValueError: a share that is not allowed.

    Source: Polyak 1964. At a constant rate, `momentum` without weight decay takes the same steps.
    """
    _check_share(share)
    return by_optimiser(lambda values: SGD(values, momentum=share, fused=True))


def nesterov(share: float) -> UpdateRule:
    r"""As `heavy_ball`, but $W \leftarrow W - \eta (G + m V)$, V being the new one; by torch.optim.SGD.

    Source: Nesterov 1983, in the form of Sutskever et al. 2013.
    """
    _check_share(share)
    return by_optimiser(lambda values: SGD(values, momentum=share, nesterov=share > 0, fused=True))


def adagrad(epsilon: float) -> UpdateRule:
    r"""AdaGrad by torch.optim.Adagrad, $W \leftarrow W - \eta G / (\sqrt{S} + \epsilon)$, S the sum of $G^2$.

    Args:
        epsilon: above 0.

    Raises:
        ValueError: an epsilon that is not allowed.

    Source: Duchi, Hazan & Singer 2011.
    """
    _check_epsilon(epsilon)
    return by_optimiser(lambda values: Adagrad(values, eps=epsilon, fused=True))


def torch_rmsprop(epsilon: float) -> UpdateRule:
    """RMSProp by torch.optim.RMSprop, decay 0.99, without momentum; `adagrad` has the argument's limits.

    Its arithmetic is not that of `local_optimisers.rmsprop`. Source: Hinton 2012, lecture 6e.
    """
    _check_epsilon(epsilon)
    return by_optimiser(lambda values: RMSprop(values, eps=epsilon))


def adam(epsilon: float) -> UpdateRule:
    """Adam by torch.optim.Adam, betas 0.9 and 0.999; `adagrad` has the argument's limits.

    Source: Kingma & Ba 2015.
    """
    _check_epsilon(epsilon)
    return by_optimiser(lambda values: Adam(values, eps=epsilon, fused=True))


def muon_with_adam(share: float) -> UpdateRule:
    r"""Muon on matrices and Adam on all else at the same rate, without weight decay.

    As in torch.optim.Muon with the scale "match_rms_adamw", but for its half precision,

    $$ W \leftarrow W - 0.2 \sqrt{\max(m, n)}\; \eta\, \mathrm{NS}((1 - \mu) G + \mu M) $$

    with M and NS of `muon`, which scales otherwise and has gradient descent on all else. At this scale steps
    are as large as Adam's, so that one rate serves both. The bfloat16 of torch.optim.Muon takes 3 to 6 times
    less than single precision on a CPU with matrix units for it, and 30 to 50 times more on one without.

    Args:
        share: mu, from 0 up to but not 1.

    Raises:
        ValueError: a share that is not allowed.

    Source: Jordan et al. 2024; the scale, Liu et al. 2025, "Muon is scalable for LLM training".
    """
    _check_share(share)

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        losses, gradients = gradients_of(network, parameters, batch)
        matrices = {name: gradient for name, gradient in gradients.items() if gradient.dim() == 3}
        others = {name: gradient for name, gradient in gradients.items() if gradient.dim() != 3}
        directions, momenta = directions_of_momentum(matrices, memory.get("momenta", {}), share)
        descend(parameters, {name: _as_large_as_adams(d) for name, d in directions.items()}, learning_rates)
        if others:
            memory = advance(_make_adam, parameters, others, memory, learning_rates)
        cost = backpropagation_cost(network, batch.size)
        cost = cost._replace(flops=cost.flops + orthogonalisation_flops(gradients))
        return Outcome(parameters, {**memory, "momenta": momenta}, cost, losses)

    return rule


def _as_large_as_adams(direction: Tensor) -> Tensor:
    return direction * (MUON_SCALE * sqrt(max(direction.shape[-2:])))


def _make_adam(values: list[Tensor]) -> Adam:
    return Adam(values, fused=True)


def soap(epsilon: float, renewal_steps: int) -> UpdateRule:
    """SOAP by pytorch-optimizer: Adam in the eigenbases of Shampoo's L and R, betas 0.95, no weight decay.

    The bases take one step of power iteration, by a QR decomposition, at every k-th step; vectors have
    Adam alone. The first step only makes the bases.

    Args:
        epsilon: Adam's, above 0.
        renewal_steps: k.

    Raises:
        ValueError: an epsilon or a number of steps that is not allowed.

    Source: Vyas et al. 2024, "SOAP: improving and stabilizing Shampoo using Adam".
    """
    _check_epsilon(epsilon)
    if renewal_steps < 1:
        raise ValueError(f"renewal_steps is {renewal_steps}; allowed: at least 1")

    def make(values: list[Tensor]) -> SOAP:
        return SOAP(
            values,
            betas=SOAP_BETAS,
            weight_decay=0.0,
            precondition_frequency=renewal_steps,
            eps=epsilon,
        )

    return by_optimiser(make, partial(soap_flops, renewal_steps=renewal_steps))


def soap_flops(gradients: Parameters, renewal_steps: int) -> float:
    r"""Of one member's step: $8 m n (m + n)$ for a matrix, and a share of the bases.

    Statistics take 2 m n (m + n) of it, and so does each of three projections. A basis of n vectors takes a
    product, $2 n^3$, and a QR decomposition, $8 n^3 / 3$, every k steps; the first one is left out.
    """
    shapes = [gradient.shape[1:] for gradient in gradients.values() if gradient.dim() > 2]
    products = sum(8 * prod(shape) * sum(shape) for shape in shapes)
    cubes = sum(side**3 for shape in shapes for side in shape)
    return products + (QR_FLOPS + 2) / renewal_steps * cubes


def _stepped(optimiser: Optimizer, own: list[Tensor], gradients: Parameters) -> bool:
    """Take one step at a rate of 1, in place; False if a matrix could not be decomposed."""
    for value, gradient in zip(own, gradients.values(), strict=True):
        value.grad = gradient
    for group in optimiser.param_groups:
        group["lr"] = 1.0
    try:
        optimiser.step()
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        return False
    return True


def _check_share(share: float) -> None:
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}; allowed: from 0 up to, but not, 1")


def _check_epsilon(epsilon: float) -> None:
    if not epsilon > 0:
        raise ValueError(f"epsilon is {epsilon}; allowed: above 0")
