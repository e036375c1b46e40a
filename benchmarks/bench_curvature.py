"""Speed of the largest curvatures against curvlinops, and against the products they need.

Run with `pytest benchmarks/bench_curvature.py --benchmark-only -s`, one thread. The largest eigenvalue of the
Hessian, and of each of its three diagonal blocks, of a convnet of 5258 parameters on 128 images after a few
steps of training: by `block_curvatures`, beside ARPACK (scipy's `eigsh`) on curvlinops'
`HessianLinearOperator`s, both to a hundredth, and beside the floor, as many products of the Hessian with
vectors as ours takes, on graphs of the gradient that are there already. All take turns, so that whatever else
the machine does hits all alike, and each time is the least.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from curvlinops import HessianLinearOperator
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.sparse.linalg import eigsh
from torch import Tensor, nn

from movingtarget.measures.curvature import block_curvatures

ITERATIONS, BLOCK_ITERATIONS, ACCURACY, ROUNDS = 24, 16, 0.01, 5

Work = Callable[[], object]


def trained(inputs: Tensor, labels: Tensor) -> nn.Sequential:
    """A convnet after 30 steps of gradient descent."""
    first = [nn.Conv2d(1, 8, 3), nn.Tanh(), nn.AvgPool2d(2)]
    second = [nn.Conv2d(8, 16, 3), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()]
    network = nn.Sequential(*first, *second, nn.Linear(400, 10))
    stepper = torch.optim.SGD(network.parameters(), lr=0.05)
    for _ in range(30):
        stepper.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        stepper.step()
    return network


def batch() -> tuple[Tensor, Tensor]:
    """Images whose class can be told, so that the curvature is that of a problem."""
    torch.manual_seed(0)
    labels = torch.arange(128) % 10
    return torch.randn(10, 1, 28, 28)[labels] + torch.randn(128, 1, 28, 28), labels


def seconds(work: Work) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def by_curvlinops(network: nn.Module, inputs: Tensor, labels: Tensor) -> list[float]:
    """Of the whole and of each layer with parameters, by ARPACK."""
    own = [[*part.parameters()] for part in network.children()]
    layers = [layer for layer in own if layer]
    found = []
    for values in ([*network.parameters()], *layers):
        operator = HessianLinearOperator(
            network, nn.CrossEntropyLoss(), values, [(inputs, labels)], check_deterministic=False
        ).to_scipy()
        start = np.random.default_rng(0).standard_normal(operator.shape[0]).astype(operator.dtype)
        found += [*eigsh(operator, 1, which="LA", tol=ACCURACY, v0=start, return_eigenvectors=False)]
    return found


def products(network: nn.Module, inputs: Tensor, labels: Tensor) -> Work:
    """As many products as ours takes, and nothing else."""
    own = [[*part.parameters()] for part in network.children()]
    layers = [layer for layer in own if layer]
    slopes = [
        torch.autograd.grad(F.cross_entropy(network(inputs), labels), values, create_graph=True)
        for values in ([*network.parameters()], *layers)
    ]

    def multiply(slope: Sequence[Tensor], values: Sequence[Tensor], times: int) -> None:
        for _ in range(times):
            torch.autograd.grad(slope, values, [*slope], retain_graph=True)

    def run() -> None:
        multiply(slopes[0], [*network.parameters()], ITERATIONS)
        for slope, values in zip(slopes[1:], layers, strict=True):
            multiply(slope, values, BLOCK_ITERATIONS)

    return run


def test_block_curvatures_against_curvlinops(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    inputs, labels = batch()
    network = trained(inputs, labels)
    own = {name: value.detach() for name, value in network.named_parameters()}

    def ours() -> list[float]:
        found = block_curvatures(network, own, inputs, labels, ITERATIONS, BLOCK_ITERATIONS, seed=0)
        return [found.whole.item(), *found.blocks.tolist()]

    others: dict[str, Work] = {
        "curvlinops": lambda: by_curvlinops(network, inputs, labels),
        "products": products(network, inputs, labels),
    }
    times: dict[str, list[float]] = {name: [] for name in others}

    def time_others() -> None:
        for name, work in others.items():
            times[name].append(seconds(work))

    found = benchmark.pedantic(  # type: ignore[no-untyped-call]
        ours, setup=time_others, rounds=ROUNDS, warmup_rounds=1
    )
    np.testing.assert_allclose(found, by_curvlinops(network, inputs, labels), rtol=2 * ACCURACY)
    assert benchmark.stats is not None
    least, took = {name: min(each) for name, each in times.items()}, benchmark.stats["min"]
    benchmark.extra_info.update({f"ours over {name}": took / value for name, value in least.items()})
    print(f"\n\neigenvalues {np.round(found, 3)}; seconds, and ours divided by it")
    print(f"{'ours':>12} {took:8.4f}")
    for name, value in least.items():
        print(f"{name:>12} {value:8.4f} {took / value:6.2f}")
