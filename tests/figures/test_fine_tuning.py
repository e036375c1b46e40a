"""The figure of fine-tuning."""

import numpy as np
import pandas as pd
from drawing_cases import crossed, named

from movingtarget.experiments.fine_tuning import RATES as WAYS
from movingtarget.experiments.fine_tuning import STARTS
from movingtarget.figures.fine_tuning import RATES, draw


def fine_tuning(seeds: int = 3) -> pd.DataFrame:
    arms = {"network": ["plain", "batch-norm"], "start": STARTS, "rates": WAYS, "seed": range(seeds)}
    accuracies = crossed(arms | {"quantity": ["test_accuracy"], "layer": [0]})
    return pd.concat([accuracies, crossed(arms | {"quantity": ["movement_share"], "layer": [1, 2, 3]})])


def test_every_way_to_set_the_rates_has_a_row_with_two_markers() -> None:
    table = fine_tuning()
    above = draw(table).axes[0]
    assert [*RATES] == [*WAYS]
    assert [label.get_text() for label in above.get_yticklabels()] == [name for name, _ in RATES.values()]
    markers = [line for line in above.lines if line.get_linestyle() == "None"]
    places = sorted(tuple(np.asarray(line.get_xydata())[0, ::-1].tolist()) for line in markers)
    assert len(places) == 2 * len(WAYS)
    first = table[(table["network"] == "plain") & (table["rates"] == "smaller-early") & (table["layer"] == 0)]
    expected = first.groupby("start")["value"].mean()
    np.testing.assert_allclose([x for _, x in places[:2]], [expected[start] for start in STARTS])


def test_movements_are_those_of_pretrained_networks() -> None:
    table = fine_tuning()
    left, below = draw(table).axes[2:]
    assert not named(left)
    assert [*named(below)] == ["smaller early", "slightly", "equal", "smaller late"]
    rows = table[(table["network"] == "batch-norm") & (table["quantity"] == "movement_share")]
    rows = rows[(rows["start"] == "pretrained") & (rows["rates"] == "equal")]
    line = named(below)["equal"].get_ydata()
    np.testing.assert_allclose(np.asarray(line, dtype=float), rows.groupby("layer")["value"].mean())


def test_seeds_that_diverge_are_counted() -> None:
    table = fine_tuning()
    lost = (table["rates"] == "equal") & (table["start"] == "scratch") & (table["seed"] == 1)
    table.loc[lost & (table["layer"] == 0), "value"] = np.nan
    assert "x 1/3" in [text.get_text() for text in draw(table).axes[0].texts]


def test_one_seed_can_be_drawn() -> None:
    draw(fine_tuning(seeds=1))
