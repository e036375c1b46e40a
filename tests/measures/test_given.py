"""Parameters in the place of a network's own."""

import pytest
import torch
from torch import nn

from movingtarget.measures.given import constants, members


def network() -> nn.Sequential:
    """A batch norm that keeps no statistics and one that does."""
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False), nn.BatchNorm1d(3))


def test_constants_carry_no_gradient_and_those_left_out_stay_out() -> None:
    made = network()
    found = constants(
        made, {"0.bias": made.get_parameter("0.bias"), "2.running_mean": torch.ones(3)}, stacked=False
    )
    assert list(found) == ["0.bias", "2.running_mean"]
    assert not any(value.requires_grad for value in found.values())


def test_statistics_that_are_not_kept_may_be_given() -> None:
    assert list(constants(network(), {"1.running_mean": torch.ones(3)}, stacked=False)) == ["1.running_mean"]


def test_both_names_of_a_tied_parameter_are_known() -> None:
    made = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    made[1].weight = made[0].weight
    assert list(constants(made, made.state_dict(), stacked=False)) == list(made.state_dict())


@pytest.mark.parametrize("members_", [1, 3, 64])
def test_a_stack_is_never_guessed(members_: int) -> None:
    one, several = torch.zeros(3, 2), torch.zeros(members_, 3, 2)
    line = rf"^parameter '0.weight' is {members_}x3x2; allowed: 3x2, as the network's own, or stacked=True"
    with pytest.raises(ValueError, match=line):
        constants(network(), {"0.weight": several}, stacked=False)
    with pytest.raises(ValueError, match=r"^parameter '0.weight' is 3x2; allowed: members x 3x2"):
        constants(network(), {"0.weight": one}, stacked=True)
    assert members(constants(network(), {"0.weight": several}, stacked=True), stacked=True) == (members_,)
    assert members({"0.weight": one}, stacked=False) == ()


@pytest.mark.parametrize("shape", [(2, 3), (3,), (3, 2, 1), ()])
@pytest.mark.parametrize("stacked", [False, True])
def test_other_shapes_are_refused(shape: tuple[int, ...], stacked: bool) -> None:
    value = torch.zeros(4, *shape) if stacked else torch.zeros(shape)
    with pytest.raises(ValueError, match=r"^parameter '0.weight' is [^\n]*; allowed: [^\n]*$"):
        constants(network(), {"0.weight": value}, stacked=stacked)


def test_members_are_as_many_in_every_parameter() -> None:
    given = {"0.weight": torch.zeros(4, 3, 2), "0.bias": torch.zeros(5, 3)}
    with pytest.raises(
        ValueError, match=r"^parameters of a stack have members: '0.weight' 4, '0.bias' 5; allowed"
    ):
        constants(network(), given, stacked=True)
    with pytest.raises(ValueError, match=r"^parameters of a stack have members: none are given; allowed"):
        constants(network(), {}, stacked=True)


def test_unknown_names_are_told_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"^parameter '0.wight' is unknown \(did you mean 0.weight\?\)"):
        constants(network(), {"0.wight": torch.zeros(3, 2)}, stacked=False)
