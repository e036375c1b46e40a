"""The figure of information and loss while networks are trained."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from drawing_cases import crossed, named, xy

from movingtarget.figures.information_in_training import draw


def training() -> pd.DataFrame:
    columns: dict[str, Sequence[Any]] = {
        "network": ["plain", "residual"],
        "activation": ["tanh", "relu"],
        "depth": [4, 8],
    }
    frame = crossed(
        {**columns, "seed": range(3), "quantity": ["train_loss", "test_accuracy"], "step": [0, 5]}
    )
    other = frame.assign(dial="gain", setting=0.5, value=100.0)
    return pd.concat([frame.assign(dial="none", setting=1.0), other])


def test_means_over_layers_above_and_losses_below_at_half_the_depth(
    information: Callable[..., pd.DataFrame],
) -> None:
    table, losses = information(), training()
    axes = draw(table, losses).axes
    usual = table.query(
        "dial == 'none' and depth == 4 and estimator == 'gaussian' and noise == 0.3"
        " and scaling == 'deviation' and relation == 'layers'"
    )
    shown = losses.query("dial == 'none' and depth == 4 and quantity == 'train_loss'")
    for rows, panels in ((usual, axes[:2]), (shown, axes[2:])):
        for panel, activation in zip(panels, ["tanh", "relu"], strict=True):
            for network in ("plain", "residual"):
                of_network = rows[(rows["network"] == network) & (rows["activation"] == activation)]
                means = of_network.groupby("step")["value"].mean()
                np.testing.assert_allclose(xy(named(panel)[network]), (means.index, means))
    assert [panel.get_ylabel() for panel in axes] == ["information (nats)", "", "training loss (nats)", ""]
    assert axes[2].get_yscale() == "log"
    assert axes[2].get_xlabel() == "training step"


def test_a_network_that_diverges_is_named(information: Callable[..., pd.DataFrame]) -> None:
    losses = training()
    lost = (losses["network"] == "plain") & (losses["step"] == 5) & (losses["seed"] == 0)
    losses.loc[lost, "value"] = np.nan
    titles = [axes.get_title(loc="left") for axes in draw(information(), losses).axes]
    assert all("plain undefined at step 5 (1/3 seeds)" in title for title in titles[2:])
