"""How networks are called in figures."""

from collections.abc import Mapping
from typing import Any

import numpy as np

NORMALISATIONS = {"none": "no normalisation", "centred": "centred", "batch-norm": "batch norm"}


def line_network(described: Mapping[str, Any]) -> str:
    """A network on the line: "feedforward, centred" or "residual, batch norm, beta 0.1"."""
    beta = described["beta"]
    words = [str(described["network"]), NORMALISATIONS[described["normalisation"]]]
    return ", ".join(words) + ("" if np.isnan(beta) else f", β = {beta:g}")
