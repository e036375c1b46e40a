"""LocoProp-M: layer-wise targets, cached for a minibatch, and local steps of every layer towards its own."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.networks.feedforward import Feedforward, FeedforwardLayer
from movingtarget.networks.layers import ConcatenatedReLU
from movingtarget.networks.stack import Parameters
from movingtarget.training.rule import Batch, Cost, Outcome, UpdateRule, forward_flops, input_gradient_flops
from movingtarget.training.simultaneous import member_losses

LEAST_DECAY = 0.25


def locoprop(iterations: int, gamma: float) -> UpdateRule:
    r"""The update rule LocoProp-M with `iterations` local steps of gradient descent for each layer.

    One forward pass caches each layer's input $x_i$, pre-activation $a_i$ and post-activation $h_i$; one
    backward pass gives $e_i = \partial L / \partial a_i$. The targets $t_i = h_i - \gamma e_i$ then stay
    fixed while each layer alone descends its matching loss, whose gradient needs no derivative of the
    transfer function f (softmax at the output):

    $$ W_i \leftarrow W_i - \eta_k \, (f(W_i x_i + b_i) - t_i)^T x_i, \quad
       \eta_k = \tfrac{\eta}{\gamma} \max(1 - k / T, 1/4), \quad k = 0, \dots, T - 1 $$

    The division by gamma makes the first local step the step of gradient descent at rate $\eta$, exactly,
    so that learning rates of both rules mean the same. Here $e_i$ is of one example's loss, and local
    gradients are means over the batch; in the authors' code $e_i$ is of the mean loss and local gradients
    are sums: their gamma is ours times the batch size.

    Raises ValueError, when used, for a network that is not a plain feedforward one.

    Source: Amid, Anil & Warmuth 2022, and the authors' notebook (schedule of the local rates).
    """

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
    ) -> Outcome:
        if not (isinstance(network, Feedforward) and all(map(_is_plain, network.hidden))):
            raise ValueError("LocoProp is defined for plain feedforward networks only")
        layers = [f"hidden.{index}.linear" for index in range(len(network.hidden))] + ["head"]
        activations = [part for name, part in network.named_modules() if name.endswith(".activation")]
        transfers: list[Transfer] = [*activations, _softmax]
        inputs, pre_activations = _forward(parameters, layers, transfers, batch.inputs)
        errors = _backward(parameters, layers, transfers, pre_activations, batch.labels)
        for place, layer in enumerate(layers):
            weight, bias = parameters[f"{layer}.weight"], parameters[f"{layer}.bias"]
            transfer, residual = transfers[place], gamma * errors[place]
            target = transfer(pre_activations[place]) - residual
            for k in range(iterations):
                if k > 0:
                    residual = transfer(torch.baddbmm(bias[:, None], inputs[place], weight.mT)) - target
                rates = learning_rates * (max(1 - k / iterations, LEAST_DECAY) / gamma / target.shape[-2])
                residual *= rates[:, None, None]
                weight.baddbmm_(residual.mT, inputs[place], alpha=-1.0)
                bias.sub_(residual.sum(-2))
        losses = member_losses(pre_activations[-1], batch.labels)
        return Outcome(parameters, memory, _cost(network, batch.labels.shape[-1], iterations), losses)

    return torch.no_grad()(rule)


def _is_plain(layer: nn.Module) -> bool:
    if not isinstance(layer, FeedforwardLayer) or isinstance(layer.activation, ConcatenatedReLU):
        return False
    return isinstance(layer.normalisation, nn.Identity)


def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


Transfer = Callable[[Tensor], Tensor]


def _forward(
    parameters: Parameters, layers: list[str], transfers: list[Transfer], inputs: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Inputs and pre-activations of every layer."""
    layer_inputs, pre_activations = [inputs], []
    for layer, transfer in zip(layers, transfers, strict=True):
        weight, bias = parameters[f"{layer}.weight"], parameters[f"{layer}.bias"]
        pre_activations.append(torch.baddbmm(bias[:, None], layer_inputs[-1], weight.mT))
        layer_inputs.append(transfer(pre_activations[-1]))
    return layer_inputs[:-1], pre_activations


def _backward(
    parameters: Parameters,
    layers: list[str],
    transfers: list[Transfer],
    pre_activations: list[Tensor],
    labels: Tensor,
) -> list[Tensor]:
    """Gradient of each example's cross-entropy with respect to every layer's pre-activation."""
    probabilities = pre_activations[-1].softmax(-1)
    error = probabilities - F.one_hot(labels, probabilities.shape[-1]).to(probabilities.dtype)
    errors = [error]
    for place in range(len(layers) - 2, -1, -1):
        upstream = torch.bmm(errors[0], parameters[f"{layers[place + 1]}.weight"])
        with torch.enable_grad():
            leaf = pre_activations[place].detach().requires_grad_()
            (error,) = torch.autograd.grad(transfers[place](leaf), leaf, upstream)
        errors.insert(0, error)
    return errors


def _cost(network: nn.Module, batch_size: int, iterations: int) -> Cost:
    # one pass forward, one of errors backward, and two products a local step but the first's cached one
    forward = forward_flops(network, batch_size)
    first = input_gradient_flops(network, batch_size)
    return Cost(float(iterations), (1 + 2 * iterations) * forward - first)
