"""Dials of initial weights."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.networks import Architecture, build_random
from movingtarget.networks.dials import DIALS, turn
from movingtarget.networks.residual import ResidualBlock

WIDTH, DEPTH = 8, 4
FAMILY_OF = {"gain": "orthogonal", "rank": "orthogonal", "branch": "residual-unscaled"}
NEUTRAL = {"gain": 1.0, "rank": WIDTH, "branch": 1.0}


def drawn(family: str, depth: int = DEPTH, activation: str = "relu") -> nn.Module:
    return build_random(Architecture(family, 5, WIDTH, depth, 4, activation), 3)


def turned(dial: str, value: float, family: str | None = None) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters before and after."""
    network = drawn(family or FAMILY_OF[dial])
    before = copy.deepcopy(network.state_dict())
    after = turn(network, dial, value)
    assert after is network
    return before, after.state_dict()


def hidden_weights(parameters: dict[str, Tensor]) -> list[Tensor]:
    """Those above the first hidden layer."""
    return [parameters[f"hidden.{layer}.linear.weight"] for layer in range(1, DEPTH)]


def test_every_dial_has_a_case() -> None:
    assert set(DIALS) == set(FAMILY_OF)


@pytest.mark.parametrize("dial", FAMILY_OF)
@pytest.mark.parametrize("value", [1, 3])
def test_the_class_of_functions_stays_and_nothing_else_is_turned(dial: str, value: float) -> None:
    network = drawn(FAMILY_OF[dial])
    before, described = copy.deepcopy(network.state_dict()), repr(network)
    after = turn(network, dial, value).state_dict()
    assert repr(network) == described
    assert {name: part.shape for name, part in after.items()} == {
        name: part.shape for name, part in before.items()
    }
    changed = {name for name, part in after.items() if not torch.equal(part, before[name])}
    own = "branch.2.weight" if dial == "branch" else "linear.weight"
    turnable = {f"hidden.{layer}.{own}" for layer in range(1, DEPTH)}
    assert changed == (set() if value == NEUTRAL[dial] else turnable)
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("dial", FAMILY_OF)
def test_one_layer_above_the_first_is_enough(dial: str) -> None:
    network = drawn(FAMILY_OF[dial], depth=2)
    before = copy.deepcopy(network.state_dict())
    after = turn(network, dial, 3).state_dict()
    assert sum(not torch.equal(part, before[name]) for name, part in after.items()) == 1


@pytest.mark.parametrize("dial", FAMILY_OF)
def test_the_neutral_value_changes_no_bit(dial: str) -> None:
    network = drawn(FAMILY_OF[dial]).double()
    before = copy.deepcopy(network.state_dict())
    after = turn(network, dial, NEUTRAL[dial]).state_dict()
    assert all(torch.equal(part, before[name]) for name, part in after.items())


@given(gain=st.floats(0.01, 100))
def test_gain_multiplies_every_singular_value(gain: float) -> None:
    before, after = turned("gain", gain)
    for weight, expected in zip(hidden_weights(after), hidden_weights(before), strict=True):
        # orthogonal weights for rectifiers: all singular values are sqrt(2)
        values = torch.linalg.svdvals(weight)
        assert_close(values, torch.full((WIDTH,), gain * math.sqrt(2)), rtol=1e-5, atol=0)
        assert_close(weight, gain * expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("family", ["orthogonal", "plain"])
@pytest.mark.parametrize("rank", range(1, WIDTH + 1))
def test_rank_keeps_the_norm_and_the_largest_singular_values(rank: int, family: str) -> None:
    before, after = turned("rank", rank, family)
    for weight, old in zip(hidden_weights(after), hidden_weights(before), strict=True):
        assert torch.linalg.matrix_rank(weight, rtol=1e-5) == rank
        assert weight.norm().item() == pytest.approx(old.norm().item(), rel=1e-5)
        largest = torch.linalg.svdvals(old)[:rank]
        expected = largest * old.norm() / largest.norm()
        assert_close(torch.linalg.svdvals(weight)[:rank], expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("rank", [1, 3, 7])
def test_rank_points_where_the_best_approximation_does(rank: int) -> None:
    """By the eigenvectors of W^T W, without a singular value decomposition."""
    before, after = turned("rank", rank, "plain")
    for weight, old in zip(hidden_weights(after), hidden_weights(before), strict=True):
        old = old.double()
        vectors = torch.linalg.eigh(old.T @ old).eigenvectors[:, -rank:]
        best = old @ vectors @ vectors.T
        assert_close(weight.double(), best * old.norm() / best.norm(), rtol=0, atol=1e-5)


@given(scale=st.floats(0.01, 100))
def test_branch_is_the_scale_of_the_branch(scale: float) -> None:
    network = drawn("residual-unscaled").double()
    stream = torch.randn(7, WIDTH, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    blocks = [part for part in network.modules() if isinstance(part, ResidualBlock)]
    branches = [block(stream) - stream for block in blocks]
    turn(network, "branch", scale)
    for block, branch in zip(blocks, branches, strict=True):
        assert_close(block(stream), stream + scale * branch, rtol=1e-9, atol=1e-12)


def test_branch_of_the_scaled_family_makes_it_the_unscaled_one() -> None:
    scaled, unscaled = (drawn(family).double() for family in ("residual", "residual-unscaled"))
    inputs = torch.randn(7, 5).double()
    assert_close(turn(scaled, "branch", DEPTH**0.5)(inputs), unscaled(inputs))


@pytest.mark.parametrize(
    ("dial", "value", "line"),
    [
        ("gian", 2, r"dial 'gian' is unknown \(did you mean gain\?\); allowed: gain, branch, rank"),
        ("gain", 0, "gain is 0; allowed: finite and above 0"),
        ("gain", math.nan, "gain is nan; allowed: finite and above 0"),
        ("branch", -1, "branch is -1; allowed: finite and above 0"),
        ("branch", math.inf, "branch is inf; allowed: finite and above 0"),
        ("rank", 0, "rank is 0; allowed: 1, 2, ..., 8"),
        ("rank", 9, "rank is 9; allowed: 1, 2, ..., 8"),
        ("rank", 2.5, "rank is 2.5; allowed: 1, 2, ..., 8"),
    ],
)
def test_values_that_are_not_allowed_turn_nothing(dial: str, value: float, line: str) -> None:
    network = drawn(FAMILY_OF.get(dial, "orthogonal"))
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(ValueError, match=f"^{line}$"):
        turn(network, dial, value)
    assert all(torch.equal(part, before[name]) for name, part in network.state_dict().items())


@pytest.mark.parametrize(
    ("dial", "family", "depth"),
    [
        *(("gain", "residual", 3), ("rank", "residual", 3), ("gain", "low-rank", 3)),
        *(("branch", "plain", 3), ("gain", "orthogonal", 1), ("branch", "residual", 1)),
    ],
)
def test_a_dial_that_would_turn_nothing_is_refused(dial: str, family: str, depth: int) -> None:
    with pytest.raises(ValueError, match=f"the network has none of what dial '{dial}' turns, .*weights"):
        turn(drawn(family, depth), dial, 2)
