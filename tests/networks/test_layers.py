import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.networks.layers import BatchNorm, Centring, ConcatenatedReLU, Linear, RandomGates

MEMBERS, BATCH, WIDTH = 3, 8, 6


def random_batch(*shape: int) -> Tensor:
    """Inputs far from zero mean and unit variance."""
    return 3 * torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(1)) + 2


def torch_batch_norm(training: bool) -> nn.BatchNorm1d:
    """Torch's own layer with statistics, gain and shift that are all different."""
    source = torch.Generator().manual_seed(2)
    layer = nn.BatchNorm1d(WIDTH).double()
    assert layer.running_mean is not None
    assert layer.running_var is not None
    for value in (layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var):
        value.copy_(0.5 + torch.rand(WIDTH, generator=source))
    return layer.train(training)


def same_batch_norm(theirs: nn.BatchNorm1d) -> BatchNorm:
    """Our layer with the values of torch's."""
    ours = BatchNorm(WIDTH).double()
    ours.load_state_dict(
        {
            "gain": theirs.weight,
            "shift": theirs.bias,
            "mean": theirs.running_mean,
            "variance": theirs.running_var,
        }
    )
    return ours.train(theirs.training)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_is_torchs(training: bool) -> None:
    theirs = torch_batch_norm(training)
    ours = same_batch_norm(theirs)
    inputs = random_batch(BATCH, WIDTH).requires_grad_()
    weights = random_batch(BATCH, WIDTH)
    assert_close(ours(inputs), theirs(inputs), rtol=0, atol=1e-12)
    our_gradients = torch.autograd.grad((ours(inputs) * weights).sum(), [inputs, ours.gain, ours.shift])
    their_gradients = torch.autograd.grad(
        (theirs(inputs) * weights).sum(), [inputs, theirs.weight, theirs.bias]
    )
    assert_close(our_gradients, their_gradients, rtol=0, atol=1e-11)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_of_a_stack_is_each_members_own(training: bool) -> None:
    values = random_batch(4, MEMBERS, WIDTH).abs()
    inputs = random_batch(MEMBERS, BATCH, WIDTH)
    stacked = BatchNorm(WIDTH).train(training)
    names = ("gain", "shift", "mean", "variance")
    outputs = torch.func.functional_call(stacked, dict(zip(names, values, strict=True)), (inputs,))
    for member in range(MEMBERS):
        alone = dict(zip(names, values[:, member], strict=True))
        expected = torch.func.functional_call(stacked, alone, (inputs[member],))
        assert_close(outputs[member], expected, rtol=0, atol=1e-12)


def test_batch_norm_of_one_example_is_refused_in_training_only() -> None:
    layer = BatchNorm(WIDTH)
    with pytest.raises(ValueError, match="batch norm needs a batch of at least 2 while training, got 1"):
        layer(torch.randn(MEMBERS, 1, WIDTH))
    assert layer.eval()(torch.randn(1, WIDTH)).isfinite().all()


@pytest.mark.parametrize("kind", [BatchNorm, Centring])
def test_statistics_never_change_in_passing(kind: type[nn.Module]) -> None:
    layer = kind(WIDTH).double()
    layer(random_batch(BATCH, WIDTH))
    assert_close(layer.get_buffer("mean"), torch.zeros(WIDTH).double(), rtol=0, atol=0)
    assert_close(layer.get_buffer("variance"), torch.ones(WIDTH).double(), rtol=0, atol=0)


@given(offset=st.floats(-1e3, 1e3), scale=st.floats(0.01, 100))
def test_batch_norm_hides_offset_and_scale(offset: float, scale: float) -> None:
    layer, inputs = BatchNorm(WIDTH, epsilon=1e-12).double(), random_batch(BATCH, WIDTH)
    assert_close(layer(scale * inputs + offset), layer(inputs), rtol=0, atol=1e-6)


@given(offset=st.floats(-1e3, 1e3))
def test_centring_hides_offset_only(offset: float) -> None:
    layer, inputs = Centring(WIDTH).double(), random_batch(MEMBERS, BATCH, WIDTH)
    centred = layer(inputs + offset)
    assert_close(centred, layer(inputs), rtol=0, atol=1e-10)
    assert_close(centred.mean(-2), torch.zeros(MEMBERS, WIDTH).double(), rtol=0, atol=1e-10)
    assert_close(centred.var(-2), inputs.var(-2), rtol=1e-9, atol=0)


def test_centring_subtracts_given_means_in_eval_mode() -> None:
    means, inputs = random_batch(MEMBERS, WIDTH), random_batch(MEMBERS, 1, WIDTH)
    outputs = torch.func.functional_call(Centring(WIDTH).eval(), {"mean": means}, (inputs,))
    assert_close(outputs[:, 0], inputs[:, 0] - means, rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(BATCH, 4), (MEMBERS, BATCH, 4)])
def test_linear_of_a_stack(shape: tuple[int, ...]) -> None:
    inputs, weight, bias = random_batch(*shape), random_batch(MEMBERS, WIDTH, 4), random_batch(MEMBERS, WIDTH)
    values = {"weight": weight, "bias": bias}
    outputs = torch.func.functional_call(Linear(4, WIDTH), values, (inputs,))
    expected = torch.einsum("moi,mbi->mbo", weight, inputs.expand(MEMBERS, BATCH, 4)) + bias[:, None]
    assert_close(outputs, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(BATCH, 4), (MEMBERS, BATCH, 4)])
def test_linear_of_a_stack_without_bias(shape: tuple[int, ...]) -> None:
    inputs, weight = random_batch(*shape), random_batch(MEMBERS, WIDTH, 4)
    outputs = torch.func.functional_call(Linear(4, WIDTH, bias=False), {"weight": weight}, (inputs,))
    expected = torch.einsum("moi,mbi->mbo", weight, inputs.expand(MEMBERS, BATCH, 4))
    assert_close(outputs, expected, rtol=0, atol=1e-12)


def test_concatenated_relu_closed_form() -> None:
    outputs = ConcatenatedReLU()(torch.tensor([[1.5, -2.0, 0.0]]))
    assert outputs.tolist() == [[1.5, 0, 0, 0, 2, 0]]


@pytest.mark.parametrize("shape", [(BATCH, WIDTH), (MEMBERS, BATCH, WIDTH)])
def test_concatenated_relu_loses_nothing(shape: tuple[int, ...]) -> None:
    inputs = random_batch(*shape)
    positive, negative = ConcatenatedReLU()(inputs).chunk(2, -1)
    assert torch.equal(positive - negative, inputs)
    assert torch.equal(positive + negative, inputs.abs())


def random_gates(seed: int) -> RandomGates:
    """Gates with a random generator of their own."""
    return RandomGates(torch.Generator().manual_seed(seed))


def test_random_gates_pass_half_whatever_the_value_and_draw_anew() -> None:
    gates, inputs = random_gates(0), random_batch(100, 1000)
    first, second = gates(inputs), gates(inputs)
    opened, again = first != 0, second != 0
    assert torch.equal(first[opened], inputs[opened])
    # of 100000 draws a share has a standard error of 0.0016 at most; negative inputs are a quarter of all
    assert opened.double().mean().item() == pytest.approx(1 / 2, abs=0.006)
    assert opened[inputs < 0].double().mean().item() == pytest.approx(1 / 2, abs=0.013)
    assert (opened & again).double().mean().item() == pytest.approx(1 / 4, abs=0.006)
    assert (opened[0] & opened[1]).double().mean().item() == pytest.approx(1 / 4, abs=0.055)


def test_random_gates_come_from_the_seed_alone() -> None:
    inputs = random_batch(MEMBERS, BATCH, WIDTH)
    assert torch.equal(random_gates(1)(inputs), random_gates(1)(inputs))
    assert not torch.equal(random_gates(1)(inputs), random_gates(2)(inputs))
