"""Tests of whiteness."""

import numpy as np
import pytest
import torch
from statsmodels.stats.diagnostic import acorr_ljungbox

from movingtarget.measures.whiteness import low_frequencies, outer_power, portmanteau


def series(count: int, points: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((count, points)))


@pytest.mark.parametrize(("points", "lags"), [(40, 1), (256, 15), (17, 16)])
def test_portmanteau_agrees_with_statsmodels(points, lags):
    for one in (series(1, points)[0], series(1, points)[0].cumsum(0)):
        statistic, p_value = portmanteau(one, lags)
        expected = acorr_ljungbox(one.numpy(), lags=[lags]).iloc[0]
        assert statistic.item() == pytest.approx(expected["lb_stat"], rel=1e-9)
        assert p_value.item() == pytest.approx(expected["lb_pvalue"], rel=1e-6, abs=1e-12)


def test_white_noise_is_rejected_at_the_level_of_the_test():
    _, p_values = portmanteau(series(2000, 256), 15)
    # 2000 series: a standard error of 0.005
    assert (p_values < 0.05).double().mean().item() == pytest.approx(0.05, abs=0.02)


def test_brown_noise_is_always_rejected():
    _, p_values = portmanteau(series(50, 256).cumsum(-1), 15)
    assert (p_values < 1e-6).all()


@pytest.mark.parametrize("points", [16, 17, 18, 19, 256])
def test_white_noise_has_half_its_power_in_low_frequencies_and_even_power(points):
    white = series(4000, points)
    assert low_frequencies(white).mean().item() == pytest.approx(0.5, abs=0.02)
    assert outer_power(white).mean().item() == pytest.approx(1.0, abs=0.04)


def test_low_frequencies_follow_from_a_sum_of_waves():
    time = torch.arange(64, dtype=torch.double)
    waves = 3.0 + 2 * torch.sin(2 * torch.pi * 5 * time / 64) + torch.cos(2 * torch.pi * 29 * time / 64)
    assert low_frequencies(waves).item() == pytest.approx(4 / 5)


def test_power_at_the_ends_and_in_the_middle():
    ends = torch.tensor([2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0])
    assert outer_power(ends).item() == pytest.approx((5 / 4) / (5 / 8))
    assert outer_power(ends.roll(4)).item() == 0


def test_constant_series_are_undefined():
    flat = torch.full((2, 16), 0.1)
    assert torch.isnan(torch.stack([*portmanteau(flat, 3), low_frequencies(flat)])).all()
    assert outer_power(flat).tolist() == pytest.approx([1.0, 1.0])
    assert torch.isnan(outer_power(torch.zeros(16)))


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
def test_size_does_not_count_however_small_or_large(scale):
    series = torch.randn(4, 64).double()
    for measure in (lambda values: portmanteau(values, 5)[0], low_frequencies, outer_power):
        torch.testing.assert_close(measure(scale * series), measure(series), rtol=1e-10, atol=0)
