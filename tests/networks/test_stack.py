from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from network_cases import PERCEPTRONS
from torch import nn
from torch.testing import assert_close

from movingtarget.measures.population import population_statistics
from movingtarget.networks import Architecture, build, call, stack, unstack
from movingtarget.networks.initialise import initialise

RandomNetworks = Callable[..., list[nn.Module]]


@given(
    family=st.sampled_from([*PERCEPTRONS]),
    members=st.integers(1, 4),
    depth=st.integers(1, 4),
    batch=st.integers(2, 6),
    shared=st.booleans(),
)
def test_members_called_at_once_answer_as_alone(
    random_networks: RandomNetworks, family: str, members: int, depth: int, batch: int, shared: bool
) -> None:
    networks = [network.double() for network in random_networks(family, members, depth)]
    inputs = torch.randn(batch, 5, dtype=torch.double) if shared else torch.randn(members, batch, 5).double()
    outputs = call(networks[0], stack(networks), inputs)
    alone = [network(inputs if shared else inputs[member]) for member, network in enumerate(networks)]
    assert_close(outputs, torch.stack(alone), rtol=0, atol=1e-12)


def test_members_called_at_once_answer_as_alone_in_eval_mode(random_networks: RandomNetworks) -> None:
    networks = [network.double() for network in random_networks("batch-norm", 3)]
    inputs = torch.randn(7, 5, dtype=torch.double)
    parameters = stack(networks)
    parameters |= population_statistics(networks[0], parameters, inputs, stacked=True)
    networks[0].eval()
    alone = [call(networks[0], unstack(parameters, member), inputs[:1]) for member in range(3)]
    assert_close(call(networks[0], parameters, inputs[:1]), torch.stack(alone), rtol=0, atol=1e-12)


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_unstack_undoes_stack(random_networks: RandomNetworks, family: str) -> None:
    networks = random_networks(family, 3)
    for member, network in enumerate(networks):
        assert_close(unstack(stack(networks), member), dict(network.named_parameters()), rtol=0, atol=0)


def test_a_stack_shares_no_storage_with_its_networks(random_networks: RandomNetworks) -> None:
    network = random_networks("plain", 1)[0]
    before = stack([network])
    nn.init.zeros_(network.get_parameter("head.weight"))
    assert before["head.weight"].abs().min() > 0


def test_one_network_initialised_again_and_again_gives_different_members() -> None:
    network = build(Architecture("plain", 5, 6, 2, 4, "relu"))
    parameters = stack(initialise(network, seed, "relu") for seed in range(2))
    assert not torch.equal(*parameters["head.weight"])
