"""Summed outputs whose gradient is, or is not, what one example's outputs say of that example."""

import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from module_cases import By
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.autocorrelation import gradient_autocorrelation
from movingtarget.measures.effective_rank import relative_effective_rank
from movingtarget.measures.gradient_correlation import gradient_correlation, layer_gradients
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.networks import Architecture, build_random

CONSTANT: dict[str, Callable[[], nn.Module]] = {
    "softmax": lambda: nn.Softmax(1),
    "layer norm": lambda: nn.LayerNorm(3),
    "layer norm of 2": lambda: nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)),
    "group norm": lambda: nn.GroupNorm(1, 3, affine=False),
    "centred": lambda: By(lambda _, x: x - x.mean(1, keepdim=True)),
    "share": lambda: By(lambda _, x: x.exp() / x.exp().sum(1, keepdim=True)),
    "a probability and the other": lambda: By(
        lambda _, x: torch.stack([x[:, 0].sigmoid(), 1 - x[:, 0].sigmoid()], 1)
    ),
    "scaled softmax": lambda: By(lambda _, x: 1e4 * x.softmax(1) - 7),
    "flattened": lambda: nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Softmax(2), nn.Flatten()),
}

VARYING: dict[str, Callable[[], nn.Module]] = {
    "log-softmax": lambda: nn.LogSoftmax(1),
    "sigmoid": nn.Sigmoid,
    "read out": lambda: nn.Sequential(nn.Softmax(1), nn.Linear(3, 2)),
    "unit length": lambda: By(lambda _, x: F.normalize(x, dim=1)),
    "far off": lambda: By(lambda _, x: 1e3 + x),
    "nearly constant": lambda: By(lambda _, x: x.softmax(1) + 1e-3 * x),
    "faint": lambda: By(lambda _, x: 1 + 1e-20 * x),
    "faint and nearly opposite": lambda: By(
        lambda _, x: 1 + 1e-20 * torch.stack([x[:, 0], -0.95 * x[:, 0]], 1)
    ),
}


def below(end: nn.Module, scale: float = 1.0) -> nn.Sequential:
    """A perceptron with a certain end."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3), end)
    with torch.no_grad():
        network.get_parameter("2.weight").mul_(scale)
    return network


@pytest.mark.parametrize("end", CONSTANT)
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float, torch.double])
def test_outputs_that_add_up_to_a_constant_have_gradient_zero(end: str, dtype: torch.dtype) -> None:
    if end in ("layer norm of 2", "scaled softmax") and dtype.itemsize == 2:
        return  # the outputs' own gradients are rounding as well, or are not finite
    network, inputs = below(CONSTANT[end]()).to(dtype), torch.randn(64, 8).to(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gradients = input_gradients(network, {}, inputs)
        of_layer = layer_gradients(network, {}, inputs, {"first": network[0]})["first"]
    for found in (gradients, of_layer):
        assert not found.any()
        assert gradient_correlation(found).correlation.isnan()
        assert relative_effective_rank(found, 0).isnan()
        assert gradient_autocorrelation(found[:, 0], 1).isnan().all()


def test_one_line_says_so() -> None:
    with pytest.warns(UserWarning, match="^the network's outputs add up to a constant [^\n]*$") as said:
        input_gradients(below(nn.Softmax(1)), {}, torch.randn(64, 8))
    assert len(said) == 1


@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
def test_a_saturated_softmax_is_found_and_its_own_outputs_have_gradients(scale: float) -> None:
    network, inputs = below(nn.Softmax(1), scale), torch.randn(64, 8)
    parts = {"logits": network[2], "shares": network[3]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not input_gradients(network, {}, inputs).any()
        found = layer_gradients(network, {}, inputs, parts)
    assert not found["logits"].any()
    assert (found["shares"] == 1).all()


@pytest.mark.parametrize("end", VARYING)
def test_outputs_that_do_not_are_left_alone(end: str) -> None:
    network, inputs = below(VARYING[end]()).double(), torch.randn(64, 8).double()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = input_gradients(network, {}, inputs)
    leaves = inputs.clone().requires_grad_()
    (expected,) = torch.autograd.grad(network(leaves).sum(), leaves)
    assert_close(found, expected, rtol=0, atol=0)
    assert found.any()


def test_gradients_that_vanish_are_no_rounding() -> None:
    torch.manual_seed(0)
    hidden = [part for _ in range(50) for part in (nn.Linear(64, 64), nn.ReLU())]
    network, inputs = (
        nn.Sequential(nn.Linear(8, 64), nn.ReLU(), *hidden, nn.Linear(64, 10)),
        torch.randn(20, 8),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = input_gradients(network, {}, inputs)
    truth = input_gradients(network.double(), {}, inputs.double())
    assert 0 < found.abs().max() < 1e-15
    assert (found - truth).norm() < 1e-4 * truth.norm()


def mixing(inputs: Tensor) -> dict[str, Tensor]:
    """What each kind of layer makes of a batch whose examples it mixes."""
    return {
        "mean": inputs - inputs.mean(0),
        "batch norm": F.batch_norm(inputs, None, None, training=True),
        "softmax": inputs.softmax(0),
        "neighbour": inputs.roll(1, 0) + inputs,
        "largest": inputs - inputs.amax(0),
    }


@pytest.mark.parametrize("kind", list(mixing(torch.zeros(2, 1))))
@pytest.mark.parametrize("examples", [2, 3, 301])
def test_examples_that_depend_on_each_other_are_refused(kind: str, examples: int) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 16), By(lambda _, x: mixing(x)[kind]), nn.Tanh(), nn.Linear(16, 3))
    inputs = torch.randn(examples, 8)
    line = "^the outputs of some examples depend on other examples; allowed: [^\n]*$"
    with pytest.raises(ValueError, match=line):
        input_gradients(network, {}, inputs)
    with pytest.raises(ValueError, match=line):
        layer_gradients(network, {}, inputs, {"first": network[0]})
    assert layer_gradients(network, {}, inputs, {"tanh": network[2]})["tanh"].any()  # above it


def test_statistics_of_ones_own_that_are_held_are_right() -> None:
    torch.manual_seed(0)
    torchs = nn.Sequential(
        nn.Linear(8, 5), nn.BatchNorm1d(5, affine=False), nn.ReLU(), nn.Linear(5, 3)
    ).double()
    held = By(lambda _, x: (x - x.mean(0).detach()) / (x.var(0, correction=0) + 1e-5).sqrt().detach())
    own, inputs = nn.Sequential(torchs[0], held, torchs[2], torchs[3]), torch.randn(64, 8).double()
    assert_close(input_gradients(own, {}, inputs), input_gradients(torchs, {}, inputs), rtol=0, atol=1e-12)


def test_one_example_depends_on_no_other() -> None:
    network = nn.Sequential(nn.Linear(8, 5), By(lambda _, x: x - 0.5 * x.mean(0)))
    assert input_gradients(network, {}, torch.randn(1, 8)).any()


def test_time_first_is_refused_even_where_there_are_as_many_steps_as_examples() -> None:
    network = By(lambda it, x: it.head(it.lstm(x)[0]), lstm=nn.LSTM(8, 5), head=nn.Linear(5, 3))  # causal
    with pytest.raises(ValueError, match="the outputs of some examples depend on other examples"):
        input_gradients(network, {}, torch.randn(6, 6, 8))


def test_batch_norm_while_training_mixes_our_families_too() -> None:
    network = build_random(Architecture("batch-norm", 8, 16, 3, 4, "relu"), 0).train()
    parts, inputs = dict(list(network.get_submodule("hidden").named_children())[:1]), torch.randn(20, 8)
    first = {"linear": next(iter(parts.values())).get_submodule("linear")}
    with pytest.raises(ValueError, match="the outputs of some examples depend on other examples"):
        layer_gradients(network, {}, inputs, first)
    assert layer_gradients(network.eval(), {}, inputs, first)["linear"].any()


def test_what_is_not_finite_is_no_dependence() -> None:
    network = nn.Sequential(nn.Linear(8, 5), nn.Linear(5, 3))
    with torch.no_grad():
        network.get_parameter("1.weight")[0, 0] = torch.inf
    assert not input_gradients(network, {}, torch.randn(6, 8)).isfinite().all()
