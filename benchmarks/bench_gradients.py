"""Speed of gradients along a line against torch's ways to take them and against the machine's own limit.

Run with `make bench`, which exports MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ as the workflow's jobs
do (glibc reads them once, when a process starts). df/dx of 20 networks of 50 layers of 200 units is taken at
256 points on one thread. Four ways are timed in turns, so that whatever else the machine does hits all alike:
our one pass over the stack of 20; the floor, the same products of 200 x 200 matrices alone, forward and
backward; torch.func.jacrev mapped over the points of one member; and a pass of autograd for each of 16 points
of one member. The last two are scaled to 20 members and 256 points, and get the batch statistics for nothing.
All are seconds for all 20 members.
"""

import time
from collections.abc import Callable
from statistics import median

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.func import jacrev, vmap

from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.paths import line
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, call, stack, unstack
from movingtarget.networks.random import random_network

MEMBERS, DEPTH, WIDTH, POINTS, HALF_WIDTH = 20, 50, 200, 256, 2.0
LOOPED = 16
ROUNDS = 7

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def products(parameters: Parameters) -> Work:
    """Every layer's product with its weights forward, and with the transposed weights backward."""
    square = (MEMBERS, WIDTH, WIDTH)
    matrices = [value for value in parameters.values() if value.shape == square]
    values = torch.randn(MEMBERS, WIDTH, POINTS)

    def run() -> None:
        for matrix in matrices:
            torch.bmm(matrix, values)
        for matrix in reversed(matrices):
            torch.bmm(matrix.mT, values)

    return run


@pytest.mark.parametrize(
    ("network", "normalisation", "beta"),
    [("feedforward", "centred", float("nan")), ("residual", "batch-norm", 0.1)],
)
def test_seconds_for_all_members(
    benchmark: BenchmarkFixture, network: str, normalisation: str, beta: float
) -> None:
    torch.set_num_threads(1)
    networks = [random_network(network, normalisation, beta, DEPTH, WIDTH, seed) for seed in range(MEMBERS)]
    parameters, inputs = stack(networks), line(POINTS, HALF_WIDTH)
    first = networks[0].eval()
    own = unstack(parameters, 0)
    values = own | population_statistics(first, own, inputs)

    def output(point: Tensor) -> Tensor:
        return call(first, values, point[None]).sum()

    def mapped() -> Tensor:
        return vmap(jacrev(output))(inputs)  # type: ignore[no-any-return]

    def looped() -> Tensor:
        leaves = [point.clone().requires_grad_() for point in inputs[:: POINTS // LOOPED]]
        return torch.stack([torch.autograd.grad(output(leaf), leaf)[0] for leaf in leaves])

    rivals: dict[str, tuple[Work, float]] = {
        "floor": (products(parameters), 1),
        "jacrev": (mapped, MEMBERS),
        "loop": (looped, MEMBERS * POINTS / LOOPED),
    }
    times: dict[str, list[float]] = {name: [] for name in rivals}

    def time_rivals() -> None:
        for name, (work, _) in rivals.items():
            times[name].append(seconds(work))

    gradients = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: input_gradients(networks[1], parameters, inputs, stacked=True),
        setup=time_rivals,
        rounds=ROUNDS,
        warmup_rounds=1,
    )
    assert benchmark.stats is not None
    # in float32 a unit near zero may be on in one and off in the other, at few points
    for found, expected in ((gradients[0], mapped()), (gradients[0, :: POINTS // LOOPED], looped())):
        assert (found - expected).abs().median() < 1e-3 * expected.std()
    total = {"ours": benchmark.stats["median"]} | {
        name: median(times[name]) * scale for name, (_, scale) in rivals.items()
    }
    ratios = {f"ours_over_{name}": total["ours"] / total[name] for name in rivals}
    benchmark.extra_info.update({f"{name}_seconds": value for name, value in total.items()} | ratios)
    print(f"\n\n{network}, {normalisation}: seconds for {MEMBERS} members, and ours divided by it")
    for name, value in total.items():
        print(f"{name:>6} {value:7.3f} {total['ours'] / value:6.2f}")
