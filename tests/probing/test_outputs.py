# ruff: noqa: D101 (their forward passes need no words)
"""What a loss does with outputs: sums, and softmax taken twice."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from movingtarget.probing.given import Batch
from movingtarget.probing.outputs import is_summed, mapped, softmax_is_taken_twice

functional = nn.functional
LABELS = torch.tensor([0, 2, 1, 1])
LOGITS = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
total = nn.CrossEntropyLoss(reduction="sum")
BATCH = Batch(torch.ones(4, 2), LABELS)


class Both(NamedTuple):
    logits: Tensor
    size: int


def contrasting(outputs: Tensor, _: Any) -> Tensor:
    """Each example against all others: no sum over examples of anything."""
    return functional.cross_entropy(outputs @ outputs.T, torch.arange(len(outputs)))


@pytest.mark.parametrize(
    ("loss", "outputs", "summed"),
    [
        (nn.CrossEntropyLoss(), LOGITS, False),
        (total, LOGITS, True),
        (lambda outputs, labels: total(outputs["a"], labels), {"a": LOGITS}, True),
        (lambda outputs, labels: functional.cross_entropy(outputs[0], labels), (LOGITS, 3), False),
        (lambda outputs, labels: total(outputs.logits, labels), Both(LOGITS, 4), True),
        (contrasting, LOGITS, False),
        (lambda outputs, labels: outputs.sum() * 0, LOGITS, False),
        (lambda outputs, labels: total(outputs.view(4, 3), labels), LOGITS, False),
    ],
)
def test_sums_over_examples(loss, outputs, summed):
    assert is_summed(loss, outputs, BATCH) is summed


@pytest.mark.parametrize(
    ("loss", "outputs", "twice"),
    [
        (functional.cross_entropy, LOGITS.softmax(1), True),
        (functional.cross_entropy, LOGITS, False),
        (functional.cross_entropy, LOGITS.sigmoid(), False),
        (functional.nll_loss, LOGITS.log_softmax(1), False),
        (lambda outputs, labels: functional.nll_loss(outputs.log(), labels), LOGITS.softmax(1), False),
        (
            lambda outputs, labels: functional.mse_loss(outputs, torch.eye(3)[labels]),
            LOGITS.softmax(1),
            False,
        ),
        (functional.cross_entropy, LOGITS.softmax(1).bfloat16(), True),
        (
            lambda outputs, labels: functional.cross_entropy(outputs["p"], labels),
            {"p": LOGITS.softmax(1)},
            True,
        ),
    ],
)
def test_softmax_of_probabilities(loss, outputs, twice):
    assert softmax_is_taken_twice(loss, outputs, BATCH) is twice


@pytest.mark.parametrize("shape", [(4, 1), (4, 3), (4,)])
def test_sigmoids_are_no_probabilities_of_classes(shape):
    outputs = torch.rand(shape)
    batch = Batch(torch.ones(4, 2), torch.zeros(shape))
    assert not softmax_is_taken_twice(functional.binary_cross_entropy, outputs, batch)
    ones = torch.ones(4, 1)  # add up to 1, of one class
    assert not softmax_is_taken_twice(lambda outputs, _: (outputs - outputs).sum() + 1, ones, batch)


@pytest.mark.parametrize("axis", [1, -1])
def test_softmax_of_tokens(axis):
    logits = torch.randn(4, 3, 5)
    labels = torch.randint(3, (4, 5)) if axis == 1 else torch.randint(5, (4, 3))
    batch = Batch(torch.ones(4, 2), labels)

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(outputs if axis == 1 else outputs.movedim(-1, 1), labels)

    assert softmax_is_taken_twice(loss, logits.softmax(axis), batch)
    assert not softmax_is_taken_twice(loss, logits, batch)


def test_attention_that_comes_along_is_no_output_of_the_loss():
    outputs = {"logits": LOGITS, "attention": torch.rand(4, 6, 6).softmax(-1)}
    assert not softmax_is_taken_twice(
        lambda outputs, labels: functional.cross_entropy(outputs["logits"], labels), outputs, BATCH
    )


def test_rows_of_examples_are_mapped_and_nothing_else():
    outputs = {"a": [torch.ones(4), torch.ones(3)], "b": Both(torch.ones(4, 2), 4), "c": None}
    found = mapped(lambda value: value[:2], outputs, 4)
    assert [len(value) for value in found["a"]] == [2, 3]
    assert isinstance(found["b"], Both)
    assert found["b"].logits.shape == (2, 2)
    assert found["b"].size == 4
    assert found["c"] is None
    assert mapped(lambda value: value[:2], torch.tensor(4.0), 4) == 4


def test_a_loss_that_takes_probabilities_alone_takes_no_softmax_of_them():
    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        if not torch.allclose(outputs.sum(1), torch.ones(4)):
            raise ValueError("no probabilities")
        return -outputs[torch.arange(4), labels].log().mean()

    assert not softmax_is_taken_twice(loss, LOGITS.softmax(1), BATCH)
