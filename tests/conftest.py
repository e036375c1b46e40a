"""One thread, repeatable property tests, and small random networks and images for every test."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import settings
from project_copy import copy_project
from torch import nn

from movingtarget.data.load import Images
from movingtarget.declarations import schemas
from movingtarget.networks import Architecture, build
from movingtarget.networks.initialise import initialise
from movingtarget.tables import read_table, write_table

torch.set_num_threads(1)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

FEATURES, WIDTH, CLASSES = 5, 6, 4


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    """A graphics card, used as jobs use it: what differs from run to run is refused."""
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device on this machine")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.set_deterministic_debug_mode("error")
    yield torch.device("cuda")
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project in which nothing has run yet."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def random_networks() -> Callable[..., list[nn.Module]]:
    """Make equal networks, 5 features to 4 classes, no parameter of which is zero or one."""

    def make(family: str, members: int, depth: int = 3, activation: str = "tanh") -> list[nn.Module]:
        architecture = Architecture(family, FEATURES, WIDTH, depth, CLASSES, activation)
        networks = [initialise(build(architecture), seed, activation) for seed in range(members)]
        source = torch.Generator().manual_seed(0)
        for network in networks:
            for value in network.parameters():
                value.data += 0.1 * torch.randn(value.shape, generator=source)
        return networks

    return make


@pytest.fixture(scope="session")
def images() -> Images:
    """60 training and 30 test examples of 5 features in 4 classes that overlap a little."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % CLASSES
    centres = torch.randn(CLASSES, FEATURES, generator=source)
    inputs = centres[labels] + 0.5 * torch.randn(90, FEATURES, generator=source)
    return Images(inputs[:60], labels[:60], inputs[60:], labels[60:])


@pytest.fixture
def written(tmp_path: Path) -> Callable[[pd.DataFrame, str], pd.DataFrame]:
    """Write a table of that name and read it back, checked both times against its study's schema."""

    def write_and_read(table: pd.DataFrame, name: str) -> pd.DataFrame:
        write_table(table, schemas()[name], tmp_path / f"{name}.csv")
        return read_table(tmp_path / f"{name}.csv", schemas()[name])

    return write_and_read
