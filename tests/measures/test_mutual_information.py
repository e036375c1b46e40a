import math
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from movingtarget.measures.mutual_information import Scaling, information, read
from movingtarget.theory.gaussian_information import block_information

REPETITIONS, EXAMPLES = 400, 80
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)


def source(seed: int) -> torch.Generator:
    """A generator of its own for each seed."""
    return torch.Generator().manual_seed(seed)


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal values in float64."""
    return torch.randn(*shape, dtype=torch.double, generator=source(seed))


def between(
    below: Tensor, above: Tensor, noise: float = 0.5, scaling: Scaling = "deviation", seed: int = 99
) -> Tensor:
    """Information between two layers, read with usual settings."""
    drawn = source(seed)
    return information(*(read(layer, noise, scaling, drawn) for layer in (below, above)))


def mean_and_error(values: Tensor) -> tuple[float, float]:
    """Mean over repetitions and its standard error."""
    return values.mean().item(), values.std().item() / len(values) ** 0.5


def correlated_layers(units: int) -> tuple[Tensor, Tensor, Tensor]:
    """Many repetitions of two Gaussian layers, and the covariance of their 2 x `units` units."""
    mixing = gaussian(2 * units, 2 * units, seed=1)
    both = gaussian(REPETITIONS, EXAMPLES, 2 * units, seed=2) @ mixing.mT
    return both[..., :units], both[..., units:], mixing @ mixing.mT


def noisy_covariance(covariance: Tensor, units: int, noise: float) -> Tensor:
    """The covariance of both layers, each at unit size and with noise added."""
    variances = covariance.diagonal()
    sizes = torch.cat([block.mean().sqrt().expand(units) for block in (variances[:units], variances[units:])])
    return covariance / sizes / sizes[:, None] + noise**2 * torch.eye(2 * units).double()


@pytest.mark.parametrize("units", [1, 4, 12])
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_unbiased_for_gaussian_layers(units: int, noise: float) -> None:
    below, above, covariance = correlated_layers(units)
    truth = block_information(noisy_covariance(covariance, units, noise), units).item()
    mean, error = mean_and_error(between(below, above, noise))
    assert mean == pytest.approx(truth, abs=4 * error)
    assert error < 0.01 * units


def test_the_plug_in_estimate_would_be_biased() -> None:
    units, noise = 12, 0.3
    below, above, covariance = correlated_layers(units)
    exact = noisy_covariance(covariance, units, noise)
    factor = torch.linalg.cholesky(exact)
    drawn = gaussian(REPETITIONS, EXAMPLES, 2 * units, seed=3) @ factor.mT
    plug_in, error = mean_and_error(torch.stack([block_information(run.T.cov(), units) for run in drawn]))
    truth = block_information(exact, units).item()
    # the leading term of the bias is 12 x 12 / (2 x 80) = 0.9 nats
    assert plug_in - truth > 50 * error
    assert plug_in - truth > 0.9
    corrected, error = mean_and_error(between(below, above, noise))
    assert corrected == pytest.approx(truth, abs=4 * error)


@pytest.mark.parametrize("correlation", [0.5, 0.9])
def test_independent_pairs(correlation: float) -> None:
    units, noise = 5, 0.5
    below, own = gaussian(REPETITIONS, EXAMPLES, units), gaussian(REPETITIONS, EXAMPLES, units, seed=1)
    above = correlation * below + math.sqrt(1 - correlation**2) * own
    expected = -units / 2 * math.log(1 - (correlation / (1 + noise**2)) ** 2)
    mean, error = mean_and_error(between(below, above, noise))
    assert mean == pytest.approx(expected, abs=4 * error)


def test_shuffled_examples_share_nothing() -> None:
    below = gaussian(REPETITIONS, EXAMPLES, 5)
    mean, error = mean_and_error(between(below, below[:, torch.randperm(EXAMPLES)]))
    assert mean == pytest.approx(0, abs=4 * error)
    assert mean_and_error(between(below, below))[0] > 100 * error


def test_only_linear_relations_count() -> None:
    # a square is fixed by its root, but uncorrelated with it
    below = gaussian(50, 2000, 1)
    mean, error = mean_and_error(between(below, below.square()))
    assert mean == pytest.approx(0, abs=4 * error)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_scale_does_not_matter(scaling: Scaling) -> None:
    below, above = gaussian(200, 5) + 1, gaussian(200, 4, seed=1) - 2
    expected = between(below, above, scaling=scaling)
    for scale in (1e-12, 0.1, 3, -1, 1e12):
        # a change of sign leaves the noise as it was, so that it only agrees within the estimate's spread
        tolerance = 0.3 if scale < 0 else 1e-9
        assert_close(between(scale * below, above, scaling=scaling), expected, rtol=0, atol=tolerance)
        assert_close(between(below, scale * above, scaling=scaling), expected, rtol=0, atol=tolerance)


def test_an_offset_hides_nothing_at_unit_deviation_but_does_at_unit_root_mean_square() -> None:
    below = gaussian(2000, 5)
    above = below + 0.1 * gaussian(2000, 5, seed=1)
    deviation = [between(below, above + offset).item() for offset in (0, 1, 10)]
    assert deviation == pytest.approx([deviation[0]] * 3, abs=1e-9)
    shrinking = [
        between(below, above + offset, scaling="root-mean-square").item() for offset in (0, 1, 10, 1000)
    ]
    assert shrinking[0] == pytest.approx(deviation[0], abs=0.01)
    assert shrinking == sorted(shrinking, reverse=True)
    assert shrinking[0] > 2
    assert abs(shrinking[3]) < 0.02


def test_rotations_do_not_matter() -> None:
    below = gaussian(20000, 5)
    above = below @ gaussian(5, 5, seed=1) + gaussian(20000, 5, seed=2)
    rotation = torch.linalg.qr(gaussian(5, 5, seed=3))[0]
    expected = between(below, above)
    # the noise does not turn with the layer: agreement within 20000 examples' spread only
    assert expected > 1
    assert_close(between(below @ rotation, above), expected, rtol=0, atol=0.04)
    assert_close(between(below, above @ rotation), expected, rtol=0, atol=0.04)


def test_more_noise_leaves_less() -> None:
    below = gaussian(2000, 5)
    above = torch.tanh(below @ gaussian(5, 5, seed=1))
    values = [between(below, above, noise).item() for noise in (0.01, 0.1, 0.3, 1, 3, 30)]
    assert values == sorted(values, reverse=True)
    assert abs(values[-1]) < 0.02


def test_independent_parts_add_up() -> None:
    parts = []
    for seed in (0, 10):
        below = gaussian(20000, 3, seed=seed)
        parts.append((below, (below + gaussian(20000, 3, seed=seed + 1)) / math.sqrt(2)))
    separate = [between(*layers, seed=seed).item() for seed, layers in zip((50, 60), parts, strict=True)]
    below, above = (torch.cat(layers, -1) for layers in zip(*parts, strict=True))
    assert sum(separate) > 0.5
    assert between(below, above).item() == pytest.approx(sum(separate), abs=0.03)


def test_a_longer_way_tells_less() -> None:
    layers = [gaussian(20000, 4)]
    for step in range(1, 5):
        layers.append((layers[-1] @ gaussian(4, 4, seed=step)).tanh())
    values = [between(layers[0], layer).item() for layer in layers]
    assert values == sorted(values, reverse=True)
    assert values[0] > 2 * values[-1] > 0


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("noise", [0.01, 1.0])
def test_dead_and_dependent_units_are_no_obstacle(scaling: Scaling, noise: float) -> None:
    below = gaussian(300, 40)
    below[:, 20:] = 0
    above = below[:, :3] @ gaussian(3, 40, seed=1)
    assert between(below, above, noise, scaling).isfinite()
    assert between(below, torch.zeros(300, 40) + 3.3, noise, "root-mean-square").isfinite()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_layer_without_size_is_undefined(scaling: Scaling) -> None:
    alive = gaussian(300, 3)
    layers = torch.stack([torch.zeros_like(alive), alive])
    assert between(layers, alive.expand(2, 300, 3), scaling=scaling).isnan().tolist() == [True, False]
    assert between(alive.expand(2, 300, 3), layers, scaling=scaling).isnan().tolist() == [True, False]


@pytest.mark.parametrize("value", [0.1, 0.11, 1 / 3, 7.7, 1e-30])
def test_a_constant_layer_has_no_deviation(value: float) -> None:
    # less its mean it would be round-off, not zero
    constant = torch.full((300, 3), value, dtype=torch.double)
    assert between(gaussian(300, 3), constant).isnan()


def test_members_of_a_stack_do_not_mix() -> None:
    below, above = gaussian(3, 200, 4), gaussian(3, 200, 4, seed=1)
    other = torch.stack([above[0], torch.full_like(above[1], torch.nan), above[2]])
    values, expected = between(below, other), between(below, above)
    assert values.isnan().tolist() == [False, True, False]
    assert_close(values[[0, 2]], expected[[0, 2]], rtol=0, atol=1e-12)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_layer_is_read_whitened(scaling: Scaling) -> None:
    layers = gaussian(3, 300, 4) @ gaussian(4, 7, seed=1) + 1
    seen = read(layers, 0.1, scaling, source(0))
    assert_close(seen.mean(-2), torch.zeros(3, 7).double(), rtol=0, atol=1e-10)
    assert_close(seen.mT @ seen / 299, torch.eye(7).double().expand(3, 7, 7), rtol=0, atol=1e-10)


def test_too_few_examples_are_an_error() -> None:
    with pytest.raises(ValueError, match="5 units need more than 5 examples, got 5"):
        read(gaussian(5, 5), 0.1, "deviation", source(0))
    with pytest.raises(ValueError, match="8 units need more than 8 examples, got 8"):
        between(gaussian(8, 5), gaussian(8, 3))
    assert between(gaussian(9, 5), gaussian(9, 3)).isfinite()
