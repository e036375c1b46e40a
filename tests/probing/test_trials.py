# ruff: noqa: D101, D102 (their forward passes need no words)
"""Each trial does what its name says, by training copies step by step; and is taken back."""

import copy
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from probing.subjects import Given, Transformer, convnet, data, of_logits, perceptron, state_of, tokens
from torch import Tensor, nn

from movingtarget.probing.given import Batch, Subject
from movingtarget.probing.observe import observed
from movingtarget.probing.refused import CannotMeasure
from movingtarget.probing.trials import standardised, trials

STEPS, BATCHES = 3, 3


def subject_of(network: nn.Module, loss: Any, batches: list[Any], optimiser: Any = None) -> Subject:
    taken = [Batch(batch, batch) if isinstance(batch, dict) else Batch(*batch) for batch in batches[:BATCHES]]
    optimiser = optimiser or torch.optim.SGD(network.parameters(), 0.5, momentum=0.5)
    return Subject(network, loss, tuple(taken), optimiser)


def blocks_of(network: nn.Module) -> dict[str, list[str]]:
    """Each part with parameters of its own."""
    return {
        name: [f"{name}.{own}" for own, _ in part.named_parameters(recurse=False)]
        for name, part in network.named_modules()
        if [*part.parameters(recurse=False)]
    }


def tried(subject: Subject, steps: int = STEPS) -> dict[str, Any]:
    seen = observed(subject.network, subject.loss, subject.batches[0], 0)
    found = trials(subject, blocks_of(subject.network), steps, seen.gradient, seen.entered)
    return {trial.name: trial for trial in found}


class Copy:
    """A copy of a subject, trained by hand."""

    def __init__(self, subject: Subject, rate: float = 1.0) -> None:
        self.subject = subject
        self.network = copy.deepcopy(subject.network)
        kind: Any = type(subject.optimiser)
        group = subject.optimiser.param_groups[0]
        settings = {name: group[name] for name in ("momentum",) if name in group}
        self.optimiser = kind(self.network.parameters(), lr=rate * group["lr"], **settings)

    def outputs(self, place: int, seed: int) -> Any:
        torch.manual_seed(seed)
        inputs = self.subject.batches[place].inputs
        return self.network(**inputs) if isinstance(inputs, dict) else self.network(inputs)

    def step(self, place: int, only: list[str] | None = None) -> None:
        self.optimiser.zero_grad()
        at = place % (BATCHES - 1)
        self.subject.loss(self.outputs(at, place), self.subject.batches[at].targets).backward()
        for name, value in self.network.named_parameters():
            if only is not None and name not in only:
                value.grad = None
        self.optimiser.step()

    def score(self) -> float:
        """The mean loss of all parts of the batch left over: here they are of equal size."""
        with torch.no_grad():
            return self.subject.loss(self.outputs(-1, 0), self.subject.batches[-1].targets).item()


def drop_by_hand(subject: Subject, rate: float = 1.0, changed: Any = None, groups: Any = None) -> float:
    start = Copy(subject).score()
    other = Copy(subject, rate)
    if changed:
        changed(other.network)
    for place, names in enumerate(groups or [None] * STEPS):
        other.step(place, names)
    return (start - other.score()) / start


NETWORKS = {
    "perceptron": lambda: subject_of(perceptron(4), nn.functional.cross_entropy, data()),
    "convnet": lambda: subject_of(convnet(), nn.CrossEntropyLoss(), data(size=(1, 6, 6))),
    "dropout, a dict": lambda: subject_of(Transformer(), of_logits, tokens()),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_rates_and_layers_one_at_a_time(name):
    subject = NETWORKS[name]()
    before = state_of(Given(subject.network, None, [], subject.optimiser))
    found = tried(subject)
    assert state_of(Given(subject.network, None, [], subject.optimiser)) == before
    for trial, rate in (("as-it-is", 1.0), ("half-rate", 0.5), ("double-rate", 2.0)):
        assert found[trial].drop.estimate == pytest.approx(drop_by_hand(subject, rate), abs=1e-5)
    owned = [*blocks_of(subject.network).values()]
    ends = [round(place * len(owned) / STEPS) for place in range(STEPS + 1)]
    groups = [[name for own in owned[a:b] for name in own] for a, b in pairwise(ends)]
    one = found["one-layer-at-a-time"]
    assert one.drop.estimate == pytest.approx(drop_by_hand(subject, groups=groups), abs=1e-5)
    assert one.steps == STEPS
    for trial in ("half-rate", "double-rate", "one-layer-at-a-time"):
        difference = found[trial].drop.estimate - found["as-it-is"].drop.estimate
        assert found[trial].gain.estimate == pytest.approx(difference, abs=1e-6)
        assert found[trial].gain.low < found[trial].gain.estimate < found[trial].gain.high
    assert found["as-it-is"].gain is None


class Normalised(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.layer(inputs)
        axes = [axis for axis in range(outputs.dim()) if axis != 1]
        mean = outputs.mean(axes, keepdim=True)
        return (outputs - mean) / (outputs.var(axes, correction=0, keepdim=True) + 1e-5).sqrt()  # type: ignore[no-any-return]


class Skipping(Normalised):
    def forward(self, inputs: Tensor) -> Tensor:
        return (inputs + self.layer(inputs)) / 2**0.5  # type: ignore[no-any-return]


def plain_images() -> Subject:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.ReLU(),
        nn.Conv2d(3, 3, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(3, 3, 3, stride=2, padding=1),
        nn.Flatten(),
        nn.Linear(12, 3),
    )
    return subject_of(network, nn.functional.cross_entropy, data(size=(1, 6, 6)))


@pytest.mark.parametrize(
    ("subject_of_case", "normalised", "skipped"),
    [
        (lambda: subject_of(perceptron(4), nn.functional.cross_entropy, data()), (0, 2, 4), (2, 4)),
        (plain_images, (0, 2, 4), (2,)),
    ],
)
def test_normalisation_and_skips_are_put_in(subject_of_case, normalised, skipped):
    subject = subject_of_case()
    found = tried(subject)

    def putting_in(kind: Any, places: tuple[int, ...]) -> Any:
        def change(network: Any) -> None:
            for place in places:
                network[place] = kind(network[place])

        return change

    for trial, kind, places in (("normalisation", Normalised, normalised), ("skips", Skipping, skipped)):
        expected = drop_by_hand(subject, changed=putting_in(kind, places))
        assert found[trial].drop.estimate == pytest.approx(expected, abs=1e-4)
        assert not subject.network[0]._forward_hooks


def test_what_cannot_be_tried_says_why():
    found = tried(subject_of(convnet(), nn.CrossEntropyLoss(), data(size=(1, 6, 6))))
    assert found["normalisation"].note == "there is normalisation in the network"
    assert found["normalisation"].drop is None
    one = tried(subject_of(nn.Sequential(nn.Linear(4, 3)), nn.functional.cross_entropy, data()))
    assert one["one-layer-at-a-time"].note == "there is one layer only"
    assert one["normalisation"].note == "there is one layer only"
    assert one["skips"].note == "no layer's outputs are as many as its inputs"
    assert one["half-rate"].drop is not None
    two = tried(subject_of(perceptron(2), nn.functional.cross_entropy, data()))
    assert two["one-layer-at-a-time"].steps == 2


def test_a_rate_at_which_the_loss_is_not_finite():
    network = perceptron(3)
    optimiser = torch.optim.SGD(network.parameters(), 1e38)

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        return outputs.square().mean()

    found = tried(subject_of(network, loss, data(), optimiser))
    assert found["double-rate"].note == "the loss is no longer finite"
    assert found["double-rate"].drop is None
    assert found["half-rate"].gain is None


def scores_of(loss: Any, network: nn.Module | None = None, batches: Any = None) -> Any:
    return tried(subject_of(network or perceptron(3), loss, batches or data()))["half-rate"]


def test_a_loss_that_cannot_be_parted_is_taken_whole():
    def of_whole(outputs: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs.view(16, 3), labels.view(16))

    whole = scores_of(of_whole)
    assert np.isnan(whole.gain.low)
    assert np.isnan(whole.drop.low)
    parts = scores_of(nn.functional.cross_entropy)
    assert parts.drop.estimate == pytest.approx(whole.drop.estimate, abs=1e-6)


def test_a_part_without_targets_is_no_part():
    batches = [(inputs, torch.where(torch.arange(16) < 8, -100, labels)) for inputs, labels in data()]
    found = scores_of(nn.functional.cross_entropy, batches=batches)
    assert found.drop is not None
    assert np.isnan(found.drop.low)


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = perceptron(3)

    def forward(self, inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
        outputs = self.inner(inputs)
        return outputs, [outputs.sum()]


def test_outputs_in_a_tuple_are_parted():
    def loss(outputs: Any, labels: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs[0], labels) + 0 * outputs[1][0]

    found = scores_of(loss, Pair())
    assert found.drop.low < found.drop.estimate < found.drop.high
    assert found.drop.estimate == pytest.approx(scores_of(nn.functional.cross_entropy).drop.estimate)


def test_intervals_are_over_parts():
    """Of eight parts of two examples: mean and Student's interval by hand."""
    subject = subject_of(perceptron(3), nn.functional.cross_entropy, data())
    found = tried(subject)["as-it-is"].drop
    start, end = Copy(subject), Copy(subject)
    for place in range(STEPS):
        end.step(place)
    labels = subject.batches[-1].targets
    values = [
        nn.functional.cross_entropy(of.outputs(-1, 0), labels, reduction="none").detach().view(8, 2).mean(1)
        for of in (start, end)
    ]
    drops = ((values[0] - values[1]) / values[0].mean()).double()
    half = 2.3646242510103 * drops.std().item() / 8**0.5  # Student's, seven degrees of freedom
    assert found == pytest.approx(
        (drops.mean().item(), drops.mean().item() - half, drops.mean().item() + half)
    )


def test_a_loss_of_zero_cannot_be_compared():
    subject = subject_of(perceptron(2), lambda outputs, _: 0 * outputs.sum(), data())
    (found,) = tried(subject).values()
    assert found.drop is None
    assert found.note == "the loss of the batch left over is zero"


def test_a_batch_left_over_that_is_not_finite():
    batches = data(3)
    batches[2][0][0, 0] = torch.nan
    with pytest.raises(CannotMeasure, match="batch 2 holds numbers that are not finite"):
        tried(subject_of(perceptron(2), nn.functional.cross_entropy, batches))


def test_tokens_are_normalised_each_by_itself():
    values = torch.randn(4, 5, 6)
    found = standardised(nn.Linear(6, 6), values)
    assert torch.allclose(found.mean(-1), torch.zeros(4, 5), atol=1e-6)
    assert torch.allclose(found.std(-1, correction=0), torch.ones(4, 5), atol=1e-3)
    images = standardised(nn.Conv2d(1, 2, 1), torch.randn(4, 2, 3, 3))
    assert torch.allclose(images.mean((0, 2, 3)), torch.zeros(2), atol=1e-6)
    single = torch.randn(1, 3)
    assert standardised(nn.Linear(1, 3), single) is single
