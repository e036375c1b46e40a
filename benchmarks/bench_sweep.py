"""Speed of moving one layer at a time against backpropagation, a sweep without caches and the machine.

Run with `make bench`. A forward sweep moves each of L equal layers along a gradient of its own, for five
members at batch 128 on one thread. As its passes start, and end, at the layer to be moved, it should cost
(L + 1) / 2 passes through the network, and may cost 1.3 times that. Five ways are timed in turns, so that
whatever else the machine does hits all alike: our sweep; one step of the rule `simultaneous`; one pass
forward and back without the step; a sweep of whole passes, of which each gives the gradient of one layer; and
the floor, the sweep's FLOPs at the rate of one large matrix product. All are seconds for all five members.
"""

import time
from collections.abc import Callable
from statistics import median

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn

from movingtarget.networks import Architecture, Parameters, build_random, stack
from movingtarget.networks.chain import chain
from movingtarget.training.interface import Batch
from movingtarget.training.sequential import recomputed
from movingtarget.training.simultaneous import descend, gradients_of, simultaneous

MEMBERS, BATCH_SIZE, RATE = 5, 128, 1e-2
ROUNDS, SIDE = 7, 2048
ALLOWED = 1.3


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def whole_passes(network: nn.Module, parameters: Parameters, batch: Batch, rates: Tensor) -> Parameters:
    """A sweep without caches: for each layer a gradient of all, of which one layer's is used."""
    for link in chain(network):
        _, gradients = gradients_of(network, parameters, batch)
        descend(parameters, {name: gradients[name] for name in link.names.values()}, rates)
    return parameters


@pytest.mark.parametrize("width", [128, 256])
@pytest.mark.parametrize("layers", [10, 30])
def test_seconds_for_a_sweep(benchmark: BenchmarkFixture, layers: int, width: int) -> None:
    torch.set_num_threads(1)
    networks = [
        build_random(Architecture("plain", width, width, layers - 1, width, "relu"), seed)
        for seed in range(MEMBERS)
    ]
    network, rates, sweep = networks[0], torch.full((MEMBERS,), RATE), recomputed("forward")
    batch = Batch(torch.randn(MEMBERS, BATCH_SIZE, width), torch.randint(width, (MEMBERS, BATCH_SIZE)))
    left, right = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    swept, naive, moved, still = (stack(networks) for _ in range(4))
    rivals: dict[str, Callable[[], object]] = {
        "step": lambda: simultaneous(network, moved, batch, {}, rates),
        "pass": lambda: gradients_of(network, still, batch),
        "naive": lambda: whole_passes(network, naive, batch, rates),
        "floor": lambda: left @ right,
    }
    times: dict[str, list[float]] = {name: [] for name in rivals}

    def time_rivals() -> None:
        for name, work in rivals.items():
            times[name].append(seconds(work))

    outcome = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: sweep(network, swept, batch, {}, rates), setup=time_rivals, rounds=ROUNDS, warmup_rounds=1
    )
    assert benchmark.stats is not None
    for name, start in stack(networks).items():
        # as many sweeps of each, in float32
        assert (swept[name] - naive[name]).norm() < 1e-3 * (naive[name] - start).norm()
    total = {"ours": benchmark.stats["median"]} | {name: median(own) for name, own in times.items()}
    total["floor"] *= outcome.cost.flops * MEMBERS / (2 * SIDE**3)
    passes = (layers + 1) / 2
    ratios = {f"ours_over_{name}": total["ours"] / total[name] for name in rivals}
    benchmark.extra_info.update({f"{name}_seconds": value for name, value in total.items()} | ratios)
    print(f"\n\n{layers} layers of {width}: seconds of all members, ours divided by it, and that by {passes}")
    for name, value in total.items():
        print(f"{name:>6} {value:7.3f} {total['ours'] / value:6.2f} {total['ours'] / value / passes:6.2f}")
    assert total["ours"] <= ALLOWED * passes * total["step"]
    assert total["ours"] <= ALLOWED * passes * total["pass"]
