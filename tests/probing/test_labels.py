"""The test of labels against inputs: its p-values under chance, its power, and what it leaves alone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from movingtarget.probing.given import Batch
from movingtarget.probing.labels import NEIGHBOURS, permutation_test, related


def drawn(seed: int, examples: int = 100) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(examples, 3, generator=source), torch.randint(4, (examples,), generator=source)


def test_p_values_of_unrelated_labels_are_uniform():
    """Of 80 tests; their distribution is farther than 0.15 from a uniform one in 5 % of such draws."""
    found = np.sort([permutation_test(*drawn(seed)).p_value for seed in range(80)])
    places = np.arange(1, 81) / 80
    assert np.abs(found - places).max() < 0.15
    assert (found <= 0.05).mean() < 0.12


def test_agreement_is_that_of_the_nearest_neighbours():
    inputs, labels = drawn(0, 40)
    agreed = []
    for own in range(40):
        distances = sorted(
            ((inputs[own] - inputs[other]).norm().item(), other) for other in range(40) if other != own
        )
        agreed += [bool(labels[own] == labels[other]) for _, other in distances[:NEIGHBOURS]]
    found = permutation_test(inputs, labels)
    assert found.agreement == pytest.approx(sum(agreed) / len(agreed))
    counts = torch.bincount(labels).double()
    assert found.by_chance == pytest.approx((counts * (counts - 1)).sum().item() / 40 / 39, abs=0.02)
    assert found.examples == 40


def batches_of(inputs: Tensor, labels: Tensor) -> tuple[Batch, ...]:
    return tuple(Batch(*pair) for pair in zip(inputs.split(50), labels.split(50), strict=True))


def test_labels_that_follow_inputs():
    inputs, _ = drawn(0)
    labels = (inputs[:, 0] > 0).long()
    found = related(batches_of(inputs.view(100, 1, 3), labels), [None, None])
    assert found is not None
    assert found.p_value == 0.005
    assert found == permutation_test(inputs, labels)
    assert found == related(batches_of(inputs, labels.bool()), [None, None])


def test_tokens_are_read_through_the_first_layer():
    inputs, labels = drawn(0)
    features = [part.view(50, 3, 1) for part in inputs.split(50)]
    numbers = torch.randint(9, (100, 3))
    assert related(batches_of(numbers, labels), [None, None]) is None
    assert related(batches_of(numbers, labels), [*features]) == permutation_test(inputs, labels)
    shifted = [features[0], features[1].repeat(1, 2, 1)]  # tokens of another length
    assert related(batches_of(numbers, labels), shifted) is None


@pytest.mark.parametrize(
    "labels",
    [
        torch.randn(100),
        torch.randint(4, (100, 2)),
        torch.zeros(100, dtype=torch.long),
        torch.arange(100),
        torch.arange(100) % 25,
    ],
    ids=["regression", "tokens", "one class", "all different", "four of each class"],
)
def test_what_are_no_labels_of_classes_is_left_alone(labels):
    assert related(batches_of(drawn(0)[0], labels), [None, None]) is None


def test_few_examples_are_left_alone():
    inputs, labels = drawn(0, 63)
    assert related((Batch(inputs, labels),), [None]) is None
    inputs, labels = drawn(0, 64)
    assert related((Batch(inputs, labels),), [None]) is not None


def test_many_examples_are_not_all_looked_at():
    inputs, labels = drawn(0, 1100)
    found = related((Batch(inputs, labels),), [None])
    assert found == permutation_test(inputs[:1024], labels[:1024])


def test_labels_among_others():
    inputs, labels = drawn(0)
    lengths = torch.ones(100, dtype=torch.long)
    named = {"lengths": lengths, "inputs": inputs, "labels": labels}
    assert related((Batch(named, named),), [None]) == permutation_test(inputs, labels)
    nameless = {"a": lengths, "inputs": inputs, "b": labels}
    assert related((Batch(nameless, nameless),), [None]) is None
    alone = {"inputs": inputs, "b": labels}
    assert related((Batch(alone, alone),), [None]) == permutation_test(inputs, labels)


def test_examples_that_come_again_do_not_vote_for_themselves():
    inputs, labels = drawn(0)
    assert permutation_test(inputs.repeat(3, 1), labels.repeat(3)).p_value > 0.05
