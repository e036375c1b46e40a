import math
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from information_cases import normal, pairs, permuted, rotation
from torch import Tensor

from movingtarget.estimators import ESTIMATORS
from movingtarget.measures.mutual_information.by_name import estimate, estimates, information_through_noise
from movingtarget.measures.mutual_information.channel import Scaling, noise_like, scaled
from movingtarget.measures.mutual_information.gaussian import gaussian
from movingtarget.measures.mutual_information.pairwise import pairwise_lower
from movingtarget.networks.initialise import generator
from movingtarget.theory.gaussian_information import block_information

SCALINGS: tuple[Scaling, ...] = get_args(Scaling)
every_estimator = pytest.mark.parametrize("name", ESTIMATORS)


def layers(examples: int = 80) -> tuple[Tensor, Tensor]:
    """A layer and a function of it."""
    below = normal(examples, 3)
    return below, (below @ rotation(3)).tanh()


def test_options_are_those_of_the_registry() -> None:
    below, above = pairs(60, 2, 0.8)
    assert estimate("gaussian", below, above) == gaussian(below, above)
    assert repr(estimate("pairwise-lower", below, above, noise=0.3)) == repr(
        pairwise_lower(below, above, 0.3)
    )
    for name, known in ESTIMATORS.items():
        assert known.adds_noise == name.startswith("pairwise")


@every_estimator
@pytest.mark.parametrize("scaling", SCALINGS)
def test_several_at_once_say_what_each_says(name: str, scaling: Scaling) -> None:
    below, above = layers()
    together = estimates([*ESTIMATORS], below, above, 0.3, scaling, generator(5, "noise"))
    assert list(together) == [*ESTIMATORS]
    assert repr(together[name]) == repr(information_through_noise(below, above, name, 0.3, scaling, seed=5))


def test_samples_are_scaled_and_read_through_noise_of_their_own() -> None:
    below, above = layers()
    source = torch.Generator().manual_seed(3)
    found = estimates(["gaussian", "pairwise-lower"], below, above, 0.3, "deviation", source)
    source = torch.Generator().manual_seed(3)
    x, y = scaled(below, "deviation"), scaled(above, "deviation")
    own, others = (noise_like(layer, source) for layer in (x, y))
    assert found["gaussian"] == gaussian(x + 0.3 * own, y + 0.3 * others)
    assert repr(found["pairwise-lower"]) == repr(pairwise_lower(x, y, 0.3))


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_gaussian_layers(noise: float) -> None:
    below, above = pairs(20_000, 4, 0.9)
    covariance = torch.eye(8).double() * (1 + noise**2)
    covariance[:4, 4:] = covariance[4:, :4] = 0.9 * torch.eye(4)
    found = information_through_noise(5 * below, above - 2, noise=noise).value
    assert found == pytest.approx(block_information(covariance, 4).item(), abs=0.05)


@every_estimator
def test_dead_units_change_nothing(name: str) -> None:
    below, above = layers()
    dead = torch.full((80, 2), 0.3, dtype=torch.double)
    found = information_through_noise(torch.cat([dead, below], 1), torch.cat([above, 0 * dead], 1), name, 0.5)
    assert repr(found) == repr(information_through_noise(below, above, name, 0.5))


@every_estimator
def test_dependent_units_are_no_obstacle(name: str) -> None:
    below, above = layers()
    wide = below[:, :1] * torch.ones(20)
    assert math.isfinite(information_through_noise(wide, above, name, 0.01).value)
    assert math.isfinite(information_through_noise(below, below, name, 0.01).value)


@every_estimator
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30])
def test_a_constant_layer_is_refused(name: str, scaling: Scaling, value: float) -> None:
    below, _ = layers()
    constant = torch.full((80, 3), value)
    with pytest.raises(ValueError, match=r"^below is the same for all 80 examples"):
        information_through_noise(constant, below, name, scaling=scaling)
    with pytest.raises(ValueError, match=r"^above is the same for all 80 examples"):
        information_through_noise(below, constant, name, scaling=scaling)


@every_estimator
def test_layers_that_are_not_finite_or_not_of_the_same_examples_are_refused(name: str) -> None:
    below, above = layers()
    with pytest.raises(ValueError, match="below has 80 examples and above 79"):
        information_through_noise(below, above[1:], name)
    above[3, 1] = math.nan
    with pytest.raises(ValueError, match=r"^above has values that are not finite"):
        information_through_noise(below, above, name)


@every_estimator
@pytest.mark.parametrize("noise", [0, -0.1, math.nan, math.inf])
def test_noise_is_a_number_above_zero(name: str, noise: float) -> None:
    with pytest.raises(ValueError, match=f"noise is {noise}; allowed: a finite number above 0"):
        information_through_noise(*layers(), name, noise)


def test_unknown_names_are_errors() -> None:
    below, above = layers()
    reason = r"estimator 'gausian' is unknown \(did you mean gaussian\?\); allowed: gaussian, copula"
    for asked in (estimate, lambda name, x, y: information_through_noise(x, y, name)):
        with pytest.raises(ValueError, match=reason):
            asked("gausian", below, above)
    with pytest.raises(ValueError, match=reason):
        estimates(["copula", "gausian"], below, above, 0.1, "deviation", torch.Generator())
    with pytest.raises(ValueError, match="scaling 'size' is unknown"):
        information_through_noise(below, above, scaling="size")  # type: ignore[arg-type]


@given(st.sampled_from([1e-12, 0.1, 3, 1e12]), st.sampled_from([*ESTIMATORS]), st.sampled_from(SCALINGS))
def test_scale_does_not_matter(scale: float, name: str, scaling: Scaling) -> None:
    below, above = layers()
    expected = information_through_noise(below + 1, above - 2, name, scaling=scaling).value
    found = information_through_noise(scale * (below + 1), (above - 2) / scale, name, scaling=scaling).value
    assert found == pytest.approx(expected, abs=1e-7)


def test_an_offset_hides_nothing_at_unit_deviation_but_does_at_unit_root_mean_square() -> None:
    below = normal(2000, 5)
    above = below + 0.1 * normal(2000, 5, seed=1)
    deviation = [information_through_noise(below, above + offset).value for offset in (0, 1, 10)]
    assert deviation == pytest.approx([deviation[0]] * 3, abs=1e-9)
    shrinking = [
        information_through_noise(below, above + offset, scaling="root-mean-square").value
        for offset in (0, 1, 10, 1000)
    ]
    assert shrinking[0] == pytest.approx(deviation[0], abs=0.02)
    assert shrinking == sorted(shrinking, reverse=True)
    assert shrinking[0] > 2
    assert abs(shrinking[3]) < 0.02


@every_estimator
def test_more_noise_leaves_less(name: str) -> None:
    below, above = layers(500)
    values = [information_through_noise(below, above, name, noise).value for noise in (0.05, 0.5, 5.0)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1] or name == "pairwise-lower"


@every_estimator
def test_permuted_layers_share_less(name: str) -> None:
    below, above = layers(500)
    own = information_through_noise(below, above, name, 0.3).value
    assert (
        information_through_noise(below, permuted(above), name, 0.3).value < own or name == "pairwise-lower"
    )


def test_the_seed_is_that_of_the_noise() -> None:
    below, above = layers()
    assert information_through_noise(below, above, seed=1) == information_through_noise(below, above, seed=1)
    assert information_through_noise(below, above, seed=1) != information_through_noise(below, above, seed=2)
    # the two layers do not hear the same noise
    assert information_through_noise(below, below, noise=10.0).value < 0.5


def test_what_is_not_said_is_the_gaussian_estimate_through_a_tenth_of_unit_deviation() -> None:
    below, above = layers()
    assert information_through_noise(below, above) == information_through_noise(
        below, above, "gaussian", 0.1, "deviation", seed=0
    )
