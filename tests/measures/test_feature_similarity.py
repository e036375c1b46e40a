"""How alike two layers' features are."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from movingtarget.measures.feature_similarity import feature_similarity


def features(*size: int) -> torch.Tensor:
    return torch.randn(*size).double()


def test_agrees_with_centred_kernels():
    # Kornblith et al. 2019, equation 3: the same from kernels between examples
    first, second = features(9, 4), features(9, 6)
    centre = np.eye(9) - 1 / 9
    kernels = [centre @ (values @ values.T).numpy() @ centre for values in (first, second)]
    products = [np.trace(kernels[i] @ kernels[j]) for i, j in ((0, 1), (0, 0), (1, 1))]
    expected = products[0] / np.sqrt(products[1] * products[2])
    assert_close(feature_similarity(first, second).item(), expected)


def test_rotation_size_and_shift_do_not_count():
    values = features(3, 20, 5)
    turned = 7 * values @ torch.linalg.qr(features(5, 5)).Q + 2
    assert_close(feature_similarity(values, turned), torch.ones(3).double())


def test_independent_features_of_many_examples_are_unlike():
    assert feature_similarity(features(10_000, 3), features(10_000, 3)) < 0.01  # about units / examples


def test_constant_features_are_undefined():
    assert feature_similarity(torch.ones(5, 2), features(5, 2)).isnan()


@pytest.mark.parametrize("scale", [1e-300, 1e-120, 1e120, 1e300])
def test_neither_underflow_nor_overflow(scale):
    first, second = features(20, 5), features(20, 4)
    assert_close(feature_similarity(scale * first, second), feature_similarity(first, second))
