"""How white a series is: a test over several lags, its spectrum, and its power along the line."""

import torch
from torch import Tensor

from movingtarget.measures.autocorrelation import gradient_autocorrelation
from movingtarget.measures.scale import unit_scale


def portmanteau(series: Tensor, lags: int) -> tuple[Tensor, Tensor]:
    r"""The test of Ljung and Box for autocorrelation at any of several lags.

    $$ Q = n (n + 2) \sum_{k=1}^{K} \frac{\rho_k^2}{n - k} $$

    of white noise is about chi-squared with K degrees of freedom.

    Args:
        series: `(..., points)`.
        lags: K, at least 1 and less than `points`.

    Returns:
        Q and its p-value, `(...)` each; NaN for a constant series (undefined).

    Source: Ljung & Box 1978, "On a measure of lack of fit in time series models", Biometrika 65(2).

    >>> statistic, p_value = portmanteau(torch.tensor([1.0, -1.0] * 8), lags=1)
    >>> round(statistic.item(), 6), p_value.item() < 0.001  # 16 (16 + 2) (15/16)^2 / 15
    (16.875, True)
    """
    points = series.shape[-1]
    correlations = gradient_autocorrelation(series, lags)[..., 1:]
    weights = points * (points + 2) / (points - torch.arange(1, lags + 1).to(correlations))
    statistic = (weights * correlations.square()).sum(-1)
    return statistic, torch.special.gammaincc(torch.tensor(lags / 2).to(statistic), statistic / 2)


def low_frequencies(series: Tensor) -> Tensor:
    """Share of the power, less the mean's, in the lower half of the frequencies: 1/2 for white noise.

    Args:
        series: `(..., points)`, at least 5.

    Returns:
        `(...)`; NaN for a constant series (undefined).

    >>> low_frequencies(torch.tensor([1.0, -1.0] * 4)).item()  # the highest frequency there is
    0.0
    """
    series, _ = unit_scale(series, [-1])
    centred = series - series.mean(-1, keepdim=True)
    power = torch.fft.rfft(centred).abs().square()[..., 1:]
    whole = power.sum(-1)
    half = power.shape[-1] // 2
    middle = power[..., half] / 2 if power.shape[-1] % 2 else 0.0
    share = (power[..., :half].sum(-1) + middle) / whole
    return torch.where((series == series[..., :1]).all(-1), torch.nan, share)


def outer_power(series: Tensor) -> Tensor:
    """Mean square of the outer half of a line, a quarter at either end, over that of the whole: 1 if even.

    Args:
        series: `(..., points)`, at least 4.

    Returns:
        `(...)`; NaN for a zero series (undefined).

    >>> outer_power(torch.tensor([1.0, 0.0, 0.0, 1.0])).item()
    2.0
    """
    squares = unit_scale(series, [-1])[0].square()
    end = squares.shape[-1] // 4
    ends = torch.cat([squares[..., :end], squares[..., -end:]], -1)
    return ends.mean(-1) / squares.mean(-1)
