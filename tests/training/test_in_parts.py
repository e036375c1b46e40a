"""A stack that is too large for its device is trained in parts."""

from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.networks import Architecture, Parameters, build, build_random
from movingtarget.training.in_parts import rows_in_parts
from movingtarget.training.interface import Batch, Outcome
from movingtarget.training.loop import State, Training
from movingtarget.training.simultaneous import simultaneous
from movingtarget.training.tuned import start_of

ARCHITECTURE = Architecture("plain", 5, 6, 3, 4, "relu")
KEYS = ["learning_rate", "seed", "step", "quantity"]


class Small:
    """A device with room for so many members; how many each training tried had."""

    def __init__(self, room: int) -> None:
        self.room, self.tried = room, list[int]()

    def rule(
        self, network: nn.Module, parameters: Parameters, batch: Batch, memory: dict[str, Any], rates: Tensor
    ) -> Outcome:
        """All layers at once, if there is room."""
        if not memory:
            self.tried.append(len(rates))
        if len(rates) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        outcome = simultaneous(network, parameters, batch, memory, rates)
        return outcome._replace(memory={"step": 1})


def rows(images: Images, room: int) -> tuple[pd.DataFrame, list[int]]:
    """Of three rates and three seeds, and the sizes of the stacks that were tried."""
    device = Small(room)
    plan = Training(
        network=build(ARCHITECTURE),
        rule=device.rule,
        images=images,
        seeds=[3, 5, 8],
        learning_rates=[0.05, 0.1, 1e30],
        batch_size=6,
        steps=12,
        evaluation_steps=[0, 10, 12],
        evaluation_examples=30,
        curve_window=5,
    )

    def start(part: Training) -> State:
        return start_of(part, lambda seed: build_random(ARCHITECTURE, seed))

    return pd.DataFrame(rows_in_parts(plan, start)), device.tried


@pytest.mark.parametrize(
    ("room", "tried"),
    [
        (9, [9]),
        (8, [9, 3, 6]),
        (5, [9, 3, 6, 3, 3]),
        (2, [9, 3, 1, 2, 6, 3, 1, 2, 3, 1, 2]),
        (1, [9, 3, 1, 2, 1, 1, 6, 3, 1, 2, 1, 1, 3, 1, 2, 1, 1]),
    ],
)
def test_parts_have_the_rows_of_the_whole(images: Images, room: int, tried: list[int]) -> None:
    whole, _ = rows(images, 9)
    parts, sizes = rows(images, room)
    assert sizes == tried
    assert len(parts) == len(whole) > 9
    assert not parts.duplicated(KEYS).any()
    expected = whole.merge(parts, on=KEYS, suffixes=("", " in parts"), validate="one_to_one")
    for column in ("value", "gradient_evaluations", "flops"):
        pd.testing.assert_series_equal(
            expected[column], expected[f"{column} in parts"], check_names=False, rtol=1e-5
        )


def test_a_member_for_which_there_is_no_room_is_told(images: Images) -> None:
    with pytest.raises(torch.OutOfMemoryError, match="out of memory"):
        rows(images, 0)
