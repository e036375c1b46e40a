import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.networks import Architecture, build
from movingtarget.networks.initialise import initialise
from movingtarget.networks.layers import Normalisation
from movingtarget.networks.residual import Residual, ResidualBlock


def stream_of(*shape: int) -> Tensor:
    """Random values away from zero mean."""
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(0)) + 0.5


def random_block(normalisation: str, beta: float, skip: float = 1.0, weight_layers: int = 1) -> ResidualBlock:
    """A block with random weights and biases."""
    block = ResidualBlock(6, "relu", normalisation, beta, skip, weight_layers)
    initialise(block, 0, "relu", random_biases=True).double()
    return block


def normalised(stream: Tensor, normalisation: str) -> Tensor:
    """Mean over the batch removed and scaled, as asked."""
    if normalisation == "none":
        return stream
    centred = stream - stream.mean(0)
    return centred if normalisation == "centred" else centred / (centred.square().mean(0) + 1e-5).sqrt()


@pytest.mark.parametrize("normalisation", ["none", "centred", "batch-norm"])
def test_block_closed_form(normalisation: str) -> None:
    block, stream = random_block(normalisation, 0.3), stream_of(8, 6)
    active = normalised(stream, normalisation).clamp(min=0)
    expected = stream + 0.3 * (
        active @ block.get_parameter("branch.2.weight").T + block.get_parameter("branch.2.bias")
    )
    assert_close(block(stream), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("normalisation", ["none", "centred", "batch-norm"])
def test_block_of_two_weight_layers_closed_form(normalisation: str) -> None:
    block, stream = random_block(normalisation, 0.3, weight_layers=2), stream_of(8, 6)
    lower, upper = (part for part in block.modules() if isinstance(part, nn.Linear))
    assert not torch.equal(lower.weight, upper.weight)
    between = normalised(stream, normalisation).clamp(min=0) @ lower.weight.T + lower.bias
    active = normalised(between, normalisation).clamp(min=0)
    expected = stream + 0.3 * (active @ upper.weight.T + upper.bias)
    assert_close(block(stream), expected, rtol=0, atol=1e-12)


@given(beta=st.floats(0, 1))
def test_highway_block_closed_form(beta: float) -> None:
    stream, skip = stream_of(8, 6), (1 - beta**2) ** 0.5
    branch = random_block("none", 1.0)(stream) - stream
    expected = skip * stream + beta * branch
    assert_close(random_block("none", beta, skip)(stream), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("normalisation", ["none", "centred", "batch-norm"])
def test_block_without_branch_weights_is_the_identity(normalisation: str) -> None:
    block = ResidualBlock(6, "tanh", normalisation, beta=1.0).double()
    nn.init.zeros_(block.get_parameter("branch.2.weight"))
    nn.init.zeros_(block.get_parameter("branch.2.bias"))
    stream = stream_of(8, 6)
    assert torch.equal(block(stream), stream)


@given(beta=st.floats(-10, 10))
def test_branch_is_proportional_to_beta(beta: float) -> None:
    stream = stream_of(8, 6)
    whole = random_block("batch-norm", 1.0)(stream) - stream
    assert_close(random_block("batch-norm", beta)(stream) - stream, beta * whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("on_a_line", [False, True])
def test_network_closed_form(on_a_line: bool) -> None:
    network = Residual(5, 6, 4, 3, "relu", "batch-norm", beta=0.7, on_a_line=on_a_line)
    initialise(network, 0, "relu", random_biases=True).double()
    *stem, first, second, third, head = [part for part in network.modules() if isinstance(part, nn.Linear)]
    inputs = stream_of(8, 5)
    stream = stem[1](stem[0](inputs).clamp(min=0)) if on_a_line else stem[0](inputs)
    for layer in (first, second, third):
        stream = stream + 0.7 * layer(normalised(stream, "batch-norm").clamp(min=0))
    expected = head(stream if on_a_line else normalised(stream, "batch-norm").clamp(min=0))
    assert_close(network(inputs), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rectified_output", [False, True])
def test_rectified_output_on_a_line(rectified_output: bool) -> None:
    network = Residual(
        1, 6, 3, 2, "relu", "batch-norm", 0.7, on_a_line=True, rectified_output=rectified_output
    )
    initialise(network, 0, "relu", random_biases=True).double()
    stream = inputs = stream_of(8, 1)
    for layer in network.hidden:
        stream = layer(stream)
    read = normalised(stream, "batch-norm").clamp(min=0) if rectified_output else stream
    assert_close(network(inputs), network.head(read), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("depth", "block_layers", "blocks"), [(1, 1, 0), (5, 1, 4), (1, 2, 0), (3, 2, 1), (5, 2, 2)]
)
def test_blocks_of_more_weight_layers_are_fewer(depth: int, block_layers: int, blocks: int) -> None:
    network = Residual(5, 6, depth, 3, "relu", "batch-norm", block_layers=block_layers)
    affine = [part for part in network.modules() if isinstance(part, nn.Linear)]
    assert len(network.hidden) == 1 + blocks
    assert [layer.weight.shape for layer in affine] == [(6, 5)] + [(6, 6)] * (depth - 1) + [(3, 6)]
    assert network(stream_of(8, 5).float()).shape == (8, 3)


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_family_scales_branches_by_the_root_of_depth(depth: int) -> None:
    network = build(Architecture("residual", 5, 6, depth, 4, "relu"))
    blocks = [part for part in network.modules() if hasattr(part, "beta")]
    assert [block.beta for block in blocks] == [depth**-0.5] * (depth - 1)


@pytest.mark.parametrize("depth", [1, 4, 9])
def test_unscaled_family_leaves_branches_as_they_are(depth: int) -> None:
    network = build(Architecture("residual-unscaled", 5, 6, depth, 4, "relu"))
    blocks = [part for part in network.modules() if hasattr(part, "beta")]
    assert [block.beta for block in blocks] == [1.0] * (depth - 1)
    assert not any(isinstance(part, Normalisation) for part in network.modules())
