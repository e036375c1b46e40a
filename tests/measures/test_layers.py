"""Layers of any network; tests/measures/test_any_network.py has those of every kind."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from movingtarget.families import FAMILIES
from movingtarget.measures.layers import blocks, layers_of, named
from movingtarget.networks.chain import chain


def chained(layers: dict[str, list[str]]) -> list[str]:
    return [name for names in layers.values() for name in names]


class Later(nn.Module):
    """It has a part that is registered first and called last, and one that is called with it by name."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.first, self.unused = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, inputs: Tensor, scale: Tensor) -> Tensor:
        """The scale is given by name."""
        outputs: Tensor = self.last(input=self.first(inputs) * scale)
        return outputs


def test_the_order_is_that_of_calls() -> None:
    found = layers_of(Later(), {"inputs": torch.ones(1, 2), "scale": torch.tensor(2.0)})
    # what is never called stands after the part around it
    assert [*found] == ["unused", "first", "last"]
    assert found["first"] == ["first.weight", "first.bias"]


def test_a_parameter_is_its_first_owners() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    network[2].weight = network[0].weight
    network[1].bias = network[0].bias
    found = layers_of(network, torch.ones(1, 2))
    assert found == {"0": ["0.weight", "0.bias"], "1": ["1.weight"], "2": ["2.bias"]}
    assert sorted(chained(found)) == sorted(name for name, _ in network.named_parameters())


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "patch-convolution"])
def test_layers_of_ours_are_links_of_their_chain(
    random_networks: Callable[..., list[nn.Module]], family: str
) -> None:
    network = random_networks(family, 1)[0]
    found = layers_of(network, torch.zeros(2, 5))
    assert [*found.values()] == [[*link.names.values()] for link in chain(network)]
    parts = dict(network.named_modules())
    assert all(name in parts for name in found)


@pytest.mark.parametrize("asked", [["0", "1"], ["1", "0"], ["1.0", "1"], ["0"], [""]])
def test_blocks_have_what_no_block_before_them_has(asked: list[str]) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)))
    found = blocks(network, asked)
    assert [*found] == asked
    names = chained(found)
    assert len(names) == len({*names})
    assert {*names} == {
        name for name, _ in network.named_parameters() if any(name.startswith(block) for block in asked)
    }
    if "1.0" in asked:
        assert found["1"] == ["1.1.weight", "1.1.bias"]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (["0", "3"], "layer '3' is unknown; allowed: '' (the whole), 0, 1"),
        (["1"], "layer '1' has no parameters that no layer before it has; allowed: some"),
        (["0", "0"], "layer '0' has no parameters that no layer before it has; allowed: some"),
    ],
)
def test_blocks_that_are_none(asked: list[str], line: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole line is compared)
        blocks(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), asked)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"a": []}, "layer 'a' has no parameters; allowed: at least one"),
        (
            {"a": ["wieght"]},
            "layer 'a': parameter 'wieght' is unknown (did you mean weight?); allowed: weight, bias",
        ),
        (
            {"a": ["weight"], "b": ["bias", "weight"]},
            "parameter 'weight' is in layers 'a' and 'b'; allowed: one",
        ),
    ],
)
def test_layers_by_name_that_are_none(asked: dict[str, list[str]], line: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole line is compared)
        named(nn.Linear(2, 2), asked)
    assert str(caught.value) == line


def test_no_parameters_no_layers() -> None:
    with pytest.raises(ValueError, match=r"^Tanh has no parameters; allowed: at least one layer with some$"):
        layers_of(nn.Tanh(), torch.ones(2))
