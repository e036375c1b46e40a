"""The figure of the three answers: differences stand where they belong, promises in the third panel."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from movingtarget.figures.answers import draw

REGIMES = {"full-batch": "forward", "minibatch": "forward", "fresh": "fresh"}


def budgets() -> pd.DataFrame:
    """One at a time ends lower by 0.5 per FLOP; plain so by 0.25 higher than batch norm together per step."""
    losses = {
        ("long-flop", "plain", False): 1.0,
        ("long-flop", "plain", True): 0.5,
        ("long-flop", "batch-norm", False): 0.75,
        ("long-flop", "batch-norm", True): 1.0,
        ("sweep", "batch-norm", False): 0.5,
        ("sweep", "plain", True): 0.75,
    }
    rows = [
        {"regime": regime, "budget": budget, "network": network, "order": sweep if apart else "simultaneous"}
        | {"seed": seed, "train_loss": loss + 0.01 * seed}
        for regime, sweep in REGIMES.items()
        for (budget, network, apart), loss in losses.items()
        for seed in range(5)
    ]
    return pd.DataFrame(rows)


def first_steps() -> pd.DataFrame:
    """At the best rate plain keeps a half more with each step, from -1 on, and batch norm a quarter."""
    rows = [
        {"network": network, "batches": batches, "norms": "free", "multiple": multiple, "quantity": quantity}
        | {"seed": seed, "step": step, "value": kept * (batches == "minibatches") * (multiple == 1)}
        for seed in range(3)
        for batches in ("minibatches", "full batch")
        for multiple in (1.0, 4.0)
        for quantity in ("kept", "edge")
        for network, shares in {"plain": [-1.0, 0.5, 1.0], "batch-norm": [0.25] * 3}.items()
        for step, kept in zip((1, 3, 10), shares, strict=True)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def axes() -> list[Axes]:
    return draw(budgets(), first_steps()).axes


def markers(axes: Axes) -> set[tuple[float, float]]:
    found = [line for line in axes.lines if line.get_marker() not in ("None", None)]
    return {(round(float(x), 6), round(float(y))) for line in found for x, y in np.asarray(line.get_xydata())}


def test_differences_at_equal_flops_of_both_networks(axes: list[Axes]):
    assert markers(axes[0]) == {(-0.5, 0), (-0.5, 1), (-0.5, 2), (0.25, 0), (0.25, 1), (0.25, 2)}
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "full batch",
        "a minibatch\na step",
        "a minibatch\na layer",
    ]


def test_plain_one_at_a_time_less_batch_norm_together_after_as_many_steps(axes: list[Axes]):
    assert markers(axes[1]) == {(0.25, 0), (0.25, 1), (0.25, 2)}


def test_shares_kept_at_the_best_rate_are_held_within_the_scale(axes: list[Axes]):
    named = {line.get_label(): np.asarray(line.get_xydata()).round(9).tolist() for line in axes[2].lines}
    assert named["plain"] == [[1, -0.2], [3, 0.5], [10, 1]]
    assert named["batch norm"] == [[1, 0.25], [3, 0.25], [10, 0.25]]
    assert [np.asarray(line.get_ydata()).min() for line in axes[2].lines[:2]] == [0, 0.5]


def test_colours_are_named(axes: list[Axes]):
    (legend,) = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["plain", "batch norm"]
    colours = [handle.get_color() for handle in legend.get_lines()]
    of_row = [line.get_color() for line in axes[0].lines if line.get_marker() not in ("None", None)]
    assert colours == of_row[:2]
