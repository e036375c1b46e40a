"""The figure of the searches for settings."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from numpy.typing import NDArray

from movingtarget.figures.locoprop_settings import RING, draw

FLOORS = pd.DataFrame({"data": "digits", "split": ["train", "test"], "entropy": [100.0, 200.0]})
RATES = [0.001, 0.01, 0.1, 1.0]
LOSSES = [300.0, 150.0, 200.0, np.inf]


def search(methods: list[str], seeds: int = 1, edge: str = "") -> pd.DataFrame:
    """Trial 1 the best of every method, of which one's is at an edge."""
    rows = [
        {
            "method": method,
            "trial": trial,
            "learning_rate": rate,
            "searched_value": np.nan if method == "sgd" else 10.0 - trial,
            "seed": 100 + seed,
            "train_loss": loss + 2 * seed,
            "full_loss": 130.0 + seed if trial == 1 else np.nan,
            "place": "tried" if trial != 1 else "best at an edge" if method == edge else "best",
        }
        for method in methods
        for trial, (rate, loss) in enumerate(zip(RATES, LOSSES, strict=True))
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows).assign(data="digits", architecture="first")


def scatters(axes: Axes) -> list[PathCollection]:
    return [found for found in axes.collections if isinstance(found, PathCollection)]


def batched(found: list[PathCollection]) -> list[list[PathCollection]]:
    """Dots, crosses and ring of each row."""
    return [found[place : place + 3] for place in range(0, len(found), 3)]


def offsets(collection: PathCollection) -> NDArray[np.float64]:
    return np.asarray(collection.get_offsets(), dtype=np.float64)


def test_trials_of_locoprop_by_rate_and_gamma_coloured_by_their_excess() -> None:
    figure = draw(search(["sgd", "locoprop-s", "locoprop-m"], seeds=2), FLOORS)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["(a) LocoProp-S", "(b) LocoProp-M", "(c) every method", ""]
    for axes in figure.axes[:2]:
        dots, crosses, ring = scatters(axes)
        np.testing.assert_allclose(offsets(dots), [[0.001, 10], [0.01, 9], [0.1, 8]])
        np.testing.assert_allclose(np.asarray(dots.get_array()), [201, 51, 101])  # means over two seeds
        np.testing.assert_allclose(offsets(crosses), [[1, 7]])
        np.testing.assert_allclose(offsets(ring), [[0.01, 9]])
        assert ring.get_sizes() == [RING["s"]]


def test_every_method_has_a_row_of_rates_relative_to_its_best() -> None:
    figure = draw(search(["locoprop-m", "adam", "sgd"], edge="adam"), FLOORS)
    axes = figure.axes[1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["SGD", "Adam", "LocoProp-M"]
    for height, (dots, crosses, ring) in enumerate(batched(scatters(axes))):
        np.testing.assert_allclose(offsets(dots), np.array([[0.1, height], [1, height], [10, height]]))
        np.testing.assert_allclose(offsets(crosses), [[100, height]])
        np.testing.assert_allclose(offsets(ring), [[1, height]])
    assert [text.get_text() for text in axes.texts] == ["30", "30, edge", "30", "best"]


@pytest.mark.parametrize("methods", [["sgd"], ["sgd", "locoprop-m"]])
def test_fewer_methods_are_drawn_too(methods: list[str]) -> None:
    figure = draw(search(methods), FLOORS)
    figure.draw_without_rendering()
    assert len(figure.axes) == len(methods) + 1


def test_the_first_architecture_alone_is_drawn() -> None:
    other = search(["adam"]).assign(architecture="other")
    axes = draw(pd.concat([search(["sgd"]), other]), FLOORS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["SGD"]


def test_colours_end_at_ten_times_the_lowest() -> None:
    figure = draw(search(["sgd"]).assign(train_loss=lambda table: table["train_loss"] * 3), FLOORS)
    dots, *_ = scatters(figure.axes[0])
    assert (dots.norm.vmin, dots.norm.vmax) == (350.0, 800.0)
    figure = draw(search(["sgd"]).assign(train_loss=lambda table: table["train_loss"] - 45), FLOORS)
    dots, *_ = scatters(figure.axes[0])
    assert (dots.norm.vmin, dots.norm.vmax) == (5.0, 50.0)


def test_methods_that_diverge_throughout() -> None:
    draw(search(["sgd"]).assign(train_loss=np.nan, full_loss=np.inf), FLOORS).draw_without_rendering()
