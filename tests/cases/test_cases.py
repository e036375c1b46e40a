"""Ordinary networks, what each fault does to them, and that a case is the same for a seed."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from movingtarget.cases import injections
from movingtarget.cases.build import build, draw_batches, named, train
from movingtarget.cases.draft import Draft, case_of
from movingtarget.data.load import Images
from movingtarget.faults import FAULTS, HEALTHY, KINDS, faults_of

SIDE = 8
PAIRS = [(kind, fault) for kind in KINDS for fault in faults_of(kind) if fault != HEALTHY]


@pytest.fixture(scope="module")
def square() -> Images:
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(100) % 4
    inputs = torch.randn(4, SIDE**2, generator=source)[labels]
    inputs = inputs + 0.5 * torch.randn(100, SIDE**2, generator=source)
    return Images(inputs[:80], labels[:80], inputs[80:], labels[80:])


@pytest.fixture
def draft(square: Images) -> Callable[..., Draft]:
    def make(kind: str, seed: int = 0) -> Draft:
        return build(KINDS[kind].made_of, square, draw_batches(square, 3, 16, seed), seed)

    return make


def sick(draft: Draft, fault: str, seed: int = 0) -> Draft:
    made = named(FAULTS[fault].injection)(draft, seed)
    assert isinstance(made, Draft)
    return made


def gradients(draft: Draft) -> dict[str, Tensor | None]:
    inputs, labels = draft.batches[0]
    draft.loss(draft.network(inputs), labels).backward()  # type: ignore[no-untyped-call]
    return {name: value.grad for name, value in draft.network.named_parameters()}


@pytest.mark.parametrize("kind", KINDS)
def test_networks_give_logits_of_images_of_any_side_and_learn(kind: str, draft: Any, square: Images) -> None:
    for side in (8, 28):
        made = named(KINDS[kind].builder)(side, 4)
        assert made(torch.zeros(3, 1, side, side)).shape == (3, 4)
    case = case_of(draft(kind))
    losses: list[float] = []
    train(case, 30, lambda loss: losses.append(loss.item()))
    assert losses[-1] < losses[0] - 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_draws_the_same_network_and_another_another(kind: str, draft: Any) -> None:
    state = torch.get_rng_state()
    one, same, other = (draft(kind, seed).network.state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_batches_are_of_the_training_images_each_once_before_any_again(square: Images) -> None:
    batches = draw_batches(square, 7, 20, 5)
    assert [tuple(inputs.shape) for inputs, _ in batches] == [(20, 1, SIDE, SIDE)] * 7
    first_round = torch.cat([inputs.flatten(1) for inputs, _ in batches[:4]])
    assert sorted(map(tuple, first_round.tolist())) == sorted(map(tuple, square.train_inputs.tolist()))
    for inputs, labels in batches:
        for image, label in zip(inputs.flatten(1), labels, strict=True):
            place = (square.train_inputs == image).all(1).nonzero().item()
            assert square.train_labels[int(place)] == label


@pytest.mark.parametrize(("kind", "fault"), PAIRS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_sick_network_can_still_be_run_and_stepped(kind: str, fault: str, seed: int, draft: Any) -> None:
    case = case_of(sick(draft(kind), fault, seed))
    train(case, 2)
    assert case.network(case.batches[0][0]).shape == (16, 4)
    assert case.network.training


@pytest.mark.parametrize(("fault", "factor"), [("rate-too-high", 30), ("rate-too-low", 1 / 1000)])
def test_rates(fault: str, factor: float, draft: Any) -> None:
    healthy = draft("convnet")
    case = case_of(sick(healthy, fault))
    assert case.optimiser.param_groups[0]["lr"] == pytest.approx(factor * healthy.learning_rate)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_one_layer_with_weights_stays_and_all_others_move(kind: str, seed: int, draft: Any) -> None:
    made = draft(kind)
    layers = injections.weighted(made.network)
    frozen = layers[seed // 2 % len(layers)]
    before = {name: value.clone() for name, value in made.network.named_parameters()}
    case = case_of(sick(made, "layer-frozen", seed))
    train(case, 3)
    stay = {name for name, value in case.network.named_parameters() if torch.equal(value, before[name])}
    assert {name for name in before if name.startswith(f"{frozen}.")} <= stay
    assert all(
        name.startswith(f"{frozen}.") or value.dim() == 1 for name, value in before.items() if name in stay
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_gradient_passes_a_cut(kind: str, draft: Any) -> None:
    whole = gradients(draft(kind))
    cut = gradients(sick(draft(kind), "gradients-cut"))
    assert all(value is not None for value in whole.values())
    lost = [name for name, value in cut.items() if value is None]
    assert 0 < len(lost) < len(cut)
    assert lost == [*cut][: len(lost)]  # all below, as they are registered: bottom first


@pytest.mark.parametrize("kind", FAULTS["dead-rectifiers"].kinds)
@pytest.mark.parametrize("seed", range(3))
def test_a_layer_of_rectifiers_is_never_active(kind: str, seed: int, draft: Any) -> None:
    def dead(made: Draft) -> list[bool]:
        found: list[bool] = []
        for part in made.network.modules():
            if isinstance(part, nn.ReLU):
                part.register_forward_hook(lambda module, inputs, output: found.append(not output.any()))
        made.network(made.batches[0][0])
        return found

    assert not any(dead(draft(kind)))
    assert any(dead(sick(draft(kind), "dead-rectifiers", seed)))


def test_the_loss_is_a_sum_over_examples(draft: Any) -> None:
    healthy = draft("perceptron")
    inputs, labels = healthy.batches[0]
    outputs = healthy.network(inputs)
    summed = sick(healthy, "loss-summed").loss(outputs, labels)
    torch.testing.assert_close(summed, 16 * healthy.loss(outputs, labels))


def test_labels_are_the_same_as_a_whole_and_others_for_their_images(draft: Any) -> None:
    healthy = draft("perceptron")
    shuffled = sick(healthy, "labels-unrelated")
    before, after = (torch.cat([labels for _, labels in one.batches]) for one in (healthy, shuffled))
    assert torch.equal(before.sort().values, after.sort().values)
    assert (before == after).float().mean() < 0.5
    pairs = zip(healthy.batches, shuffled.batches, strict=True)
    assert all(torch.equal(one[0], other[0]) for one, other in pairs)


def test_no_normalisation_is_left(draft: Any) -> None:
    made = sick(draft("deep"), "no-normalisation").network
    assert not any(isinstance(part, nn.BatchNorm1d) for part in made.modules())
    assert sum(isinstance(part, nn.Linear) for part in made.modules()) == 21


@pytest.mark.parametrize(("seed", "factor"), [(0, 5.0), (1, 0.2)])
def test_weights_and_no_biases_are_out_of_scale(seed: int, factor: float, draft: Any) -> None:
    healthy = dict(draft("transformer").network.named_parameters())
    for name, value in sick(draft("transformer"), "initial-scale", seed).network.named_parameters():
        torch.testing.assert_close(value, (factor if value.dim() > 1 else 1) * healthy[name])


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_a_softmax_already(kind: str, draft: Any) -> None:
    healthy, made = draft(kind), sick(draft(kind), "softmax-twice")
    inputs = healthy.batches[0][0]
    torch.testing.assert_close(made.network(inputs), healthy.network(inputs).softmax(-1))
    assert made.network.get_submodule(made.middle) is not None
