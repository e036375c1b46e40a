import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from movingtarget.data import idx
from movingtarget.data.catalogue import (
    DATASETS,
    TEST_INPUTS,
    TEST_LABELS,
    TRAIN_INPUTS,
    TRAIN_LABELS,
    Dataset,
)
from movingtarget.data.fetch import fetch
from movingtarget.data.load import Images, load, load_published

Place = Callable[[Path, dict[str, bytes]], Path]
DATA = os.environ.get("MOVINGTARGET_DATA")


def test_shapes_types_and_standardisation(tmp_path: Path, contents: dict[str, bytes], place: Place) -> None:
    images = load(place(tmp_path, contents))
    assert images.train_inputs.shape == (12, 9)
    assert images.test_inputs.shape == (5, 9)
    assert images.train_inputs.dtype == images.test_inputs.dtype == torch.float32
    assert images.train_labels.dtype == images.test_labels.dtype == torch.int64
    pixels = idx.decode(contents[TRAIN_INPUTS]).astype(float)
    test_pixels = idx.decode(contents[TEST_INPUTS]).astype(float).reshape(5, 9)
    expected = (test_pixels - pixels.mean()) / pixels.std()
    torch.testing.assert_close(images.test_inputs.double(), torch.from_numpy(expected), rtol=1e-6, atol=1e-6)
    assert images.train_inputs.double().mean().item() == pytest.approx(0, abs=1e-6)
    assert images.train_inputs.double().std(correction=0).item() == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(images.train_labels.numpy(), idx.decode(contents[TRAIN_LABELS]))
    np.testing.assert_array_equal(images.test_labels.numpy(), idx.decode(contents[TEST_LABELS]))


def test_published_files_load_and_altered_ones_are_named(
    tmp_path: Path, contents: dict[str, bytes], place: Place, dataset: Dataset
) -> None:
    folder = place(tmp_path, contents)
    torch.testing.assert_close(load_published(dataset, folder), load(folder))
    labels = folder / TEST_LABELS
    labels.write_bytes(labels.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ValueError, match=f"{TEST_LABELS} is not the published file"):
        load_published(dataset, folder)


def test_digits(tmp_path: Path) -> None:
    fetch(DATASETS["digits"], tmp_path, say=lambda _: None)
    images = load(tmp_path)
    assert images.train_inputs.shape == (1437, 64)
    assert images.test_inputs.shape == (360, 64)
    # over a thousand images, whose moments are taken in parts
    assert images.train_inputs.double().mean().item() == pytest.approx(0, abs=1e-6)
    assert images.train_inputs.double().std(correction=0).item() == pytest.approx(1, abs=1e-6)
    labels = torch.cat([images.train_labels, images.test_labels])
    # images of each class 0..9, from the description that comes with the data
    assert labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert len(set(images.train_inputs.flatten().tolist())) == 17


@pytest.mark.skipif(DATA is None, reason="MOVINGTARGET_DATA is not set")
def test_mnist(tmp_path: Path) -> None:
    fetch(DATASETS["mnist"], tmp_path, folder=Path(str(DATA)), say=lambda _: None)
    images = load(tmp_path)
    assert images.train_inputs.shape == (60000, 784)
    assert images.test_inputs.shape == (10000, 784)
    assert tuple(images.train_labels.bincount().tolist()) == DATASETS["mnist"].class_sizes
    assert images.test_labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # 0.1307 and 0.3081 are the mean and deviation of pixels in 0..1 in everyone's MNIST examples
    assert images.train_inputs.min().item() == pytest.approx(-0.1307 / 0.3081, abs=5e-4)
    assert images.train_inputs.max().item() == pytest.approx((1 - 0.1307) / 0.3081, abs=5e-4)


def test_missing_file_is_named(tmp_path: Path, contents: dict[str, bytes], place: Place) -> None:
    del contents[TEST_LABELS]
    with pytest.raises(FileNotFoundError, match=TEST_LABELS):
        load(place(tmp_path, contents))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (TRAIN_LABELS, np.zeros(11, np.uint8), r"train-images.*\(12, 3, 3\).*train-labels.*\(11,\)"),
        (TEST_LABELS, np.zeros((5, 1), np.uint8), r"t10k-images.*\(5, 3, 3\).*t10k-labels.*\(5, 1\)"),
        (TEST_INPUTS, np.zeros(5, np.uint8), r"t10k-images.*of shape \(5,\)"),
        (TEST_INPUTS, np.zeros((5, 2, 2), np.uint8), r"training images are \(3, 3\), test images \(2, 2\)"),
        (TRAIN_INPUTS, np.full((12, 3, 3), 7, np.uint8), "pixels do not vary"),
    ],
)
def test_inconsistent_files_are_refused(
    tmp_path: Path, contents: dict[str, bytes], place: Place, name: str, array: np.ndarray, message: str
) -> None:
    contents[name] = idx.encode(array)
    with pytest.raises(ValueError, match=message):
        load(place(tmp_path, contents))


def test_damaged_file_is_named(tmp_path: Path, contents: dict[str, bytes], place: Place) -> None:
    contents[TEST_INPUTS] = contents[TEST_INPUTS][:-1]
    with pytest.raises(ValueError, match=f"{TEST_INPUTS}: IDX file of shape"):
        load(place(tmp_path, contents))


def test_the_side_of_square_images() -> None:
    inputs, labels = torch.zeros(2, 49), torch.zeros(2, dtype=torch.int64)
    assert Images(inputs, labels, inputs, labels).side == 7
    with pytest.raises(ValueError, match="images must be square, got 48 pixels"):
        _ = Images(inputs[:, :48], labels, inputs, labels).side


def test_images_to_reconstruct_are_their_pixels_over_255_exactly(
    tmp_path: Path, contents: dict[str, bytes], place: Place
) -> None:
    images = load(place(tmp_path, contents)).to_reconstruct()
    for name, inputs, labels in [(TRAIN_INPUTS, *images[:2]), (TEST_INPUTS, *images[2:4])]:
        pixels = torch.from_numpy(idx.decode(contents[name]).copy()).flatten(1)
        assert torch.equal(inputs, pixels.float() / 255)
        assert torch.equal(labels, inputs)
    assert torch.equal(images.to_reconstruct().train_inputs, images.train_inputs)


def test_every_level_of_grey_is_reconstructed_exactly(
    tmp_path: Path, contents: dict[str, bytes], place: Place
) -> None:
    levels = np.arange(252, dtype=np.uint8).reshape(12, 3, 7)  # all but the last four, in the test images
    rest = np.resize(np.arange(252, 256, dtype=np.uint8), (5, 3, 7))
    contents |= {TRAIN_INPUTS: idx.encode(levels), TEST_INPUTS: idx.encode(rest)}
    images = load(place(tmp_path, contents)).to_reconstruct()
    assert torch.equal(images.train_inputs.flatten(), torch.arange(252) / 255)
    assert sorted(set(images.test_inputs.flatten().tolist())) == (torch.arange(252, 256) / 255).tolist()
