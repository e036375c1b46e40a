"""The figure of the course of training autoencoders."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, named, xy

from movingtarget.figures.locoprop_curves import COSTS, draw

METHODS = ["sgd", "momentum", "adam", "shampoo", "k-fac", "locoprop-s", "locoprop-m"]
FLOORS = pd.DataFrame({"data": "digits", "split": ["train", "test"], "entropy": [100.0, 200.0]})


def locoprop(methods: list[str] = METHODS, seeds: int = 3) -> pd.DataFrame:
    """Every method lower than the one before it."""
    frame = crossed({"method": methods, "seed": range(seeds), "epoch": [0, 1, 2, 4]})
    rank = frame["method"].map({method: place for place, method in enumerate(METHODS)})
    loss = 100 + 50 * frame["value"] / (1 + rank)
    return frame.assign(data="digits", architecture="first", step=10 * frame["epoch"], train_loss=loss)


def costs(methods: list[str] = METHODS) -> pd.DataFrame:
    frame = crossed({"method": methods, "seed": range(2)})
    return frame.assign(flops=1e9 * (1 + frame.index // 2), seconds=0.1 + frame["seed"])


def test_panels_show_the_excess_against_epochs_flops_and_the_least_seconds() -> None:
    table = locoprop(["sgd", "locoprop-m"])
    epochs, flops, seconds = draw(table, costs(["sgd", "locoprop-m"]), FLOORS).axes
    assert [axes.get_xlabel() for axes in (epochs, flops, seconds)] == [label for _, label in COSTS.values()]
    own = table[(table["method"] == "locoprop-m") & (table["epoch"] > 0)]
    excess = own.groupby("epoch")["train_loss"].mean() - 100
    line = named(seconds)["LocoProp-M"]
    np.testing.assert_allclose(xy(line).y, excess)
    np.testing.assert_allclose(xy(line).x, [1, 2, 4])  # 10 steps an epoch of 0.1 s
    lines = [xy(other) for other in flops.lines]
    assert any(np.allclose(other.x, [20, 40, 80]) and np.allclose(other.y, excess) for other in lines[1:])


def test_the_budget_of_sgd_is_marked() -> None:
    epochs, flops, seconds = draw(locoprop(), costs(), FLOORS).axes
    assert xy(flops.lines[0]).x.tolist() == [40, 40]
    np.testing.assert_allclose(xy(seconds.lines[0]).x, [4, 4])
    assert all(np.ptp(xy(line).x) > 0 for line in epochs.lines)


def test_both_locoprops_and_the_best_of_each_group_are_thick() -> None:
    axes = draw(locoprop(), costs(), FLOORS).axes[2]
    thick = {name for name, line in named(axes).items() if line.get_linewidth() > 1}
    assert thick == {"Adam", "K-FAC", "LocoProp-S", "LocoProp-M"}
    assert set(named(axes)) - thick == {"SGD", "momentum", "Shampoo"}


def test_only_the_first_architecture_is_drawn() -> None:
    other = locoprop().assign(architecture="other", train_loss=1e6)
    figure = draw(pd.concat([locoprop(), other]), costs(), FLOORS)
    assert max(xy(line).y.max() for line in figure.axes[0].lines) < 1e3


@pytest.mark.parametrize("method", ["momentum", "locoprop-m"])
def test_seeds_that_diverge_are_counted(method: str) -> None:
    table = locoprop()
    lost = (table["method"] == method) & (table["seed"] < 2) & (table["epoch"] == 4)
    table.loc[lost, "train_loss"] = np.nan
    axes = draw(table, costs(), FLOORS).axes[2]
    (text,) = [text.get_text() for text in axes.texts if text.get_text().startswith("2/3")]
    assert text.endswith({"momentum": "momentum", "locoprop-m": "LocoProp-M"}[method])


def test_a_method_that_never_was_finite_has_no_line() -> None:
    table = locoprop()
    table.loc[(table["method"] == "momentum") & (table["epoch"] > 0), "train_loss"] = np.inf
    assert "momentum" not in named(draw(table, costs(), FLOORS).axes[2])


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_and_a_single_method(seeds: int) -> None:
    draw(locoprop(["sgd"], seeds), costs(["sgd"]), FLOORS).draw_without_rendering()
