"""The figure of the run as released beside published ones."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy

from movingtarget.figures.locoprop_released import draw
from movingtarget.theory.published_losses import ENTROPY, PUBLISHED


def run(losses: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"seed": 0, "epoch": range(len(losses)), "train_loss": losses})


def test_published_losses_stand_where_they_were_printed() -> None:
    (axes,) = draw(run([545.0, 545.0, 120.0, 90.0])).axes
    assert set(named(axes)) == {one.title for one in PUBLISHED}
    for one in PUBLISHED:
        line = xy(named(axes)[one.title])
        assert line.x.tolist() == [*one.losses]
        np.testing.assert_allclose(line.y + ENTROPY, [*one.losses.values()])


def test_our_run_begins_once_something_has_moved_and_has_its_name_at_its_end() -> None:
    (axes,) = draw(run([545.0, 545.0, 120.0, 90.0])).axes
    found = [xy(line) for line in axes.lines if xy(line).x.tolist() == [2, 3]]
    np.testing.assert_allclose(found[0].y + ENTROPY, [120, 90])
    (text,) = [text for text in axes.texts if "this code" in text.get_text()]
    assert tuple(text.xy) == pytest.approx((3, 90 - ENTROPY))  # type: ignore[attr-defined]


def test_the_two_runs_of_k_fac_can_be_told_apart() -> None:
    lines = named(draw(run([545.0, 545.0, 120.0])).axes[0])
    first, second = (line for name, line in lines.items() if name.startswith("K-FAC"))
    assert first.get_color() == second.get_color()
    assert first.get_linestyle() != second.get_linestyle()


def test_a_run_of_one_epoch_shows_the_published_ones_alone() -> None:
    (axes,) = draw(run([545.0, 545.0])).axes
    assert len(named(axes)) == len(PUBLISHED)
    assert not [text for text in axes.texts if "this code" in text.get_text()]
