"""A network is as before whatever happened to it; tests/measures/test_any_network.py has every measure."""

import random
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from movingtarget.measures.untouched import untouched


class Own(nn.Module):
    """With a buffer, and attributes of all kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(2, 3), nn.BatchNorm1d(3)
        self.calls, self.seen, self.named, self.kinds = 0, [1], {"one": 1}, {1}
        self.kept = torch.ones(2)


def ruin(network: Own) -> None:
    """Change all there is."""
    network.calls += 1
    network.seen.append(2)
    network.named["two"] = 2
    network.kinds.add(2)
    network.kept = torch.zeros(1)
    network.new = nn.Linear(1, 1)
    vars(network)["more"] = 1
    network.layer.weight.data.fill_(7)
    network.layer.bias = nn.Parameter(torch.zeros(3))
    network.layer.weight.grad = torch.ones(3, 2)
    network.norm.weight.grad = None
    assert network.norm.bias.grad is not None
    network.norm.bias.grad.fill_(5)
    network.norm.running_mean = torch.ones(3)
    network.norm.bias.requires_grad_(False)
    network.register_forward_hook(lambda *_: None)
    network.layer.register_forward_pre_hook(lambda *_: None)
    network.double().eval()
    torch.randn(1), np.random.rand(), random.random()


@pytest.mark.parametrize("breaks", [False, True])
def test_all_is_as_before(breaks: bool) -> None:
    network = Own()
    gradients = [torch.ones(3), torch.ones(3)]
    for value, gradient in zip(network.norm.parameters(), gradients, strict=True):
        value.grad = gradient
    outside: list[nn.Module] = [network, network.layer, network.norm]
    before = deepcopy(network)
    objects = [{name: id(value) for name, value in vars(part).items()} for part in outside]
    held = [id(value) for value in (*network.parameters(), *network.buffers())]
    numbers = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)
    try:
        with untouched(network):
            ruin(network)
            if breaks:
                raise InterruptedError
    except InterruptedError:
        assert breaks
    assert [{name: id(value) for name, value in vars(part).items()} for part in outside] == objects
    assert [id(value) for value in (*network.parameters(), *network.buffers())] == held
    assert_close(network.state_dict(), before.state_dict(), rtol=0, atol=0)
    assert all(value.requires_grad for value in network.parameters())
    assert all(value.grad is None for value in network.layer.parameters())
    for value, gradient in zip(network.norm.parameters(), gradients, strict=True):
        assert value.grad is gradient
        assert torch.equal(gradient, torch.ones(3))
    assert all(part.training for part in network.modules())
    assert (network.calls, network.seen, network.named, network.kinds) == (0, [1], {"one": 1}, {1})
    assert network.kept.tolist() == [1, 1]
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())
    assert torch.equal(torch.get_rng_state(), numbers[0])
    assert random.getstate() == numbers[1]
    assert str(np.random.get_state(legacy=False)) == str(numbers[2])
    assert next(iter(network.children())).weight.dtype == torch.float


def test_what_is_not_written_to_is_not_written_to_again() -> None:
    network = nn.Linear(2, 2)
    version = network.weight._version
    with untouched(network):
        network(torch.ones(1, 2))
    assert network.weight._version == version


def test_a_network_without_values() -> None:
    network = nn.BatchNorm1d(2).to("meta")
    with untouched(network):
        network(torch.ones(3, 2, device="meta"))
    assert network.training


def test_sparse_gradients_are_put_back() -> None:
    network = nn.Embedding(4, 2, sparse=True)
    network(torch.tensor([1])).sum().backward()
    gradient = network.weight.grad
    with untouched(network):
        network.weight.grad = None
    assert network.weight.grad is gradient
