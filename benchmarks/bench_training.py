"""Training speed against the loop a user would write and against the machine's own limit.

Run with `pytest benchmarks/bench_training.py -s`. The perceptron of ten hidden layers of 128 units is trained
at batch 128 on random data of Fashion-MNIST's size, on one thread. Three ways are timed in turns, so that
whatever else the machine does hits all alike: our stack of five members under the rule `simultaneous`; a loop
of torch.nn and torch.optim.SGD over one member; and the floor, the same FLOPs at the rate of one large matrix
product. All are seconds per member and epoch.
"""

import time
from collections.abc import Callable
from statistics import median

import torch
import torch.nn.functional as F
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn

from movingtarget.networks import Architecture, build, stack
from movingtarget.networks.initialise import initialise
from movingtarget.training.interface import Batch
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import simultaneous

EXAMPLES, PIXELS, WIDTH, DEPTH, CLASSES = 60000, 784, 128, 10, 10
MEMBERS, BATCH_SIZE, RATE = 5, 128, 0.01
STEPS_PER_EPOCH = EXAMPLES // BATCH_SIZE
STEPS, ROUNDS = 4, 30
SIDE = 2048


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def stacked_steps(inputs: Tensor, labels: Tensor) -> Callable[[], float]:
    """`STEPS` steps of our stack; returns the FLOPs of one member's step."""
    networks = [
        initialise(build(Architecture("plain", PIXELS, WIDTH, DEPTH, CLASSES, "relu")), seed, "relu")
        for seed in range(MEMBERS)
    ]
    network, parameters, rates = networks[0], stack(networks), torch.full((MEMBERS,), RATE)
    indices = list(batches(EXAMPLES, BATCH_SIZE, range(MEMBERS), epoch=0))[:STEPS]

    def steps() -> float:
        for index in indices:
            gathered = inputs.index_select(0, index.flatten()).view(MEMBERS, BATCH_SIZE, PIXELS)
            outcome = simultaneous(network, parameters, Batch(gathered, labels[index]), {}, rates)
        return outcome.cost.flops

    return steps


def looped_steps(inputs: Tensor, labels: Tensor) -> Callable[[], None]:
    """`STEPS` steps of the loop that everybody writes, for one member."""
    sizes = [PIXELS] + [WIDTH] * DEPTH
    hidden = [(nn.Linear(below, WIDTH), nn.ReLU()) for below in sizes[:-1]]
    network = nn.Sequential(*(part for layer in hidden for part in layer), nn.Linear(WIDTH, CLASSES))
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE)
    indices = torch.split(torch.randperm(EXAMPLES), BATCH_SIZE)[:STEPS]

    def steps() -> None:
        for index in indices:
            optimiser.zero_grad()
            F.cross_entropy(network(inputs[index]), labels[index]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    return steps


def test_seconds_per_member_and_epoch(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    inputs, labels = torch.randn(EXAMPLES, PIXELS), torch.randint(CLASSES, (EXAMPLES,))
    left, right = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    rivals = {"loop": looped_steps(inputs, labels), "floor": lambda: left @ right}
    times: dict[str, list[float]] = {name: [] for name in rivals}

    def time_rivals() -> None:
        for name, work in rivals.items():
            times[name].append(seconds(work))

    flops = benchmark.pedantic(  # type: ignore[no-untyped-call]
        stacked_steps(inputs, labels), setup=time_rivals, rounds=ROUNDS, warmup_rounds=3
    )
    assert benchmark.stats is not None
    epoch = {
        "ours": benchmark.stats["median"] / STEPS / MEMBERS * STEPS_PER_EPOCH,
        "loop": median(times["loop"]) / STEPS * STEPS_PER_EPOCH,
        "floor": median(times["floor"]) / (2 * SIDE**3) * flops * STEPS_PER_EPOCH,
    }
    ratios = {f"ours_over_{name}": epoch["ours"] / epoch[name] for name in rivals}
    benchmark.extra_info.update({f"{name}_seconds": value for name, value in epoch.items()} | ratios)
    print("\n\nseconds per member and epoch, and ours divided by it")
    for name, value in epoch.items():
        print(f"{name:>6} {value:7.3f} {epoch['ours'] / value:6.2f}")
