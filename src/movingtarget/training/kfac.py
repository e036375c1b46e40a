"""K-FAC: natural gradients of each layer, its Fisher matrix taken for a Kronecker product of small ones."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.networks.chain import Link
from movingtarget.networks.stack import Parameters
from movingtarget.training.affine import linear_layers, move, sizes_of, with_ones
from movingtarget.training.cholesky import inverse_flops, inverses
from movingtarget.training.interface import (
    Batch,
    Cost,
    Memory,
    Outcome,
    UpdateRule,
    forward_flops,
    steps_done,
)
from movingtarget.training.signals import Signal, signals_flops, signals_of
from movingtarget.training.uniform import uniform

DECAY = 0.95
"""Of the running means of factors."""

MOMENTUM = 0.9

FACTORS = ("inputs", "errors")


def kfac(damping: float, renewal_steps: int) -> UpdateRule:
    r"""K-FAC with a block for each layer, constant damping and momentum.

    With W weights and bias of a layer as one matrix, x the layer's input and a one, and g the gradient of an
    example's own loss with respect to the pre-activation, its label drawn from the network's own
    distribution, the layer's block of the Fisher matrix is taken for $A \otimes S$,

    $$ A = \langle x x^T \rangle, \quad S = \langle g g^T \rangle, $$

    running means over steps of the minibatches' means: at step k (from 1) the mean so far has weight
    $\min(1 - 1/k, 0.95)$, so the first minibatch starts it. At the first step, and every so many steps from
    there on, the factors are inverted, damped by factored Tikhonov; the momentum V gathers the directions:

    $$ V \leftarrow 0.9\, V + \bigl(S + \tfrac{\sqrt\lambda}{\pi} I\bigr)^{-1} \nabla_W L
       \bigl(A + \pi \sqrt\lambda I\bigr)^{-1}, \quad W \leftarrow W - \eta V, \quad
       \pi^2 = \frac{\operatorname{tr} A / \dim A}{\operatorname{tr} S / \dim S} $$

    Labels are drawn anew in each step and cost one more pass backward. What is drawn follows from the number
    of the step alone: all members use the same uniform numbers, each for its own distribution. A member whose
    damped factor round-off leaves indefinite becomes NaN.

    The paper takes its damping, step length and momentum from a quadratic model, at the cost of further
    passes; here they are constants and the rate.

    Memory keeps the number of steps as "step", and the factors, their inverses and V of each layer, bottom
    first, as "layers".

    Args:
        damping: $\lambda$, above 0.
        renewal_steps: from one inversion to the next.

    Raises:
        ValueError: a damping or a number of steps that is not allowed; when used, a layer that is not
            `Linear` with a bias.

    Source: Martens & Grosse 2015, sections 3, 5 and 6.3.
    """
    if not 0 < damping < float("inf"):
        raise ValueError(f"damping is {damping}; allowed: finite, above 0")
    if renewal_steps < 1:
        raise ValueError(f"renewal_steps is {renewal_steps}; allowed: at least 1")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links, done = linear_layers(network), steps_done(memory)
        losses, signals = signals_of(links, parameters, batch.inputs, batch.labels)
        drawn = sampled_errors(links, parameters, signals, batch.labels.dim() == 3, done)
        layers: list[dict[str, Tensor]] = []
        for place, (link, signal) in enumerate(zip(links, signals, strict=True)):
            inputs = with_ones(signal.inputs)
            gradient = signal.errors.mT @ inputs
            kept = memory["layers"][place] if done else {"velocity": torch.zeros_like(gradient)}
            kept |= _running_means(kept, kronecker_factors(inputs, drawn[place]), done)
            if done % renewal_steps == 0:
                kept |= _inverted(kept, damping)
            direction = kept["errors inverse"] @ gradient @ kept["inputs inverse"]
            layers.append(kept | {"velocity": direction.add_(kept["velocity"], alpha=MOMENTUM)})
            move(parameters, link, layers[-1]["velocity"], learning_rates)
        cost = _cost(links, batch.size, renewal_steps)
        return Outcome(parameters, {"step": done + 1, "layers": layers}, cost, losses)

    return rule


def kronecker_factors(inputs: Tensor, errors: Tensor) -> tuple[Tensor, Tensor]:
    r"""A and S, the means over examples of $x x^T$ and $g g^T$.

    Args:
        inputs: x and a one, `(..., batch, in)`.
        errors: g, of examples' own losses, `(..., batch, out)`.

    >>> kronecker_factors(torch.tensor([[2.0, 1.0], [0.0, 1.0]]), torch.tensor([[3.0], [1.0]]))
    (tensor([[2., 1.],
            [1., 1.]]), tensor([[5.]]))
    """
    return (inputs.mT @ inputs).div_(inputs.shape[-2]), (errors.mT @ errors).div_(errors.shape[-2])


def damped_inverses(inputs_factor: Tensor, errors_factor: Tensor, damping: float) -> tuple[Tensor, Tensor]:
    r"""$(A + \pi \sqrt\lambda I)^{-1}$ and $(S + \sqrt\lambda / \pi I)^{-1}$, as in `kfac`.

    A factor of zeros, where no unit lets a gradient through, counts as a tiny one.
    """
    smallest = torch.finfo(errors_factor.dtype).tiny
    ratio = _mean_diagonal(inputs_factor) / _mean_diagonal(errors_factor).clamp(min=smallest)
    balance, root = ratio.sqrt(), damping**0.5
    shifted = _shifted(inputs_factor, balance * root), _shifted(errors_factor, root / balance)
    return inverses(shifted[0]), inverses(shifted[1])


def sampled_errors(
    links: Sequence[Link], parameters: Parameters, signals: Sequence[Signal], images: bool, step: int
) -> list[Tensor]:
    """Gradients of examples' own losses at drawn labels, by the pre-activations, bottom layer first.

    Args:
        links: the network's layers, all `Linear`.
        parameters: of the stack.
        signals: of the minibatch.
        images: whether outputs are logits of pixels, rather than of classes.
        step: what the draw follows from.
    """
    logits = links[-1].transfer(signals[-1].pre_activations)
    probabilities = torch.sigmoid(logits) if images else logits.softmax(-1)
    error = probabilities - drawn_labels(probabilities, images, step)
    errors: list[Tensor] = []
    for link, signal in zip(reversed(links), reversed(signals), strict=True):
        errors.append(_through(link.transfer, signal.pre_activations, error))
        if link is not links[0]:
            error = errors[-1] @ parameters[link.names["weight"]]
    return errors[::-1]


def drawn_labels(probabilities: Tensor, images: bool, step: int) -> Tensor:
    """Independent pixels of 0 and 1, or a class as a one among zeros, by their probabilities.

    Args:
        probabilities: `(members, batch, outputs)`.
        images: whether outputs are pixels.
        step: the uniform numbers follow from it, the same for all members.
    """
    (_, batch_size, outputs), dtype = probabilities.shape, probabilities.dtype
    levels = uniform(step, [batch_size, outputs if images else 1], dtype, probabilities.device)
    if images:
        return (levels < probabilities).to(dtype)
    # round-off may leave the last sum below a level
    classes = (probabilities.cumsum(-1) <= levels).sum(-1).clamp(max=outputs - 1)
    return F.one_hot(classes, outputs).to(dtype)


def _running_means(kept: dict[str, Tensor], factors: tuple[Tensor, Tensor], done: int) -> dict[str, Tensor]:
    """A layer's factors so far, by name."""
    weight = max(1 / (done + 1), 1 - DECAY)
    return {
        name: kept[name].lerp_(factor, weight) if done else factor
        for name, factor in zip(FACTORS, factors, strict=True)
    }


def _inverted(kept: dict[str, Tensor], damping: float) -> dict[str, Tensor]:
    """A layer's inverses, by name."""
    inverted = damped_inverses(kept["inputs"], kept["errors"], damping)
    return {f"{name} inverse": value for name, value in zip(FACTORS, inverted, strict=True)}


def _through(transfer: nn.Module, pre_activations: Tensor, error: Tensor) -> Tensor:
    """The gradient before a transfer from the one behind it."""
    with torch.enable_grad():
        # no leaf of the graph: module hooks, torch's counters among them, refuse an identity of one
        before = pre_activations.detach().requires_grad_().view_as(pre_activations)
        behind = transfer(before)
    return torch.autograd.grad(behind, before, error)[0]


def _mean_diagonal(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=-2, dim2=-1).mean(-1)


def _shifted(matrices: Tensor, shifts: Tensor) -> Tensor:
    shifted = matrices.clone()
    shifted.diagonal(dim1=-2, dim2=-1).add_(shifts[..., None])
    return shifted


def _cost(links: Sequence[Link], batch_size: int, renewal_steps: int) -> Cost:
    """Of a pass forward, two backward, the gradients, factors, directions, and a step's share of inverses."""
    back = sum(forward_flops(link.affine, batch_size) for link in links[1:])
    products = signals_flops(links, batch_size) + back
    sizes = sizes_of(links)
    return Cost(1.0, products + sum(_layer_flops(batch_size, renewal_steps, *size) for size in sizes))


def _layer_flops(batch_size: int, renewal_steps: int, features: int, outputs: int) -> float:
    gradient = 2.0 * batch_size * features * outputs
    factors = 2.0 * batch_size * (features**2 + outputs**2)
    direction = 2.0 * features * outputs * (features + outputs)
    inversion = (inverse_flops(features) + inverse_flops(outputs)) / renewal_steps
    return gradient + factors + direction + inversion
