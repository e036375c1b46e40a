"""How alike two layers' features are, whatever rotation or size they come in."""

import torch
from torch import Tensor

from movingtarget.measures.scale import unit_scale


def feature_similarity(features: Tensor, others: Tensor) -> Tensor:
    r"""Linear centred kernel alignment of features of the same examples.

    $$ \mathrm{CKA}(X, Y) = \frac{\|X^T Y\|_F^2}{\|X^T X\|_F \, \|Y^T Y\|_F} $$

    with the mean over examples taken from each column of X and Y.

    Args:
        features: X, `(..., examples, units)`; leading axes are independent pairs.
        others: Y, `(..., examples, units)`; the number of units may differ.

    Returns:
        `(...)`, from 0 to 1, float64; 1 if Y is X rotated and scaled. NaN where features do not vary
        (undefined) or are not finite.

    Source: Kornblith et al. 2019, equations 3 and 4.

    >>> features = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    >>> turned = 3 * features @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    >>> round(feature_similarity(features, turned).item(), 6)
    1.0
    """
    scaled = [unit_scale(values, [-2, -1])[0] for values in (features, others)]
    first, second = (values - values.mean(-2, keepdim=True) for values in scaled)
    sizes = _square(first, first).sqrt() * _square(second, second).sqrt()
    return torch.where(sizes > 0, _square(first, second) / sizes, torch.nan)


def _square(first: Tensor, second: Tensor) -> Tensor:
    """The squared Frobenius norm of X^T Y."""
    return (first.mT @ second).square().sum((-2, -1))
