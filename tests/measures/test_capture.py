import pytest
import torch
from torch import nn

from movingtarget.measures.capture import capture


def test_keeps_what_flows_in_and_out_of_each_part() -> None:
    network, inputs = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4)), torch.randn(3, 5)
    with capture({"middle": network[1], "end": network[2]}, lambda value, output: (value, output)) as seen:
        outputs = network(inputs)
    assert list(seen) == ["middle", "end"]
    assert torch.equal(seen["middle"][0], network[0](inputs))
    assert torch.equal(seen["middle"][1], seen["end"][0])
    assert torch.equal(seen["end"][1], outputs)


def test_the_input_is_the_first_argument_by_place_or_by_name() -> None:
    part = nn.Bilinear(2, 3, 4)
    first, second = torch.randn(5, 2), torch.randn(5, 3)
    with capture({"it": part}, lambda value, _: value) as seen:
        for call in (lambda: part(first, second), lambda: part(input1=first, input2=second)):
            call()
            assert seen.pop("it") is first
    source = nn.Module()
    source.forward = lambda: first  # type: ignore[method-assign]
    with capture({"it": source}, lambda value, output: (value, output)) as seen:
        source()
    assert seen == {"it": (None, first)}


def test_leaves_the_network_as_it_was_even_after_an_error() -> None:
    network = nn.Linear(5, 6)
    with pytest.raises(RuntimeError), capture({"it": network}, lambda _, output: output) as seen:
        network(torch.randn(3, 4))
    network(torch.randn(3, 5))
    assert seen == {}
