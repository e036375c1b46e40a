"""A step of LocoProp against its own matrix products, against a rival's code, and against backpropagation.

Run with `pytest benchmarks/bench_locoprop.py -s`. The autoencoder 784-1000-500-250-30 and back, one member,
batch 1000, ten local iterations, one thread, on random images; then five members of a quarter of its width,
batch 250. All ways take one step in turns, so that whatever else the machine does hits all alike, and each
way's time is its least. The floor is LocoProp-M's matrix products alone, into memory that is there already.
The package is `locoprop` of PyPI (LocoProp-M with torch's RMSprop), its correction of inputs, which the
paper has not, left out.
"""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn

from movingtarget.networks import stack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.training.interface import Batch, Memory, UpdateRule
from movingtarget.training.kfac import kfac
from movingtarget.training.locoprop import locoprop
from movingtarget.training.shampoo import shampoo
from movingtarget.training.simultaneous import simultaneous

PIXELS, ITERATIONS, GAMMA, RATE = 784, 10, 10.0, 1e-5
FULL, QUARTER = [1000, 500, 250, 30], [250, 125, 62, 30]
ROUNDS = 8

Step = Callable[[], object]


def seconds(work: Step) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def stepping(rule: UpdateRule, widths: list[int], images: Tensor) -> Step:
    """A step of a stack of as many members as there are minibatches, going on from the one before."""
    members = len(images)
    networks = [initialise_glorot(autoencoder(PIXELS, widths), seed) for seed in range(members)]
    parameters, rates, memory = stack(networks), torch.full((members,), RATE), Memory()

    def step() -> None:
        memory.update(rule(networks[0], parameters, Batch(images, images), memory, rates).memory)

    return step


def products(widths: list[int], images: Tensor) -> Step:
    """LocoProp-M's matrix products: two of each layer and iteration, and the errors of all but the first."""
    members, batch, sizes = len(images), images.shape[1], [PIXELS, *widths, *widths[-2::-1], PIXELS]
    layers = [
        (
            torch.randn(members, above, below),
            torch.randn(members, batch, below),
            torch.randn(members, above, batch),
        )
        for below, above in pairwise(sizes)
    ]
    results = [[torch.empty_like(value) for value in layer] for layer in layers]

    def step() -> None:
        for place, ((weight, inputs, residual), into) in enumerate(zip(layers, results, strict=True)):
            for _ in range(ITERATIONS):
                torch.bmm(weight, inputs.mT, out=into[2])
                torch.bmm(residual, inputs, out=into[0])
            if place > 0:
                torch.bmm(residual.mT, weight, out=into[1])

    return step


def by_package(widths: list[int], images: Tensor) -> Step:
    """The package's trainer of one member, as near to ours as its options allow."""
    package = pytest.importorskip("locoprop")
    layers, identity = list(initialise_glorot(autoencoder(PIXELS, widths), 0).children()), nn.Identity()
    hidden = [
        package.LocoLayer(layer, follows if isinstance(follows, nn.Tanh) else identity)
        for layer, follows in pairwise([*layers[:-1], identity])
        if not isinstance(layer, nn.Tanh)
    ]
    top = package.LocoLayer(layers[-1], torch.sigmoid, implicit=True)
    trainer = package.LocopropTrainer(
        nn.Sequential(*hidden, top),
        lambda logits, labels: (
            F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / len(labels)
        ),
        learning_rate=GAMMA,
        local_iterations=ITERATIONS,
        correction=0.0,
    )
    return lambda: trainer.step(images[0], images[0])


def ways(widths: list[int], images: Tensor) -> dict[str, Step]:
    """Everything that is compared with LocoProp-M."""
    rules: dict[str, UpdateRule] = {
        "LocoProp-S": locoprop(ITERATIONS, GAMMA, "squared"),
        "K-FAC": kfac(1.0, 20),
        "Shampoo": shampoo(1.0, 20),
        "backpropagation": simultaneous,
    }
    steps = {name: stepping(rule, widths, images) for name, rule in rules.items()}
    steps["products"] = products(widths, images)
    if len(images) == 1:
        steps["package"] = by_package(widths, images)
    return steps


@pytest.mark.parametrize(("widths", "members", "batch"), [(FULL, 1, 1000), (QUARTER, 5, 250)])
def test_seconds_per_step(benchmark: BenchmarkFixture, widths: list[int], members: int, batch: int) -> None:
    torch.set_num_threads(1)
    images = torch.rand(members, batch, PIXELS)
    others = ways(widths, images)
    times: dict[str, list[float]] = {name: [] for name in others}

    def time_others() -> None:
        for name, step in others.items():
            times[name].append(seconds(step))

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        stepping(locoprop(ITERATIONS, GAMMA), widths, images),
        setup=time_others,
        rounds=ROUNDS,
        warmup_rounds=1,
    )
    assert benchmark.stats is not None
    least = {"LocoProp-M": benchmark.stats["min"]} | {name: min(each) for name, each in times.items()}
    ratios = {f"LocoProp-M over {name}": least["LocoProp-M"] / least[name] for name in others}
    benchmark.extra_info.update({f"{name} seconds": value for name, value in least.items()} | ratios)
    print(f"\n\n{members} members of widths {widths}: seconds a step, and LocoProp-M's divided by it")
    for name, value in least.items():
        print(f"{name:>16} {value:7.4f} {least['LocoProp-M'] / value:6.2f}")
