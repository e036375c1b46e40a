"""The figure of small and large batches."""

import numpy as np
import pandas as pd
from drawing_cases import crossed, named

from movingtarget.experiments.large_batch import ARMS
from movingtarget.figures.large_batch import LOOKS, draw


def large_batch(seeds: int = 3) -> pd.DataFrame:
    table = crossed(
        {"network": ["plain", "batch-norm"], "arm": ARMS, "seed": range(seeds), "step": [0, 5, 10]}
    )
    return table.rename(columns={"value": "test_accuracy"}).assign(epoch=table["step"] / 5)


def test_a_panel_for_each_family_and_a_line_for_each_arm() -> None:
    table = large_batch()
    panels = draw(table).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["(a) plain", "(b) batch norm"]
    assert [*LOOKS] == [*ARMS]
    for network, axes in zip(["plain", "batch-norm"], panels, strict=True):
        assert [*named(axes)] == [*ARMS]
        rows = table[(table["network"] == network) & (table["arm"] == "large batch") & (table["step"] > 0)]
        line = np.asarray(named(axes)["large batch"].get_xydata()).T
        means = rows.groupby("epoch")["test_accuracy"].mean().to_list()
        np.testing.assert_allclose(line, np.array([[1, 2], means]))


def test_seeds_that_diverge_are_counted() -> None:
    table = large_batch()
    lost = (table["arm"] == "large batch") & (table["seed"] == 0) & (table["network"] == "plain")
    table.loc[lost & (table["step"] == 10), "test_accuracy"] = np.nan
    assert "1/3 large batch" in [text.get_text() for text in draw(table).axes[0].texts]
