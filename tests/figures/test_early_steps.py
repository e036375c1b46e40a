"""The figures of the first steps."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy

from movingtarget.drawing.early_steps import SCALES
from movingtarget.figures import early_features, early_steps, early_steps_full_batch

STEPS = [1, 3, 10, 30]
MULTIPLES = [0.25, 1.0, 4.0]
NETWORKS = ["plain", "batch-norm", "residual", "looks-linear"]


def table_of() -> pd.DataFrame:
    """Values of multiple x step on minibatches, twice that on the full batch, ten times if norms are held."""
    columns = ["network", "batches", "multiple", "seed", "step", "quantity", "norms"]
    kinds = ["minibatches", "full batch"]
    rows = pd.DataFrame(
        product(NETWORKS, kinds, MULTIPLES, range(3), STEPS, [*SCALES, "rising"], ["free", "held"]),
        columns=columns,
    )
    value = rows["multiple"] * rows["step"] / 100
    value *= np.where(rows["batches"] == "minibatches", 1, 2) * np.where(rows["norms"] == "free", 1, 10)
    lost = (rows["network"] == "residual") & (rows["multiple"] == 4) & (rows["step"] > 3) & (rows["seed"] > 0)
    return rows.assign(value=value.mask(lost), learning_rate=rows["multiple"] / 10)


@pytest.fixture(scope="module")
def figure():
    return early_steps.draw(table_of())


def line(axes, name):
    return next(line for line in axes.lines if line.get_label() == name)


@pytest.mark.parametrize(
    ("drawing", "quantities"),
    [
        (early_steps, ["kept", "edge"]),
        (early_features, ["loss", "way_to_features"]),
        (early_steps_full_batch, ["kept", "edge"]),
    ],
)
def test_a_row_for_each_quantity_and_a_column_for_each_of_the_first_families(drawing, quantities):
    axes = drawing.draw(table_of()).axes
    assert len(axes) == 6
    assert [one.get_title(loc="left") for one in axes[:3]] == ["(a) plain", "(b) batch norm", "(c) residual"]
    assert [one.get_ylabel() for one in axes[::3]] == [SCALES[quantity].name for quantity in quantities]
    assert [one.get_xlabel() for one in axes] == [""] * 3 + ["step"] * 3
    scales = ["log" if SCALES[quantity].logarithmic else "linear" for quantity in quantities]
    assert [one.get_yscale() for one in axes[::3]] == scales


def test_lines_are_means_with_norms_free(figure):
    for place, multiple in (("1/4", 0.25), ("best", 1.0), ("4", 4.0)):
        x, y = xy(line(figure.axes[0], place))
        np.testing.assert_allclose(x, STEPS)
        np.testing.assert_allclose(y, [min(multiple * step / 100, 1.0) for step in STEPS])


def test_values_are_held_within_the_scale():
    rows = early_steps_full_batch.draw(table_of().assign(value=1e6)).axes[::3]
    for axes, quantity in zip(rows, ["kept", "edge"], strict=True):
        np.testing.assert_allclose(xy(line(axes, "best")).y, SCALES[quantity].greatest)


def test_the_full_batch_has_its_own_values():
    axes = early_steps_full_batch.draw(table_of()).axes
    np.testing.assert_allclose(xy(line(axes[0], "best")).y, [step / 50 for step in STEPS])


def test_diverged_seeds_are_counted_above_the_first_row(figure):
    texts = [text.get_text() for text in figure.axes[2].texts]
    assert "2/3 4" in texts
    drawn = xy(line(figure.axes[2], "4")).y
    assert np.isfinite(drawn).tolist() == [True, True, False, False]
    assert not any("/3" in text.get_text() for text in figure.axes[5].texts)
