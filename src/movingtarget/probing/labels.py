"""Whether labels have anything to do with inputs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from movingtarget.measures.objective import tensors
from movingtarget.networks.initialise import generator
from movingtarget.probing.given import Batch

NEIGHBOURS, PERMUTATIONS = 5, 199
LEAST, MOST = 64, 1024
"""So many examples at least are needed to tell, and so many are looked at."""

OF_A_CLASS = 5
"""So many examples of a class, on average, are needed to tell."""


class Related(NamedTuple):
    """A test of labels against inputs.

    Attributes:
        agreement: the share of an example's nearest neighbours that have its label.
        by_chance: the same with labels permuted, on average.
        p_value: of an agreement as large by chance.
        examples: looked at.
    """

    agreement: float
    by_chance: float
    p_value: float
    examples: int


def related(batches: tuple[Batch, ...], features: list[Tensor | None]) -> Related | None:
    """A permutation test of whether examples that are alike have like labels.

    Args:
        batches: with labels of classes `(examples,)`.
        features: of each batch, `(examples, ...)`, to take for inputs that are no numbers, such as tokens.

    Returns:
        None where targets are no labels of classes, all are the same, or there are too few examples, of all
        or of each class.
    """
    pairs = [(_inputs(batch, own), _labels(batch)) for batch, own in zip(batches, features, strict=True)]
    known = [
        (inputs.flatten(1), labels) for inputs, labels in pairs if inputs is not None and labels is not None
    ]
    if len(known) < len(batches) or len({inputs.shape[1] for inputs, _ in known}) > 1:
        return None
    inputs, labels = (torch.cat(parts)[:MOST] for parts in zip(*known, strict=True))
    classes = len(set(labels.tolist()))
    if len(labels) < LEAST or classes < 2 or len(labels) < OF_A_CLASS * classes:
        return None
    return permutation_test(inputs, labels)


def permutation_test(inputs: Tensor, labels: Tensor) -> Related:
    """The agreement of nearest neighbours' labels, against that of labels permuted.

    >>> inputs = torch.arange(100.0)[:, None]
    >>> found = permutation_test(inputs, (inputs[:, 0] >= 50).long())
    >>> found.agreement > 0.9, found.p_value
    (True, 0.005)
    """
    distances = torch.cdist(inputs.double(), inputs.double())
    distances.fill_diagonal_(torch.inf)
    distances[distances == 0] = torch.inf  # an example that comes again tells nothing of its label
    nearest = distances.topk(min(NEIGHBOURS, len(labels) - 1), largest=False).indices

    def agreement(of: Tensor) -> float:
        return (of[nearest] == of[:, None]).double().mean().item()

    source = generator(0, "permutations")
    chance = [agreement(labels[torch.randperm(len(labels), generator=source)]) for _ in range(PERMUTATIONS)]
    found = agreement(labels)
    as_large = sum(value >= found for value in chance)
    return Related(found, sum(chance) / PERMUTATIONS, (1 + as_large) / (1 + PERMUTATIONS), len(labels))


def _inputs(batch: Batch, features: Tensor | None) -> Tensor | None:
    given = (
        value.detach().cpu()
        for value in tensors(batch.inputs)
        if value.is_floating_point() and value.dim() > 1 and len(value) == batch.examples
    )
    found = next(given, None)
    if found is None and features is not None and len(features) == batch.examples:
        return features.detach().cpu()
    return found


def _labels(batch: Batch) -> Tensor | None:
    """Whole numbers, one an example, among the targets; of several those called labels or targets."""
    targets: Any = batch.targets
    named = targets if isinstance(targets, Mapping) else {"targets": targets}
    found = {name: value.detach().cpu() for name, value in named.items() if _are_whole(value, batch.examples)}
    called = [name for name in found if str(name).lower().startswith(("label", "target"))]
    chosen = [*found] if len(found) == 1 else called
    return found[chosen[0]] if len(chosen) == 1 else None


def _are_whole(value: Any, examples: int) -> bool:
    if not isinstance(value, Tensor) or value.is_floating_point() or value.is_complex():
        return False
    return value.shape == (examples,)
