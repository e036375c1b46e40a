"""How a network is called: its arguments, what it writes to, the random numbers it draws."""

from contextlib import suppress
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradgradcheck
from torch.nn.utils import weight_norm as old_weight_norm
from torch.nn.utils.parametrizations import weight_norm
from torch.testing import assert_close

from movingtarget.measures.calling import call, kept_random_state, original, repeatable


class Told(nn.Module):
    """Returns the arguments it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, *places: Any, **names: Any) -> Any:
        """By place and by name."""
        return places, names, self.weight


def test_arguments_by_place_and_by_name() -> None:
    assert call(Told(), {}, 1)[:2] == ((1,), {})
    assert call(Told(), {}, [1, 2])[:2] == ((1, 2), {})
    assert call(Told(), {}, {"left": 1, "right": [2]})[:2] == ((), {"left": 1, "right": [2]})
    assert call(Told(), {"weight": torch.tensor(3.0)}, 1)[2] == 3


def test_buffers_are_written_to_copies() -> None:
    network = nn.BatchNorm1d(2)
    outputs = call(network, {"weight": torch.tensor([2.0, 0.0])}, torch.tensor([[1.0, 0.0], [3.0, 1.0]]))
    assert_close(outputs, torch.tensor([[-2.0, 0.0], [2.0, 0.0]]), rtol=1e-4, atol=1e-4)
    assert network.state_dict()["running_mean"].tolist() == [0, 0]
    assert network.state_dict()["num_batches_tracked"] == 0


def test_parameters_in_another_precision_take_the_rest_with_them() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    inputs = torch.randn(4, 2).double()
    outputs = call(network, {"0.weight": network.get_parameter("0.weight").double()}, inputs)
    assert outputs.dtype == torch.double
    assert_close(outputs, network.double()(inputs), rtol=1e-6, atol=1e-6)


def test_random_numbers_are_those_of_the_seed_whatever_was_drawn_before() -> None:
    network, inputs = nn.Dropout(), torch.ones(64)
    before = torch.get_rng_state()
    draws = [call(network, {}, inputs, seed) for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_random_numbers_are_as_before_when_it_raises() -> None:
    network = nn.Linear(1, 1)
    before = torch.get_rng_state()
    with suppress(InterruptedError), kept_random_state(network):
        torch.randn(3)
        raise InterruptedError
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("wrap", [weight_norm, old_weight_norm])
@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated")
def test_weight_norm_has_second_derivatives(wrap: Any) -> None:
    # torch's own are wrong: the norm is a constant in them
    network, inputs = wrap(nn.Linear(3, 2, bias=False)).double(), torch.randn(4, 3).double()
    names, values = zip(*network.named_parameters(), strict=True)

    def outputs(*values: Tensor) -> Tensor:
        return torch.sin(call(network, dict(zip(names, values, strict=True)), inputs))

    leaves = tuple(value.detach().requires_grad_() for value in values)
    assert_close(outputs(*leaves), torch.sin(network(inputs)))
    assert gradgradcheck(outputs, leaves)


def test_attention_has_second_derivatives() -> None:
    network = nn.TransformerEncoderLayer(2, 1, 2, dropout=0.0, batch_first=True).double().eval()
    inputs = torch.randn(2, 3, 2).double().requires_grad_()
    assert gradgradcheck(lambda values: call(network, {}, values), (inputs,))


def test_without_gradients_there_are_none() -> None:
    network, inputs = nn.Linear(2, 2), torch.randn(3, 2)
    with torch.no_grad():
        assert not call(network, {}, inputs).requires_grad


def test_gradients_are_there_in_inference_mode() -> None:
    network, inputs = nn.Linear(2, 2), torch.randn(3, 2)
    with torch.inference_mode(), repeatable(network):
        assert network(inputs).requires_grad
    fast = torch.backends.mha.get_fastpath_enabled()
    with repeatable(network):
        assert not torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.mha.get_fastpath_enabled() == fast


def test_what_has_an_original_and_what_has_none() -> None:
    network = nn.Sequential(nn.Linear(2, 2))
    compiled: Any = torch.compile(network, backend="eager")
    function: Any = torch.relu
    assert original(network) is original(compiled) is network
    with pytest.raises(TypeError, match=r"^the network is builtin_function_or_method; allowed: a torch"):
        original(function)
    with pytest.raises(TypeError, match=r"^the network is DataParallel, whose parameters torch"):
        original(nn.DataParallel(network))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_scripts_are_refused() -> None:
    script: Any = torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2))
    with pytest.raises(TypeError, match=r"^part 'inner' is TopLevelTracedModule, whose parameters torch"):
        original(nn.ModuleDict({"inner": script}))
