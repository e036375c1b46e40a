"""Autoencoders so small that all their searches take a moment."""

from typing import Any

import torch

from movingtarget.data.load import Images

GIVEN: dict[str, Any] = {
    **{"training_images": 30, "test_images": 10, "pooling": 1, "batch_size": 10, "activation": "tanh"},
    "tuning_seeds": [8, 9],
}
SMALL: dict[str, Any] = {"architecture": "small", "hidden_widths": [5, 3], "normalisation": "none"}
OTHER: dict[str, Any] = {"architecture": "other", "hidden_widths": [4], "normalisation": "batch-norm"}
"""Of an architecture, as jobs have them."""

CONFIG: dict[str, Any] = {
    "dataset": "digits",
    "autoencoders": {
        **GIVEN,
        **{"trials": 4, "search_epochs": 2, "finalists": 3, "finalists_in_a_job": 2, "horizons": [7, 3]},
        **{"iterations": 2, "renewal_steps": 5},
        "architectures": [
            {"name": "small", "hidden_widths": [5, 3], "normalisation": "none", "methods": ["sgd", "adam"]},
            {
                **{"name": "other", "hidden_widths": [4], "normalisation": "batch-norm"},
                "methods": ["locoprop-m", "k-fac"],
            },
        ],
    },
}


def pixels() -> Images:
    """30 training and 10 test images of 12 pixels."""
    inputs = torch.rand(40, 12, generator=torch.Generator().manual_seed(0))
    return Images(inputs[:30], torch.zeros(30).long(), inputs[30:], torch.zeros(10).long())
