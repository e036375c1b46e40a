"""Speed of having a data set in memory, as every job begins, against numpy's moments and the machine.

Run with `make bench`. Of 60,000 images of 28 x 28 pixels, four ways are timed in turns: `load`; the same with
numpy's `mean` and `std` of all pixels for the moments; the same with one `bincount` of all pixels; and the
floor, the files read and the table of levels looked up, which nothing does without.
"""

import struct
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from movingtarget.data.catalogue import TEST_INPUTS, TEST_LABELS, TRAIN_INPUTS, TRAIN_LABELS
from movingtarget.data.load import load

IMAGES, TEST_IMAGES, SIDE, ROUNDS = 60_000, 10_000, 28, 5
HEADER = 16
"""Bytes of an IDX file of images before its pixels."""


def write(folder: Path) -> None:
    """Random images and labels, as MNIST's files have them."""
    random = np.random.default_rng(0)
    for inputs, labels, count in (
        (TRAIN_INPUTS, TRAIN_LABELS, IMAGES),
        (TEST_INPUTS, TEST_LABELS, TEST_IMAGES),
    ):
        pixels = random.integers(256, size=(count, SIDE, SIDE), dtype=np.uint8)
        (folder / inputs).write_bytes(struct.pack(">4i", 0x803, count, SIDE, SIDE) + pixels.tobytes())
        (folder / labels).write_bytes(struct.pack(">2i", 0x801, count) + bytes(count))


def looked_up(folder: Path, moments: Callable[[NDArray[np.uint8]], object]) -> None:
    """What `load` cannot do without, and moments of the training pixels by some means."""
    for name in (TRAIN_INPUTS, TEST_INPUTS):
        pixels = np.frombuffer((folder / name).read_bytes(), np.uint8, offset=HEADER)
        if name == TRAIN_INPUTS:
            moments(pixels)
        np.arange(256, dtype=np.float32)[pixels]


def test_seconds_to_load(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    write(tmp_path)
    ways: dict[str, Callable[[NDArray[np.uint8]], object]] = {
        "numpy": lambda pixels: (pixels.mean(), pixels.std()),
        "bincount": lambda pixels: np.bincount(pixels, minlength=256),
        "floor": lambda pixels: None,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}

    def time_rivals() -> None:
        for name, way in ways.items():
            started = time.perf_counter()
            looked_up(tmp_path, way)
            times[name].append(time.perf_counter() - started)

    images = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: load(tmp_path), setup=time_rivals, rounds=ROUNDS, warmup_rounds=1
    )
    assert images.train_inputs.double().mean().item() == pytest.approx(0, abs=1e-6)
    assert benchmark.stats is not None
    ours = benchmark.stats["median"]
    benchmark.extra_info.update({f"ours_over_{name}": ours / median(own) for name, own in times.items()})
    print(f"\n\nours {ours:6.2f} s")
    for name, own in times.items():
        print(f"{name:>8} {median(own):6.2f} s, ours over it {ours / median(own):5.2f}")
