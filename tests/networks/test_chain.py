"""Layers of a Sequential."""

from torch import nn

from movingtarget.networks.chain import chain
from movingtarget.networks.layers import Linear


def test_every_affine_part_of_a_sequential_is_a_layer_as_it_is():
    network = nn.Sequential(Linear(5, 6), nn.Tanh(), Linear(6, 4))
    links = chain(network)
    assert [link.affine for link in links] == [network[0], network[2]]
    assert [link.names["weight"] for link in links] == ["0.weight", "2.weight"]


def test_what_comes_before_the_first_affine_part_belongs_to_it():
    network = nn.Sequential(nn.Tanh(), Linear(5, 6), nn.Tanh(), Linear(6, 4))
    first, second = chain(network)
    assert list(first.affine.children()) == [network[0], network[1]]
    assert first.names == {"1.weight": "1.weight", "1.bias": "1.bias"}
    assert second.affine is network[3]
