"""Time of a probe against the passes that it makes.

Run with `pytest benchmarks/bench_probe.py --benchmark-only -s`, one thread. A convolutional network of a
million parameters, in training mode, is probed on batches of 128 images of 28 x 28. Beside it the floor: one
pass forward and backward of that network on one batch, times the passes that the probe says it makes. Both
take turns, so that whatever else the machine does hits both alike, and each time is the least.
"""

import time
from itertools import pairwise

import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn

from movingtarget.probing.probe import probe

EXAMPLES, SIDE, CLASSES, ROUNDS, AT_MOST = 128, 28, 10, 3, 60


def convnet() -> nn.Module:
    """A million parameters in six layers with batch norm."""
    widths = [1, 32, 64, 128, 256, 256]
    parts: list[nn.Module] = []
    for place, (below, own) in enumerate(pairwise(widths)):
        parts += [nn.Conv2d(below, own, 3, 2 if place % 2 else 1, padding=1), nn.BatchNorm2d(own), nn.ReLU()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], CLASSES))


def batches(count: int) -> list[tuple[Tensor, Tensor]]:
    source = torch.Generator().manual_seed(0)
    return [
        (
            torch.randn(EXAMPLES, 1, SIDE, SIDE, generator=source),
            torch.randint(CLASSES, (EXAMPLES,), generator=source),
        )
        for _ in range(count)
    ]


def test_seconds_of_a_probe(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    network, loss, drawn = convnet(), nn.CrossEntropyLoss(), batches(6)
    optimiser = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    (inputs, labels), passes = drawn[0], []

    def one_pass() -> None:
        started = time.perf_counter()
        loss(network(inputs), labels).backward()
        network.zero_grad()
        passes.append(time.perf_counter() - started)

    found = benchmark.pedantic(  # type: ignore[no-untyped-call]
        probe, (network, loss, drawn, optimiser), setup=one_pass, rounds=ROUNDS, warmup_rounds=0
    )
    assert benchmark.stats is not None
    own, made = benchmark.stats["min"], max(found.passes.forward, found.passes.backward)
    floor = made * min(passes)
    benchmark.extra_info.update({"parameters": found.parameters, "probe over its passes": own / floor})
    print(f"\n\n{found.parameters} parameters, {made} passes; at most {AT_MOST} s are wanted")
    print(f"{'probe':>16} {own:8.2f} s\n{'its passes':>16} {floor:8.2f} s   ratio {own / floor:5.2f}")
