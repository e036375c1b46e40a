"""Effective rank of convolutional networks' gradients."""

from collections.abc import Callable

import pandas as pd
import pytest
import torch

from movingtarget.data.load import Images
from movingtarget.experiments.effective_rank import STUDY, measure
from movingtarget.networks.convolutional import convolutional, initialise_convolutional
from movingtarget.networks.initialise import generator

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
PLAIN = {"network": "plain", "normalisation": "none"}
RESIDUAL = {"network": "residual", "normalisation": "batch-norm"}


@pytest.fixture(scope="module")
def squares() -> Images:
    """40 images of 6 x 6 pixels in 4 classes."""
    inputs = torch.randn(40, 36, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(40) % 4
    return Images(inputs, labels, inputs[:4], labels[:4])


def test_table_has_a_row_for_each_network_depth_seed_and_quantity(squares: Images, written: Written) -> None:
    said: list[str] = []
    table = measure(squares, [0, 1], 4, 8, [1, 3], [PLAIN, RESIDUAL], said.append)["effective_rank"]
    assert len(table) == 2 * 2 * 2 * 3
    assert len(said) == len(set(said)) == 4
    assert list(written(table, "effective_rank")) == list(STUDY.tables["effective_rank"])


def test_values_follow_from_gradients_of_one_image_after_the_other(squares: Images) -> None:
    table = measure(squares, [5], 4, 8, [3], [PLAIN])["effective_rank"].set_index("quantity")["value"]
    network = initialise_convolutional(convolutional(**PLAIN, side=6, channels=4, depth=3, outputs=4), 5)
    drawn = torch.randperm(40, generator=generator(5, "minibatch"))[:8]
    gradients = []
    for image in squares.train_inputs[drawn]:
        leaf = image[None].clone().requires_grad_()
        gradients.append(torch.autograd.grad(network(leaf).sum(), leaf)[0][0].double())
    squared = torch.linalg.svdvals(torch.stack(gradients)).square()
    # single precision in the gradients
    assert table["effective_rank"] == pytest.approx((squared.sum() / squared[0]).item(), rel=1e-4)
    assert table["gradient_norm"] == pytest.approx((squared.sum() / 8).sqrt().item(), rel=1e-4)


def test_without_rectifiers_all_gradients_are_one(squares: Images) -> None:
    # one layer of the residual network is its affine stem
    table = measure(squares, [0, 1], 4, 8, [1], [RESIDUAL])["effective_rank"]
    ranks = table.loc[table["quantity"] == "effective_rank", "value"]
    assert ranks.tolist() == pytest.approx([1, 1], abs=1e-5)


def test_seeds_are_independent_of_the_others_they_run_with(squares: Images) -> None:
    together = measure(squares, [1, 2], 4, 8, [3], [RESIDUAL])["effective_rank"]
    alone = measure(squares, [2], 4, 8, [3], [RESIDUAL])["effective_rank"]
    own = together.loc[together["seed"] == 2, "value"].tolist()
    assert own == alone["value"].tolist()
    assert own != together.loc[together["seed"] == 1, "value"].tolist()


def test_images_must_be_square_and_enough(squares: Images) -> None:
    oblong = squares._replace(train_inputs=squares.train_inputs[:, :30])
    with pytest.raises(ValueError, match="images must be square, got 30 pixels"):
        measure(oblong, [0], 4, 8, [2], [PLAIN])
    with pytest.raises(ValueError, match="examples must be from 1 to 40, got 41"):
        measure(squares, [0], 4, 41, [2], [PLAIN])
