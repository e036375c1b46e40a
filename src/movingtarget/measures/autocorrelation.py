"""Autocorrelation of a network's input gradient along a line of inputs."""

import torch
from torch import Tensor

from movingtarget.measures.scale import unit_scale


def gradient_autocorrelation(gradients: Tensor, lags: int, mean_removed: bool = True) -> Tensor:
    r"""Autocorrelation of gradients taken at equally spaced inputs, by default after removal of their mean.

    $$ \rho_k = \frac{\sum_i (g_i - \bar g)(g_{i+k} - \bar g)}{\sum_i (g_i - \bar g)^2} $$

    Args:
        gradients: `(..., points)`, df/dx at each point, of any size; leading axes are independent runs.
        lags: the largest lag wanted, less than `points`.
        mean_removed: else the mean counts as zero, so that equal gradients correlate.

    Returns:
        `(..., lags + 1)`, float64; entry 0 is 1. NaN where a run's gradient is constant (undefined), or if
        the mean is kept, zero; and where it is not finite.

    Raises:
        ValueError: `lags` is not in 0 .. points - 1.

    Source: Balduzzi et al. 2017, figure 2.

    >>> gradient_autocorrelation(torch.tensor([1.0, -1.0, 1.0, -1.0]), lags=2).tolist()
    [1.0, -0.75, 0.5]
    """
    points = gradients.shape[-1] if gradients.dim() else 0
    if not 0 <= lags < points:
        raise ValueError(f"lags must be from 0 to {points - 1} for {points} points, got {lags}")
    values, _ = unit_scale(gradients, [-1])
    constant = (values == (values[..., :1] if mean_removed else 0)).all(-1)
    centred = values - values.mean(-1, keepdim=True) if mean_removed else values
    power = torch.where(constant, torch.nan, centred.square().sum(-1))
    products = [(centred[..., k:] * centred[..., : points - k]).sum(-1) for k in range(lags + 1)]
    return torch.stack(products, -1) / power[..., None]
