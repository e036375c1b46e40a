"""The figure of two classes told apart."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy

from movingtarget.figures.two_classes import draw

SEEDS = 4


def table_of() -> pd.DataFrame:
    arms = [(name, "none", 0) for name in ("pixels", "strokes-whole", "strokes")]
    arms += [("random-layers", "plain", layers) for layers in (1, 2, 3)]
    arms += [("trained", "plain", 0)]
    rows = [
        {"classifier": classifier, "network": network, "layers": layers, "seed": seed, "quantity": quantity}
        | {"value": 0.95 - 0.01 * layers - 0.001 * seed}
        for classifier, network, layers in arms
        for seed in range(SEEDS)
        for quantity in ("train_accuracy", "test_accuracy")
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def figure():
    return draw(table_of())


def test_a_line_for_each_classifier_best_known_first(figure):
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [
        *("pixels", "strokes, whole image", "strokes, on a grid"),
        *("plain, 1 random layer", "plain, trained whole"),
    ]
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top


def test_dots_are_seeds_their_mean_and_its_interval(figure):
    seeds, interval, mean = figure.axes[0].lines[:3]
    np.testing.assert_allclose(xy(seeds).x, 5 + 0.1 * np.arange(SEEDS))
    np.testing.assert_allclose(xy(mean).x, [5.15])
    low, high = xy(interval).x
    assert low < 5.15 < high


def test_mistakes_by_the_number_of_random_layers(figure):
    line = named(figure.axes[1])["plain"]
    np.testing.assert_allclose(xy(line).x, [1, 2, 3])
    np.testing.assert_allclose(xy(line).y, [6.15, 7.15, 8.15])


def test_a_classifier_of_which_seeds_diverged_has_a_cross():
    table = table_of()
    lost = (table["classifier"] == "trained") & (table["seed"] == 0)
    axes = draw(table.assign(value=table["value"].mask(lost))).axes[0]
    crosses = [text for text in axes.texts if text.get_text() == "x 1/4"]
    assert [cross.get_position()[1] for cross in crosses] == [4]
    assert len(axes.lines) == len(draw(table).axes[0].lines) - 2
