"""Claims like those that are registered, with what a test changes."""

from typing import Any

CORRELATION = {"network": "feedforward", "normalisation": "none"}

NORM = {"table": "gradient_correlation"}


def claim(**changes) -> dict[str, Any]:
    """A claim that batch norm's last training loss is below the plain network's."""
    entry: dict[str, Any] = {
        "id": "batch-norm-trains-faster",
        "kind": "paper",
        "paper": "ioffe2015",
        "place": "figure 1a",
        "statement": "Batch norm reaches a lower training loss in the same number of steps.",
        "table": "training",
        "estimand": "difference",
        "select": {"quantity": "train_loss", "step": "last", "depth": 10},
        "treatment": {"network": "batch-norm"},
        "control": {"network": "plain"},
        "holds_if": {"below": 0},
        "seeds": 5,
        "scale": "default",
    }
    entry = {**entry, **changes}
    certain = {"deviation": 0} if "within" in entry["holds_if"] else {}
    return {key: value for key, value in {**certain, **entry}.items() if value is not None}


def mean_claim(**changes) -> dict[str, Any]:
    """A claim about the plain network's last training loss alone."""
    select = {"quantity": "train_loss", "step": "last", "network": "plain"}
    return claim(**{"estimand": "mean", "select": select, "treatment": None, "control": None, **changes})


def correlation_claim(**changes) -> dict[str, Any]:
    """A claim about the correlation of gradients in a plain network of depth 10."""
    entry = {
        "table": "gradient_correlation",
        "column": "correlation",
        "select": {**CORRELATION, "depth": 10},
    }
    return mean_claim(**{**entry, **changes})


def slope_claim(**changes) -> dict[str, Any]:
    """A claim that the correlation falls as the root of depth."""
    entry = {
        "estimand": "log_slope",
        "select": {**CORRELATION, "depth": [2, 10, 50]},
        "holds_if": {"within": [-0.6, -0.4]},
    }
    return correlation_claim(**{**entry, **changes})
