"""Fine-tuning against loops of torch.optim on one member at a time."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.networks import Architecture, Parameters, build, build_random, stack, unstack
from movingtarget.training.fine_tuning import (
    few_examples,
    fine_tune,
    hold_out,
    of_classes,
    on_top_of,
)
from movingtarget.training.freezing import train_last_layer
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.layer_rates import layer_rates
from movingtarget.training.simultaneous import simultaneous

DEPTH, STEPS = 3, 6
RATES = torch.tensor([0.3, 0.1]).double()
FACTORS: dict[str, tuple[UpdateRule, list[float]]] = {  # of each layer's rate, bottom first
    "early": (layer_rates(2.6, reverse=False), [2.6**-3, 2.6**-2, 2.6**-1, 1.0]),
    "equal": (simultaneous, [1.0, 1.0, 1.0, 1.0]),
    "late": (layer_rates(2.6, reverse=True), [1.0, 2.6**-1, 2.6**-2, 2.6**-3]),
    "last": (train_last_layer, [0.0, 0.0, 0.0, 1.0]),
}
assert_close = partial(torch.testing.assert_close, rtol=0.0, atol=1e-10)  # float64: round-off only


def members(family: str) -> list[nn.Module]:
    return [build_random(Architecture(family, 5, 6, DEPTH, 2, "tanh"), seed).double() for seed in (3, 4)]


def layer_of(name: str) -> int:
    return int(name.split(".")[1]) if name.startswith("hidden") else DEPTH


def tuned_by_torch(network: nn.Module, inputs: Tensor, labels: Tensor, rates: list[float]) -> None:
    groups: list[dict[str, object]] = [
        {
            "params": [value for name, value in network.named_parameters() if layer_of(name) == layer],
            "lr": rate,
        }
        for layer, rate in enumerate(rates)
    ]
    optimiser = torch.optim.SGD(groups)
    for _ in range(STEPS):
        optimiser.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()


@pytest.mark.parametrize("rates", FACTORS)
@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual"])
def test_agrees_with_torch_with_a_group_for_each_layer(images: Images, family: str, rates: str) -> None:
    half = of_classes(images, [2, 3])
    few = few_examples(half, 4, [3, 4])
    examples, (rule, factors) = Batch(few.inputs.double(), few.labels), FACTORS[rates]
    held = half.test_inputs.double(), half.test_labels
    start = stack(members(family))
    tuned = fine_tune(members(family)[0], start, examples, rule, RATES, STEPS, held)
    for member, network in enumerate(members(family)):
        before = unstack(stack([network]), 0)
        inputs, labels = examples.inputs[member], examples.labels[member]
        tuned_by_torch(network, inputs, labels, [RATES[member].item() * factor for factor in factors])
        assert_close(tuned.train_loss[member], F.cross_entropy(network(inputs), labels).detach())
        assert_close(tuned.movement[:, member], shares(before, network))
        if family != "batch-norm":
            logits = network(held[0])
            assert_close(tuned.held.loss[member], F.cross_entropy(logits, held[1]).detach())
            assert tuned.held.accuracy[member] == (logits.argmax(-1) == held[1]).double().mean()


def shares(before: Parameters, network: nn.Module) -> Tensor:
    """Each layer's share of the distance that all layers have come together."""
    squares = [0.0] * (DEPTH + 1)
    for name, value in network.named_parameters():
        squares[layer_of(name)] += (value - before[name]).square().sum().item()
    far = torch.tensor(squares, dtype=torch.double).sqrt()
    return far / far.sum()


def test_the_start_stays_as_it_is_and_frozen_layers_do_not_move(images: Images) -> None:
    half = of_classes(images, [2, 3])
    few = few_examples(half, 4, [3, 4])
    examples = Batch(few.inputs.double(), few.labels)
    start = stack(members("plain"))
    kept = {name: value.clone() for name, value in start.items()}
    held = half.test_inputs.double(), half.test_labels
    tuned = fine_tune(members("plain")[0], start, examples, train_last_layer, RATES, STEPS, held)
    assert all(torch.equal(start[name], value) for name, value in kept.items())
    assert torch.equal(tuned.movement, torch.tensor([[0.0, 0.0]] * DEPTH + [[1.0, 1.0]]).double())


def test_batch_norm_is_scored_with_the_statistics_of_the_few_examples(images: Images) -> None:
    half = of_classes(images, [2, 3])
    few = few_examples(half, 4, [3])
    network = build_random(Architecture("batch-norm", 5, 6, 1, 2, "tanh"), 3)
    held = half.test_inputs, half.test_labels
    tuned = fine_tune(network, stack([network]), few, simultaneous, torch.tensor([0.0]), 1, held)
    first = network.get_submodule("hidden.0.linear")
    seen, hidden = first(few.inputs[0]), first(half.test_inputs)
    normal = (hidden - seen.mean(0)) / (seen.var(0, correction=0) + 1e-5).sqrt()
    expected = F.cross_entropy(network.get_submodule("head")(normal.tanh()), half.test_labels)
    torch.testing.assert_close(tuned.held.loss[0], expected.detach())


def test_a_half_has_its_classes_labelled_anew(images: Images) -> None:
    half = of_classes(images, [3, 1])
    assert half.classes == 2
    for before, after in [
        ((images.train_inputs, images.train_labels), (half.train_inputs, half.train_labels)),
        ((images.test_inputs, images.test_labels), (half.test_inputs, half.test_labels)),
    ]:
        among = (before[1] == 3) | (before[1] == 1)
        assert torch.equal(after[0], before[0][among])
        assert after[1].tolist() == [0 if label == 3 else 1 for label in before[1][among].tolist()]


def test_held_out_examples_are_no_training_images_any_more(images: Images) -> None:
    held = hold_out(images, 10)
    assert torch.equal(torch.cat([held.train_inputs, held.test_inputs]), images.train_inputs)
    assert torch.equal(torch.cat([held.train_labels, held.test_labels]), images.train_labels)
    assert len(held.test_labels) == 10


@pytest.mark.parametrize("examples", [0, 60])
def test_no_more_can_be_held_out_than_leaves_an_image(images: Images, examples: int) -> None:
    with pytest.raises(ValueError, match=f"validation_examples is {examples}; allowed: 1 to 59, of 60"):
        hold_out(images, examples)


def test_few_examples_are_a_seeds_own_so_many_of_each_class(images: Images) -> None:
    few = few_examples(images, 3, [7, 8])
    assert few.inputs.shape == (2, 12, 5)
    assert few.labels.tolist() == [[0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]] * 2
    rows = [{tuple(row) for row in inputs.tolist()} for inputs in few.inputs]
    assert [len(row) for row in rows] == [12, 12]
    assert rows[0] != rows[1]
    assert rows[0] | rows[1] <= {tuple(row) for row in images.train_inputs.tolist()}
    assert torch.equal(few_examples(images, 3, [8]).inputs[0], few.inputs[1])


def test_more_examples_than_a_class_has_are_refused(images: Images) -> None:
    with pytest.raises(
        ValueError, match="examples is 16; allowed: 1 to 15, the training images of the small"
    ):
        few_examples(images, 16, [0])


@pytest.mark.parametrize("family", ["plain", "residual-batch-norm"])
def test_a_new_output_layer_is_all_that_is_new(family: str) -> None:
    def made(outputs: int, seed: int) -> Parameters:
        return stack([build_random(Architecture(family, 5, 6, DEPTH, outputs), seed)])

    trained, fresh = made(3, 0), made(2, 1)
    joined = on_top_of(trained, fresh)
    network: Callable[[Tensor], Tensor] = build(Architecture(family, 5, 6, DEPTH, 2))
    assert {name for name, _ in network.named_parameters()} == set(joined)  # type: ignore[attr-defined]
    for name, value in joined.items():
        assert torch.equal(value, (fresh if name.startswith("head.") else trained)[name])
