"""Centred kernel alignment behind the signature of the estimators: no information, but what is often used."""

import math

from numpy.typing import ArrayLike
from torch import Tensor

from movingtarget.measures.feature_similarity import feature_similarity
from movingtarget.measures.mutual_information.channel import scaled
from movingtarget.measures.mutual_information.estimate import Estimate, samples


def alignment(below: ArrayLike | Tensor, above: ArrayLike | Tensor) -> Estimate:
    """Linear centred kernel alignment of the samples, from 0 to 1, no nats; see `feature_similarity`.

    Raises:
        ValueError: as `samples`.
    """
    tables = (scaled(table, "deviation") for table in samples(below, above))
    return Estimate(min(1.0, feature_similarity(*tables).item()), 1.0, math.nan, saturated=False)
