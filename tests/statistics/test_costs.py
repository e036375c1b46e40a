"""What training has cost in time."""

import pandas as pd
import pytest

from movingtarget.statistics.costs import with_seconds

ORDERS = pd.DataFrame(
    {
        "network": ["plain"] * 8,
        "order": ["simultaneous"] * 4 + ["forward"] * 4,
        "step": [0, 2, 4, 6] * 2,
    }
)
TIMES = pd.DataFrame(
    {
        "network": ["plain"] * 4,
        "order": ["simultaneous", "simultaneous", "forward", "forward"],
        "seed": [0, 1, 0, 1],
        "seconds": [1.0, 1.0, 1.0, 2.0],
    }
)


def test_a_time_is_the_steps_times_the_mean_of_a_step() -> None:
    seconds = with_seconds(ORDERS, TIMES)["seconds"].tolist()
    assert seconds == [0.0, 2.0, 4.0, 6.0, 0.0, 3.0, 6.0, 9.0]


def test_an_arm_without_a_time_is_refused() -> None:
    with pytest.raises(KeyError):
        with_seconds(ORDERS, TIMES[TIMES["order"] == "simultaneous"])
