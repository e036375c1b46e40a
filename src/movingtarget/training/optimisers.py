"""Optimisers of torch and of pytorch-optimizer as update rules, each member with an optimiser of its own."""

from collections.abc import Callable, Sequence
from math import prod

import torch
from pytorch_optimizer import SOAP, Shampoo
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, Muon, Optimizer, RMSprop

from movingtarget.networks.stack import Parameters, unstack
from movingtarget.training.interface import Batch, Memory, Outcome, UpdateRule, steps_done
from movingtarget.training.muon import orthogonalisation_flops
from movingtarget.training.simultaneous import backpropagation_cost, gradients_of

Make = Callable[[list[Tensor], int], Sequence[Optimizer]]
"""(a member's parameters, steps done before) -> optimisers, which together have every parameter once."""

ROOTS_EVERY = 20
BASES_EVERY = 10
SOAP_BETAS = (0.95, 0.95)
SVD_FLOPS = 21.0
QR_FLOPS = 8.0 / 3.0
"""Of an n x n matrix, in n^3: all of the singular value decomposition, and Q and R by Householder's
reflections. Source: Golub & Van Loan 2013, sections 8.6 and 5.2."""


def by_optimiser(
    make: Make, product_flops: Callable[[Parameters], float] = lambda gradients: 0.0
) -> UpdateRule:
    """The update rule of an optimiser that steps along backpropagation's gradient, for every member.

    The optimisers of a member are made anew for every step, with views of its part of the stack, and go on
    from the states that the memory keeps as "optimisers": a list for each member of what `state_dict` gave.
    The rates are set after that, as states bring their own. A rate of 0 changes states alone.

    The weights of a member whose loss is not finite, or whose optimiser finds a matrix that cannot be
    decomposed, become NaN.

    Args:
        make: the optimisers of one member.
        product_flops: of one member's step beyond backpropagation, from the stack's gradients.
    """

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        losses, gradients = gradients_of(network, parameters, batch)
        step = steps_done(memory)
        states = memory.get("optimisers") or [[]] * len(losses)
        after = []
        for member, (rate, finite) in enumerate(zip(learning_rates.tolist(), losses.isfinite(), strict=True)):
            own = list(unstack(parameters, member).values())
            optimisers = make(own, step)
            _resume(optimisers, states[member], rate)
            if not finite or not _stepped(optimisers, own, unstack(gradients, member)):
                _lose(own)
            after.append([optimiser.state_dict() for optimiser in optimisers])
        cost = backpropagation_cost(network, batch.size)
        cost = cost._replace(flops=cost.flops + product_flops(gradients))
        return Outcome(parameters, {**memory, "step": step + 1, "optimisers": after}, cost, losses)

    return rule


def heavy_ball(share: float) -> UpdateRule:
    r"""Gradient descent with momentum by torch.optim.SGD, $V \leftarrow m V + G$, $W \leftarrow W - \eta V$.

    Args:
        share: m, from 0 up to but not 1.

    Raises:
        ValueError: a share that is not allowed.

    Source: Polyak 1964. At a constant rate, `momentum` without weight decay takes the same steps.
    """
    _check_share(share)
    return by_optimiser(lambda values, step: [SGD(values, momentum=share, fused=True)])


def nesterov(share: float) -> UpdateRule:
    r"""As `heavy_ball`, but $W \leftarrow W - \eta (G + m V)$, V being the new one; by torch.optim.SGD.

    Source: Nesterov 1983, in the form of Sutskever et al. 2013.
    """
    _check_share(share)
    return by_optimiser(lambda values, step: [SGD(values, momentum=share, nesterov=share > 0, fused=True)])


def adagrad(epsilon: float) -> UpdateRule:
    r"""AdaGrad by torch.optim.Adagrad, $W \leftarrow W - \eta G / (\sqrt{S} + \epsilon)$, S the sum of $G^2$.

    Args:
        epsilon: above 0.

    Raises:
        ValueError: an epsilon that is not allowed.

    Source: Duchi, Hazan & Singer 2011.
    """
    _check_epsilon(epsilon)
    return by_optimiser(lambda values, step: [Adagrad(values, eps=epsilon, fused=True)])


def torch_rmsprop(epsilon: float) -> UpdateRule:
    """RMSProp by torch.optim.RMSprop, decay 0.99, without momentum; `adagrad` has the argument's limits.

    Its arithmetic is not that of `local_optimisers.rmsprop`. Source: Hinton 2012, lecture 6e.
    """
    _check_epsilon(epsilon)
    return by_optimiser(lambda values, step: [RMSprop(values, eps=epsilon)])


def adam(epsilon: float) -> UpdateRule:
    """Adam by torch.optim.Adam, betas 0.9 and 0.999; `adagrad` has the argument's limits.

    Source: Kingma & Ba 2015.
    """
    _check_epsilon(epsilon)
    return by_optimiser(lambda values, step: [Adam(values, eps=epsilon, fused=True)])


def muon_with_adam(share: float) -> UpdateRule:
    """Muon by torch.optim.Muon on matrices, and Adam on all else at the same rate, without weight decay.

    Steps of matrices are scaled by 0.2 sqrt(max(rows, columns)), which makes them as large as Adam's are:
    one rate then serves both. The iterations run in bfloat16. `muon` of the module of that name scales and
    rounds otherwise, and has gradient descent on all else.

    Args:
        share: of the momentum that is kept, from 0 up to but not 1.

    Raises:
        ValueError: a share that is not allowed.

    Source: Jordan et al. 2024; the scale, Liu et al. 2025, "Muon is scalable for LLM training".
    """
    _check_share(share)

    def make(values: list[Tensor], step: int) -> list[Optimizer]:
        matrices, others = ([value for value in values if (value.dim() == 2) == two] for two in (True, False))
        muon = [Muon(matrices, weight_decay=0.0, momentum=share, adjust_lr_fn="match_rms_adamw")]
        return muon + ([Adam(others, fused=True)] if others else [])

    return by_optimiser(make, orthogonalisation_flops)


def shampoo(epsilon: float) -> UpdateRule:
    r"""Shampoo by pytorch-optimizer, roots renewed at the first step and at every 20th.

    $$ L \leftarrow L + G G^T, \quad R \leftarrow R + G^T G, \quad
       W \leftarrow W - \eta L^{-1/4} G R^{-1/4} $$

    with L and R of a weight matrix starting at epsilon times the identity. Of a vector there is L alone, with
    the root -1/2. The library's own first roots come at step 20; before that it would not move.

    Args:
        epsilon: above 0.

    Raises:
        ValueError: an epsilon that is not allowed.

    Source: Gupta, Koren & Singer 2018, algorithm 1; 20 steps as in the logs of Ren & Goldfarb 2021 (TNT).
    """
    _check_epsilon(epsilon)

    def make(values: list[Tensor], step: int) -> list[Optimizer]:
        every = ROOTS_EVERY if step else 1
        return [Shampoo(values, matrix_eps=epsilon, preconditioning_compute_steps=every)]

    return by_optimiser(make, shampoo_flops)


def shampoo_flops(gradients: Parameters) -> float:
    r"""Of one member's step: $4 m n (m + n)$ for a matrix, $4 n^2$ for a vector, and a share of the roots.

    A root of an n x n matrix is a singular value decomposition, $21 n^3$, and a product, $2 n^3$, every 20
    steps; that at the first step is left out.
    """
    return _both_sides(gradients, 2, vectors=True) + (SVD_FLOPS + 2) / ROOTS_EVERY * _cubes(
        gradients, vectors=True
    )


def soap(epsilon: float) -> UpdateRule:
    """SOAP by pytorch-optimizer: Adam in the eigenbases of Shampoo's L and R, betas 0.95, no weight decay.

    The bases take one step of power iteration, by a QR decomposition, at every 10th step; vectors have
    Adam alone. The first step only makes the bases.

    Args:
        epsilon: Adam's, above 0.

    Raises:
        ValueError: an epsilon that is not allowed.

    Source: Vyas et al. 2024, "SOAP: improving and stabilizing Shampoo using Adam".
    """
    _check_epsilon(epsilon)

    def make(values: list[Tensor], step: int) -> list[Optimizer]:
        return [
            SOAP(
                values,
                betas=SOAP_BETAS,
                eps=epsilon,
                weight_decay=0.0,
                precondition_frequency=BASES_EVERY,
            )
        ]

    return by_optimiser(make, soap_flops)


def soap_flops(gradients: Parameters) -> float:
    r"""Of one member's step: $8 m n (m + n)$ for a matrix, and a share of the bases.

    Statistics take 2 m n (m + n) of it, and so does each of three projections. A basis of n vectors takes a
    product, $2 n^3$, and a QR decomposition, $8 n^3 / 3$, every 10 steps; the first one is left out.
    """
    return _both_sides(gradients, 4) + (QR_FLOPS + 2) / BASES_EVERY * _cubes(gradients)


def _resume(optimisers: Sequence[Optimizer], states: Sequence[Memory], rate: float) -> None:
    """Let optimisers go on from their states, of which there are none before the first step, at this rate."""
    for optimiser, state in zip(optimisers, states, strict=False):
        optimiser.load_state_dict(state)
    for group in [group for optimiser in optimisers for group in optimiser.param_groups]:
        group["lr"] = rate


def _stepped(optimisers: Sequence[Optimizer], own: list[Tensor], gradients: Parameters) -> bool:
    """Take one step, in place; False if a matrix could not be decomposed."""
    for value, gradient in zip(own, gradients.values(), strict=True):
        value.grad = gradient
    try:
        for optimiser in optimisers:
            optimiser.step()
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        return False
    return True


def _lose(own: list[Tensor]) -> None:
    for value in own:
        value.fill_(torch.nan)


def _shapes(gradients: Parameters, vectors: bool) -> list[torch.Size]:
    """The shapes of a member's matrices, and of its vectors where these count."""
    shapes = [gradient.shape[1:] for gradient in gradients.values()]
    return [shape for shape in shapes if vectors or len(shape) > 1]


def _both_sides(gradients: Parameters, times: int, vectors: bool = False) -> float:
    """FLOPs of products of every gradient with a square matrix on each of its sides, so many times."""
    return float(sum(times * 2 * prod(shape) * sum(shape) for shape in _shapes(gradients, vectors)))


def _cubes(gradients: Parameters, vectors: bool = False) -> float:
    return float(sum(side**3 for shape in _shapes(gradients, vectors) for side in shape))


def _check_share(share: float) -> None:
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}; allowed: from 0 up to, but not, 1")


def _check_epsilon(epsilon: float) -> None:
    if not epsilon > 0:
        raise ValueError(f"epsilon is {epsilon}; allowed: above 0")
