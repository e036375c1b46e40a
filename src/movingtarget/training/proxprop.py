"""ProxProp: implicit steps of the hidden layers, solved roughly, in place of their gradients."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link
from movingtarget.networks.stack import Parameters
from movingtarget.training.affine import linear_layers, move, sizes_of, with_ones
from movingtarget.training.interface import Batch, Cost, Memory, Outcome, UpdateRule
from movingtarget.training.signals import signals_flops, signals_of

MOMENTUM = 0.95
ITERATIONS = 3
"""Both as in the authors' runs of a multilayer perceptron, of which others took 5 and 10 iterations."""

Operator = Callable[[Tensor], Tensor]


def proxprop(proximal_rate: float, iterations: int = ITERATIONS) -> UpdateRule:
    r"""ProxProp with conjugate gradients and Nesterov's momentum.

    With W weights and bias of a layer as one matrix, X the layer's inputs and a one for each of B examples,
    and E the gradient of the minibatch's mean loss with respect to the pre-activations, a hidden layer's
    implicit step is the proximal map of its quadratic, whose targets $X W^T - E$ stay fixed:

    $$ P = \arg\min_V \; \frac{1}{2} \lVert X V^T - (X W^T - E) \rVert^2
       + \frac{1}{2 \tau} \lVert V - W \rVert^2 $$

    A few iterations of conjugate gradients from W, each output unit a system of its own, come near to it. The
    direction D is $(W - P) / \tau$, exactly $\nabla_W L (I + \tau X^T X)^{-1}$, and the gradient itself at
    the output layer. Then, with m = 0.95,

    $$ V \leftarrow m V + D, \quad W \leftarrow W - \eta\, (D + m V). $$

    As $\tau \to 0$ this is gradient descent with momentum. Solved exactly, the direction is FOOF's at damping
    $1 / (\tau B)$, divided by $\tau B$; $X^T X$ is a sum over examples, so that $\tau$ goes with 1 / B.

    The authors' are: the quadratic and its sums, the explicit output layer, conjugate gradients unit by unit
    from W, 3 (or 5, or 10) of them, the bias as a further weight, Nesterov's momentum of 0.95. Ours are: the
    division by $\tau$, without which their hidden layers move $\tau$ times as far as the output layer at one
    rate (they took $\tau = 0.05$ and a rate of 1 at 500 examples); a number of iterations that is fixed,
    where theirs may end early at a relative residual of 0.01; no small number in denominators, so that a zero
    gradient is no step.

    Memory keeps each layer's V as "velocities", bottom first.

    Args:
        proximal_rate: $\tau$, above 0.
        iterations: of conjugate gradients, at least 1.

    Raises:
        ValueError: a value that is not allowed; when used, a layer that is not `Linear` with a bias.

    Source: Frerix, Moellenhoff, Moeller & Cremers 2018, "Proximal backpropagation"; all that is said to be
    the authors' was read in their released code, not in the paper.
    """
    _check(proximal_rate, iterations)

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links = linear_layers(network)
        losses, signals = signals_of(links, parameters, batch.inputs, batch.labels)
        velocities: list[Tensor] = []
        for place, (link, signal) in enumerate(zip(links, signals, strict=True)):
            inputs = with_ones(signal.inputs)
            direction = signal.errors.mT @ inputs
            if link is not links[-1]:
                direction = implicit_direction(inputs, direction, proximal_rate, iterations)
            before = memory["velocities"][place] if memory else torch.zeros_like(direction)
            velocities.append(torch.add(direction, before, alpha=MOMENTUM))
            move(parameters, link, direction.add_(velocities[-1], alpha=MOMENTUM), learning_rates)
        cost = _cost(links, batch.size, iterations)
        return Outcome(parameters, {"velocities": velocities}, cost, losses)

    return rule


def implicit_direction(inputs: Tensor, gradient: Tensor, proximal_rate: float, iterations: int) -> Tensor:
    r"""$G (I + \tau X^T X)^{-1}$ by conjugate gradients from zero, which is from the weights as they are.

    Args:
        inputs: X, `(members, batch, in)`.
        gradient: G, `(members, out, in)`.
        proximal_rate: $\tau$.
        iterations: of conjugate gradients.
    """
    batch_size, features = inputs.shape[-2:]
    if _gram_is_cheaper(batch_size, features, gradient.shape[-2], iterations):
        by_gram: Operator = partial(_times_gram, inputs.mT @ inputs, proximal_rate)
        return conjugate_gradients(by_gram, gradient, iterations)
    return conjugate_gradients(partial(_times_inputs, inputs, proximal_rate), gradient, iterations)


def conjugate_gradients(operator: Operator, right_sides: Tensor, iterations: int) -> Tensor:
    """Rows d with operator(d) = r, roughly, for rows r: so many iterations from zero, each row by itself.

    Args:
        operator: symmetric and positive definite, linear, on rows.
        right_sides: `(..., n)`.
        iterations: n of them are exact but for round-off; a row that is solved stays.

    >>> conjugate_gradients(lambda rows: 2 * rows, torch.tensor([[2.0, 4.0], [0.0, 0.0]]), 3)
    tensor([[1., 2.],
            [0., 0.]])
    """
    solution, residual, along = torch.zeros_like(right_sides), right_sides, right_sides
    size = _dot(residual, residual)
    for _ in range(iterations):
        image = operator(along)
        length = _ratio(size, _dot(along, image))
        solution = solution.addcmul_(length, along)
        residual = torch.addcmul(residual, length, image, value=-1.0)
        last, size = size, _dot(residual, residual)
        along = torch.addcmul(residual, _ratio(size, last), along)
    return solution


def _times_gram(gram: Tensor, proximal_rate: float, rows: Tensor) -> Tensor:
    return torch.baddbmm(rows, rows, gram, alpha=proximal_rate)


def _times_inputs(inputs: Tensor, proximal_rate: float, rows: Tensor) -> Tensor:
    return torch.baddbmm(rows, rows @ inputs.mT, inputs, alpha=proximal_rate)


def _dot(rows: Tensor, others: Tensor) -> Tensor:
    return (rows * others).sum(-1, keepdim=True)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Zero for 0 / 0, of a row that is solved."""
    return torch.where(denominator > 0, numerator / denominator, 0.0)


def _check(proximal_rate: float, iterations: int) -> None:
    if not 0 < proximal_rate < float("inf"):
        raise ValueError(f"proximal_rate is {proximal_rate}; allowed: finite, above 0")
    if iterations < 1:
        raise ValueError(f"iterations is {iterations}; allowed: at least 1")


def _gram_is_cheaper(batch_size: int, features: int, outputs: int, iterations: int) -> bool:
    size = batch_size, features, outputs, iterations
    return _flops_by_gram(*size) < _flops_by_inputs(*size)


def _flops_by_gram(batch_size: int, features: int, outputs: int, iterations: int) -> float:
    return 2.0 * features**2 * (batch_size + iterations * outputs)


def _flops_by_inputs(batch_size: int, features: int, outputs: int, iterations: int) -> float:
    return 4.0 * iterations * batch_size * features * outputs


def _cost(links: Sequence[Link], batch_size: int, iterations: int) -> Cost:
    """Of a pass forward, one backward, the gradients and the hidden layers' conjugate gradients."""
    sizes = sizes_of(links)
    gradients = sum(2.0 * batch_size * features * outputs for features, outputs in sizes)
    solutions = [
        min(
            _flops_by_gram(batch_size, *size, iterations),
            _flops_by_inputs(batch_size, *size, iterations),
        )
        for size in sizes[:-1]
    ]
    return Cost(1.0, signals_flops(links, batch_size) + gradients + sum(solutions))
