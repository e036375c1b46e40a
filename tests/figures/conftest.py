"""Small synthetic tables."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

ARMS = [("plain", "sgd"), ("batch-norm", "sgd"), ("residual", "sgd"), ("plain", "locoprop")]


def crossed(columns: dict[str, Sequence[Any]]) -> pd.DataFrame:
    """A row for each combination; its value is positive, falls along the last column and varies a little."""
    frame = pd.DataFrame(list(product(*columns.values())), columns=[*columns])
    noise = np.random.default_rng(0).uniform(0.9, 1.1, len(frame))
    place = frame[[*columns][-1]].rank(method="dense")
    return frame.assign(value=noise / place)


@pytest.fixture
def training() -> Callable[..., pd.DataFrame]:
    def make(
        arms: Sequence[tuple[str, str]] = ARMS,
        depths: Sequence[int] = (3, 6),
        rates: Sequence[float] = (0.01, 0.1),
        seeds: int = 3,
    ) -> pd.DataFrame:
        quantities = ["batch_loss", "train_loss", "test_accuracy"]
        columns = {"arm": arms, "depth": depths, "learning_rate": rates, "seed": range(seeds)}
        frame = crossed(columns | {"quantity": quantities, "step": [5, 10, 20]})
        cost = np.where(frame["arm"].str[1] == "locoprop", 5.0, 1.0)
        frame = frame.assign(network=frame["arm"].str[0], update_rule=frame["arm"].str[1])
        return frame.assign(gradient_evaluations=cost * frame["step"]).drop(columns="arm")

    return make


@pytest.fixture
def layered() -> Callable[..., pd.DataFrame]:
    """Rows of either table that is measured layer by layer."""

    def make(quantities: Sequence[str], seeds: int = 3, depth: int = 4, **columns: Any) -> pd.DataFrame:
        networks = {"network": ["plain", "batch-norm", "residual"], "update_rule": ["sgd"], "depth": [depth]}
        layers = {"quantity": quantities, "seed": range(seeds), "layer": range(1, depth + 1)}
        return crossed(networks | columns | layers)

    return make


@pytest.fixture
def on_a_line() -> Callable[..., pd.DataFrame]:
    """Rows of the tables of networks on the line."""
    kinds = [
        ("feedforward", "none", np.nan),
        ("feedforward", "centred", np.nan),
        ("residual", "batch-norm", 0.1),
    ]

    def make(depths: Sequence[int] = (2, 4), seeds: int = 3, **columns: Any) -> pd.DataFrame:
        frame = crossed({"kind": kinds, "depth": depths, "seed": range(seeds)} | columns)
        names = ["network", "normalisation", "beta"]
        return frame.assign(**{name: frame["kind"].str[place] for place, name in enumerate(names)})

    return make


@pytest.fixture
def noise() -> pd.DataFrame:
    return crossed({"noise": ["white", "brown"], "seed": range(3), "lag": range(4)})


@pytest.fixture
def noise_on_a_line() -> pd.DataFrame:
    return crossed({"noise": ["white", "brown"], "seed": [0], "input": [-1.0, 0.0, 1.0]})


@pytest.fixture
def quantities_by_seed() -> Callable[..., pd.DataFrame]:
    """Rows of tables with a quantity and a value, the last column given along the abscissa."""

    def make(quantities: Sequence[str], seeds: int = 3, **columns: Any) -> pd.DataFrame:
        return crossed({"quantity": quantities, "seed": range(seeds)} | columns)

    return make
