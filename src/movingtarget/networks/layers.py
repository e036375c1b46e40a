"""The layers networks are made of: each works on `(..., batch, features)`, leading axes being members."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConcatenatedReLU(nn.Module):
    """CReLU(x) = (max(x, 0), max(-x, 0)): twice as many features come out as go in.

    Source: Shang et al. 2016; Balduzzi et al. 2017, section 4.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, 2 * features)`."""
        return torch.cat([inputs.relu(), (-inputs).relu()], -1)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
    "crelu": ConcatenatedReLU,
}


class RandomGates(nn.Module):
    """Passes each unit of each example with probability 1/2, whatever its value; draws anew in every call.

    The gates that the theorems of Balduzzi et al. 2017 assume: active for one input with probability 1/2,
    for both of two inputs with probability 1/4.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the gated `(..., batch, features)`."""
        return inputs * torch.randint(2, inputs.shape, generator=self.generator)


class Linear(nn.Linear):
    """Affine map x W^T + b of one member, or of a stack of members with stacked parameters.

    One member: weight `(out, in)`, inputs `(..., batch, in)`. A stack: weight `(members, out, in)`, bias
    `(members, out)`, inputs `(members, batch, in)`, or `(batch, in)` shared by all. It may be without a bias.
    """

    places: float = 1
    """How often the weights are applied to one example, multiplications by zeros in between among them."""

    activated = True
    """Whether the gain of its initial weights makes up for an activation that its inputs come from."""

    @property
    def features(self) -> int:
        """Of one example that comes in."""
        return self.in_features

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, out)`."""
        if self.weight.dim() == 2:
            return F.linear(inputs, self.weight, self.bias)
        stacked = inputs.expand(self.weight.shape[0], *inputs.shape[-2:])
        if self.bias is None:
            return (self.weight @ stacked.mT).mT
        # this order of factors gives weight gradients in the weights' own memory layout: 10 % faster steps
        return torch.baddbmm(self.bias[..., None], self.weight, stacked.mT).mT


class Normalisation(nn.Module):
    """A layer that uses statistics of its batch while training and given ones (its buffers) in eval mode.

    The buffers `mean` and `variance`, `(width,)` or `(members, width)`, are never updated in passing:
    `measures.population` computes them by a pass over the data.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))


class BatchNorm(Normalisation):
    """Batch normalisation, gain (x - mean) / sqrt(variance + epsilon) + shift, for each unit.

    Source: Ioffe & Szegedy 2015, algorithm 1.
    """

    def __init__(self, width: int, epsilon: float = 1e-5) -> None:
        super().__init__(width)
        self.gain = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))
        self.epsilon = epsilon

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the normalised `(..., batch, width)`; a batch of one raises ValueError in training mode."""
        if self.training and inputs.shape[-2] < 2:
            raise ValueError("batch norm needs a batch of at least 2 while training, got 1")
        # torch's fused kernel knows one member only: members become further units, examples its "length"
        units_first = inputs.mT
        normalised = F.batch_norm(
            units_first.reshape(1, -1, inputs.shape[-2]),
            None if self.training else self.mean.flatten(),
            None if self.training else self.variance.flatten(),
            self.gain.flatten(),
            self.shift.flatten(),
            training=self.training,
            eps=self.epsilon,
        )
        return normalised.view(units_first.shape).mT


class Centring(Normalisation):
    """Mean subtraction without scaling, x - mean, for each unit.

    Source: Balduzzi et al. 2017, figure 1 ("uses mean-centering").
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the centred `(..., batch, width)`."""
        mean = inputs.mean(-2, keepdim=True) if self.training else self.mean[..., None, :]
        return inputs - mean


NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "centred": Centring,
    "batch-norm": BatchNorm,
}
