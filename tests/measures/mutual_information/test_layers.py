"""Information between named layers of any torch module."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from movingtarget.estimators import ESTIMATORS
from movingtarget.measures.mutual_information.by_name import information_through_noise
from movingtarget.measures.mutual_information.layers import layer_information, successive_information
from movingtarget.theory.gaussian_information import block_information


class Part(nn.Module):
    """A layer that returns what a function makes of its input."""

    def __init__(self, function: Callable[[Any], Any]):
        super().__init__()
        self.forward = function


class Residual(nn.Module):
    """A stream to which each block adds its branch."""

    def __init__(self, branches: list[nn.Module]):
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.streams = nn.ModuleList(nn.Identity() for _ in branches)

    def forward(self, inputs: Tensor) -> Tensor:
        """The last stream."""
        for branch, stream in zip(self.branches, self.streams, strict=True):
            inputs = stream(inputs + branch(inputs))
        return inputs


class Counter(nn.Module):
    """Counts its calls in buffers, in eval mode too: one changed in place, one set anew."""

    calls: Tensor
    again: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("again", torch.zeros(1))

    def forward(self, inputs: Tensor) -> Tensor:
        """The inputs."""
        self.calls += 1
        self.again = self.again + 1
        return inputs


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal values in float64."""
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def linear(weight: Tensor) -> nn.Linear:
    """A layer with these weights, which adds a constant that must not count."""
    layer = nn.Linear(weight.shape[1], weight.shape[0]).double()
    layer.weight = nn.Parameter(weight)
    return layer


def mean_and_error(
    network: nn.Module, below: str, above: str, units: int, noise: float
) -> tuple[float, float]:
    """Over 100 batches of 1000 normal inputs: the mean of the estimates, and its standard error."""
    found = [
        layer_information(
            network, gaussian(1000, units, seed=seed), below, above, noise=noise, seed=seed
        ).value
        for seed in range(100)
    ]
    values = torch.tensor(found)
    return values.mean().item(), values.std().item() / 10


def of_copies(units: int, noise: float) -> float:
    """What equal independent units share with themselves through two noises."""
    return -units / 2 * math.log(1 - 1 / (1 + noise**2) ** 2)


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_linear_layers_of_gaussian_inputs_have_a_closed_form(noise: float) -> None:
    first, second = gaussian(4, 5, seed=1), gaussian(3, 4, seed=2)
    both = torch.cat([first, second @ first])
    covariance = both @ both.mT
    sizes = [covariance.diagonal()[side].mean().sqrt() for side in (slice(4), slice(4, 7))]
    scale = torch.stack([sizes[0]] * 4 + [sizes[1]] * 3)
    noisy = covariance / scale / scale[:, None] + noise**2 * torch.eye(7)
    truth = block_information(noisy, split=4).item()
    mean, error = mean_and_error(nn.Sequential(linear(first), linear(second)), "0", "1", 5, noise)
    # the size is that of the samples: an error of the order 1 / 1000 nats
    assert mean == pytest.approx(truth, abs=4 * error + 0.002)
    assert error < 0.01


def test_a_residual_stream_whose_branch_adds_nothing_is_copied() -> None:
    network = Residual([linear(torch.eye(6).double()), linear(torch.zeros(6, 6).double())])
    mean, error = mean_and_error(network, "streams.0", "streams.1", 6, noise=0.3)
    assert mean == pytest.approx(of_copies(6, 0.3), abs=4 * error + 0.002)
    itself, error = mean_and_error(network, "streams.0", "streams.0", 6, noise=0.3)
    assert itself == pytest.approx(of_copies(6, 0.3), abs=4 * error + 0.002)


def test_a_turned_layer_tells_as_much_as_a_copy() -> None:
    rotation = torch.linalg.qr(gaussian(2, 2, seed=1)).Q
    network = nn.Sequential(nn.Identity(), linear(rotation))
    mean, error = mean_and_error(network, "0", "1", 2, noise=0.3)
    assert mean == pytest.approx(of_copies(2, 0.3), abs=4 * error + 0.002)
    copy, inputs = nn.Sequential(nn.Identity(), nn.Identity()), gaussian(200, 2)
    for bound in ("pairwise-lower", "pairwise-upper"):  # by distances alone, which stay
        expected = layer_information(copy, inputs, "0", "1", bound, noise=0.3)
        found = layer_information(network, inputs, "0", "1", bound, noise=0.3)
        assert found.value == pytest.approx(expected.value, abs=1e-9)
        assert found.value > 0.1


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_how_large_a_layer_is_does_not_count(estimator: str) -> None:
    first, second, inputs = gaussian(4, 5, seed=1), gaussian(3, 4, seed=2), gaussian(60, 5)
    networks = [
        nn.Sequential(linear(below * first), linear(above * second)) for below, above in ((1, 1), (1e-3, 1e5))
    ]
    values = [layer_information(network, inputs, "0", "1", estimator).value for network in networks]
    assert values[0] == pytest.approx(values[1], abs=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_is_the_information_of_the_layers_outputs(estimator: str) -> None:
    network, inputs = (
        nn.Sequential(nn.Linear(5, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 3))),
        gaussian(60, 5),
    )
    network.double()
    settings = (estimator, 0.3, "root-mean-square", 3)
    with torch.no_grad():
        expected = information_through_noise(network[0](inputs), network(inputs), *settings)  # type: ignore[arg-type]
    for above in ("1", "1.1", ""):
        found = layer_information(network, inputs, "0", above, *settings)  # type: ignore[arg-type]
        assert repr(found) == repr(expected)  # NaN equals itself so
    assert repr(layer_information(network, inputs, "0", "1", estimator, 0.3, seed=4)) != repr(expected)


def test_successive_layers_are_taken_from_one_call() -> None:
    calls: list[Tensor] = []
    network = nn.Sequential(nn.Identity(), nn.Tanh(), nn.Linear(4, 3))

    def count(_: nn.Module, __: Any, output: Tensor) -> None:
        calls.append(output)

    network.register_forward_hook(count)
    inputs, names = torch.randn(50, 4), ["0", "2", "1", "2"]
    found = successive_information(network, inputs, names, "copula", 0.3, seed=2)
    assert len(calls) == 1
    assert list(found) == [("0", "2"), ("2", "1"), ("1", "2")]
    for (below, above), value in found.items():
        assert value == layer_information(network, inputs, below, above, "copula", 0.3, seed=2)
    assert len(set(found.values())) == 3


def test_what_is_not_said_is_the_same_of_two_layers_and_of_several() -> None:
    network, inputs = nn.Sequential(nn.Linear(4, 3), nn.Tanh()), torch.randn(50, 4)
    with torch.no_grad():
        expected = information_through_noise(network[0](inputs), network(inputs))
    assert layer_information(network, inputs, "0", "1") == expected
    assert successive_information(network, inputs, ["0", "1"]) == {("0", "1"): expected}


def test_other_axes_are_flattened() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1), nn.Flatten(0))
    inputs = torch.randn(60, 1, 3, 3)
    with torch.no_grad():
        maps, line = network[0](inputs), network(inputs)
    assert maps.shape == (60, 2, 2, 2)
    assert line.shape == (60,)
    expected = information_through_noise(maps.flatten(1), line[:, None])
    assert layer_information(network, inputs, "0", "4") == expected


def test_an_output_is_taken_as_it_leaves_its_layer() -> None:
    inputs = torch.randn(80, 4)
    plain = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    in_place = nn.Sequential(plain[0], nn.ReLU(inplace=True), plain[2])
    expected = layer_information(plain, inputs, "0", "2")
    assert layer_information(in_place, inputs, "0", "2") == expected
    assert layer_information(plain, inputs, "1", "2") != expected


def test_network_and_inputs_stay_as_they_are() -> None:
    network = nn.Sequential(
        nn.ReLU(inplace=True), nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(), Counter(), nn.Linear(6, 3)
    )
    network[1].eval()
    inputs = torch.randn(80, 4, requires_grad=True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    given, modes = inputs.detach().clone(), [part.training for part in network.modules()]
    first = layer_information(network, inputs, "2", "5")
    assert first == layer_information(network, inputs, "2", "5")  # no dropout, no moving average
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert torch.equal(inputs, given)
    assert [part.training for part in network.modules()] == modes
    assert inputs.grad is None
    assert all(value.grad is None for value in network.parameters())
    assert not any(part._forward_hooks for part in network.modules())
    assert torch.is_grad_enabled()


def test_no_gradients_are_kept() -> None:
    enabled: list[bool] = []

    def see(inputs: Tensor) -> Tensor:
        enabled.append(torch.is_grad_enabled())
        return inputs

    layer_information(nn.Sequential(nn.Linear(4, 3), Part(see)), torch.randn(50, 4), "0", "1")
    assert enabled == [False]


def test_batch_norm_goes_by_its_running_statistics() -> None:
    normalisation, inputs = nn.BatchNorm1d(4), torch.randn(200, 4)
    network = nn.Sequential(normalisation, nn.Tanh())
    normalisation.running_mean = torch.full((4,), 50.0)  # saturates what follows, at 50 below the mean
    with pytest.raises(ValueError, match="layer '1' returned the same for all 200 inputs"):
        layer_information(network, inputs, "0", "1")


def test_an_error_leaves_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.Dropout())
    for inputs in (torch.randn(50, 5), torch.full((50, 4), torch.nan)):
        with pytest.raises((RuntimeError, ValueError)):
            layer_information(network, inputs, "0", "1")
        assert all(part.training for part in network.modules())
        assert not any(part._forward_hooks for part in network.modules())


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float, torch.double])
def test_outputs_of_any_precision(dtype: torch.dtype) -> None:
    network, inputs = nn.Sequential(nn.Linear(4, 3), nn.Tanh()), torch.randn(100, 4)
    expected = layer_information(network, inputs, "0", "1", noise=0.5).value
    found = layer_information(network.to(dtype), inputs.to(dtype), "0", "1", noise=0.5).value
    assert found == pytest.approx(expected, abs=0.05)


def test_whole_numbers_and_truth_values_are_numbers() -> None:
    numbers = nn.Sequential(
        nn.Identity(), Part(lambda inputs: (4 * inputs).long()), Part(lambda inputs: inputs > 0)
    )
    inputs = gaussian(300, 2)
    expected = information_through_noise((4 * inputs).long().double(), ((4 * inputs).long() > 0).double())
    assert layer_information(numbers, inputs, "1", "2") == expected
    assert expected.value > 0.5


def test_layers_called_by_name_and_inputs_of_any_kind() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
            return {"scores": self.second(input=self.first(input=batch["pixels"]))}

    network, pixels = Named(), torch.randn(50, 4)
    expected = layer_information(nn.Sequential(network.first, network.second), pixels, "0", "1")
    assert layer_information(network, ({"pixels": pixels},), "first", "second") == expected
    with pytest.raises(ValueError, match="layer '' returned dict; allowed: one dense tensor"):
        layer_information(network, {"batch": {"pixels": pixels}}, "first", "")


def test_parts_are_seen_that_torch_would_fuse() -> None:
    # without gradients and in eval mode, torch computes this layer as a whole
    network = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    inputs = torch.randn(200, 2, 8)
    assert layer_information(network, inputs, "linear1", "norm2").value > 1
    with pytest.raises(ValueError, match="layer 'self_attn' returned tuple; allowed"):
        layer_information(network, inputs, "self_attn", "norm2")


WRONG: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "tuple": (lambda inputs: (inputs, inputs), "returned tuple; allowed: one dense tensor, as of a part of"),
    "dict": (lambda inputs: {"it": inputs}, "returned dict; allowed: one dense tensor"),
    "none": (lambda _: None, "returned NoneType; allowed: one dense tensor"),
    "sparse": (lambda inputs: inputs.to_sparse(), r"returned torch\.sparse_coo; allowed: one dense tensor"),
    "number": (lambda inputs: inputs.sum(), "returned a single number; allowed: two examples or more along"),
    "one": (lambda inputs: inputs[:1], "returned 1x4; allowed: two examples or more along the first axis"),
    "turned": (lambda inputs: inputs.mT, "returned 4x50 for 50 inputs; allowed: as many along the first"),
    "merged": (lambda inputs: inputs.reshape(100, 2), "returned 100x2 for 50 inputs; allowed: as many"),
    "complex": (lambda inputs: inputs + 1j, "returned complex numbers; allowed: real ones"),
    "nan": (lambda inputs: inputs.clamp(0).log() * 0, "returned values that are not finite; allowed: finite"),
    "overflow": (lambda inputs: 1e5 * inputs.half(), "returned values that are not finite; allowed: finite"),
    "constant": (
        lambda inputs: 0 * inputs + 0.1,
        "returned the same for all 50 inputs; allowed: outputs that",
    ),
    "empty": (
        lambda inputs: inputs[:, :0],
        "returned the same for all 50 inputs; allowed: outputs that vary",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("estimator", ["gaussian", "pairwise-lower"])
def test_outputs_that_tell_nothing_are_errors(kind: str, estimator: str) -> None:
    function, line = WRONG[kind]
    network = nn.Sequential(nn.Identity(), Part(function))
    for below, above in (("0", "1"), ("1", "0")):
        with pytest.raises(ValueError, match=f"^layer '1' {line}[^\n]*$"):
            layer_information(network, torch.randn(50, 4), below, above, estimator)


def test_recurrent_layers_return_tuples() -> None:
    network = nn.Sequential(nn.Identity(), nn.LSTM(3, 4, batch_first=True))
    with pytest.raises(ValueError, match="layer '1' returned tuple; allowed: one dense tensor"):
        layer_information(network, torch.randn(50, 2, 3), "0", "1")
    picked = nn.Sequential(network[1], Part(lambda returned: returned[0][:, -1]), nn.Linear(4, 2))
    assert layer_information(picked, torch.randn(50, 2, 3), "1", "2").value > 1


def test_only_a_layer_that_is_called_once_has_an_output() -> None:
    shared = nn.Tanh()
    network = nn.Sequential(nn.Linear(4, 4), shared, nn.Linear(4, 4), shared)
    for name in ("1", "3"):
        with pytest.raises(
            ValueError, match=f"layer '{name}' was called 2 times; allowed: a layer called once"
        ):
            layer_information(network, torch.randn(50, 4), "0", name)
    network.add_module("unused", nn.ModuleList([nn.Tanh()]))
    network.forward = lambda inputs: network[0](inputs)  # type: ignore[method-assign]
    with pytest.raises(
        ValueError, match=r"layer 'unused\.0' was called 0 times; allowed: a layer called once"
    ):
        layer_information(network, torch.randn(50, 4), "0", "unused.0")


def test_names_are_checked_before_the_network_is_called() -> None:
    def refuse(_: Tensor) -> None:
        raise AssertionError

    network = nn.Sequential()
    network.add_module("hidden", Part(refuse))
    with pytest.raises(
        ValueError,
        match=r"^layer 'hiden' is unknown \(did you mean hidden\?\); allowed: '' \(the whole\), hidden$",
    ):
        layer_information(network, torch.randn(50, 4), "hidden", "hiden")
    with pytest.raises(ValueError, match=r"^1 names of layers; allowed: two or more$"):
        successive_information(network, torch.randn(50, 4), ["hidden"])


def test_too_few_inputs_for_so_many_units() -> None:
    network = nn.Sequential(nn.Conv2d(1, 5, 3), nn.Flatten(), nn.Linear(20, 3))
    inputs = torch.randn(23, 1, 4, 4)
    with pytest.raises(
        ValueError,
        match=r"^23 examples for 23 columns; allowed: more .* \(layer '0' has 20 units, '2' 3, on 23 inputs: "
        r"give more of them, or take an estimator that needs fewer, such as pairwise-lower\)$",
    ):
        layer_information(network, inputs, "0", "2")
    bound = layer_information(network, inputs, "0", "2", "pairwise-lower")
    assert bound.saturated
    assert bound.value <= math.log(23)
    assert layer_information(network, torch.randn(24, 1, 4, 4), "0", "2").value > 0


def test_one_input_tells_nothing() -> None:
    with pytest.raises(ValueError, match="layer '' returned a single number; allowed: two examples or more"):
        layer_information(nn.Identity(), torch.tensor(1.0), "", "")
    network = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="layer '0' returned 1x4; allowed: two examples or more"):
        layer_information(network, torch.randn(1, 4), "0", "1")


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        (
            {"estimator": "gausian"},
            r"^estimator 'gausian' is unknown \(did you mean gaussian\?\).*alignment$",
        ),
        ({"estimator": ["gaussian"]}, r"^estimator '\['gaussian'\]' is unknown"),
        ({"noise": 0.0}, "^noise is 0.0; allowed: a finite number above 0$"),
        ({"scaling": "length"}, "^scaling 'length' is unknown; allowed: root-mean-square, deviation$"),
    ],
)
def test_settings_that_are_not_allowed(setting: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        layer_information(nn.Sequential(nn.Tanh(), nn.Tanh()), torch.randn(50, 4), "0", "1", **setting)


def test_several_inputs_and_inputs_by_name() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 3), nn.Tanh()

        def forward(self, pixels: Tensor, others: Tensor, sign: float = 1.0) -> Tensor:
            outputs: Tensor = self.second(self.first(pixels) + sign * others)
            return outputs

    network, pixels, others = Two(), torch.randn(90, 4), torch.randn(90, 3)
    with torch.no_grad():
        expected = information_through_noise(network.first(pixels), network(pixels, others))
    for inputs in ((pixels, others), [pixels, others], {"others": others, "pixels": pixels}):
        assert layer_information(network, inputs, "first", "second") == expected
    assert layer_information(network, (pixels, others, -1.0), "first", "second") != expected


def test_what_layers_share_is_never_negative() -> None:
    network = nn.Sequential(nn.Identity(), Part(lambda inputs: inputs[torch.randperm(len(inputs))]))
    values = [layer_information(network, gaussian(40, 2, seed=seed), "0", "1").value for seed in range(20)]
    assert min(values) == 0


def test_names_are_several() -> None:
    with pytest.raises(ValueError, match=r"^'01' is one name of layers; allowed: two or more$"):
        successive_information(nn.Sequential(nn.Tanh(), nn.Tanh()), torch.randn(9, 2), "01")
