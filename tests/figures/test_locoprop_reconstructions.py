"""The figure of reconstructions."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, pixels

from movingtarget.figures.locoprop_reconstructions import GAP, LARGEST, draw
from movingtarget.methods import METHODS

SIDE = 3
ROOM = SIDE + GAP


def table(methods: list[str], images: int = 2) -> pd.DataFrame:
    frame = crossed({"method": methods, "image": range(images), "pixel": range(SIDE**2)})
    original = (frame["image"] * 10 + frame["pixel"]) / 100
    rank = frame["method"].map({method: place for place, method in enumerate(METHODS)})
    return frame.assign(original=original, reconstruction=original + rank / 1000)


def test_originals_and_each_methods_images_stand_in_columns() -> None:
    figure = draw(table(["k-fac", "sgd"]))
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["originals", "SGD", "K-FAC"]
    shown = pixels(axes.images[0])
    assert shown.shape == (2 * ROOM, 3 * ROOM)
    first = np.arange(SIDE**2).reshape(SIDE, SIDE) / 100
    rank = [*METHODS].index("k-fac") / 1000
    np.testing.assert_allclose(shown[:SIDE, :SIDE], first)
    np.testing.assert_allclose(shown[ROOM : ROOM + SIDE, :SIDE], first + 0.1)
    np.testing.assert_allclose(shown[:SIDE, 2 * ROOM : 2 * ROOM + SIDE], first + rank)
    assert np.ma.getmaskarray(shown)[SIDE:ROOM].all()


def test_names_stand_over_their_columns_and_images_are_square() -> None:
    figure = draw(table([*METHODS]))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_aspect() == 1
    np.testing.assert_allclose(axes.get_xticks(), [ROOM * place + 1 for place in range(len(METHODS) + 1)])
    assert axes.bbox.width > 0.9 * figure.bbox.width


def test_few_images_are_not_blown_up() -> None:
    figure = draw(table(["sgd"]))
    assert figure.get_figheight() * 2.54 == pytest.approx(2 * LARGEST + 2)


def test_what_has_diverged_is_white() -> None:
    shown = pixels(draw(table(["sgd"]).assign(reconstruction=np.nan)).axes[0].images[0])
    assert np.ma.getmaskarray(shown)[:, ROOM:].all()
