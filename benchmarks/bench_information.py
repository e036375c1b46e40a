"""Speed of the estimators of information against the products they need, and against other libraries.

Run with `pytest benchmarks/bench_information.py --benchmark-only -s`, one thread. The Gaussian estimate of
64 + 64 columns and 2560 examples beside the product of its 128 columns with themselves; the bounds by
distances of 64 + 64 columns and 4096 examples beside the two products of all examples with all; both in
float64, the products into memory that is there already. Nearest neighbours of two Gaussian columns, where all
compute the same estimate, beside scikit-learn, npeet-plus and infomeasure: how far the values are apart, how
far ours is from the truth, and the time. All take turns, so that whatever else the machine does hits all
alike, and each time is the least. infomeasure, which needs numba, is left out where it is not installed.
"""

import importlib.util
import math
import time
from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from movingtarget.measures.mutual_information.estimate import Estimate
from movingtarget.measures.mutual_information.gaussian import gaussian
from movingtarget.measures.mutual_information.nearest_neighbours import nearest_neighbours
from movingtarget.measures.mutual_information.pairwise import pairwise

COLUMNS, NEIGHBOURS, CORRELATION, ROUNDS = 64, 3, 0.9, 10

Work = Callable[[], object]


def pair(examples: int, columns: int) -> tuple[Tensor, Tensor]:
    """Two sets of samples, each column of one correlated with its own of the other."""
    below, own = torch.randn(2, examples, columns, dtype=torch.double)
    return below, CORRELATION * below + math.sqrt(1 - CORRELATION**2) * own


def seconds(work: Work) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compared(benchmark: BenchmarkFixture, ours: Work, others: dict[str, Work]) -> None:
    """Time all in turns; print ours divided by each of the others, and keep it."""
    times: dict[str, list[float]] = {name: [] for name in others}

    def time_others() -> None:
        for name, work in others.items():
            times[name].append(seconds(work))

    benchmark.pedantic(  # type: ignore[no-untyped-call]
        ours, setup=time_others, rounds=ROUNDS, warmup_rounds=1
    )
    assert benchmark.stats is not None
    least, own = {name: min(each) for name, each in times.items()}, benchmark.stats["min"]
    benchmark.extra_info.update({f"ours over {name}": own / value for name, value in least.items()})
    print(f"\n\nseconds, and ours divided by it\n{'ours':>16} {own:8.5f}")
    for name, value in least.items():
        print(f"{name:>16} {value:8.5f} {own / value:6.2f}")


def test_gaussian_against_its_product(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    below, above = pair(2560, COLUMNS)
    both, into = torch.cat([below, above], 1), torch.empty(2 * COLUMNS, 2 * COLUMNS, dtype=torch.double)
    compared(
        benchmark,
        lambda: gaussian(below, above),
        {"product": lambda: torch.mm(both.mT, both, out=into)},
    )


def test_pairwise_against_its_products(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    sides, into = pair(4096, COLUMNS), torch.empty(4096, 4096, dtype=torch.double)
    compared(
        benchmark,
        lambda: pairwise(*sides, noise=0.5),
        {"products": lambda: [torch.mm(side, side.mT, out=into) for side in sides]},
    )


def rivals(below: Tensor, above: Tensor) -> dict[str, Callable[[], float]]:
    """The same estimate, in nats, by other libraries, each as its documentation says."""
    from npeet_plus import mi
    from sklearn.feature_selection import mutual_info_regression

    x, y = (side.numpy() / side.std(correction=0).item() for side in (below, above))
    ways: dict[str, Callable[[], float]] = {
        "scikit-learn": lambda: mutual_info_regression(x, y[:, 0], n_neighbors=NEIGHBOURS)[0],
        "npeet-plus": lambda: mi(x, y, k=NEIGHBOURS, base=math.e),
    }
    if importlib.util.find_spec("infomeasure"):
        import infomeasure

        ways["infomeasure"] = lambda: infomeasure.mutual_information(
            x[:, 0], y[:, 0], approach="metric", k=NEIGHBOURS, noise_level=0, base="e"
        )
    return ways


@pytest.mark.parametrize("examples", [500, 2560])
def test_nearest_neighbours_against_other_libraries(benchmark: BenchmarkFixture, examples: int) -> None:
    torch.set_num_threads(1)
    below, above = pair(examples, 1)
    others: dict[str, Work] = dict(rivals(below, above))
    ours: Estimate = nearest_neighbours(below, above, NEIGHBOURS)
    compared(benchmark, lambda: nearest_neighbours(below, above, NEIGHBOURS), others)
    error = ours.value + math.log(1 - CORRELATION**2) / 2
    print(f"{examples} examples: ours less the truth {error:.4f}")
    for name, way in rivals(below, above).items():
        difference = way() - ours.value
        print(f"{name:>16} less ours {difference:.1e}")
        assert abs(difference) < 0.01
        benchmark.extra_info[f"{name} less ours"] = difference
