"""What the report says of first layers beside the claims: scores by layers frozen, and shares of the gain."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.data.catalogue import Dataset
from movingtarget.families import FAMILIES
from movingtarget.report import prose
from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.means import mean_of
from movingtarget.statistics.rows import divide, where
from movingtarget.statistics.studentised import studentised_interval


def first_layers_values(
    first_layers: pd.DataFrame, search: pd.DataFrame, layer_alone: pd.DataFrame
) -> dict[str, Any]:
    """The tables `frozen` and `gains`, and in words the first layer's `shares` of each network's parameters.

    Args:
        first_layers: table of that name.
        search: table first_layers_search.
        layer_alone: table of that name.
    """
    sizes = layer_alone.groupby(["network", "layer"])["parameters"].first()
    return {
        "frozen": frozen_table(first_layers, search),
        "gains": gains_table(first_layers),
        "shares": ", ".join(
            f"{prose.percent(sizes[network, 1] / sizes[network, 0], 2)} ({_title(network)})"
            for network in layer_alone["network"].unique()
        ),
    }


def frozen_table(first_layers: pd.DataFrame, search: pd.DataFrame) -> pd.DataFrame:
    """A row for each network and number of frozen layers, each at its best rate.

    Returns:
        Columns network, layers, and as text learning_rate (with a remark where it lies at an edge of those
        tried), train_loss in nats and test_accuracy in per cent, with 95 % intervals over seeds.
    """
    edges = divide(where(search, place="best at an edge"), "network", "layers")
    return pd.DataFrame(
        [
            {
                "network": _title(network),
                "layers": layers,
                "learning_rate": _rate(rows, (network, layers) in edges),
                "train_loss": prose.interval(*mean_of(rows, quantity="train_loss")),
                "test_accuracy": prose.interval(*_in_per_cent(mean_of(rows, quantity="test_accuracy"))),
            }
            for (network, layers), rows in divide(
                where(first_layers, schedule="frozen"), "network", "layers"
            ).items()
        ]
    )


def gains_table(first_layers: pd.DataFrame) -> pd.DataFrame:
    r"""What share of the first layer's gain it brings when it moves in a part of training only.

    $$ \frac{L_\text{never} - L}{L_\text{never} - L_\text{always}} $$

    of mean training losses at the end, in per cent: 0 for a first layer that never moves, 100 for one that
    always does.

    Returns:
        Columns network, change (a step) and, as text with 95 % intervals over seeds, released (moving from
        that step on) and stopped (moving up to it).
    """
    losses = where(first_layers, quantity="train_loss")
    losses = losses[losses["schedule"] != "frozen"]
    rows = []
    for network, of_network in divide(losses, "network").items():
        by_seed = of_network.pivot(index="seed", columns=["schedule", "change"], values="value")
        changes = sorted(of_network["change"].unique())
        for change in changes[1:-1]:
            shares = {
                schedule: prose.interval(
                    *_share(by_seed[[(schedule, change), ("stopped", 0), ("released", 0)]].to_numpy())
                )
                for schedule in ("released", "stopped")
            }
            rows.append({"network": _title(network), "change": change, **shares})
    return pd.DataFrame(rows)


def named_classes(dataset: Dataset, numbers: list[int]) -> str:
    """Classes by number, with their names where those say more.

    >>> from movingtarget.data.catalogue import DATASETS
    >>> named_classes(DATASETS["fashion-mnist"], [1, 7]), named_classes(DATASETS["mnist"], [1, 7])
    ('1 (trouser) and 7 (sneaker)', '1 and 7')
    """
    names = [dataset.class_names[number] for number in numbers]
    return " and ".join(
        str(number) if name == str(number) else f"{number} ({name})"
        for number, name in zip(numbers, names, strict=True)
    )


def _share(losses: NDArray[np.float64]) -> Interval:
    """Of columns with the losses of a part, of never and of always, in per cent."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return studentised_interval(
            losses, lambda part, never, always: 100 * (never - part) / (never - always)
        )


def _rate(rows: pd.DataFrame, at_edge: bool) -> str:
    return f"{rows['learning_rate'].iloc[0]:.3g}" + (" (at an edge)" if at_edge else "")


def _in_per_cent(share: Interval) -> Interval:
    return Interval(*(100 * end for end in share))


def _title(network: str) -> str:
    return FAMILIES[network].title if network in FAMILIES else network
