"""All of a training lies where its images do, and nothing goes from device to device in a step.

Torch's meta device stands for any other than the CPU: it has shapes and no numbers, but for those of
`another_device`.
"""

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from typing import Any

import pandas as pd
import pytest
import torch
from elsewhere import another_device
from pandas.testing import assert_frame_equal
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from movingtarget.data.load import Images
from movingtarget.families import FAMILIES
from movingtarget.methods import METHODS
from movingtarget.networks import Architecture, build, build_random
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.training.by_name import rule_of
from movingtarget.training.interface import UpdateRule
from movingtarget.training.loop import State, Training, _step, as_data, from_data, train
from movingtarget.training.minibatches import batches
from movingtarget.training.trials import rule_of_method, trials_of
from movingtarget.training.tuned import Draw, start_of
from movingtarget.update_orders import UPDATE_ORDERS

META, CPU = torch.device("meta"), torch.device("cpu")
TOLERANCE: dict[str, Any] = {"rtol": 1e-3, "atol": 1e-4}
"""Between devices, after 14 steps in single precision: they take sums in orders of their own."""

STEPS = 3
PIXELS, CLASSES = 16, 4
GIVEN = {"steps": STEPS, "iterations": 2, "gamma": 1.0, "renewal_steps": 2}


class Copies(TorchDispatchMode):
    """Counts operations that see more than one device, or read a number from one that is not the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), named: dict[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(named or {}))
        devices = devices_of([arguments, named, result])
        if len(devices) > 1 or (
            function is torch.ops.aten._local_scalar_dense.default and "cpu" not in devices
        ):
            self.seen.append(str(function))
        return result


def devices_of(values: Any) -> set[str]:
    """The kinds of devices of all tensors within."""
    return {value.device.type for value in tensors_of(values)}


def tensors_of(values: Any) -> list[Tensor]:
    """All tensors within."""
    return [value for value in tree_leaves(values) if isinstance(value, Tensor)]


def some_images(device: torch.device, reconstructed: bool = False) -> Images:
    source = torch.Generator().manual_seed(0)
    inputs, labels = torch.rand(90, PIXELS, generator=source), torch.arange(90) % CLASSES
    images = Images(inputs[:60], labels[:60], inputs[60:], labels[60:], mean=0.0, deviation=255.0)
    return (images.to_reconstruct() if reconstructed else images).to(device)


def plan(network: nn.Module, rule: UpdateRule, images: Images, rate: float = 0.1) -> Training:
    return Training(
        network=network,
        rule=rule,
        images=images,
        seeds=(0, 1),
        learning_rates=(rate, rate / 5),
        batch_size=8,
        steps=2 * (60 // 8),
        evaluation_steps=(0, 7, 14),
        evaluation_examples=30,
        curve_window=5,
        snapshot_steps=(0, 14),
    )


def of_family(family: str, rule: UpdateRule, device: torch.device) -> tuple[Training, Draw]:
    architecture = Architecture(family, PIXELS, 16, 3, CLASSES)
    return plan(build(architecture), rule, some_images(device)), partial(build_random, architecture)


def of_method(method: str, device: torch.device) -> tuple[Training, Draw]:
    (trial,) = trials_of(method, 1)
    rule = rule_of_method(method, trial.value, GIVEN)

    def made() -> nn.Module:
        return autoencoder(PIXELS, [6, 3], "tanh")

    images = some_images(device, reconstructed=True)
    return plan(made(), rule, images, trial.learning_rate), lambda seed: initialise_glorot(made(), seed)


def stepped(training: Training, state: State) -> Iterator[tuple[State, list[str]]]:
    """States after each of some steps, and what went from device to device in it."""
    for step, index in enumerate(batches(60, 8, training.seeds, 0).to(training.images.device)[:STEPS], 1):
        with Copies() as copies:
            state, loss = _step(training, state, index, step)
        assert devices_of(loss) == {"meta"}
        yield state, copies.seen


def compare(one: tuple[Training, Draw], other: tuple[Training, Draw]) -> None:
    """Both trainings record the same within the tolerance."""
    here, there = (table(train(training, start_of(training, draw))) for training, draw in (one, other))
    assert_frame_equal(there, here, **TOLERANCE)


def table(state: State) -> pd.DataFrame:
    return pd.DataFrame(state.rows)


def saved(data: Any) -> bytes:
    content = BytesIO()
    torch.save(data, content)
    return content.getvalue()


def check_placement(training: Training, draw: Draw) -> None:
    """Nothing is on the CPU before a training nor after each step, and nothing was brought in it."""
    state = start_of(training, draw)
    assert devices_of([state.parameters, state.diverged_at, training.rates]) == {"meta"}
    for after, seen in stepped(training, state):
        assert not seen
        assert devices_of([after.parameters, after.diverged_at]) == {"meta"}
        # optimisers of torch may count their steps on the CPU
        assert devices_of([value for value in tensors_of(after.memory) if value.dim()]) <= {"meta"}


def test_what_goes_from_device_to_device_is_counted() -> None:
    here, there = torch.ones(3), torch.ones(3, device=META)
    with Copies() as copies:
        here.to(META)
        there.index_select(0, here.long())
        here * here.sum()
        there * there.sum()
    assert len(copies.seen) == 2


@pytest.mark.parametrize("order", ["simultaneous", "forward"])
@pytest.mark.parametrize("family", FAMILIES)
def test_families_stay_where_the_images_are(family: str, order: str) -> None:
    check_placement(*of_family(family, rule_of(order, GIVEN), META))


@pytest.mark.parametrize("order", UPDATE_ORDERS)
def test_orders_stay_where_the_images_are(order: str) -> None:
    check_placement(*of_family("batch-norm", rule_of(order, GIVEN), META))


@pytest.mark.parametrize("method", METHODS)
def test_methods_stay_where_the_images_are(method: str) -> None:
    with another_device():  # where torch fuses optimisers, as on a card
        check_placement(*of_method(method, META))


@pytest.mark.parametrize("family", FAMILIES)
def test_families_train_on_another_device_as_on_the_cpu(family: str) -> None:
    rule = rule_of("simultaneous", GIVEN)
    with another_device() as device:
        compare(*(of_family(family, rule, place) for place in (CPU, device)))


@pytest.mark.parametrize("method", METHODS)
def test_methods_train_on_another_device_as_on_the_cpu(method: str) -> None:
    with another_device() as device:
        compare(*(of_method(method, place) for place in (CPU, device)))


AMPLIFIES = {"soap"}
"""Rounding grows beyond the tolerance: a difference of 3e-7 in all weights comes to four times as much."""


@pytest.mark.parametrize("order", UPDATE_ORDERS)
def test_orders_train_on_a_card_as_on_the_cpu(order: str, card: torch.device) -> None:
    compare(*(of_family("plain", rule_of(order, GIVEN), device) for device in (CPU, card)))


@pytest.mark.parametrize("family", FAMILIES)
def test_families_train_on_a_card_as_on_the_cpu(family: str, card: torch.device) -> None:
    compare(*(of_family(family, rule_of("simultaneous", GIVEN), device) for device in (CPU, card)))


@pytest.mark.parametrize("method", [method for method in METHODS if method not in AMPLIFIES])
def test_methods_train_on_a_card_as_on_the_cpu(method: str, card: torch.device) -> None:
    compare(*(of_method(method, device) for device in (CPU, card)))


def test_what_a_card_began_the_cpu_ends(card: torch.device) -> None:
    (there, draw), (here, _) = (of_family("plain", rule_of("muon", GIVEN), device) for device in (card, CPU))
    kept: list[bytes] = []
    whole = train(there, start_of(there, draw), lambda state: kept.append(saved(as_data(state))))
    begun = from_data(torch.load(BytesIO(kept[0]), map_location=CPU, weights_only=True))
    assert_frame_equal(table(train(here, begun)), table(whole), **TOLERANCE)
